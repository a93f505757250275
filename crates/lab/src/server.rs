//! The server of the tunnels, in `inet`: our controller, or the stock OpenVPN server for comparison.

use std::{
    fs,
    net::IpAddr,
    path::{Path, PathBuf},
    process::Command,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use nix::sys::signal::Signal;

use crate::{
    events::EventLog,
    kind::ServerKind,
    namespace::Namespace,
    pki,
    process::{Process, find_program, lock, log_errors_to, log_to},
    tunnel::{self, Tunnel},
    wait,
};

/// A controller that makes its keys for the first time needs a moment.
const FIRST_START: Duration = Duration::from_secs(20);
/// How long a controller may take to see its tunnels off.
const DRAIN: Duration = Duration::from_secs(30);

#[derive(Debug)]
pub(crate) struct Server {
    kind: ServerKind,
    inet: Arc<Namespace>,
    tunnels: Vec<Tunnel>,
    /// Of the program that plays our controller and agent.
    holdfast: PathBuf,
    dir: PathBuf,
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
        run_dir: &Path,
    ) -> anyhow::Result<Self> {
        let server = Self {
            kind,
            inet: Arc::clone(inet),
            tunnels,
            holdfast: holdfast.into(),
            dir: run_dir.join("server"),
            log: run_dir.join("server.log"),
            events: EventLog::default(),
            process: Mutex::default(),
        };
        fs::create_dir_all(server.dir.join("ccd"))?;
        if kind != ServerKind::Holdfast {
            let addresses: Vec<_> = server
                .tunnels
                .iter()
                .map(|t| IpAddr::V4(*t.slot.ip()))
                .collect();
            pki::write(&server.dir, &addresses)?;
            fs::write(server.config_file(), server.stock_config()?)?;
        }
        let order: Vec<_> = (0..server.tunnels.len()).collect();
        server.write_order(&order)?;
        Ok(server)
    }

    /// Where clients find the certificate authority, once the server runs.
    pub(crate) fn ca(&self) -> PathBuf {
        self.dir.join("ca.pem")
    }

    pub(crate) fn events(&self) -> &EventLog {
        &self.events
    }

    pub(crate) fn is_running(&self) -> bool {
        lock(&self.process)
            .as_ref()
            .is_some_and(|p| p.ended().is_none())
    }

    /// Starts it and waits until clients can be given its CA.
    pub(crate) fn start(&self) -> anyhow::Result<()> {
        let process = match self.kind {
            ServerKind::Holdfast => self.start_holdfast()?,
            ServerKind::Openvpn | ServerKind::OpenvpnTuned => self.start_stock()?,
        };
        let deadline = Instant::now() + FIRST_START;
        let ready = wait::until(deadline, || self.ca().exists() || process.ended().is_some());
        if ready.is_err() || process.ended().is_some() {
            bail!("the server did not start:\n{}", tail(&self.log));
        }
        *lock(&self.process) = Some(process);
        Ok(())
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

    /// Puts another order of tunnels, best first, into force.
    pub(crate) fn reorder(&self, order: &[usize]) -> anyhow::Result<()> {
        self.write_order(order)?;
        if let Some(process) = &*lock(&self.process) {
            // The stock server has nothing gentler than a restart of all its connections.
            process.signal(Signal::SIGHUP);
        }
        Ok(())
    }

    fn start_holdfast(&self) -> anyhow::Result<Process> {
        let mut command = Command::new(&self.holdfast);
        command
            .arg("controller")
            .arg("--grants")
            .arg(self.grants_file())
            .arg("--data")
            .arg(&self.dir)
            .args(["--events", "json", "--health-events", "1"]);
        log_errors_to(&mut command, &self.log)?;
        let process = Process::start(&self.inet, command)?;
        if let Some(stdout) = process.take_stdout() {
            self.events.follow(stdout)?;
        }
        Ok(process)
    }

    fn start_stock(&self) -> anyhow::Result<Process> {
        let mut command = Command::new(find_program("openvpn", "openvpn")?);
        command.arg("--config").arg(self.config_file());
        log_to(&mut command, &self.log)?;
        Process::start(&self.inet, command)
    }

    fn write_order(&self, order: &[usize]) -> anyhow::Result<()> {
        match self.kind {
            ServerKind::Holdfast => {
                replace(&self.grants_file(), &tunnel::grants(&self.tunnels, order))
            }
            ServerKind::Openvpn | ServerKind::OpenvpnTuned => {
                order.iter().enumerate().try_for_each(|(rank, &i)| {
                    let tunnel = &self.tunnels[i];
                    let routes = tunnel::pushed_routes(tunnel, rank, order.len());
                    replace(&self.dir.join("ccd").join(&tunnel.name), &routes)
                })
            }
        }
    }

    fn stock_config(&self) -> anyhow::Result<String> {
        let keepalive = match self.kind {
            ServerKind::OpenvpnTuned => "1 3",
            ServerKind::Openvpn | ServerKind::Holdfast => "10 60",
        };
        let anybody = find_program("true", "coreutils")?;
        Ok(format!(
            "dev tun-server\n\
             dev-type tun\n\
             proto tcp-server\n\
             port 443\n\
             server 198.18.0.0 255.255.0.0\n\
             topology subnet\n\
             ca \"{dir}/ca.pem\"\n\
             cert \"{dir}/server.pem\"\n\
             key \"{dir}/server.key\"\n\
             dh none\n\
             verify-client-cert none\n\
             username-as-common-name\n\
             script-security 2\n\
             tmp-dir \"{dir}\"\n\
             auth-user-pass-verify {anybody} via-file\n\
             client-config-dir \"{dir}/ccd\"\n\
             keepalive {keepalive}\n\
             tcp-nodelay\n\
             verb 3\n",
            dir = self.dir.display(),
            anybody = anybody.display(),
        ))
    }

    fn config_file(&self) -> PathBuf {
        self.dir.join("server.conf")
    }

    fn grants_file(&self) -> PathBuf {
        self.dir.join("grants.toml")
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
