//! Plays a scenario several times and sums it up.

use std::path::PathBuf;

use anyhow::{Context, ensure};
use serde::Serialize;

use crate::{
    bed::Lab,
    faults::FaultReport,
    kind::{ClientKind, ServerKind},
    meter::{MeterReport, median},
    run_dir::RunDir,
    scenario::Scenario,
    stage::Stage,
    topology::Isp,
};

/// How a scenario is to be run.
#[derive(Debug, Clone)]
pub struct RunOptions {
    /// How many times, each in a fresh lab.
    pub runs: usize,
    /// Who serves the tunnels.
    pub server: ServerKind,
    /// Who dials.
    pub client: ClientKind,
    /// The site's internet connections, best first.
    pub isps: Vec<Isp>,
    /// Where logs and profiles stay after the run; elsewhere they are deleted.
    pub keep_logs: Option<PathBuf>,
    /// The `holdfast` program to run; the running program unless given.
    pub holdfast: Option<PathBuf>,
}

/// What `holdfast lab run` prints.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunResult {
    /// Name of the scenario.
    pub scenario: String,
    /// Who served the tunnels.
    pub server: ServerKind,
    /// Who dialled.
    pub client: ClientKind,
    /// The internet connections, best first.
    pub isps: Vec<String>,
    /// Over all runs.
    pub median: Medians,
    /// Every run.
    pub runs: Vec<RunReport>,
}

/// What one run brought.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunReport {
    /// What users felt.
    #[serde(flatten)]
    pub meter: MeterReport,
    /// What the server's fault log says of it; absent where it keeps none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub faults: Option<Vec<FaultReport>>,
}

/// Medians over all runs of a scenario.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Medians {
    /// Longest outage of a run.
    pub outage_ms: Option<f64>,
    /// Datagrams lost in a run.
    pub lost: Option<f64>,
    /// Changes of the carrying ISP in a run.
    pub switches: Option<f64>,
    /// From the fault to the first datagram that another ISP carried, where one did.
    pub first_switch_ms: Option<f64>,
    /// Longest stall of the download.
    pub tcp_stall_ms: Option<f64>,
    /// How many runs' downloads survived.
    pub tcp_survived: usize,
}

/// Runs `scenario` as told, each time in a fresh lab.
///
/// # Errors
/// When a lab cannot be built, or what a scenario waits for does not happen.
pub fn run(scenario: &Scenario, options: &RunOptions) -> anyhow::Result<RunResult> {
    ensure!(
        options.isps.len() >= 2,
        "a scenario needs a primary and a backup: two ISPs or more"
    );
    let runs = (1..=options.runs)
        .map(|number| {
            tracing::info!("{}: run {number} of {}", scenario.name, options.runs);
            run_once(scenario, options, number)
                .with_context(|| format!("{}, run {number}", scenario.name))
        })
        .collect::<anyhow::Result<Vec<_>>>()?;
    Ok(RunResult {
        scenario: scenario.name.into(),
        server: options.server,
        client: client(scenario, options),
        isps: options.isps.iter().map(|isp| isp.name.clone()).collect(),
        median: Medians::of(&runs),
        runs,
    })
}

fn run_once(scenario: &Scenario, options: &RunOptions, number: usize) -> anyhow::Result<RunReport> {
    let client = client(scenario, options);
    let dir = match &options.keep_logs {
        Some(dir) => {
            let server = options.server;
            let name = format!("{}-{server}-{client}-{number}", scenario.name);
            RunDir::kept(dir.join(name))
        }
        None => RunDir::temporary()?,
    };
    let mut builder = Lab::builder()
        .isps(options.isps.iter().cloned())
        .server(options.server)
        .client(client);
    if let Some(router) = scenario.router {
        builder = builder.layout(router.layout).habits(router.habits);
    }
    if let Some(hold) = scenario.hold {
        builder = builder.hold(hold);
    }
    if let Some(program) = &options.holdfast {
        builder = builder.holdfast(program);
    }
    let lab = builder.build(dir.path())?;
    let mut stage = Stage::set(&lab)?;
    let played = (scenario.play)(&mut stage);
    let report = stage.finish();
    tracing::info!(
        "lost {} of {}, outage {} ms, {} switches",
        report.meter.pulse.lost,
        report.meter.pulse.sent,
        report.meter.pulse.outage_ms,
        report.meter.pulse.switches
    );
    played.map(|()| report)
}

/// A scenario about a router has that router, whoever else was asked for.
fn client(scenario: &Scenario, options: &RunOptions) -> ClientKind {
    match scenario.router {
        Some(_) => ClientKind::Adopted,
        None => options.client,
    }
}

impl Medians {
    fn of(runs: &[RunReport]) -> Self {
        let of = |value: &dyn Fn(&MeterReport) -> Option<f64>| {
            median(runs.iter().filter_map(|run| value(&run.meter)))
        };
        Self {
            outage_ms: of(&|run| Some(run.pulse.outage_ms)),
            lost: of(&|run| Some(run.pulse.lost as f64)),
            switches: of(&|run| Some(run.pulse.switches as f64)),
            first_switch_ms: of(&|run| run.pulse.changes.first().map(|change| change.at_ms)),
            tcp_stall_ms: of(&|run| Some(run.tcp.longest_stall_ms)),
            tcp_survived: runs.iter().filter(|run| run.meter.tcp.survived).count(),
        }
    }
}
