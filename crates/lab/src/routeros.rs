//! The site's router as a MikroTik: one virtual router with a tunnel for every line, in place of a client for each.

use std::{
    fmt::Write as _,
    fs,
    io::{BufRead, BufReader, Write},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, ensure};
use serde_json::{Value, json};

use crate::{
    namespace::Namespace,
    network::Line,
    process::{Supervised, log_to},
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

    fn ask(&self, request: &Value) -> anyhow::Result<()> {
        let mut stream = UnixStream::connect(&self.control)
            .with_context(|| format!("cannot reach {}", self.control.display()))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        writeln!(stream, "{request}")?;
        let mut reply = String::new();
        BufReader::new(stream).read_line(&mut reply)?;
        ensure!(reply.trim() == "\"done\"", "it answers {}", reply.trim());
        Ok(())
    }
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
    let interfaces: Vec<_> = lines
        .iter()
        .map(|line| json!({ "name": line.plan.wan_interface() }))
        .collect();
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

/// Addresses, and for every line a pin with its shadow and a client.
fn configuration(lines: &[Line], logins: &[Login]) -> String {
    let mut script = String::new();
    for (number, (line, login)) in lines.iter().zip(logins).enumerate() {
        let (plan, slot) = (line.plan, line.plan.slot());
        let (wan, gateway, controller) = (plan.wan_interface(), plan.gateway(), slot.ip());
        // Writing to a String cannot fail.
        let _ = write!(
            script,
            "/ip address add address={own}/24 interface={wan}\n\
             /ip route add dst-address={controller} gateway={gateway}%{wan}\n\
             /ip route add dst-address={controller} blackhole distance=250\n\
             /interface ovpn-client add name={name} connect-to={controller} port={port} \
             user=\"{user}\" password=\"{password}\" cipher=aes256-cbc auth=sha256 \
             tls-version=only-1.2 verify-server-certificate=yes disabled=no\n",
            own = plan.wan(),
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
