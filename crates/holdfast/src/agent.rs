//! `holdfast agent`: the client for a Linux router.

use std::{path::PathBuf, process::ExitCode, time::Duration};

use tokio::runtime;

/// Arguments of `holdfast agent`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The tunnel's .ovpn profile.
    #[arg(long, value_name = "FILE")]
    profile: PathBuf,
    /// Leave by this interface and install routes on it; overrides the profile's bind-dev.
    #[arg(long, value_name = "IF")]
    bind_dev: Option<String>,
    /// First pause before dialling again; doubles up to 5 s.
    #[arg(long, value_name = "MS", default_value_t = 250, value_parser = clap::value_parser!(u64).range(1..))]
    connect_retry_ms: u64,
}

/// Serves one tunnel until SIGTERM.
pub(crate) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let options = holdfast_agent::Options {
        profile: args.profile,
        bind_dev: args.bind_dev,
        connect_retry: Duration::from_millis(args.connect_retry_ms),
    };
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(holdfast_agent::run(options))?;
    Ok(ExitCode::SUCCESS)
}
