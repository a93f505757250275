//! Everything that happens to the router without anybody asking: links, leases, sessions, and the kernel.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use tokio::sync::{broadcast::error::RecvError, watch};

use super::{gateways::Gateways, links};
use crate::{
    kernel::{Kernel, LinkState, Plan},
    router::{Event, Router},
    wan::Wan,
};

/// Follows the world and has the world follow the router.
pub(super) struct World {
    router: Router,
    wan: Wan,
    gateways: Gateways,
    /// What the kernel was last told.
    plan: Option<Plan>,
    /// When counters were last read, and what they were.
    measured: Option<(Instant, BTreeMap<String, LinkState>)>,
}

/// Without anything else to do it looks around this often, and rates are measured over as long.
const ROUND: Duration = Duration::from_secs(1);

impl World {
    /// Enters the kernel if that is wanted, and looks around for the first time.
    pub(super) async fn open(router: Router) -> anyhow::Result<Self> {
        match Kernel::open(router.settings().kernel).await? {
            Some(kernel) => router.enter(kernel),
            None => tracing::info!(
                "not in the kernel: links are as the settings say, and no packet is forwarded"
            ),
        }
        let mut world = Self {
            gateways: Gateways::new(router.clone()),
            router,
            wan: Wan::default(),
            plan: None,
            measured: None,
        };
        world.settle().await;
        Ok(world)
    }

    /// Goes on until dropped.
    pub(super) async fn run(mut self) {
        let mut events = self.router.events();
        let mut settings = self.router.watch_settings();
        let mut kernel = match self.router.kernel() {
            Some(kernel) => kernel.changes(),
            None => watch::channel(()).1,
        };
        loop {
            let next = self.settle().await;
            tokio::select! {
                event = events.recv() => self.notice(event),
                _ = settings.changed() => {}
                // Without a kernel there is nobody to tell.
                Ok(()) = kernel.changed() => {}
                () = tokio::time::sleep_until(next.into()) => {}
            }
            // Much that happens at once is followed at once.
            while let Ok(event) = events.try_recv() {
                self.notice(Ok(event));
            }
            kernel.mark_unchanged();
        }
    }

    fn notice(&mut self, event: Result<Event, RecvError>) {
        if let Ok(Event::Redial { interface }) = event {
            self.wan
                .drop_session(&self.router, &interface, Instant::now());
        }
    }

    /// Returns when there is something to do again.
    async fn settle(&mut self) -> Instant {
        self.look_at_links().await;
        let now = Instant::now();
        let next = self.wan.settle(&self.router, now);
        self.gateways.settle();
        if let Some(kernel) = self.router.kernel() {
            let resolution = self.router.watch_resolution().borrow().clone();
            let plan = self
                .router
                .read(|database| Plan::new(database, &resolution));
            kernel.apply(&plan, self.plan.as_ref()).await;
            self.plan = Some(plan);
        }
        let round = now + ROUND;
        next.map_or(round, |next| next.min(round))
    }

    async fn look_at_links(&mut self) {
        let Some(kernel) = self.router.kernel() else {
            let settings = self.router.settings();
            return self
                .router
                .update(|database| links::imagine(database, &settings));
        };
        let found = match kernel.links().await {
            Ok(found) => found,
            Err(error) => return tracing::warn!(%error, "cannot read links"),
        };
        let now = Instant::now();
        let before = self.measured.as_ref();
        let due = before.is_none_or(|(at, _)| now.duration_since(*at) >= ROUND);
        self.router.update(|database| {
            links::write(database, &found);
            if let Some((at, before)) = before.filter(|_| due) {
                links::write_rates(database, before, &found, now.duration_since(*at));
            }
        });
        if due {
            self.measured = Some((now, found));
        }
    }
}
