//! The load generator: thousands of OpenVPN clients in one process, on `ovpn-proto`'s client role.
//!
//! [`run`] dials a server and says how it coped: log-ins and how long they took, failures by cause, tunnels
//! lost, and how long each stayed away. [`mod@bench`] puts the same load on the Holdfast controller and on
//! the stock `openvpn` server and compares what it cost them.
//!
//! What it must not do: retry quietly, or count only successes. A failure is a result.

pub mod bench;

mod dial;
mod fleet;
mod options;
mod slow;
mod tally;
mod tls;
mod tunnel;
mod users;

use std::{fmt, time::Duration};

use serde::Serialize;
use tokio::time::{Instant, interval, sleep_until};

use crate::{fleet::Fleet, slow::SlowFleet};
pub use crate::{
    options::{Client, Dial, Task, TlsVersion, TunnelOptions},
    slow::SlowReport,
    tally::{Cause, TunnelReport},
    users::Users,
};

/// What has become of the connections.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Report {
    /// Of tunnels.
    Tunnels(TunnelReport),
    /// Of connections that never log in.
    Slow(SlowReport),
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tunnels(report) => write!(
                f,
                "{:5.0} s: {} of {} up, {} failed, {} lost",
                report.elapsed_s,
                report.up,
                report.connections,
                report.failed(),
                report.disconnected()
            ),
            Self::Slow(report) => write!(
                f,
                "{} of {} open, {} cut, {} refused",
                report.open, report.connections, report.cut, report.refused
            ),
        }
    }
}

/// Dials at the rate that is asked for, stays for `hold` after the last dial, and reports. Says how it is going
/// every second.
///
/// # Errors
/// When the process may not open so many files, or the CA cannot be read. Whatever the server does is a result.
pub async fn run(
    dial: &Dial,
    task: &Task,
    hold: Duration,
    progress: impl Fn(&Report),
) -> anyhow::Result<Report> {
    let fleet = match task {
        Task::Tunnel(tunnels) => Either::Tunnels(Fleet::launch(dial, tunnels)?),
        Task::HalfOpen => Either::Slow(SlowFleet::launch(dial, false)?),
        Task::Trickle => Either::Slow(SlowFleet::launch(dial, true)?),
    };
    let dialling = Duration::from_secs_f64(dial.connections as f64 / dial.rate);
    let end = Instant::now() + dialling + hold;
    let mut seconds = interval(Duration::from_secs(1));
    loop {
        tokio::select! {
            _ = seconds.tick() => progress(&fleet.report()),
            () = sleep_until(end) => return Ok(fleet.report()),
        }
    }
}

enum Either {
    Tunnels(Fleet),
    Slow(SlowFleet),
}

impl Either {
    fn report(&self) -> Report {
        match self {
            Self::Tunnels(fleet) => Report::Tunnels(fleet.report()),
            Self::Slow(fleet) => Report::Slow(fleet.report()),
        }
    }
}
