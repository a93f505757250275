//! All connections by number, and how decisions reach them.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use holdfast_api_types::{Route, SiteId, StreamId};
use holdfast_failover::Role;
use tokio::sync::Notify;

use crate::{
    Shared,
    admission::{Admission, AdmissionLimits, Outcome},
    control_plane::{Command, ControlPlane, Order},
};

/// How often a full house is searched for stalled handshakes while somebody waits.
const STALL_CHECK: Duration = Duration::from_millis(250);

/// All connections of the process.
pub(crate) struct Registry {
    next_connection: AtomicU64,
    admission: Mutex<Admission>,
    /// Connections that have not logged in, for admission's decisions.
    unknown: Mutex<HashMap<u64, Arc<Mailbox>>>,
    /// Connections that have, each with its site.
    tunnels: Mutex<HashMap<u64, (SiteId, Arc<Mailbox>)>>,
    /// Held by whoever carries commands.
    delivery: Mutex<()>,
    /// Told when the last tunnel is gone.
    emptied: Notify,
}

/// Orders for one connection. Only the latest of each kind counts, so it never grows.
#[derive(Debug, Default)]
pub(crate) struct Mailbox {
    orders: Mutex<Orders>,
    posted: Notify,
}

#[derive(Debug, Default)]
pub(crate) struct Orders {
    /// The handshake may start.
    pub(crate) admitted: bool,
    /// Replace the routes.
    pub(crate) routes: Option<Vec<Route>>,
    /// Probe in a burst.
    pub(crate) burst: bool,
    /// Probe at this pace.
    pub(crate) role: Option<Role>,
    /// Tell the client to reconnect, and close; not before the instant.
    pub(crate) restart: Option<(Instant, String)>,
    /// Close at once.
    pub(crate) close: Option<Close>,
    /// Open these streams.
    pub(crate) streams: Wanted,
}

/// Streams that are to be opened. Hardly any connection ever has one, so it costs the others a pointer.
#[derive(Debug, Default)]
pub(crate) struct Wanted(Option<Box<StreamOrder>>);

/// An order to open a stream, and the one before it.
#[derive(Debug)]
struct StreamOrder {
    stream: StreamId,
    port: u16,
    before: Wanted,
}

impl Wanted {
    fn add(&mut self, stream: StreamId, port: u16) {
        let before = std::mem::take(self);
        self.0 = Some(Box::new(StreamOrder {
            stream,
            port,
            before,
        }));
    }
}

impl Iterator for Wanted {
    type Item = (StreamId, u16);

    fn next(&mut self) -> Option<Self::Item> {
        let StreamOrder {
            stream,
            port,
            before,
        } = *self.0.take()?;
        *self = before;
        Some((stream, port))
    }
}

/// Why a connection is closed.
#[derive(Debug)]
pub(crate) struct Close {
    pub(crate) cause: String,
    /// Whether it is our own doing, not the link's.
    pub(crate) planned: bool,
}

impl Close {
    fn planned(cause: &str) -> Option<Self> {
        Some(Self {
            cause: cause.into(),
            planned: true,
        })
    }
}

impl Registry {
    pub(crate) fn new(limits: AdmissionLimits) -> Self {
        Self {
            next_connection: AtomicU64::new(1),
            admission: Mutex::new(Admission::new(limits)),
            unknown: Mutex::default(),
            tunnels: Mutex::default(),
            delivery: Mutex::default(),
            emptied: Notify::new(),
        }
    }

    /// A connection was accepted: its number and its mailbox.
    pub(crate) fn connect(&self, source: IpAddr) -> (u64, Arc<Mailbox>) {
        let id = self.next_connection.fetch_add(1, Ordering::Relaxed);
        let mailbox = Arc::new(Mailbox::default());
        lock(&self.unknown).insert(id, mailbox.clone());
        let outcome = lock(&self.admission).connect(id, source, Instant::now());
        self.announce(outcome);
        (id, mailbox)
    }

    /// The connection wants to shake hands; [`Orders::admitted`] tells when it may.
    pub(crate) fn request_handshake(&self, id: u64) {
        let outcome = lock(&self.admission).request(id, Instant::now());
        self.announce(outcome);
    }

    /// Its handshake has moved on.
    pub(crate) fn handshake_moved(&self, id: u64) {
        lock(&self.admission).moved(id, Instant::now());
    }

    /// Its handshake is complete, and what it waits for is our verdict.
    pub(crate) fn handshake_complete(&self, id: u64) {
        let outcome = lock(&self.admission).complete(id, Instant::now());
        self.announce(outcome);
    }

    /// The connection has logged in, or is gone without.
    pub(crate) fn leave_admission(&self, id: u64) {
        lock(&self.unknown).remove(&id);
        let outcome = lock(&self.admission).leave(id, Instant::now());
        self.announce(outcome);
    }

