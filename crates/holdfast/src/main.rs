//! The one Holdfast program.

mod admin;
mod agent;
mod config;
mod controller;
mod dashboard;
mod data;
mod for_routers;
mod http;
mod inside;
mod lab;
mod lab_socket;
mod load;
mod logging;
mod place;
mod serve;
mod signals;

use std::{fmt, process::ExitCode};

use clap::{Parser, Subcommand};

/// Keeps a site online when one of its internet connections fails.
#[derive(Debug, Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

/// Exit status for a mistake in a file or on the command line, as clap uses it.
const USAGE: u8 = 2;

#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::Args),
    Admin(admin::Args),
    ControlPlane(serve::ControlPlaneArgs),
    /// The client for a Linux router with several internet connections, one process for each.
    Agent(agent::Args),
    Controller(controller::Args),
    /// A test bed with several ISPs on this machine.
    Lab(lab::Args),
    /// Thousands of clients at once, to see what a server bears.
    Load(load::Args),
}

// No runtime here: the lab must enter its namespaces before the process has a second thread.
fn main() -> ExitCode {
    let cli = Cli::parse();
    // A server's configuration says how it logs, so it begins to log by itself.
    if !matches!(cli.command, Command::Serve(_) | Command::ControlPlane(_)) {
        logging::start(&logging::LogConfig::default());
    }
    let outcome = match cli.command {
        Command::Serve(args) => serve::run(&args),
        Command::Admin(args) => admin::run(args),
        Command::ControlPlane(args) => serve::run_control_plane(&args),
        Command::Agent(args) => agent::run(args),
        Command::Controller(args) => controller::run(args),
        Command::Lab(args) => lab::run(args),
        Command::Load(args) => load::run(args),
    };
    match outcome {
        Ok(code) => code,
        Err(error) => {
            complain(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// Errors are for people: one line each, without the trimmings of a log.
fn complain(text: &str) {
    for line in text.lines() {
        eprintln!("holdfast: {line}");
    }
}

/// Complains about what somebody wrote, and returns the exit status for it.
fn misused(err: &dyn fmt::Display) -> ExitCode {
    complain(&err.to_string());
    ExitCode::from(USAGE)
}
