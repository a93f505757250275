//! What is measured, and how.

use std::time::{Duration, Instant};

use anyhow::ensure;
use nix::sys::signal::Signal;
use serde::Serialize;
use tokio::time::sleep;

use super::server::{ADDRESS, Kind, Server, Servers};
use crate::{
    Client, Dial, TlsVersion, TunnelOptions, TunnelReport, Users, fleet::Fleet, tally::Standing,
};

/// For buffers of the log-in to be given back, and connections probed once.
pub(super) const SETTLE: Duration = Duration::from_secs(3);

/// For all tunnels to be up, their dialling included.
pub(super) const PATIENCE: Duration = Duration::from_secs(90);

/// How much of everything.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Plan {
    /// How often the CPU time of log-ins is measured, each time with a fresh server.
    pub(super) runs: usize,
    /// Log-ins for it.
    pub(super) handshakes: usize,
    /// Numbers of idle tunnels at which memory is measured, growing.
    pub(super) idle: [usize; 2],
    /// How long the last of them are held.
    pub(super) hold: Duration,
    /// Tunnels at the time of a restart.
    pub(super) restart: usize,
    /// Log-ins per second while their CPU time is measured: first a number that neither server falls behind, then
    /// a storm, as after an outage, of which a server does all it can.
    pub(super) handshake_rates: [f64; 2],
    /// Log-ins per second otherwise.
    pub(super) rate: f64,
}

impl Plan {
    pub(super) const FULL: Self = Self {
        runs: 3,
        handshakes: 1000,
        idle: [1000, 5000],
        hold: Duration::from_secs(60),
        restart: 2000,
        handshake_rates: [400.0, 5000.0],
        rate: 150.0,
    };
    pub(super) const QUICK: Self = Self {
        runs: 1,
        handshakes: 100,
        idle: [50, 100],
        hold: Duration::from_secs(2),
        restart: 100,
        handshake_rates: [100.0, 1000.0],
        rate: 100.0,
    };
}

/// What one server was measured to need.
#[derive(Debug, Serialize)]
pub(super) struct Figures {
    pub(super) server: Kind,
    /// CPU time per log-in, for each rate of the plan and each run.
    pub(super) handshake_cpu_ms: [Vec<f64>; 2],
    /// Memory per idle tunnel, for each number of tunnels of the plan.
    pub(super) idle_kib: Vec<f64>,
    /// CPU while the tunnels are idle, in percent of one core.
    pub(super) hold_cpu_percent: f64,
    /// From SIGTERM until all clients are up at the next server.
    pub(super) restart_s: f64,
    /// From SIGKILL until all clients are up at the next server.
    pub(super) crash_s: f64,
    /// What the clients saw of all this, in this order.
    pub(super) clients: Vec<ClientView>,
}

/// What the clients saw of one part.
#[derive(Debug, Serialize)]
pub(super) struct ClientView {
    pub(super) part: &'static str,
    /// Whether the server went away in it, so that tunnels were lost as they should be.
    pub(super) restarts: bool,
    #[serde(flatten)]
    pub(super) report: TunnelReport,
}

impl Figures {
    /// No measurement yet.
    pub(super) fn new(server: Kind) -> Self {
        Self {
            server,
            handshake_cpu_ms: [Vec::new(), Vec::new()],
            idle_kib: Vec::new(),
            hold_cpu_percent: 0.0,
            restart_s: 0.0,
            crash_s: 0.0,
            clients: Vec::new(),
        }
    }

    /// Log-ins that failed and tunnels that were lost while the server was there all the time.
    pub(super) fn failures(&self) -> (u64, u64) {
        let steady = self.clients.iter().filter(|view| !view.restarts);
        steady.fold((0, 0), |(failed, lost), view| {
            let report = &view.report;
            (failed + report.failed(), lost + report.disconnected())
        })
    }

    /// One run of log-ins at a fresh server, at the plan's rate of this number.
    pub(super) async fn measure_handshakes(
        &mut self,
        servers: &Servers,
        plan: &Plan,
        nth: usize,
    ) -> anyhow::Result<()> {
        let server = servers.start(self.server).await?;
        let before = server.cpu()?;
        let users = anybody("login");
        let fleet = launch(users, plan.handshakes, plan.handshake_rates[nth], false)?;
        wait_all_up(&fleet, plan.handshakes).await;
        let used = server.cpu()? - before;
        let report = self.note("log-ins", false, &fleet);
        ensure!(
            report.handshakes > 0,
            "nobody could log in; see the server's log"
        );
        self.handshake_cpu_ms[nth].push(used * 1000.0 / report.handshakes as f64);
        Ok(())
    }

