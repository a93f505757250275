//! `holdfast lab`: the test bed from the command line.

use std::{io::Write, path::PathBuf, process::ExitCode};

use anyhow::Context;
use clap::Subcommand;
use holdfast_lab::{ClientKind, Isp, RunOptions, SCENARIOS, ServerKind};

/// Arguments of `holdfast lab`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: LabCommand,
}

#[derive(Debug, Subcommand)]
enum LabCommand {
    /// Lists the scenarios.
    List,
    /// Runs a scenario and prints one JSON result.
    Run(RunArgs),
}

#[derive(Debug, clap::Args)]
struct RunArgs {
    /// One of those that `holdfast lab list` names.
    scenario: String,
    /// How many times, each in a fresh lab.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    runs: u16,
    /// Who dials: stock or agent.
    #[arg(long, default_value_t = ClientKind::Stock)]
    client: ClientKind,
    /// Who serves: holdfast, openvpn or openvpn-tuned.
    #[arg(long, default_value_t = ServerKind::Holdfast)]
    server: ServerKind,
    /// How many internet connections the site has.
    #[arg(long, default_value_t = 2)]
    isps: usize,
    /// Keep profiles and logs in this directory.
    #[arg(long, value_name = "DIR")]
    keep_logs: Option<PathBuf>,
}

/// Runs a sub-command. Must be called before the process has a second thread.
pub(crate) fn run(args: Args) -> anyhow::Result<ExitCode> {
    match args.command {
        LabCommand::List => list(),
        LabCommand::Run(args) => run_scenario(args),
    }
}

fn list() -> anyhow::Result<ExitCode> {
    let mut out = std::io::stdout().lock();
    for scenario in SCENARIOS {
        writeln!(out, "{:22} {}", scenario.name, scenario.about)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn run_scenario(args: RunArgs) -> anyhow::Result<ExitCode> {
    let scenario = holdfast_lab::find_scenario(&args.scenario).with_context(|| {
        let names: Vec<_> = SCENARIOS.iter().map(|scenario| scenario.name).collect();
        format!(
            "no scenario is called {}: there are {}",
            args.scenario,
            names.join(", ")
        )
    })?;
    let options = RunOptions {
        runs: args.runs.into(),
        server: args.server,
        client: args.client,
        isps: Isp::usual(args.isps)?,
        keep_logs: args.keep_logs,
        holdfast: None,
    };
    let result = holdfast_lab::run(scenario, &options)?;
    writeln!(std::io::stdout(), "{}", serde_json::to_string(&result)?)?;
    Ok(ExitCode::SUCCESS)
}
