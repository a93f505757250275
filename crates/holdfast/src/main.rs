//! The one Holdfast program.

mod agent;
mod controller;
mod lab;
mod load;

use std::{io::IsTerminal, process::ExitCode};

use clap::{Parser, Subcommand};
use tracing_subscriber::EnvFilter;

/// Keeps a site online when one of its internet connections fails.
#[derive(Debug, Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
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
    log_to_stderr();
    let outcome = match cli.command {
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

fn log_to_stderr() {
    let filter = EnvFilter::try_from_env("HOLDFAST_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false)
        .init();
}
