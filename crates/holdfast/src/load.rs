//! `holdfast load`: thousands of clients from the command line.

use std::{io::Write, net::SocketAddr, path::PathBuf, process::ExitCode, time::Duration};

use anyhow::Context;
use holdfast_load::{
    Client, Dial, Task, TlsVersion, TunnelOptions, Users,
    bench::{self, Bench, ServeBench},
};

/// Arguments of `holdfast load`.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Option<LoadCommand>,
    #[command(flatten)]
    load: Option<LoadArgs>,
}

#[derive(Debug, clap::Subcommand)]
enum LoadCommand {
    /// Puts the same load on the controller and on the stock openvpn server, and compares.
    Bench(BenchArgs),
    /// Measures `holdfast serve` with a fleet in its database, which must be there already.
    BenchServe(BenchServeArgs),
}

#[derive(Debug, clap::Args)]
struct BenchArgs {
    /// A fraction of everything: shows that it works, measures little.
    #[arg(long)]
    quick: bool,
    /// Where load.md, load.json and the servers' logs go.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

#[derive(Debug, clap::Args)]
struct BenchServeArgs {
    /// A fraction of everything: shows that it works, measures little.
    #[arg(long)]
    quick: bool,
    /// The data directory; the tunnels in it will have been connected afterwards.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// All tunnels in it: a user name, a blank and a password on each line.
    #[arg(long, value_name = "FILE")]
    users: PathBuf,
    /// Where serve.json goes.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

#[derive(Debug, clap::Args)]
struct LoadArgs {
    /// The server.
    #[arg(long, value_name = "ADDR:PORT")]
    target: SocketAddr,
    /// How many connections.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    connections: u32,
    /// How many connections are started per second.
    #[arg(long, value_name = "PER_S", default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..))]
    rate: u32,
    /// How long to stay after the last was started.
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    hold: u64,
    /// Log in as this user, with the number of the connection where the default has it.
    #[arg(long, value_name = "NAME", default_value = "load-{n}")]
    username: String,
    /// The password of all.
    #[arg(
        long,
        value_name = "TEXT",
        env = "HOLDFAST_LOAD_PASSWORD",
        default_value = "load",
        hide_env_values = true
    )]
    password: String,
    /// Log in as these users in turn: a name, a blank and a password on each line.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["username", "password"])]
    users: Option<PathBuf>,
    /// Check the server's certificate with this CA; otherwise it is not checked.
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Which client to look like: 2.7, 2.6, 2.4 or routeros.
    #[arg(long, value_name = "CLIENT", default_value = "2.6")]
    habits: Client,
    /// TLS version: 1.2 or 1.3.
    #[arg(long, value_name = "VERSION", default_value = "1.3")]
    tls: TlsVersion,
    /// Dial from this many addresses 127.0.x.y in turn, for more connections than one address has ports.
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u16).range(0..=60_000))]
    sources: u16,
    /// Dial again when a connection ends.
    #[arg(long)]
    reconnect: bool,
    /// Only connect, and send nothing.
    #[arg(long, conflicts_with = "trickle")]
    half_open: bool,
    /// Send a byte per second, and never log in.
    #[arg(long)]
    trickle: bool,
}

/// Puts a load on servers. Must be called before the process has a second thread.
pub(crate) fn run(args: Args) -> anyhow::Result<ExitCode> {
    match (args.command, args.load) {
        (Some(LoadCommand::Bench(args)), _) => bench(args),
        (Some(LoadCommand::BenchServe(args)), _) => bench_serve(args),
        (None, Some(args)) => load(args),
        (None, None) => unreachable!("clap asks for a target"),
    }
}

/// Prints the table.
fn bench(args: BenchArgs) -> anyhow::Result<ExitCode> {
    let bench = Bench {
        holdfast: std::env::current_exe()?,
        out: args.out,
        quick: args.quick,
    };
    let table = bench::run(&bench, |doing| eprintln!("{doing}"))?;
    write!(std::io::stdout(), "{table}").context("cannot print the result")?;
    Ok(ExitCode::SUCCESS)
}

/// Prints the rows of a table.
fn bench_serve(args: BenchServeArgs) -> anyhow::Result<ExitCode> {
    let bench = ServeBench {
        holdfast: std::env::current_exe()?,
        data: args.data,
        users: Users::read(&args.users)?,
        out: args.out,
        quick: args.quick,
    };
    let rows = bench::run_serve(&bench, |doing| eprintln!("{doing}"))?;
    write!(std::io::stdout(), "{rows}").context("cannot print the result")?;
    Ok(ExitCode::SUCCESS)
}

/// Prints one JSON result. Only a load that could not be made is a failure.
fn load(args: LoadArgs) -> anyhow::Result<ExitCode> {
    let dial = Dial {
        target: args.target,
        connections: args.connections as usize,
        rate: args.rate.into(),
        sources: args.sources.into(),
    };
    let hold = Duration::from_secs(args.hold);
    let task = task(args)?;
    let runtime = tokio::runtime::Runtime::new()?;
    let load = holdfast_load::run(&dial, &task, hold, |report| eprintln!("{report}"));
    let report = runtime.block_on(load)?;
    let mut out = std::io::stdout().lock();
    serde_json::to_writer(&mut out, &report)?;
    writeln!(out).context("cannot print the result")?;
    Ok(ExitCode::SUCCESS)
}

fn task(args: LoadArgs) -> anyhow::Result<Task> {
    if args.half_open {
        return Ok(Task::HalfOpen);
    }
    if args.trickle {
        return Ok(Task::Trickle);
    }
    let users = match &args.users {
        Some(file) => Users::read(file)?,
        None => Users::numbered(&args.username, &args.password),
    };
    Ok(Task::Tunnel(TunnelOptions {
        users,
        client: args.habits,
        tls: args.tls,
        ca: args.ca,
        reconnect: args.reconnect,
    }))
}
