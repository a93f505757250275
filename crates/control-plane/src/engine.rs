//! The engine: which tunnel gets in, which routes it holds, and what people are told of it.
//!
//! The decisions are `holdfast-failover`'s; the configuration is the store's. The engine reads the one, asks the other,
//! and passes on what comes out: orders to controllers, link states and faults to the store, news to the bus.
//!
//! | module | does |
//! |---|---|
//! | `login` | reads a tunnel and its site from the store at every log-in, and lets it in or not |
//! | `reconcile` | brings a site to what the store says now; takes no other input |
//! | `desk` | holds fleet and monitors under one lock, and carries effects from one to the other |
//! | `sources` | the controllers that are there, and what each is to do |
//! | `nudges` | which sites were changed in the store, and when |
//! | `watched` | tells journal, bus and recorder what became of a site |
//! | `journal` | writes states, history and faults in order, in batches, until they are written |
//! | `health` | makes minutes of one-second samples |
//! | `restore` | goes on after a start from what was stored |
//! | `remote` | controllers in other processes: what they still hold, and that they are gone |
//! | `overrides` | ends overrides whose time is over |
//! | `management` | the tunnels by which routers are managed, which carry none of their traffic |
//! | `stream` | streams of bytes to routers, by the best way that there is |

mod configured;
mod desk;
mod health;
mod journal;
mod login;
mod management;
mod nudges;
mod overrides;
mod reconcile;
mod remote;
mod restore;
mod sources;
mod stream;
mod watched;

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
    time::{Duration, Instant},
};

use holdfast_api_types::{
    LinkEventKind, SiteId, TunnelId,
    controller::{Command, Report},
};
use holdfast_store::{Store, StoreError};
use jiff::{SignedDuration, Timestamp};
use tokio::{
    sync::Notify,
    task::{JoinHandle, JoinSet},
};

use self::{
    desk::Desk,
    health::Recorder,
    journal::{Entry, Journal, Page},
    stream::Awaited,
    watched::Outlets,
};
pub use self::{
    journal::Cursor,
    sources::Source,
    stream::{Attempt, RouterStream, StreamBytes, StreamError, Via},
    watched::TunnelHolds,
};
use crate::{clock::Clock, events::Bus};

/// Decides about every tunnel of every site. Clones are the same engine.
#[derive(Clone)]
pub struct Engine(Arc<Shared>);

struct Shared {
    store: Store,
    clock: Arc<dyn Clock>,
    bus: Bus,
    desk: Mutex<Desk>,
    awaited: Awaited,
    journal: Journal,
    recorder: Recorder,
    /// There is an earlier deadline, or a site to reconcile.
    deadline_changed: Notify,
    site_nudged: Notify,
    clock_moved: Notify,
    tasks: Mutex<JoinSet<()>>,
    /// Writes the journal, and ends when that is closed and written.
    writer: Mutex<Option<JoinHandle<()>>>,
    /// Hear of every event of a tunnel.
    followers: RwLock<Vec<Box<LinkFollower>>>,
}

/// Hears of every event of a tunnel as it is decided. Must not block.
pub type LinkFollower = dyn Fn(&SiteId, &TunnelId, &LinkEventKind) + Send + Sync;

impl Engine {
    /// Goes on from what the store says, and starts the engine's tasks.
    pub async fn start(store: Store, clock: Arc<dyn Clock>, bus: Bus) -> Result<Self, StoreError> {
        let engine = Self::restored(store, clock, bus).await?;
        let mut tasks = engine.tasks();
        tasks.spawn(engine.clone().keep_time());
        tasks.spawn(engine.clone().reconcile_nudged());
        tasks.spawn(engine.clone().write_health());
        tasks.spawn(engine.clone().maintain_health());
        tasks.spawn(engine.clone().end_overrides());
        drop(tasks);
        *engine.writer() = Some(tokio::spawn(engine.clone().write_journal()));
        Ok(engine)
    }

    /// Tells `follower` of every event of a tunnel from now on.
    pub fn follow_links(
        &self,
        follower: impl Fn(&SiteId, &TunnelId, &LinkEventKind) + Send + Sync + 'static,
    ) {
        let followers = self.0.followers.write();
        let mut followers = followers.unwrap_or_else(PoisonError::into_inner);
        followers.push(Box::new(follower));
    }

    /// Stops the tasks and writes what is still to be written, as far as the database lets us within `patience`.
    pub async fn stop(&self, patience: Duration) {
        let mut tasks = std::mem::take(&mut *self.tasks());
        tasks.shutdown().await;
        self.0.journal.close();
        let writer = self.writer().take();
        let flush = async {
            // Not aborted: a batch whose commit is under way must not be written again.
            if let Some(writer) = writer {
                let _ = writer.await;
            }
            self.flush_health(true).await;
        };
        if tokio::time::timeout(patience, flush).await.is_err() {
            tracing::error!("the last link states and measurements could not be written in time");
        }
    }

