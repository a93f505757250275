//! Everything that happens to the router without anybody asking: links, leases, sessions, and the kernel.

use std::time::{Duration, Instant};

use tokio::sync::broadcast::error::RecvError;

use crate::{
    router::{Event, Router},
    wan::Wan,
};

/// Follows the world and has the world follow the router.
pub(super) struct World {
    router: Router,
    wan: Wan,
}

/// Without anything else to do it looks around this often.
const ROUND: Duration = Duration::from_secs(1);

impl World {
    pub(super) async fn open(router: Router) -> anyhow::Result<Self> {
        let mut world = Self {
            router,
            wan: Wan::default(),
        };
        world.settle();
        Ok(world)
    }

    /// Goes on until dropped.
    pub(super) async fn run(mut self) {
        let mut events = self.router.events();
        let mut settings = self.router.watch_settings();
        loop {
            let next = self.settle();
            tokio::select! {
                event = events.recv() => self.notice(event),
                _ = settings.changed() => {}
                () = tokio::time::sleep_until(next.into()) => {}
            }
            // Much that happens at once is followed at once.
            while let Ok(event) = events.try_recv() {
                self.notice(Ok(event));
            }
        }
    }

    fn notice(&mut self, event: Result<Event, RecvError>) {
        if let Ok(Event::Redial { interface }) = event {
            self.wan
                .drop_session(&self.router, &interface, Instant::now());
        }
    }

    /// Returns when there is something to do again.
    fn settle(&mut self) -> Instant {
        self.settle_links();
        let now = Instant::now();
        let next = self.wan.settle(&self.router, now);
        let round = now + ROUND;
        next.map_or(round, |next| next.min(round))
    }

    fn settle_links(&self) {
        let settings = self.router.settings();
        self.router.update(|database| {
            let links: Vec<_> = database
                .items("/interface/ethernet")
                .chain(database.items("/interface/lte"))
                .map(|item| {
                    let name = item.get("default-name").unwrap_or_default();
                    let hardware = settings.interfaces.iter().find(|found| found.name == name);
                    let link = hardware.is_some_and(|hardware| hardware.link);
                    (item.id, link && !item.is_disabled())
                })
                .collect();
            for (id, link) in links {
                database.set_link(id, link);
            }
            let virtual_ones: Vec<_> = database
                .items("/interface/bridge")
                .chain(database.items("/interface/vlan"))
                .map(|item| (item.id, !item.is_disabled()))
                .collect();
            for (id, running) in virtual_ones {
                let running = running.to_string();
                database.set_state("/interface", id, "running", Some(running));
            }
        });
    }
}
