//! A control plane without a database: grants come from a file, decisions from
//! [`holdfast_failover::Site`].

mod address;
mod config;
mod run;
mod sites;

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use holdfast_api_types::StreamId;
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::Notify,
};

use self::sites::Sites;
pub use self::{
    config::{ConfigError, Grants},
    run::{StandaloneOptions, run_standalone},
};
use crate::{
    control_plane::{
        Command, ControlPlane, LoginRequest, LoginVerdict, Report, StillGood, TunnelStream,
    },
    events::EventSink,
};

/// How often the grants file is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// How often a waiting backup looks.
const LOOK_FOR_OTHERS: Duration = Duration::from_millis(50);

/// Grants from a file.
pub struct Standalone {
    sites: Mutex<Sites>,
    /// There are commands that no caller will take.
    stirred: Notify,
    deadline_changed: Notify,
}

impl Standalone {
    pub(crate) fn new(grants: Grants, events: EventSink) -> Self {
        Self {
            sites: Mutex::new(Sites::new(grants, events, Instant::now())),
            stirred: Notify::new(),
            deadline_changed: Notify::new(),
        }
    }

    /// Takes new grants into use. Tunnels whose entry is gone or changed are disconnected; a new order is
    /// reached step by step, without a gap.
    pub fn replace_grants(&self, grants: Grants) {
        self.stir_sites(|sites| sites.replace_grants(grants, Instant::now()));
    }

    async fn wait_for_better(&self, login: &LoginRequest) {
        let asked = Instant::now();
        while self.lock().should_wait(login, asked, Instant::now()) {
            tokio::time::sleep(LOOK_FOR_OTHERS).await;
        }
    }

    /// Changes the sites on nobody's call but our own.
    fn stir_sites(&self, change: impl FnOnce(&mut Sites)) {
        if self.with_sites(|sites| {
            change(sites);
            sites.has_commands()
        }) {
            self.stirred.notify_one();
        }
    }

    fn with_sites<T>(&self, change: impl FnOnce(&mut Sites) -> T) -> T {
        let mut sites = self.lock();
        let deadline = sites.deadline();
        let result = change(&mut sites);
        // A deadline that has moved away needs nobody woken: whoever waits for it will look again.
        let is_earlier = |new: Instant| deadline.is_none_or(|old| new < old);
        if sites.deadline().is_some_and(is_earlier) {
            self.deadline_changed.notify_one();
        }
        result
    }

    fn lock(&self) -> MutexGuard<'_, Sites> {
        self.sites.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ControlPlane for Standalone {
    async fn authorize(&self, login: LoginRequest) -> LoginVerdict {
        self.wait_for_better(&login).await;
        self.with_sites(|sites| sites.authorize(&login, Instant::now()))
    }

    async fn reauthorize(&self, login: LoginRequest) -> StillGood {
        self.lock().reauthorize(&login)
    }

    fn report(&self, report: Report) {
        self.with_sites(|sites| sites.handle_report(report, Instant::now()));
    }

    fn take_commands(&self) -> Vec<Command> {
        self.lock().take_commands()
    }

    async fn commands_waiting(&self) {
        self.stirred.notified().await;
    }

    // A grants file orders no streams.

    fn stream_opened(&self, _: StreamId, _: TunnelStream) {}

    fn stream_failed(&self, _: StreamId, _: String) {}
}

/// One task for the deadlines of all sites.
async fn keep_time(standalone: Arc<Standalone>) {
    loop {
        let deadline = standalone.lock().deadline();
        let due = async {
            match deadline {
                Some(at) => tokio::time::sleep_until(at.into()).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = due => standalone.stir_sites(|sites| sites.handle_timeout(Instant::now())),
            () = standalone.deadline_changed.notified() => {}
        }
    }
}

/// Reads the grants file again when it changes or on SIGHUP. A file with mistakes changes nothing.
async fn follow_file(path: PathBuf, replace: impl Fn(Grants)) {
    let mut hangup = match signal(SignalKind::hangup()) {
        Ok(hangup) => hangup,
        Err(err) => {
            tracing::error!(%err, "SIGHUP cannot be heard: the grants file is not followed");
            return;
        }
    };
    let mut look = tokio::time::interval(LOOK_EVERY);
    let mut seen = Seen::of(&path).await;
    loop {
        let asked = tokio::select! {
            _ = hangup.recv() => true,
            _ = look.tick() => false,
        };
        let now = Seen::of(&path).await;
        if now == seen && !asked {
            continue;
        }
        seen = now;
        match Grants::load(&path) {
            Ok(grants) => {
                tracing::info!(file = %path.display(), "grants read again");
                replace(grants);
            }
            Err(err) => tracing::error!(%err, "the grants file is wrong: the old grants stay"),
        }
    }
}

/// What tells one version of a file from another.
#[derive(PartialEq)]
struct Seen(Option<(std::time::SystemTime, u64)>);

impl Seen {
    async fn of(path: &std::path::Path) -> Self {
        let metadata = tokio::fs::metadata(path).await.ok();
        Self(metadata.and_then(|metadata| Some((metadata.modified().ok()?, metadata.len()))))
    }
}
