//! A controller whose control plane is elsewhere, in a process of its own.

use std::{sync::Arc, time::Duration};

use super::{Remote, RemoteOptions};
use crate::{Controller, Options, lifecycle::run_until_signal};

/// How long the last events may take.
const LAST_EVENTS_WITHIN: Duration = Duration::from_secs(3);

/// Runs a controller with a remote control plane until it is told to stop by SIGTERM or SIGINT. A drain spreads its
/// reconnects over at most `window`.
///
/// # Errors
/// When the control plane cannot be spoken to at all (its URL or a file is wrong), an address cannot be bound, or
/// certificates cannot be made. That the control plane is away is no error.
pub async fn run_remote(
    options: Options,
    remote: &RemoteOptions,
    window: Duration,
) -> anyhow::Result<()> {
    let remote = Arc::new(Remote::new(remote)?);
    let speaking = {
        let remote = remote.clone();
        tokio::spawn(async move { remote.run().await })
    };
    let ended = run_until_signal(Controller::start(options, remote.clone()), window).await;
    if ended.is_ok() {
        let told = tokio::time::timeout(LAST_EVENTS_WITHIN, remote.told()).await;
        if told.is_err() {
            tracing::warn!("the control plane has not heard how the last tunnels ended");
        }
    }
    speaking.abort();
    ended
}
