//! The site's router as a MikroTik: one virtual router with a tunnel for every line, in place of a client for each.

use std::{
    fmt::Write as _,
    fs,
    io::{BufRead, BufReader, Write},
    net::Ipv4Addr,
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, bail};
use serde_json::{Value, json};

use crate::{
    namespace::Namespace,
    net::KernelRoute,
    network::Line,
    process::{Supervised, log_to},
    topology::LAN_GATEWAY,
};

/// A running virtual router.
#[derive(Debug)]
pub(crate) struct RouterOs {
    /// It runs as long as this is here.
    _process: Supervised,
    control: PathBuf,
}

/// How long the control socket may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// What a router that dials at once waits before it does, in milliseconds.
const REDIAL_DELAY: u64 = 100;

/// Distance of a connection's own default route, beneath all that is pushed; the line's number is added.
const OWN_DISTANCE: u8 = 200;

impl RouterOs {
    /// Starts one in `router` that dials with these profiles, one for each line.
    pub(crate) fn start(
        router: &Arc<Namespace>,
        holdfast: &Path,
        lines: &[Line],
        profiles: &[String],
        run_dir: &Path,
    ) -> anyhow::Result<Self> {
        let control = run_dir.join("router.control");
        let settings = run_dir.join("router.json");
        let logins: Vec<_> = profiles
            .iter()
            .map(|text| Login::read(text))
            .collect::<Result<_, _>>()?;
        fs::write(&settings, describe(lines, &logins, &control).to_string())?;
        let (program, log) = (holdfast.to_owned(), run_dir.join("router.log"));
        let command = move || {
            let mut command = Command::new(&program);
            command.args(["lab", "router", "--config"]).arg(&settings);
            log_to(&mut command, &log)?;
            Ok(command)
        };
        let process = Supervised::start(router, command)?;
        Ok(Self {
            _process: process,
            control,
        })
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
        let mut stream = UnixStream::connect(&self.control)
            .with_context(|| format!("cannot reach {}", self.control.display()))?;
        stream.set_read_timeout(Some(PATIENCE))?;
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

/// A row of `/ip/route`, if it was pushed to a tunnel.
fn pushed_route(row: &Value) -> Option<KernelRoute> {
    let field = |name: &str| row[name].as_str();
    if field("vpn") != Some("true") {
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

/// What a profile says of a tunnel.
struct Login {
    user: String,
    password: String,
    authority: String,
}

impl Login {
    fn read(profile: &str) -> anyhow::Result<Self> {
        let login = section(profile, "auth-user-pass")?;
        let mut words = login.lines().map(str::trim).filter(|line| !line.is_empty());
        let mut next = || {
            words
                .next()
                .context("the profile has no user or no password")
        };
        Ok(Self {
            user: next()?.to_owned(),
            password: next()?.to_owned(),
            authority: section(profile, "ca")?,
        })
    }
}

/// What a profile has between `<name>` and `</name>`, or in the file that it names.
fn section(profile: &str, name: &str) -> anyhow::Result<String> {
    let inline = profile
        .split_once(&format!("<{name}>\n"))
        .and_then(|(_, rest)| rest.split_once(&format!("</{name}>")));
    if let Some((text, _)) = inline {
        return Ok(text.to_owned());
    }
    let start = format!("{name} \"");
    let file = profile
        .lines()
        .find_map(|line| line.strip_prefix(&start)?.strip_suffix('"'));
    let file = file.with_context(|| format!("the profile has no {name}"))?;
    fs::read_to_string(file).with_context(|| format!("cannot read {file}"))
}

fn client_name(line: usize) -> String {
    format!("holdfast-{}", line + 1)
}

/// The settings of the virtual router (docs/virtual-router.md).
fn describe(lines: &[Line], logins: &[Login], control: &Path) -> Value {
    let wan = |line: &Line| {
        let lease =
            json!({ "address": line.plan.wan(), "prefix": 24, "gateway": line.plan.gateway() });
        json!({ "name": line.plan.wan_interface(), "lease": lease })
    };
    let mut interfaces = vec![json!({ "name": "lan" })];
    interfaces.extend(lines.iter().map(wan));
    let authority = logins.first().map_or("", |login| &login.authority);
    json!({
        "identity": "lab",
        "kernel": "on",
        "access": { "api": "127.0.0.1:8728", "control": control },
        "interfaces": interfaces,
        "certificates": [{ "name": "holdfast-ca", "pem": authority, "trusted": true }],
        "configuration": configuration(lines, logins),
        "behaviour": { "redial-delay-ms": REDIAL_DELAY },
    })
}

/// The site's own network, and for every line a lease, a pin with its shadow and a client.
fn configuration(lines: &[Line], logins: &[Login]) -> String {
    let mut script = format!("/ip address add address={LAN_GATEWAY}/24 interface=lan\n");
    for (number, (line, login)) in lines.iter().zip(logins).enumerate() {
        let (plan, slot) = (line.plan, line.plan.slot());
        let (wan, gateway, controller) = (plan.wan_interface(), plan.gateway(), slot.ip());
        // Writing to a String cannot fail.
        let _ = write!(
            script,
            "/ip dhcp-client add interface={wan} default-route-distance={distance} use-peer-dns=no disabled=no\n\
             /ip route add dst-address={controller} gateway={gateway}%{wan}\n\
             /ip route add dst-address={controller} blackhole distance=250\n\
             /interface ovpn-client add name={name} connect-to={controller} port={port} \
             user=\"{user}\" password=\"{password}\" cipher=aes256-cbc auth=sha256 \
             tls-version=only-1.2 verify-server-certificate=yes disabled=no\n",
            distance = OWN_DISTANCE + plan.number,
            name = client_name(number),
            port = slot.port(),
            user = login.user,
            password = login.password,
        );
    }
    script
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
    }

    #[test]
    fn a_profile_is_read_with_its_secrets_inside() {
        let profile = "client\n<auth-user-pass>\nu\np\n</auth-user-pass>\n<ca>\nPEM\n</ca>\n";
        let login = Login::read(profile).unwrap();
        assert_eq!((login.user.as_str(), login.password.as_str()), ("u", "p"));
        assert_eq!(login.authority, "PEM\n");
    }

    #[test]
    fn a_profile_is_read_with_its_secrets_in_files() {
        let directory = tempfile::tempdir().unwrap();
        let (login, ca) = (directory.path().join("login"), directory.path().join("ca"));
        fs::write(&login, "u\np\n").unwrap();
        fs::write(&ca, "PEM").unwrap();
        let profile = format!(
            "auth-user-pass \"{}\"\nca \"{}\"\n",
            login.display(),
            ca.display()
        );
        assert_eq!(Login::read(&profile).unwrap().authority, "PEM");
        assert!(Login::read("client\n").is_err());
    }
}
