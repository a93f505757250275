//! A router whose owner has configured it by hand: the tunnels dial with the profiles that any client gets.

use std::{fmt::Write as _, fs};

use anyhow::Context;
use serde_json::{Value, json};

use super::{client_name, settings};
use crate::{network::Line, topology::LAN_GATEWAY};

/// Distance of a connection's own default route, beneath all that is pushed; the line's number is added.
const OWN_DISTANCE: u8 = 200;

/// The settings of a router that dials with these profiles, one for each line.
pub(super) fn by_hand(lines: &[Line], profiles: &[String]) -> anyhow::Result<Value> {
    let logins: Vec<_> = profiles
        .iter()
        .map(|text| Login::read(text))
        .collect::<Result<_, _>>()?;
    let authority = logins.first().map_or("", |login| &login.authority);
    let mut settings = settings(lines, configuration(lines, &logins));
    settings["certificates"] =
        json!([{ "name": "holdfast-ca", "pem": authority, "trusted": true }]);
    Ok(settings)
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

/// The site's own network, and for every line a lease, a pin with its shadow and a client.
fn configuration(lines: &[Line], logins: &[Login]) -> String {
    let mut script = format!("/ip address add address={LAN_GATEWAY}/24 interface=lan\n");
    for (number, (line, login)) in lines.iter().zip(logins).enumerate() {
        let (plan, slot) = (line.plan, line.plan.slot());
        let (wan, gateway, controller) = (plan.wan_interface(), plan.gateway(), slot.ip());
        // Writing to a String cannot fail.
        let _ = write!(
            script,
            "/ip firewall nat add chain=srcnat out-interface={wan} action=masquerade\n\
             /ip dhcp-client add interface={wan} default-route-distance={distance} use-peer-dns=no disabled=no\n\
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
