//! The servers as processes: starting them, stopping them, and reading what they have used.

use std::{
    fmt,
    fs::{self, File, OpenOptions},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, bail, ensure};
use nix::{
    sys::{prctl, signal, signal::Signal},
    unistd::{Pid, SysconfVar, sysconf},
};
use serde::Serialize;
use tokio::time::sleep;

/// Where each listens, one after the other.
pub(super) const ADDRESS: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 1194);

const PATIENCE: Duration = Duration::from_secs(10);
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// Which server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Kind {
    /// Our controller.
    Holdfast,
    /// The stock server.
    #[serde(rename = "openvpn")]
    OpenVpn,
    /// Our controller and the control plane in one process.
    Serve,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Holdfast => "holdfast",
            Self::OpenVpn => "openvpn",
            Self::Serve => "serve",
        })
    }
}

/// How to start the servers, with their files in one directory.
pub(super) struct Servers {
    dir: PathBuf,
    holdfast: PathBuf,
}

impl Servers {
    /// Writes the configuration of those that need no database, and builds the plug-in of the stock one.
    pub(super) fn prepare(dir: PathBuf, holdfast: PathBuf) -> anyhow::Result<Self> {
        fs::write(dir.join("grants.toml"), grants())?;
        fs::write(dir.join("openvpn.conf"), OPENVPN)?;
        fs::write(dir.join("noauth.c"), include_str!("noauth.c"))?;
        let compiled = Command::new("cc")
            .args(["-shared", "-fPIC", "-O2", "-o", "noauth.so", "noauth.c"])
            .current_dir(&dir)
            .status()
            .context("cannot start cc (package gcc)")?;
        ensure!(compiled.success(), "cc cannot build the plug-in");
        Ok(Self { dir, holdfast })
    }

    /// The one with a database, which is in `dir` already.
    pub(super) fn with_database(dir: PathBuf, holdfast: PathBuf) -> anyhow::Result<Self> {
        fs::write(dir.join("holdfast.toml"), serve_toml())?;
        Ok(Self { dir, holdfast })
    }

    /// Where the servers' files are.
    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Starts a server and waits until it accepts connections.
    pub(super) async fn start(&self, kind: Kind) -> anyhow::Result<Server> {
        let mut command = match kind {
            Kind::Holdfast => {
                let mut command = Command::new(&self.holdfast);
                command.args(["controller", "--grants", "grants.toml", "--data", "."]);
                command
            }
            Kind::OpenVpn => {
                let mut command = Command::new("openvpn");
                command.args(["--config", "openvpn.conf"]);
                command
            }
            Kind::Serve => {
                let mut command = Command::new(&self.holdfast);
                command.args(["serve", "--config", "holdfast.toml", "--data", "."]);
                command
            }
        };
        let log = log_file(&self.dir, kind)?;
        command
            .current_dir(&self.dir)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        die_with_parent(&mut command);
        let child = command
            .spawn()
            .with_context(|| format!("cannot start {}", command.get_program().display()))?;
        let mut server = Server { child, kind };
        server.accept().await?;
        Ok(server)
    }
}

/// A running server. It is killed when this is dropped.
pub(super) struct Server {
    child: Child,
    kind: Kind,
}

impl Server {
    /// User and system time that it has used, in seconds.
    pub(super) fn cpu(&self) -> anyhow::Result<f64> {
        let stat = self.proc("stat")?;
        // The name of the program may hold blanks; it ends at the last parenthesis.
        let fields = stat.rsplit_once(')').map(|(_, fields)| fields);
        let mut ticks = fields.into_iter().flat_map(str::split_ascii_whitespace);
        let mut next = |nth| -> Option<u64> { ticks.nth(nth)?.parse().ok() };
        // Fields 14 and 15 of proc(5), counted from 1; the first after the name is field 3.
        let (Some(user), Some(system)) = (next(11), next(0)) else {
            bail!("cannot read the CPU time of the server");
        };
        let per_second = sysconf(SysconfVar::CLK_TCK)?.context("the kernel's tick is unknown")?;
        Ok((user + system) as f64 / per_second as f64)
    }

