//! From the signal to the last connection.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use anyhow::Context;
use rand::RngExt;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::{Controller, Shared, control_plane::ControlPlane};

/// Reconnects per second that any other controller takes without noticing: a handshake is about 0.2 ms.
const RECONNECT_EVERY: Duration = Duration::from_millis(2);

/// Beyond the last reconnect, time for farewells to be heard.
const FAREWELL: Duration = Duration::from_secs(3);

/// Runs a controller that has its process to itself: starts it, waits for SIGTERM or SIGINT, and drains it, its
/// reconnects spread over at most `window`. A second signal ends it at once.
///
/// # Errors
/// When it cannot be started.
pub async fn run_until_signal<C: ControlPlane>(
    start: impl Future<Output = anyhow::Result<Controller<C>>>,
    window: Duration,
) -> anyhow::Result<()> {
    // Heard from the beginning: a signal during the start must not kill us halfway.
    let mut signals = Signals::new().context("signal handlers cannot be installed")?;
    let controller = start.await?;
    signals.next().await;
    tokio::select! {
        () = controller.drain(window) => {}
        () = signals.next() => tracing::info!("stopping without waiting any longer"),
    }
    controller.stop().await;
    Ok(())
}

/// The signals that end the process.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// Waits for SIGTERM or SIGINT.
    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// Accepts nobody any more, tells every client to reconnect, and waits until they are gone or have had time to go.
pub(crate) async fn drain<C: ControlPlane>(shared: &Shared<C>, window: Duration) {
    shared.draining.cancel();
    let tunnels = shared.registry.all();
    let count = u32::try_from(tunnels.len()).unwrap_or(u32::MAX);
    let spread = (RECONNECT_EVERY * count).min(window);
    tracing::info!(tunnels = count, spread_ms = spread.as_millis(), "draining");
    let now = Instant::now();
    {
        let mut rng = rand::rng();
        // One instant for all tunnels of a site: its standbys must not be later than its active tunnel.
        let mut leaves = HashMap::new();
        for (site, mailbox) in tunnels {
            let at = leaves.entry(site);
            let at = *at.or_insert_with(|| now + spread.mul_f64(rng.random()));
            mailbox.post(|orders| orders.restart = Some((at, "this controller stops".into())));
        }
    }
    let drained = tokio::time::sleep_until((now + spread + FAREWELL).into());
    tokio::select! {
        () = drained => {}
        () = shared.registry.emptied() => {}
    }
}
