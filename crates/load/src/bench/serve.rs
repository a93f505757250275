//! `holdfast serve` with a whole fleet in its database: what a part of it costs when it connects, and how long that
//! part is away when the process is killed.

use std::{
    fs,
    path::PathBuf,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use serde::Serialize;
use tokio::time::sleep;

use super::{
    measure::{PATIENCE, SETTLE, hold, launch, wait_all_up},
    namespace,
    server::{Kind, Servers},
};
use crate::{TunnelReport, Users, dial};

/// What to measure, and where to put it.
#[derive(Debug, Clone)]
pub struct ServeBench {
    /// The program that has `serve`.
    pub holdfast: PathBuf,
    /// A data directory with tunnels in its database.
    pub data: PathBuf,
    /// All those tunnels; the first of them are connected.
    pub users: Users,
    /// Where `serve.json` goes.
    pub out: PathBuf,
    /// A fraction of everything: shows that it works, measures little.
    pub quick: bool,
}

/// Measures, and returns the rows of a Markdown table; all figures are in `out` as well. Says on `progress` what it
/// is doing.
///
/// # Errors
/// When the server cannot be started, or its clients do not come back. Fewer tunnels than expected are a result. Must
/// be called before the process has a second thread.
pub fn run_serve(bench: &ServeBench, progress: impl Fn(&str)) -> anyhow::Result<String> {
    let plan = if bench.quick { Plan::QUICK } else { Plan::FULL };
    ensure!(
        bench.users.count() >= plan.connected,
        "there are {} users in the list, and {} are to connect: store more of them",
        bench.users.count(),
        plan.connected
    );
    namespace::enter()?;
    dial::allow_files(plan.connected)?;
    let data = bench.data.canonicalize();
    let data = data.with_context(|| format!("--data: no directory {}", bench.data.display()))?;
    let servers = Servers::with_database(data, bench.holdfast.clone())?;

    let runtime = tokio::runtime::Runtime::new()?;
    // On this thread: a server lives no longer than the thread that started it.
    let measured = runtime.block_on(measure(&servers, &bench.users, &plan, progress));
    let figures = measured.with_context(|| format!("its log is in {}", servers.dir().display()))?;
    fs::write(
        bench.out.join("serve.json"),
        serde_json::to_string_pretty(&figures)?,
    )?;
    Ok(rows(&plan, &figures))
}

/// How much of everything.
struct Plan {
    /// Tunnels at which memory and CPU are measured.
    connected: usize,
    /// How long they are held.
    hold: Duration,
    /// Tunnels at the time of the crash.
    crash: usize,
    /// Log-ins per second until then.
    rate: f64,
}

impl Plan {
    const FULL: Self = Self {
        connected: 5000,
        hold: Duration::from_secs(60),
        crash: 2000,
        rate: 150.0,
    };
    const QUICK: Self = Self {
        connected: 100,
        hold: Duration::from_secs(2),
        crash: 60,
        rate: 50.0,
    };
}

#[derive(Serialize)]
struct Figures {
    /// Tunnels in the database.
    stored: usize,
    /// From the start of the process until it listens.
    start_s: f64,
    /// Resident memory with nobody connected.
    empty_kib: f64,
    /// The same with the tunnels of the plan.
    connected_kib: f64,
    /// CPU while they are held, probed and recorded, in percent of one core.
    hold_cpu_percent: f64,
    /// From SIGKILL until all clients are up at the next process.
    crash_s: f64,
    /// What the clients saw until then.
    held: TunnelReport,
    /// What those of the crash saw.
    crashed: TunnelReport,
}

async fn measure(
    servers: &Servers,
    users: &Users,
    plan: &Plan,
    progress: impl Fn(&str),
) -> anyhow::Result<Figures> {
    progress("serve: starting");
    let started = Instant::now();
    let server = servers.start(Kind::Serve).await?;
    let start_s = started.elapsed().as_secs_f64();
    sleep(SETTLE).await;
    let empty_kib = server.resident()?;

    progress("serve: tunnels connect");
    let fleet = launch(users.clone(), plan.connected, plan.rate, false)?;
    wait_all_up(&fleet, plan.connected).await;
    sleep(SETTLE).await;
    let connected_kib = server.resident()?;
    progress("serve: tunnels are held");
    let hold_cpu_percent = hold(&server, plan.hold).await?;
    let held = fleet.report();
    drop((fleet, server));

    progress("serve: crash");
    let (crash_s, crashed) = crash(servers, users, plan).await?;
    Ok(Figures {
        stored: users.count(),
        start_s,
        empty_kib,
        connected_kib,
        hold_cpu_percent,
        crash_s,
        held,
        crashed,
    })
}

/// Seconds from SIGKILL until all clients are up at a process that is started at once, and what they saw.
async fn crash(
    servers: &Servers,
    users: &Users,
    plan: &Plan,
) -> anyhow::Result<(f64, TunnelReport)> {
    let server = servers.start(Kind::Serve).await?;
    let fleet = launch(users.clone(), plan.crash, plan.rate, true)?;
    let all_up = fleet.wait_for(|standing| standing.up == plan.crash, PATIENCE);
    ensure!(all_up.await, "not all clients came up before the crash");

    let before = fleet.standing().handshakes;
    let killed = Instant::now();
    // Kills it, and waits until it is gone: two processes cannot have one data directory.
    drop(server);
    let _next = servers.start(Kind::Serve).await?;
    let all_back = fleet.wait_for(
        |standing| standing.up == plan.crash && standing.handshakes >= before + plan.crash,
        PATIENCE,
    );
    ensure!(
        all_back.await,
        "not all clients came back within {} s of the crash",
        PATIENCE.as_secs()
    );
    Ok((killed.elapsed().as_secs_f64(), fleet.report()))
}

fn rows(plan: &Plan, figures: &Figures) -> String {
    let Plan {
        connected, crash, ..
    } = plan;
    let Figures { stored, held, .. } = figures;
    let per_tunnel = (figures.connected_kib - figures.empty_kib) / *connected as f64;
    [
        format!(
            "resident memory of `holdfast serve`, {stored} tunnels stored, none connected | {:.0} MiB",
            figures.empty_kib / 1024.0
        ),
        format!(
            "the same, {connected} connected | {:.0} MiB",
            figures.connected_kib / 1024.0
        ),
        format!("memory per connected tunnel | {per_tunnel:.1} KiB"),
        format!(
            "CPU of {connected} tunnels, probed and recorded | {:.0} % of a core",
            figures.hold_cpu_percent
        ),
        format!(
            "of these: up at the end / failed log-ins / lost | {} / {} / {}",
            held.up,
            held.failed(),
            held.disconnected()
        ),
        format!("start until it listens | {:.2} s", figures.start_s),
        format!(
            "{crash} tunnels up again after SIGKILL and start | {:.1} s",
            figures.crash_s
        ),
        format!("half of them | {:.1} s", figures.crashed.outage_p50_s),
    ]
    .map(|row| format!("| {row} |\n"))
    .concat()
}
