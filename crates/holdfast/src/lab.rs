//! `holdfast lab`: the test bed from the command line.

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context;
use clap::Subcommand;
use holdfast_lab::{
    ClientKind, DemoOptions, Isp, LineStatus, OpenOptions, Reply, Request, RunOptions, ServerKind,
    scenarios,
};
use holdfast_virtual_router::Settings;

use crate::signals::Signals;

/// Arguments of `holdfast lab`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: LabCommand,
}

#[derive(Debug, Subcommand)]
enum LabCommand {
    /// List the scenarios.
    List,
    /// Run a scenario and print one JSON result.
    Run(RunArgs),
    /// Show a site with three ISPs losing its primary and getting it back; on a terminal, stay until Enter.
    Demo(DemoArgs),
    /// Have a site that nobody has set up yet, and the dashboard to do it in. Ends with Enter.
    Open(OpenArgs),
    /// Paste a line into the terminal of the running lab's MikroTik, and show what is printed there.
    Paste {
        /// The line, in quotes.
        line: String,
    },
    /// Let the client of an ISP dial with a profile that was downloaded from the dashboard.
    Connect {
        /// Name of the ISP.
        isp: String,
        /// The profile.
        profile: PathBuf,
    },
    /// Open a shell (or run a command) in a namespace of the running lab.
    Shell {
        /// lan, router, isp1, isp2, ... or inet.
        namespace: String,
        /// The command, if not a shell.
        #[arg(trailing_var_arg = true)]
        command: Vec<String>,
    },
    /// Show how every line of the running lab is.
    Status,
    /// The ISP loses its uplink, while its gateway still answers.
    Cut {
        /// Name of the ISP.
        isp: String,
    },
    /// The cable to the ISP is pulled out.
    Unplug {
        /// Name of the ISP.
        isp: String,
    },
    /// Everything about the ISP is as it was at first.
    Restore {
        /// Name of the ISP.
        isp: String,
    },
    /// The ISP loses packets, each way.
    Loss {
        /// Name of the ISP.
        isp: String,
        /// 0 to 100.
        percent: f64,
    },
    /// Packets of the ISP take longer, each way.
    Delay {
        /// Name of the ISP.
        isp: String,
        /// Milliseconds in all.
        ms: u64,
    },
    /// The ISP is silent for a moment.
    Blip {
        /// Name of the ISP.
        isp: String,
        /// How long, in milliseconds.
        ms: u64,
    },
    /// Kill the controller; it stays away.
    KillController,
    /// Start the controller again.
    StartController,
    /// Be a RouterOS router for API clients, in the network namespace this is started in.
    Router {
        /// What the router is and how it behaves, as TOML or JSON (docs/virtual-router.md).
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
    /// Put these tunnels first, in this order.
    Switch {
        /// Names of ISPs, best first.
        #[arg(required = true)]
        tunnels: Vec<String>,
    },
}

#[derive(Debug, clap::Args)]
struct RunArgs {
    /// One of those that `holdfast lab list` names.
    scenario: String,
    /// How many times, each in a fresh lab.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    runs: u16,
    /// Who dials: stock, agent, routeros (a MikroTik configured by hand) or adopted (one that the operator adopts).
    #[arg(long, default_value_t = ClientKind::Stock)]
    client: ClientKind,
    /// Who serves: holdfast, openvpn or openvpn-tuned.
    #[arg(long, default_value_t = ServerKind::Holdfast)]
    server: ServerKind,
    /// How many internet connections the site has.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u8).range(2..=8))]
    isps: u8,
    /// Keep profiles and logs in this directory.
    #[arg(long, value_name = "DIR")]
    keep_logs: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
struct OpenArgs {
    /// Who dials: stock, agent, or adopted (a MikroTik as it comes out of its box).
    #[arg(long, default_value_t = ClientKind::Stock)]
    client: ClientKind,
    /// How many internet connections the site has.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u8).range(2..=8))]
    isps: u8,
    /// Keep profiles and logs in this directory.
    #[arg(long, value_name = "DIR")]
    keep_logs: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
struct DemoArgs {
    /// Keep the lab running after the story even where nobody can press Enter.
    #[arg(long)]
    hold: bool,
    /// Who dials: stock, agent, routeros (a MikroTik configured by hand) or adopted (one that the operator adopts).
    #[arg(long, default_value_t = ClientKind::Stock)]
    client: ClientKind,
    /// Who serves: holdfast, openvpn or openvpn-tuned.
    #[arg(long, default_value_t = ServerKind::Holdfast)]
    server: ServerKind,
    /// Keep profiles and logs in this directory.
    #[arg(long, value_name = "DIR")]
    keep_logs: Option<PathBuf>,
}

/// Runs a sub-command. Must be called before the process has a second thread.
pub(crate) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let request = match args.command {
        LabCommand::List => return list(),
        LabCommand::Run(args) => return run_scenario(args),
        LabCommand::Demo(args) => return demo(args),
        LabCommand::Open(args) => return open(args),
        LabCommand::Paste { line } => Request::Paste { line },
        LabCommand::Connect { isp, profile } => connect(isp, &profile)?,
        LabCommand::Shell { namespace, command } => {
            return Err(holdfast_lab::enter_shell(&namespace, &command));
        }
        LabCommand::Router { config } => return run_router(&config),
        LabCommand::Status => Request::Status,
        LabCommand::Cut { isp } => Request::Cut { isp },
        LabCommand::Unplug { isp } => Request::Unplug { isp },
        LabCommand::Restore { isp } => Request::Restore { isp },
        LabCommand::Loss { isp, percent } => Request::Loss { isp, percent },
        LabCommand::Delay { isp, ms } => Request::Delay { isp, ms },
        LabCommand::Blip { isp, ms } => Request::Blip { isp, ms },
        LabCommand::KillController => Request::KillController,
        LabCommand::StartController => Request::StartController,
        LabCommand::Switch { tunnels } => Request::Switch { order: tunnels },
    };
    match holdfast_lab::ask(&request)? {
        Reply::Status { lines } => print_status(&lines)?,
        Reply::Printed { text } => write!(std::io::stdout(), "{text}")?,
        Reply::Done | Reply::Refused { .. } | Reply::Namespace { .. } => {}
    }
    Ok(ExitCode::SUCCESS)
}

fn list() -> anyhow::Result<ExitCode> {
    let mut out = std::io::stdout().lock();
    for scenario in scenarios() {
        writeln!(out, "{:22} {}", scenario.name, scenario.about)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn run_scenario(args: RunArgs) -> anyhow::Result<ExitCode> {
    let scenario = holdfast_lab::find_scenario(&args.scenario).with_context(|| {
        let names: Vec<_> = scenarios().map(|scenario| scenario.name).collect();
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
        isps: Isp::usual(args.isps.into())?,
        keep_logs: args.keep_logs,
        holdfast: None,
    };
    holdfast_lab::become_root()?;
    let result = holdfast_lab::run(scenario, &options)?;
    writeln!(std::io::stdout(), "{}", serde_json::to_string(&result)?)?;
    Ok(ExitCode::SUCCESS)
}

fn demo(args: DemoArgs) -> anyhow::Result<ExitCode> {
    let options = DemoOptions {
        hold: args.hold,
        server: args.server,
        client: args.client,
        keep_logs: args.keep_logs,
    };
    holdfast_lab::become_root()?;
    let went_well = holdfast_lab::demo(&options)?;
    Ok(if went_well {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn open(args: OpenArgs) -> anyhow::Result<ExitCode> {
    let options = OpenOptions {
        isps: Isp::usual(args.isps.into())?,
        client: args.client,
        keep_logs: args.keep_logs,
    };
    holdfast_lab::become_root()?;
    holdfast_lab::open(options)?;
    Ok(ExitCode::SUCCESS)
}

fn connect(isp: String, profile: &Path) -> anyhow::Result<Request> {
    let profile = std::fs::read_to_string(profile)
        .with_context(|| format!("cannot read the profile {}", profile.display()))?;
    Ok(Request::Connect { isp, profile })
}

fn run_router(config: &Path) -> anyhow::Result<ExitCode> {
    let settings = Settings::load(config)?;
    let runtime = tokio::runtime::Runtime::new().context("cannot start the runtime")?;
    runtime.block_on(async {
        let mut signals = Signals::new()?;
        tokio::select! {
            ended = holdfast_virtual_router::run(settings) => ended,
            () = signals.next() => Ok(()),
        }
    })?;
    Ok(ExitCode::SUCCESS)
}

fn print_status(lines: &[LineStatus]) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    for line in lines {
        let role = if line.active { "active" } else { "standby" };
        match line.rung {
            Some(rung) => writeln!(out, "{:10} {role:8} rung {rung}", line.isp)?,
            None => writeln!(out, "{:10} down", line.isp)?,
        }
    }
    Ok(())
}