    /// The connection has logged in, for a tunnel of `site`.
    pub(crate) fn admit(&self, id: u64, site: &SiteId, mailbox: &Arc<Mailbox>) {
        // First in, then out: an order that comes meanwhile must find it.
        lock(&self.tunnels).insert(id, (site.clone(), mailbox.clone()));
        self.leave_admission(id);
    }

    /// The connection of a tunnel is gone.
    pub(crate) fn release(&self, id: u64) {
        let mut tunnels = lock(&self.tunnels);
        tunnels.remove(&id);
        if tunnels.is_empty() {
            self.emptied.notify_waiters();
        }
    }

    /// Leaves an order for a connection, if it is still there. Whether it is.
    fn post(&self, id: u64, order: impl FnOnce(&mut Orders)) -> bool {
        let unknown = lock(&self.unknown).get(&id).cloned();
        let mailbox = unknown.or_else(|| {
            let tunnels = lock(&self.tunnels);
            tunnels.get(&id).map(|(_, mailbox)| mailbox.clone())
        });
        mailbox.is_some_and(|mailbox| {
            mailbox.post(order);
            true
        })
    }

    /// The mailboxes of all tunnels, each with its site.
    pub(crate) fn all(&self) -> Vec<(SiteId, Arc<Mailbox>)> {
        lock(&self.tunnels).values().cloned().collect()
    }

    /// Tunnels that are connected.
    pub(crate) fn tunnels(&self) -> usize {
        lock(&self.tunnels).len()
    }

    /// Waits until no tunnel is connected.
    pub(crate) async fn emptied(&self) {
        let emptied = self.emptied.notified();
        if self.tunnels() > 0 {
            emptied.await;
        }
    }

    /// Connections that have not logged in, and handshakes in progress.
    pub(crate) fn unknown(&self) -> (usize, usize) {
        let admission = lock(&self.admission);
        (admission.connections(), admission.handshakes())
    }

    fn search_stalled(&self) {
        let outcome = {
            let mut admission = lock(&self.admission);
            if !admission.is_anybody_waiting() {
                return;
            }
            admission.serve(Instant::now())
        };
        self.announce(outcome);
    }

    fn announce(&self, outcome: Outcome) {
        if outcome == Outcome::default() {
            return;
        }
        let mut unknown = lock(&self.unknown);
        for id in outcome.admitted {
            if let Some(mailbox) = unknown.get(&id) {
                mailbox.post(|orders| orders.admitted = true);
            }
        }
        for id in outcome.evicted {
            if let Some(mailbox) = unknown.remove(&id) {
                mailbox.post(|orders| orders.close = Close::planned("made room for other sources"));
            }
        }
    }
}

impl Mailbox {
    /// Leaves an order.
    pub(crate) fn post(&self, order: impl FnOnce(&mut Orders)) {
        order(&mut lock(&self.orders));
        self.posted.notify_one();
    }

    /// Waits until there may be something in it.
    pub(crate) async fn posted(&self) {
        self.posted.notified().await;
    }

    /// Empties it.
    pub(crate) fn take(&self) -> Orders {
        std::mem::take(&mut *lock(&self.orders))
    }
}

/// Carries the commands that nobody else takes, and keeps admission moving.
pub(crate) async fn dispatch<C: ControlPlane>(shared: Arc<Shared<C>>) {
    let mut stall_check = tokio::time::interval(STALL_CHECK);
    loop {
        tokio::select! {
            () = shared.control_plane.commands_waiting() => deliver(&shared),
            _ = stall_check.tick() => shared.registry.search_stalled(),
        }
    }
}

/// Carries the control plane's commands to the connections they are for.
pub(crate) fn deliver<C: ControlPlane>(shared: &Shared<C>) {
    let registry = &shared.registry;
    // Taken and delivered in one step: of two orders for one connection the later is the one that counts.
    let _in_order = lock(&registry.delivery);
    for Command { connection, order } in shared.control_plane.take_commands() {
        let ordered = match &order {
            Order::OpenStream { stream, .. } => Some(stream.clone()),
            Order::Push { .. }
            | Order::Burst
            | Order::SetRole { .. }
            | Order::Disconnect { .. } => None,
        };
        let is_there = registry.post(connection, |orders| match order {
            Order::Push { routes } => orders.routes = Some(routes),
            Order::Burst => orders.burst = true,
            Order::SetRole { role } => orders.role = Some(role),
            Order::Disconnect { cause, planned } => orders.close = Some(Close { cause, planned }),
            Order::OpenStream { stream, port } => orders.streams.add(stream, port),
        });
        if let Some(stream) = ordered.filter(|_| !is_there) {
            shared
                .control_plane
                .stream_failed(stream, "its tunnel is gone".into());
        }
    }
}

/// A panic while a lock was held leaves plain data that is still sound.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
