//! Which connection is whose, and how decisions reach it.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use holdfast_api_types::{Route, TunnelId};
use holdfast_failover::Role;
use tokio::sync::Notify;

use crate::{
    Shared,
    admission::{Admission, AdmissionLimits, Outcome},
    control_plane::{Command, ControlPlane},
};

/// How often a full house is searched for stalled handshakes while somebody waits.
const STALL_CHECK: Duration = Duration::from_millis(250);

/// All connections of the process.
pub(crate) struct Registry {
    next_connection: AtomicU64,
    admission: Mutex<Admission>,
    /// Connections that have not logged in, for admission's decisions.
    unknown: Mutex<HashMap<u64, Arc<Mailbox>>>,
    tunnels: Mutex<HashMap<TunnelId, (u64, Arc<Mailbox>)>>,
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

    /// The connection has logged in, or is gone without.
    pub(crate) fn leave_admission(&self, id: u64) {
        lock(&self.unknown).remove(&id);
        let outcome = lock(&self.admission).leave(id, Instant::now());
        self.announce(outcome);
    }

    /// The connection is now the tunnel's. An older one is told to go: its router has forgotten it.
    pub(crate) fn claim(&self, tunnel: &TunnelId, id: u64, mailbox: &Arc<Mailbox>) {
        let previous = lock(&self.tunnels).insert(tunnel.clone(), (id, mailbox.clone()));
        if let Some((_, older)) = previous {
            older.post(|orders| orders.close = Close::planned("replaced by a new log-in"));
        }
    }

    /// The connection is gone. False when a newer one had taken its place.
    pub(crate) fn release(&self, tunnel: &TunnelId, id: u64) -> bool {
        let mut tunnels = lock(&self.tunnels);
        let current = tunnels
            .get(tunnel)
            .is_some_and(|(current, _)| *current == id);
        if current {
            tunnels.remove(tunnel);
            if tunnels.is_empty() {
                self.emptied.notify_waiters();
            }
        }
        current
    }

    /// Leaves an order for a tunnel, if it is connected.
    pub(crate) fn post(&self, tunnel: &TunnelId, order: impl FnOnce(&mut Orders)) {
        let mailbox = lock(&self.tunnels)
            .get(tunnel)
            .map(|(_, mailbox)| mailbox.clone());
        if let Some(mailbox) = mailbox {
            mailbox.post(order);
        }
    }

    /// The mailboxes of all tunnels.
    pub(crate) fn all(&self) -> Vec<Arc<Mailbox>> {
        lock(&self.tunnels)
            .values()
            .map(|(_, mailbox)| mailbox.clone())
            .collect()
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

/// Carries the control plane's commands to the tunnels they are for, and keeps admission moving.
pub(crate) async fn dispatch<C: ControlPlane>(shared: Arc<Shared<C>>) {
    let mut stall_check = tokio::time::interval(STALL_CHECK);
    loop {
        tokio::select! {
            commands = shared.control_plane.commands() => {
                for command in commands {
                    deliver(&shared.registry, command);
                }
            }
            _ = stall_check.tick() => shared.registry.search_stalled(),
        }
    }
}

fn deliver(registry: &Registry, command: Command) {
    let tunnel = command.tunnel().clone();
    registry.post(&tunnel, |orders| match command {
        Command::Push { routes, .. } => orders.routes = Some(routes),
        Command::Burst { .. } => orders.burst = true,
        Command::SetRole { role, .. } => orders.role = Some(role),
        Command::Disconnect { cause, planned, .. } => orders.close = Some(Close { cause, planned }),
    });
}

/// A panic while a lock was held leaves plain data that is still sound.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
