//! The same load on the Holdfast controller and on the stock `openvpn` server, one after the other in one run.
//!
//! Both have the same certificate, the same ciphers and the same keepalive, and both admit everybody without
//! asking another process. What is compared is what it costs the server: its CPU time and memory as the kernel
//! counts them, and the time its clients have to do without it. Absolute numbers are those of the machine.

mod measure;
mod namespace;
mod pki;
mod serve;
mod server;
mod table;

use std::{fs, path::PathBuf};

use anyhow::Context;
use serde_json::json;

pub use self::serve::{ServeBench, run_serve};
use self::{
    measure::{Figures, Plan},
    server::{ADDRESS, Kind, Servers},
};
use crate::dial;

/// What to measure, and where to put it.
#[derive(Debug, Clone)]
pub struct Bench {
    /// The program that has the controller.
    pub holdfast: PathBuf,
    /// Where `load.md`, `load.json` and the servers' logs go.
    pub out: PathBuf,
    /// A fraction of everything: shows that it works, measures little.
    pub quick: bool,
}

/// Measures both servers and returns the table; the table and all figures are in `out` as well. Says on `progress`
/// what it is doing.
///
/// # Errors
/// When a server cannot be started or nobody can log in. Fewer successes than expected are a result. Must be
/// called before the process has a second thread.
pub fn run(bench: &Bench, progress: impl Fn(&str)) -> anyhow::Result<String> {
    let plan = if bench.quick { Plan::QUICK } else { Plan::FULL };
    namespace::enter()?;
    dial::allow_files(plan.idle[1])?;
    let dir = bench.out.join("load");
    fs::create_dir_all(&dir).with_context(|| format!("cannot make {}", dir.display()))?;
    pki::write(&dir, ADDRESS.ip())?;
    let servers = Servers::prepare(dir.canonicalize()?, bench.holdfast.clone())?;

    let mut figures = [Kind::Holdfast, Kind::OpenVpn].map(Figures::new);
    let runtime = tokio::runtime::Runtime::new()?;
    // On this thread: a server lives no longer than the thread that started it.
    let measured = runtime.block_on(measure_all(&servers, &plan, &mut figures, progress));
    measured.with_context(|| format!("logs are in {}", servers.dir().display()))?;

    let [ours, theirs] = &figures;
    let table = table::render(&plan, ours, theirs);
    fs::write(bench.out.join("load.md"), &table)?;
    let raw = json!({ "plan": plan, "figures": figures });
    fs::write(bench.out.join("load.json"), format!("{raw:#}\n"))?;
    Ok(table)
}

/// Alternates between the servers, so that whatever else the machine does meets both.
async fn measure_all(
    servers: &Servers,
    plan: &Plan,
    figures: &mut [Figures; 2],
    progress: impl Fn(&str),
) -> anyhow::Result<()> {
    for (nth, rate) in plan.handshake_rates.iter().enumerate() {
        for run in 1..=plan.runs {
            for figures in figures.iter_mut() {
                progress(&format!(
                    "{}: log-ins, {rate} a second, run {run}",
                    figures.server
                ));
                figures.measure_handshakes(servers, plan, nth).await?;
            }
        }
    }
    for figures in figures.iter_mut() {
        progress(&format!("{}: idle tunnels", figures.server));
        figures.measure_idle(servers, plan).await?;
    }
    for figures in figures {
        progress(&format!("{}: restarts", figures.server));
        figures.measure_restart(servers, plan).await?;
    }
    Ok(())
}
