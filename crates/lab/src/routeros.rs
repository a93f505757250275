//! The site's router as a MikroTik: one virtual router with a tunnel for every line, in place of a client for each.

mod by_hand;
mod factory;

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    net::Ipv4Addr,
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, anyhow, bail};
use serde_json::{Value, json};

use crate::{
    namespace::Namespace,
    net::KernelRoute,
    network::Line,
    process::{Supervised, log_to},
    wait,
};

/// A running virtual router.
#[derive(Debug)]
pub(crate) struct RouterOs {
    /// It runs as long as this is here.
    process: Supervised,
    control: PathBuf,
}

/// What real routers may do, and may not.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Habits {
    /// The version of RouterOS.
    pub(crate) version: &'static str,
    /// A pushed route keeps its own gateway.
    pub(crate) honours_gateway: bool,
    /// A tunnel that hears nothing is let go when the server has said so.
    pub(crate) honours_ping_restart: bool,
}

/// As documented, of a version in the middle of those that we configure.
pub(crate) const USUAL: Habits = Habits {
    version: "7.16.2",
    honours_gateway: true,
    honours_ping_restart: true,
};

impl Default for Habits {
    fn default() -> Self {
        USUAL
    }
}

/// How long the control socket may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long a pasted line may be at work: the script of an adoption waits for its tunnel.
const PASTED_WITHIN: Duration = Duration::from_secs(60);

const START_WITHIN: Duration = Duration::from_secs(20);

/// What a router that dials at once waits before it does, in milliseconds.
const REDIAL_DELAY: u64 = 100;

impl RouterOs {
    /// Starts one in `router` that dials with these profiles, one for each line.
    pub(crate) fn by_hand(
        router: &Arc<Namespace>,
        holdfast: &Path,
        lines: &[Line],
        profiles: &[String],
        run_dir: &Path,
    ) -> anyhow::Result<Self> {
        Self::start(
            router,
            holdfast,
            by_hand::by_hand(lines, profiles)?,
            run_dir,
        )
    }

    /// Starts one in `router` that has never heard of us, and waits until it is there.
    pub(crate) fn factory(
        router: &Arc<Namespace>,
        holdfast: &Path,
        lines: &[Line],
        habits: Habits,
        run_dir: &Path,
    ) -> anyhow::Result<Self> {
        let mut settings = factory::settings(lines);
        settings["version"] = json!(habits.version);
        settings["behaviour"]["honours-gateway"] = json!(habits.honours_gateway);
        settings["behaviour"]["honours-ping-restart"] = json!(habits.honours_ping_restart);
        let started = Self::start(router, holdfast, settings, run_dir)?;
        started.wait_until_there()?;
        Ok(started)
    }

    /// Makes it forget everything that was configured since its start, and waits until it is there again.
    pub(crate) fn reset(&self) -> anyhow::Result<()> {
        self.process.kill();
        let gone = || self.export().is_err();
        // It may be back before we look.
        let _ = wait::until(Instant::now() + PATIENCE, gone);
        self.wait_until_there()
    }

    fn wait_until_there(&self) -> anyhow::Result<()> {
        let there = || self.export().is_ok();
        wait::until(Instant::now() + START_WITHIN, there)
            .map_err(|_| anyhow!("the router does not start: see router.log"))
    }

    fn start(
        router: &Arc<Namespace>,
        holdfast: &Path,
        mut settings: Value,
        run_dir: &Path,
    ) -> anyhow::Result<Self> {
        let control = run_dir.join("router.control");
        settings["access"]["control"] = json!(control);
        let file = run_dir.join("router.json");
        fs::write(&file, settings.to_string())?;
        let (program, log) = (holdfast.to_owned(), run_dir.join("router.log"));
        let command = move || {
            let mut command = Command::new(&program);
            command.args(["lab", "router", "--config"]).arg(&file);
            log_to(&mut command, &log)?;
            Ok(command)
        };
        let process = Supervised::start(router, command)?;
        Ok(Self { process, control })
    }

    /// Pastes a line into its terminal, waits until it is carried out, and returns what is printed there.
    pub(crate) fn paste(&self, line: &str) -> anyhow::Result<String> {
        let reply = self.ask_within(&json!({ "paste": line }), PASTED_WITHIN)?;
        Ok(reply["text"].as_str().unwrap_or_default().to_owned())
    }

    /// Cuts the connection to its API at the so many'th command from now that changes something, which takes effect or
    /// does not.
    pub(crate) fn cut_at(&self, command: usize, takes_effect: bool) -> anyhow::Result<()> {
        let faults = json!({ "cut-after-changes": command, "cut-takes-effect": takes_effect });
        self.ask(&json!({ "faults": faults })).map(drop)
    }

