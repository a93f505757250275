//! The OpenVPN profile that a tunnel's router gets.

use std::{net::SocketAddr, path::PathBuf};

use holdfast_store::tunnel::Tunnel;
use secrecy::{ExposeSecret, SecretString};

/// What a profile is made of.
#[derive(Debug)]
pub(crate) struct Profile<'a> {
    pub(crate) tunnel: &'a Tunnel,
    /// What people call the site.
    pub(crate) site: &'a str,
    pub(crate) password: &'a SecretString,
    /// The controller's address that the tunnel dials.
    pub(crate) slot: SocketAddr,
    /// The authority that the controller's certificate is checked against, as PEM.
    pub(crate) ca: &'a str,
}

impl Profile<'_> {
    /// What to save it as, by the names of site and tunnel.
    pub(crate) fn file_name(&self) -> PathBuf {
        let name = format!("{}-{}", self.site, self.tunnel.settings.name);
        let plain: String = name
            .chars()
            .map(|c| {
                if c.is_ascii_alphanumeric() {
                    c.to_ascii_lowercase()
                } else {
                    '-'
                }
            })
            .collect();
        let words: Vec<&str> = plain.split('-').filter(|word| !word.is_empty()).collect();
        format!("holdfast-{}.ovpn", words.join("-")).into()
    }

    /// The text, for OpenVPN 2.6 and newer.
    ///
    /// No `persist-tun` and no `auth-retry`: docs/decisions/0007 says why.
    pub(crate) fn text(&self) -> String {
        let settings = &self.tunnel.settings;
        let (ip, port) = (self.slot.ip(), self.slot.port());
        let number = self.tunnel.slot + 1;
        let interface = settings.interface.as_deref().unwrap_or("INTERFACE");
        let gateway = settings.gateway.as_ref();
        let gateway = gateway.map_or_else(|| "GATEWAY".into(), ToString::to_string);
        let ca = self.ca.trim_end();
        let (name, site) = (&settings.name, self.site);
        let (user, password) = (&self.tunnel.id, self.password.expose_secret());
        format!(
            "\
# Holdfast: {name}, {site}
#
# One OpenVPN client (2.6 or newer) for each internet connection, each with its own profile. This one dials slot
# {number}, and is to leave through {interface} towards {gateway}. Keep this file secret: it holds the password.
#
# Pin it. A tunnel that can leave through another connection says nothing about its own. One of:
#  - Linux, as root: remove the ';' before bind-dev below. A wrong name is only a warning in OpenVPN's log.
#  - Linux, by source address: replace `nobind` by `local ADDRESS` and `lport 0`, and give that address a table of
#    its own: ip rule add from ADDRESS table {table}; ip route add default via {gateway} table {table}
#  - Any router: a host route to {ip} via {gateway}, and a blackhole route to {ip} with a higher metric.
# MikroTik RouterOS: the README of Holdfast has the commands; user name and password are below.
#
# Add neither persist-tun (it keeps the routes of a dead tunnel) nor auth-retry (it slows every reconnect) nor
# route-nopull (the routes are what this is for). Run OpenVPN under a supervisor that restarts it.

client
dev tun
proto tcp-client
remote {ip} {port}
;bind-dev {interface}
nobind
remote-cert-tls server
connect-retry 0 5
connect-timeout 3
resolv-retry infinite
verb 3
<auth-user-pass>
{user}
{password}
</auth-user-pass>
<ca>
{ca}
</ca>
",
            table = 100 + number,
        )
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use holdfast_api_types::{LinkState, SessionPolicy, api::Gateway};
    use holdfast_store::tunnel::{Link, Settings};
    use jiff::Timestamp;

    use super::*;

    const CA: &str = include_str!("profile/test-ca.pem");

    fn tunnel() -> Tunnel {
        Tunnel {
            id: "01J9ZQ3V6N8W4T2K5R7M1X0ABC".parse().unwrap(),
            organization_id: "o".parse().unwrap(),
            site_id: "s".parse().unwrap(),
            rank: 1,
            slot: 0,
            address_index: 0,
            version: 1,
            created_at: Timestamp::UNIX_EPOCH,
            settings: Settings {
                name: "Fibre".into(),
                interface: Some("wan1".into()),
                gateway: Some(Gateway::Address([192, 0, 2, 1].into())),
                connection_type: None,
                metered: false,
                enabled: true,
                provider: None,
                sla_latency_ms: None,
                sla_jitter_ms: None,
                sla_loss_ppm: None,
                probe_profile: None,
                policy_failover: SessionPolicy::Keep,
                policy_failback: SessionPolicy::Keep,
                drain_min: 0,
            },
            forced: None,
            link: Link {
                state: LinkState::NeverSeen,
                cause: String::new(),
                since: Timestamp::UNIX_EPOCH,
                role: None,
            },
            last_login: None,
        }
    }

    fn profile<R>(use_it: impl FnOnce(&Profile<'_>) -> R) -> R {
        use_it(&Profile {
            tunnel: &tunnel(),
            site: "Head office, 2nd floor",
            password: &"0123456789abcdef".into(),
            slot: "127.0.0.1:1".parse().unwrap(),
            ca: CA,
        })
    }

    #[test]
    fn the_file_is_named_after_site_and_tunnel() {
        let name = profile(|it| it.file_name());
        assert_eq!(
            name.to_str(),
            Some("holdfast-head-office-2nd-floor-fibre.ovpn")
        );
    }

    #[test]
    fn the_profile_dials_the_slot_of_the_tunnel_and_never_keeps_dead_routes() {
        let text = profile(|it| it.text());
        let options: Vec<&str> = text
            .lines()
            .filter(|line| !line.starts_with(['#', ';']))
            .collect();
        assert!(options.contains(&"remote 127.0.0.1 1"));
        assert!(options.contains(&"remote-cert-tls server"));
        for word in ["persist-tun", "auth-retry", "route-nopull"] {
            assert!(!options.iter().any(|line| line.contains(word)), "{word}");
        }
        assert!(text.contains("\n;bind-dev wan1\n") && text.contains("via 192.0.2.1"));
    }

    /// Nobody listens on port 1, so a client that has read everything begins to dial and is refused.
    #[test]
    fn the_real_openvpn_reads_the_profile_and_begins_to_dial() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("profile.ovpn");
        std::fs::write(&path, profile(|it| it.text())).unwrap();
        let output = Command::new("openvpn")
            .arg("--config")
            .arg(&path)
            // Neither a device nor a second attempt is wanted here.
            .args(["--dev", "null", "--connect-retry-max", "1"])
            .output()
            .expect("openvpn is installed: cargo xtask test sees to it");
        let log = String::from_utf8_lossy(&output.stdout);
        assert!(log.contains("[AF_INET]127.0.0.1:1"), "{log}");
        assert!(!log.contains("Options error"), "{log}");
        assert!(!log.contains("Unrecognized option"), "{log}");
    }
}