    /// Its share of memory, in KiB: what it has in common with other processes counts in part.
    pub(super) fn memory(&self) -> anyhow::Result<f64> {
        self.rollup("Pss:")
    }

    /// All memory that it has, in KiB, as process lists show it.
    pub(super) fn resident(&self) -> anyhow::Result<f64> {
        self.rollup("Rss:")
    }

    /// Sends a signal, and waits until another server can listen in its place. It may still be serving the
    /// connections that it has.
    pub(super) async fn give_way(&self, signal: Signal) -> anyhow::Result<()> {
        signal::kill(self.pid(), signal)?;
        let deadline = Instant::now() + PATIENCE;
        while TcpListener::bind(ADDRESS).is_err() {
            ensure!(
                Instant::now() < deadline,
                "{} does not stop listening",
                self.kind
            );
            sleep(LOOK_EVERY).await;
        }
        Ok(())
    }

    async fn accept(&mut self) -> anyhow::Result<()> {
        let deadline = Instant::now() + PATIENCE;
        while TcpStream::connect(ADDRESS).is_err() {
            if let Some(status) = self.child.try_wait()? {
                bail!("{} ended ({status}); see its log", self.kind);
            }
            ensure!(
                Instant::now() < deadline,
                "{} does not listen; see its log",
                self.kind
            );
            sleep(LOOK_EVERY).await;
        }
        Ok(())
    }

    fn rollup(&self, field: &str) -> anyhow::Result<f64> {
        let rollup = self.proc("smaps_rollup")?;
        rollup
            .lines()
            .find_map(|line| line.strip_prefix(field))
            .and_then(|rest| rest.trim().strip_suffix(" kB")?.parse().ok())
            .context("cannot read the memory of the server")
    }

    fn proc(&self, file: &str) -> anyhow::Result<String> {
        let path = format!("/proc/{}/{file}", self.child.id());
        fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(self.child.id().cast_signed())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Both fail only when it has ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn log_file(dir: &Path, kind: Kind) -> anyhow::Result<File> {
    let name = format!("{kind}.log");
    let mut options = OpenOptions::new();
    let log = options.create(true).append(true).open(dir.join(&name));
    log.with_context(|| format!("cannot write {name}"))
}

/// A bench that is killed must not leave a server behind.
#[expect(unsafe_code, reason = "pre_exec has no safe form")]
fn die_with_parent(command: &mut Command) {
    let hook = || Ok(prctl::set_pdeathsig(Signal::SIGKILL)?);
    // SAFETY: between fork and exec the hook makes one system call and touches no memory of ours.
    unsafe { command.pre_exec(hook) };
}

fn grants() -> String {
    format!(
        "[listen]\nslots = [\"{ADDRESS}\"]\n\n\
         [tls]\ncertificate = \"server.pem\"\nkey = \"server.key\"\n\n\
         [[tunnels]]\nany_username = true\npassword = \"load\"\nsite = \"bench\"\nrank = 0\n\
         gateway = \"192.0.2.1\"\nprofile = \"saver\"\n"
    )
}

/// Its own file, so that an installation on this machine changes nothing.
fn serve_toml() -> String {
    format!("[[controller.slots]]\naddress = \"{ADDRESS}\"\n")
}

/// As fast as the stock server goes: no script, no client certificate; and the same keepalive as profile `saver`.
const OPENVPN: &str = "\
local 127.0.0.1
port 1194
proto tcp-server
dev tun
topology subnet
server 10.8.0.0 255.255.0.0
ca ca.pem
cert server.pem
key server.key
dh none
verify-client-cert none
username-as-common-name
duplicate-cn
plugin ./noauth.so
data-ciphers AES-256-GCM:AES-128-GCM:CHACHA20-POLY1305
keepalive 10 60
max-clients 6000
tcp-queue-limit 256
tcp-nodelay
verb 1
";