    /// A site, or one of its tunnels, was changed and committed: the engine reads it anew.
    pub fn site_changed(&self, site: &SiteId) {
        self.desk().nudges.add(site);
        self.0.site_nudged.notify_one();
    }

    /// Takes note of what happened to a connection of `source`. Never blocks for long.
    pub fn report(&self, source: Source, report: Report) {
        self.with_desk(|desk, now| desk.handle_report(source, report, now));
    }

    /// The same for what a controller could not tell for so long. What it causes is stored together with the cursor; a
    /// report that causes nothing may come again.
    pub fn report_late(&self, source: Source, report: Report, age: Duration, cursor: Cursor) {
        let tunnel = report.tunnel.clone();
        let age = SignedDuration::try_from(age).unwrap_or(SignedDuration::MAX);
        self.with_desk_at(
            |desk, now| desk.time_of(&tunnel, age, now),
            Some(cursor),
            |desk, now| desk.handle_report(source, report, now),
        );
    }

    /// The orders for connections of `source` since the last call.
    pub fn take_commands(&self, source: Source) -> Vec<Command> {
        self.desk().sources.take_commands(source)
    }

    /// Waits until there may be orders for `source`.
    pub async fn commands_waiting(&self, source: Source) {
        let stirred = self.desk().sources.stirred(source);
        if let Some(stirred) = stirred {
            stirred.notified().await;
        } else {
            std::future::pending::<()>().await;
        }
    }

    /// Ends one waiting for orders for `source`, now or the next.
    pub fn stir(&self, source: Source) {
        if let Some(stirred) = self.desk().sources.stirred(source) {
            stirred.notify_one();
        }
    }

    /// What each connected tunnel of a site holds, as its controller has reported it.
    pub fn holds(&self, site: &SiteId) -> Vec<TunnelHolds> {
        self.desk().holds(site)
    }

    /// Which tunnel of a site carries its traffic.
    pub fn active(&self, site: &SiteId) -> Option<TunnelId> {
        self.desk().active(site)
    }

    /// Whether a tunnel is connected, has its routes, and was not found dead.
    pub fn is_up(&self, tunnel: &TunnelId) -> bool {
        self.desk().is_up(tunnel)
    }

    /// The order of a site's tunnels that counts, best first: as configured, corrected by overrides and by the links'
    /// health.
    pub fn order(&self, site: &SiteId) -> Vec<TunnelId> {
        self.desk().order(site)
    }

    /// One task for all deadlines.
    async fn keep_time(self) {
        loop {
            let deadline = self.desk().deadline();
            let due = async {
                match deadline {
                    Some(at) => {
                        let wait = at.saturating_duration_since(self.0.clock.instant());
                        tokio::time::sleep(wait).await;
                    }
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = due => self.handle_timeout(),
                () = self.0.deadline_changed.notified() => {}
            }
        }
    }

    fn handle_timeout(&self) {
        self.with_desk(Desk::handle_timeout);
    }

    /// Looks at the clock. The engine does so by itself when the machine's clock says that something is due; whoever
    /// moves a [`ManualClock`](crate::clock::ManualClock) says so.
    pub fn clock_moved(&self) {
        self.handle_timeout();
        self.0.clock_moved.notify_one();
    }

    fn with_desk<T>(&self, change: impl FnOnce(&mut Desk, Instant) -> T) -> T {
        self.with_desk_at(|_, now| now, None, change)
    }

    /// Changes what is known. `wall` says when that was; what it causes is written together with `cursor`.
    fn with_desk_at<T>(
        &self,
        wall: impl FnOnce(&Desk, Timestamp) -> Timestamp,
        cursor: Option<Cursor>,
        change: impl FnOnce(&mut Desk, Instant) -> T,
    ) -> T {
        let mut desk = self.desk();
        let before = desk.deadline();
        let wall = wall(&desk, self.0.clock.now());
        let result = change(&mut desk, self.0.clock.instant());
        let page = Page::default();
        let followers = self.0.followers.read();
        let followers = followers.unwrap_or_else(PoisonError::into_inner);
        let tell_all = |site: &SiteId, tunnel: &TunnelId, kind: &LinkEventKind| {
            followers
                .iter()
                .for_each(|follower| follower(site, tunnel, kind));
        };
        let outlets = Outlets {
            journal: &page,
            recorder: &self.0.recorder,
            bus: &self.0.bus,
            follower: &tell_all,
        };
        desk.settle(self.0.clock.instant(), wall, &outlets);
        let mut entries = page.into_entries();
        if !entries.is_empty() {
            entries.extend(cursor.map(Entry::Cursor));
            self.0.journal.add(entries);
        }
        let is_earlier = |new: Instant| before.is_none_or(|old| new < old);
        if desk.deadline().is_some_and(is_earlier) {
            self.0.deadline_changed.notify_one();
        }
        result
    }

    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.0.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn writer(&self) -> MutexGuard<'_, Option<JoinHandle<()>>> {
        self.0.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tasks(&self) -> MutexGuard<'_, JoinSet<()>> {
        self.0.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").finish_non_exhaustive()
    }
}
