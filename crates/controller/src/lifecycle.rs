//! From the signal to the last connection.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use rand::RngExt;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::{Shared, control_plane::ControlPlane};

/// Reconnects per second that any other controller takes without noticing: a handshake is about 0.2 ms.
const RECONNECT_EVERY: Duration = Duration::from_millis(2);

/// Beyond the last reconnect, time for farewells to be heard.
const FAREWELL: Duration = Duration::from_secs(3);

/// The signals that end the process.
pub(crate) struct Lifecycle {
    terminate: Signal,
    interrupt: Signal,
}

impl Lifecycle {
    pub(crate) fn new() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// Waits for SIGTERM or SIGINT.
    pub(crate) async fn wait_for_stop(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }

    /// Accepts nobody any more and tells every client to reconnect, spread over at most `window`. A second
    /// signal ends it at once.
    pub(crate) async fn drain<C: ControlPlane>(&mut self, shared: &Shared<C>, window: Duration) {
        shared.draining.cancel();
        let tunnels = shared.registry.all();
        let count = u32::try_from(tunnels.len()).unwrap_or(u32::MAX);
        let spread = (RECONNECT_EVERY * count).min(window);
        tracing::info!(tunnels = count, spread_ms = spread.as_millis(), "draining");
        let now = Instant::now();
        let mut rng = rand::rng();
        // One instant for all tunnels of a site: its standbys must not be later than its active tunnel.
        let mut leaves = HashMap::new();
        for (site, mailbox) in tunnels {
            let at = leaves.entry(site);
            let at = *at.or_insert_with(|| now + spread.mul_f64(rng.random()));
            mailbox.post(|orders| orders.restart = Some((at, "this controller stops".into())));
        }
        let drained = async {
            tokio::time::sleep_until((now + spread + FAREWELL).into()).await;
        };
        tokio::select! {
            () = drained => {}
            () = shared.registry.emptied() => {}
            () = self.wait_for_stop() => tracing::info!("stopping without waiting any longer"),
        }
        shared.stop.cancel();
        shared.tasks.close();
        shared.tasks.wait().await;
    }
}
