mod remote;

use std::{net::SocketAddr, path::PathBuf, process::ExitCode, time::Duration};

use clap::{ArgGroup, Args as ClapArgs, ValueEnum};
use holdfast_controller::{ConfigError, EventFormat, StandaloneOptions, run_standalone};

use self::remote::RemoteArgs;

/// The route controller: stand-alone with a grants file, or for a control plane elsewhere
///
/// Routers dial it. It admits their tunnels, gives them routes, and notices when a link dies.
///
/// Stand-alone, SIGHUP or a change of the grants file takes new grants into use: a new order of ranks is reached
/// standby first, so that no packet is lost.
///
/// With a control plane, tunnels outlive its absence: those that are up stay, those that were here in the last 24 hours
/// come back in with their password, and what happens is told when it is back.
///
/// SIGTERM drains: clients are told to reconnect, spread over time; a second SIGTERM stops at once.
#[derive(Debug, ClapArgs)]
#[command(
    after_long_help = EXAMPLE,
    group = ArgGroup::new("decider").required(true).args(["grants", "control_plane"])
)]
pub(crate) struct Args {
    /// The grants file: which tunnels may come up, and with which routes
    #[arg(long, value_name = "FILE", env = "HOLDFAST_GRANTS")]
    grants: Option<PathBuf>,

    /// Where our CA and certificates are kept; routers need ca.pem from here
    #[arg(
        long,
        value_name = "DIR",
        env = "HOLDFAST_DATA",
        default_value = "holdfast-data"
    )]
    data: PathBuf,

    /// Print link events on standard output, one per line
    #[arg(
        long,
        value_name = "FORMAT",
        env = "HOLDFAST_EVENTS",
        conflicts_with = "control_plane"
    )]
    events: Option<Format>,

    /// Report round-trip time, jitter and loss of each tunnel this often, as events
    #[arg(long, value_name = "SECONDS", env = "HOLDFAST_HEALTH_EVENTS", requires = "events",
          value_parser = seconds)]
    health_events: Option<Duration>,

    /// Serve Prometheus text at http://ADDR/metrics
    #[arg(long, value_name = "ADDR", env = "HOLDFAST_METRICS")]
    metrics: Option<SocketAddr>,

    /// Longest time over which SIGTERM spreads the reconnects of all clients
    #[arg(long, value_name = "SECONDS", env = "HOLDFAST_DRAIN", default_value = "10",
          value_parser = seconds)]
    drain: Duration,

    // Last, because its heading would go on over what follows.
    #[command(flatten)]
    remote: RemoteArgs,
}

const EXAMPLE: &str = r#"With a control plane, whose own CA the routers trust (its ca.pem and ca.key are copied to --data):

  holdfast controller --control-plane https://holdfast.example.com --token-file controller.token \
    --slots 203.0.113.1:443,203.0.113.2:443

A grants file for a site with two connections:

  [listen]
  slots = ["203.0.113.1:443", "203.0.113.2:443"]

  [[tunnels]]
  username = "head-office-fibre"
  password = "change me"
  site = "head-office"
  rank = 0                  # the primary
  gateway = "192.0.2.1"     # the ISP's gateway, as the router sees it
  profile = "fast"          # fast, normal or saver

  [[tunnels]]
  username = "head-office-lte"
  password = "and me"
  site = "head-office"
  rank = 1
  gateway = "198.51.100.1"
  profile = "saver""#;

/// In which form link events are printed.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Format {
    /// One JSON object per line
    Json,
}

impl From<Format> for EventFormat {
    fn from(Format::Json: Format) -> Self {
        Self::Json
    }
}

pub(crate) fn run(args: Args) -> anyhow::Result<ExitCode> {
    // Connections have threads of their own.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    match runtime.block_on(run_either(args)) {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(err) if err.is::<ConfigError>() => Ok(crate::misused(&err)),
        Err(err) => Err(err),
    }
}

async fn run_either(args: Args) -> anyhow::Result<()> {
    let Some(grants) = args.grants else {
        return args.remote.run(args.data, args.metrics, args.drain).await;
    };
    run_standalone(StandaloneOptions {
        grants,
        data: args.data,
        events: args.events.map(EventFormat::from),
        health_every: args.health_events,
        metrics: args.metrics,
        drain: args.drain,
    })
    .await
}

fn seconds(text: &str) -> Result<Duration, String> {
    text.parse()
        .ok()
        .filter(|seconds| (0.1..=86_400.0).contains(seconds))
        .map(Duration::from_secs_f64)
        .ok_or_else(|| "write a number of seconds from 0.1 to 86400".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_neither_a_busy_loop_nor_beyond_the_clock() {
        assert_eq!(seconds("0.5"), Ok(Duration::from_millis(500)));
        for text in ["0", "-1", "0.000001", "1e18", "NaN", "inf", "soon"] {
            assert!(seconds(text).is_err(), "{text}");
        }
    }
}
