//! The server of the tunnels, in `inet`: our own, whole or without its control plane, or the stock OpenVPN server for
//! comparison.

mod installation;
mod standalone;
mod stock;

use std::{
    fmt, fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use holdfast_api_types::{TunnelId, api::Job};
use nix::sys::signal::Signal;

use self::{installation::Installation, standalone::Standalone, stock::Stock};
use crate::{
    events::EventLog,
    kind::ServerKind,
    namespace::Namespace,
    operator::Operator,
    process::{Process, lock, log_errors_to},
    tunnel::Tunnel,
    wait,
};

/// A server that makes its keys for the first time needs a moment.
const FIRST_START: Duration = Duration::from_secs(20);
/// How long a server may take to see its tunnels off.
const DRAIN: Duration = Duration::from_secs(30);

/// What tells one server program from another.
trait Program: fmt::Debug + Send + Sync {
    /// How it is started. Whatever it prints on standard output is link events.
    fn command(&self) -> anyhow::Result<Command>;

    /// Whether it serves, as far as can be seen from outside.
    fn is_ready(&self) -> bool;

    /// What somebody must do once it serves; called after every start.
    fn prepare(&self) -> anyhow::Result<()> {
        Ok(())
    }

    /// The OpenVPN profile of a line's tunnel.
    fn profile(&self, line: usize) -> anyhow::Result<String>;

    /// Puts another order of lines into force.
    fn reorder(&self, order: &[usize]) -> anyhow::Result<Reordered>;

    /// The line of a tunnel that an event speaks of.
    fn line_of(&self, tunnel: &TunnelId) -> Option<usize>;

    /// Whoever operates it through the HTTP API, if it has one.
    fn operator(&self) -> Option<Arc<Operator>> {
        None
    }

    /// Where its dashboard is in `inet`, if it has one.
    fn dashboard(&self) -> Option<SocketAddr> {
        None
    }
}

/// What has become of a new order.
pub(crate) enum Reordered {
    /// The server finds it when it gets SIGHUP.
    Written,
    /// A job carries it out.
    Accepted(Box<Job>),
}

/// What every server program is made from.
struct Site<'a> {
    inet: &'a Arc<Namespace>,
    tunnels: Vec<Tunnel>,
    /// The program that plays our server and our agent.
    holdfast: PathBuf,
    dir: PathBuf,
    setting: Setting,
}

/// How our own server is set up.
#[derive(Debug)]
pub(crate) struct Setting {
    /// How long a tunnel that has returned must be steady before it carries traffic.
    pub(crate) hold: Duration,
    /// The lab's control socket, if the dashboard is to break things.
    pub(crate) control: Option<PathBuf>,
    /// There is an account, and nothing else.
    pub(crate) blank: bool,
    /// The site's router is adopted first, and failover comes after that.
    pub(crate) adopted: bool,
}

#[derive(Debug)]
pub(crate) struct Server {
    program: Box<dyn Program>,
    inet: Arc<Namespace>,
    log: PathBuf,
    events: EventLog,
    process: Mutex<Option<Process>>,
}

impl Server {
    /// Prepares everything but starts nothing.
    pub(crate) fn new(
        kind: ServerKind,
        inet: &Arc<Namespace>,
        tunnels: Vec<Tunnel>,
        holdfast: &Path,
        setting: Setting,
        run_dir: &Path,
    ) -> anyhow::Result<Self> {
        let site = Site {
            inet,
            tunnels,
            holdfast: holdfast.into(),
            dir: run_dir.join("server"),
            setting,
        };
        fs::create_dir_all(&site.dir)?;
        let program: Box<dyn Program> = match kind {
            ServerKind::Holdfast => Box::new(Installation::new(site)),
            ServerKind::Standalone => Box::new(Standalone::new(site)?),
            ServerKind::Openvpn => Box::new(Stock::new(site, stock::USUAL)?),
            ServerKind::OpenvpnTuned => Box::new(Stock::new(site, stock::TUNED)?),
        };
        Ok(Self {
            program,
            inet: Arc::clone(inet),
            log: run_dir.join("server.log"),
            events: EventLog::default(),
            process: Mutex::default(),
        })
    }

    /// The OpenVPN profile of a line's tunnel, once the server runs.
    pub(crate) fn profile(&self, line: usize) -> anyhow::Result<String> {
        self.program.profile(line)
    }

    pub(crate) fn events(&self) -> &EventLog {
        &self.events
    }

    /// The line of a tunnel that an event speaks of.
    pub(crate) fn line_of(&self, tunnel: &TunnelId) -> Option<usize> {
        self.program.line_of(tunnel)
    }

    /// Whoever operates it through the HTTP API, if it has one.
    pub(crate) fn operator(&self) -> Option<Arc<Operator>> {
        self.program.operator()
    }

    /// Where its dashboard is in `inet`, if it has one.
    pub(crate) fn dashboard(&self) -> Option<SocketAddr> {
        self.program.dashboard()
    }

    pub(crate) fn is_running(&self) -> bool {
        lock(&self.process)
            .as_ref()
            .is_some_and(|p| p.ended().is_none())
    }

    /// Starts it and waits until clients can be given their profiles.
    pub(crate) fn start(&self) -> anyhow::Result<()> {
        let mut command = self.program.command()?;
        log_errors_to(&mut command, &self.log)?;
        let process = Process::start(&self.inet, command)?;
        if let Some(stdout) = process.take_stdout() {
            self.events.follow(stdout)?;
        }
        let deadline = Instant::now() + FIRST_START;
        let ended = || process.ended().is_some();
        let ready = wait::until(deadline, || self.program.is_ready() || ended());
        if ready.is_err() || ended() {
            bail!("the server did not start:\n{}", tail(&self.log));
        }
        *lock(&self.process) = Some(process);
        self.program.prepare()
    }

    /// As an operator or the system does: SIGTERM, and patience.
    pub(crate) fn stop(&self) {
        if let Some(process) = lock(&self.process).take() {
            process.stop(DRAIN);
        }
    }

    /// As a crash does: SIGKILL.
    pub(crate) fn kill(&self) {
        if let Some(process) = lock(&self.process).take() {
            process.kill();
        }
    }

    /// Puts another order of tunnels, best first, into force. Returns the job that does it, where there are jobs.
    pub(crate) fn reorder(&self, order: &[usize]) -> anyhow::Result<Option<Job>> {
        match self.program.reorder(order)? {
            Reordered::Accepted(job) => Ok(Some(*job)),
            Reordered::Written => {
                if let Some(process) = &*lock(&self.process) {
                    process.signal(Signal::SIGHUP);
                }
                Ok(None)
            }
        }
    }
}

/// Writes a file so that a reader sees the old text or the new, never half of it.
fn replace(path: &Path, text: &str) -> anyhow::Result<()> {
    let new = path.with_extension("new");
    fs::write(&new, text)
        .and_then(|()| fs::rename(&new, path))
        .with_context(|| format!("cannot write {}", path.display()))
}

fn tail(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(15)..].join("\n")
}