    /// Memory at each number of idle tunnels, then CPU while the last of them are held.
    pub(super) async fn measure_idle(
        &mut self,
        servers: &Servers,
        plan: &Plan,
    ) -> anyhow::Result<()> {
        let server = servers.start(self.server).await?;
        sleep(SETTLE).await;
        let empty = server.memory()?;
        let mut fleets: Vec<Fleet> = Vec::new();
        let mut tunnels = 0;
        for size in plan.idle {
            let more = size - tunnels;
            let fleet = launch(anybody(&format!("to-{size}")), more, plan.rate, false)?;
            wait_all_up(&fleet, more).await;
            fleets.push(fleet);
            tunnels = size;
            sleep(SETTLE).await;
            self.idle_kib.push((server.memory()? - empty) / size as f64);
        }
        self.hold_cpu_percent = hold(&server, plan.hold).await?;
        for fleet in &fleets {
            self.note("idle", false, fleet);
        }
        Ok(())
    }

    /// How long the clients are away when the server is restarted, and when it crashes and is started again.
    pub(super) async fn measure_restart(
        &mut self,
        servers: &Servers,
        plan: &Plan,
    ) -> anyhow::Result<()> {
        let server = servers.start(self.server).await?;
        let fleet = launch(anybody("restart"), plan.restart, plan.rate, true)?;
        wait_all_up(&fleet, plan.restart).await;
        let (server, restart) = self
            .replace(servers, server, Signal::SIGTERM, &fleet, plan)
            .await?;
        let (_server, crash) = self
            .replace(servers, server, Signal::SIGKILL, &fleet, plan)
            .await?;
        (self.restart_s, self.crash_s) = (restart, crash);
        self.note("restarts", true, &fleet);
        Ok(())
    }

    /// Puts a new server in the place of one that is signalled; seconds until all clients are up there.
    async fn replace(
        &self,
        servers: &Servers,
        old: Server,
        signal: Signal,
        fleet: &Fleet,
        plan: &Plan,
    ) -> anyhow::Result<(Server, f64)> {
        let before = fleet.standing().handshakes;
        let signalled = Instant::now();
        old.give_way(signal).await?;
        let new = servers.start(self.server).await?;
        let all_back = |standing: &Standing| {
            standing.up == plan.restart && standing.handshakes >= before + plan.restart
        };
        ensure!(
            fleet.wait_for(all_back, PATIENCE).await,
            "not all clients came back within {} s",
            PATIENCE.as_secs()
        );
        let back = signalled.elapsed();
        // Only now: it may have taken until here to say goodbye to its clients.
        drop(old);
        Ok((new, back.as_secs_f64()))
    }

    fn note(&mut self, part: &'static str, restarts: bool, fleet: &Fleet) -> TunnelReport {
        let report = fleet.report();
        self.clients.push(ClientView {
            part,
            restarts,
            report: report.clone(),
        });
        report
    }
}

/// `fleet` keeps the users of one fleet apart from those of another at the same server.
fn anybody(fleet: &str) -> Users {
    Users::numbered(&format!("{fleet}-{{n}}"), "load")
}

/// Begins to dial; `rate` is in connections per second.
pub(super) fn launch(
    users: Users,
    connections: usize,
    rate: f64,
    reconnect: bool,
) -> anyhow::Result<Fleet> {
    let dial = Dial {
        target: ADDRESS,
        connections,
        rate,
        sources: 100,
    };
    let tunnels = TunnelOptions {
        users,
        client: Client::OpenVpn26,
        tls: TlsVersion::V13,
        ca: None,
        reconnect,
    };
    Fleet::launch(&dial, &tunnels)
}

/// Not reaching it is no error: the report says who is missing.
pub(super) async fn wait_all_up(fleet: &Fleet, count: usize) {
    fleet
        .wait_for(|standing| standing.up >= count, PATIENCE)
        .await;
}

/// CPU over so much time, in percent of one core.
pub(super) async fn hold(server: &Server, time: Duration) -> anyhow::Result<f64> {
    let (cpu, start) = (server.cpu()?, Instant::now());
    sleep(time).await;
    Ok((server.cpu()? - cpu) / start.elapsed().as_secs_f64() * 100.0)
}
