//! `cargo xtask clients`: lets clients of the RouterOS API that others wrote use the lab's virtual router.
//!
//! What we make of the protocol is checked against what they make of it: two Python libraries and one for Node do
//! their ordinary calls (`crates/virtual-router/tests/clients/`) against routers of several versions. The libraries
//! live in folders below `target/` and are started as programs of their own.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, bail, ensure};
use serde_json::{Value, json};
use xshell::{Shell, cmd};

use crate::{demo::target_directory, packages, web};

/// Which ones, because a newer one may ask more than the router was ready for.
const LIBROUTEROS: &str = "librouteros==4.2.2";
const ROUTEROS_API: &str = "RouterOS-api==0.21.0";
const NODE_CLIENT: &str = "routeros-api@1.0.2";

/// Where the scripts are that do the calls.
const SCRIPTS: &str = "crates/virtual-router/tests/clients";

const USER: &str = "admin";
const PASSWORD: &str = "only on loopback";

/// Versions that answer differently: before and after `!empty`, and one that asks challenges as old ones did.
const ROUTERS: &[(&str, LogIn)] = &[
    ("7.16.2", LogIn::Plain),
    ("7.20.8", LogIn::Plain),
    ("7.8", LogIn::Challenge),
];

/// How long a router may take to listen.
const START: Duration = Duration::from_secs(20);

/// How a router asks who is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LogIn {
    Plain,
    Challenge,
}

impl LogIn {
    fn word(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Challenge => "challenge",
        }
    }
}

pub(crate) fn run(shell: &Shell) -> anyhow::Result<()> {
    let clients = [
        Client::python(shell, LIBROUTEROS, "librouteros_client.py")?,
        Client::python(shell, ROUTEROS_API, "routeros_api_client.py")?,
        Client::node(shell, NODE_CLIENT, "routeros-api-client.mjs")?,
    ];
    cmd!(shell, "cargo build --package holdfast")
        .quiet()
        .run()?;
    let mut failed = Vec::new();
    for (version, log_in) in ROUTERS {
        let scratch = shell.create_temp_dir()?;
        let router = Router::start(scratch.path(), version, *log_in)?;
        for client in &clients {
            let title = format!("{} at {version}, {} log-in", client.package, log_in.word());
            eprintln!("{title}");
            if client.call(shell, &router).is_err() {
                failed.push(title);
            }
        }
    }
    ensure!(failed.is_empty(), "failed: {}", failed.join("; "));
    Ok(())
}

/// A library, installed, and the script that calls it.
struct Client {
    package: &'static str,
    /// What runs the script.
    interpreter: PathBuf,
    script: &'static str,
    /// A file beside which the library is found, for those that need to be told.
    packages: PathBuf,
}

impl Client {
    fn python(shell: &Shell, package: &'static str, script: &'static str) -> anyhow::Result<Self> {
        let why = "speaks to the virtual router as others do";
        let folder = packages::install_from_pypi(shell, package, why)?;
        Ok(Self {
            package,
            interpreter: folder.join("bin/python"),
            script,
            packages: folder,
        })
    }

    fn node(shell: &Shell, package: &'static str, script: &'static str) -> anyhow::Result<Self> {
        web::ensure_node(shell)?;
        let folder = target_directory()?.join("tools").join(package);
        // npm writes this file last.
        if !folder.join("node_modules/.package-lock.json").is_file() {
            eprintln!(
                "missing: {package} (from npm, into {}): speaks to the virtual router as others do",
                folder.display()
            );
            cmd!(
                shell,
                "npm install --prefix {folder} --ignore-scripts --no-audit --no-fund --loglevel=error {package}"
            )
            .quiet()
            .run()?;
        }
        Ok(Self {
            package,
            interpreter: "node".into(),
            script,
            packages: folder.join("package.json"),
        })
    }

    fn call(&self, shell: &Shell, router: &Router) -> anyhow::Result<()> {
        let (interpreter, script) = (&self.interpreter, format!("{SCRIPTS}/{}", self.script));
        // A client that hangs is a client that found something.
        cmd!(shell, "timeout 120 {interpreter} {script}")
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("ROUTER_PACKAGES", &self.packages)
            .env("ROUTER_HOST", &router.host)
            .env("ROUTER_PORT", &router.port)
            .env("ROUTER_USER", USER)
            .env("ROUTER_PASSWORD", PASSWORD)
            .env("ROUTER_VERSION", router.version)
            .env("ROUTER_LOGIN", router.log_in.word())
            .quiet()
            .run()?;
        Ok(())
    }
}

/// A virtual router that touches nothing on this machine, and ends with this value.
struct Router {
    process: Child,
    version: &'static str,
    log_in: LogIn,
    host: String,
    port: String,
}

impl Router {
    fn start(scratch: &Path, version: &'static str, log_in: LogIn) -> anyhow::Result<Self> {
        let (config, ready) = (scratch.join("router.json"), scratch.join("ready.json"));
        fs::write(&config, settings(version, log_in, &ready).to_string())?;
        let binary = target_directory()?.join("debug/holdfast");
        let process = Command::new(&binary)
            .args(["lab", "router", "--config"])
            .arg(&config)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .with_context(|| format!("start {}", binary.display()))?;
        let mut router = Self {
            process,
            version,
            log_in,
            host: String::new(),
            port: String::new(),
        };
        (router.host, router.port) = router.wait(&ready)?;
        Ok(router)
    }

    /// Waits until the router says where it listens.
    fn wait(&mut self, ready: &Path) -> anyhow::Result<(String, String)> {
        let deadline = Instant::now() + START;
        while !ready.exists() {
            if let Some(status) = self.process.try_wait()? {
                bail!("holdfast lab router ended with {status}");
            }
            ensure!(
                Instant::now() < deadline,
                "holdfast lab router does not listen after {START:?}"
            );
            std::thread::sleep(Duration::from_millis(20));
        }
        let said: Value = serde_json::from_str(&fs::read_to_string(ready)?)?;
        let address = said["api"].as_str().and_then(|text| text.rsplit_once(':'));
        let (host, port) = address.context("holdfast lab router does not say where it listens")?;
        Ok((host.to_owned(), port.to_owned()))
    }
}

impl Drop for Router {
    fn drop(&mut self) {
        // It may have ended by itself, which the clients have noticed.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

fn settings(version: &str, log_in: LogIn, ready: &Path) -> Value {
    json!({
        "identity": "clients",
        "version": version,
        "kernel": "off",
        "access": { "api": "127.0.0.1:0", "ready": ready },
        "interfaces": [{ "name": "ether1" }, { "name": "ether2" }],
        "users": [{ "name": USER, "password": PASSWORD, "group": "full" }],
        "behaviour": { "challenge-login": log_in == LogIn::Challenge },
    })
}