    /// The DHCP server of a line names this gateway from now on.
    pub(crate) fn renew(&self, line: &Line, gateway: Ipv4Addr) -> anyhow::Result<()> {
        let interface = line.plan.wan_interface();
        let lease = lease(line.plan.wan(), gateway);
        let request = json!({ "lease": { "interface": interface, "lease": lease } });
        self.ask(&request).map(drop)
    }

    /// Its whole configuration as a script.
    pub(crate) fn export(&self) -> anyhow::Result<String> {
        let reply = self.ask(&json!("export"))?;
        let text = reply["text"].as_str().context("an export is a text")?;
        Ok(text.to_owned())
    }

    /// The connection of a line's tunnel ends at once.
    pub(crate) fn kill_client(&self, line: usize) {
        let request = json!({ "redial": { "interface": client_name(line) } });
        if let Err(error) = self.ask(&request) {
            tracing::warn!("the router does not do as it is told: {error:#}");
        }
    }

    /// What the router holds because a tunnel was given it, whether it uses it or not; nothing before it has started.
    pub(crate) fn pushed_routes(&self) -> anyhow::Result<Vec<KernelRoute>> {
        if !self.control.exists() {
            return Ok(Vec::new());
        }
        let reply = self.ask(&json!({ "command": { "path": "/ip/route/print" } }))?;
        let rows = reply["rows"].as_array().context("a menu has rows")?;
        Ok(rows.iter().filter_map(pushed_route).collect())
    }

    fn ask(&self, request: &Value) -> anyhow::Result<Value> {
        self.ask_within(request, PATIENCE)
    }

    fn ask_within(&self, request: &Value, patience: Duration) -> anyhow::Result<Value> {
        let mut stream = UnixStream::connect(&self.control)
            .with_context(|| format!("cannot reach {}", self.control.display()))?;
        stream.set_read_timeout(Some(patience))?;
        writeln!(stream, "{request}")?;
        let mut reply = String::new();
        BufReader::new(stream).read_line(&mut reply)?;
        let reply: Value = serde_json::from_str(&reply).context("its answer is no JSON")?;
        match reply["error"].as_str() {
            None => Ok(reply),
            Some(error) => bail!("it refuses {request}: {error}"),
        }
    }
}

/// A row of `/ip/route`, if it was pushed to a tunnel, or belongs to one whose router holds the ladder itself.
fn pushed_route(row: &Value) -> Option<KernelRoute> {
    let field = |name: &str| row[name].as_str();
    let is_own = field("comment").is_some_and(|text| text.starts_with("holdfast:ladder:"));
    if field("vpn") != Some("true") && !(is_own && field("disabled") != Some("true")) {
        return None;
    }
    let (_, prefix) = field("dst-address")?.split_once('/')?;
    let gateway: Ipv4Addr = field("gateway")?.split('%').next()?.parse().ok()?;
    Some(KernelRoute {
        prefix: prefix.parse().ok()?,
        gateway,
        metric: field("distance")?.parse().ok()?,
        dead: field("active") != Some("true"),
    })
}

fn client_name(line: usize) -> String {
    format!("holdfast-{}", line + 1)
}

/// What a DHCP server says.
fn lease(address: Ipv4Addr, gateway: Ipv4Addr) -> Value {
    json!({ "address": address, "prefix": 24, "gateway": gateway })
}

/// The settings of a virtual router (docs/virtual-router.md) on these lines, each with a DHCP or PPPoE server at its
/// end.
fn settings(lines: &[Line], configuration: String) -> Value {
    let wan = |line: &Line| {
        let (name, wan, gateway) = (
            line.plan.wan_interface(),
            line.plan.wan(),
            line.plan.gateway(),
        );
        match line.plan.layout.pppoe {
            true => json!({ "name": name, "peer": { "local": wan, "remote": gateway } }),
            false => json!({ "name": name, "lease": lease(wan, gateway) }),
        }
    };
    let mut interfaces = vec![json!({ "name": "lan" })];
    interfaces.extend(lines.iter().map(wan));
    json!({
        "identity": "lab",
        "kernel": "on",
        "access": { "api": "0.0.0.0:8728" },
        "interfaces": interfaces,
        "configuration": configuration,
        "behaviour": { "redial-delay-ms": REDIAL_DELAY },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_routes_that_were_pushed_count() {
        let mut row = json!({ "dst-address": "128.0.0.0/1", "gateway": "192.0.2.1", "distance": "90", "vpn": "true",
            "active": "true" });
        let pushed = KernelRoute {
            prefix: 1,
            gateway: Ipv4Addr::new(192, 0, 2, 1),
            metric: 90,
            dead: false,
        };
        assert_eq!(pushed_route(&row), Some(pushed));
        row["vpn"] = Value::Null;
        assert_eq!(pushed_route(&row), None);
        row["comment"] = json!("holdfast:ladder:1");
        assert_eq!(pushed_route(&row), Some(pushed));
        row["disabled"] = json!("true");
        assert_eq!(pushed_route(&row), None);
    }
}
