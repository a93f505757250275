//! The `.ovpn` profile: the directives that a Holdfast profile is made of, and a clear refusal of those that
//! would mean something else here than in OpenVPN.

mod directives;

use std::{
    fmt, fs, io,
    net::IpAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use rustls_pki_types::{CertificateDer, ServerName, pem::PemObject};
use zeroize::Zeroizing;

use self::directives::{Directive, directives};

/// `connect-timeout` when the profile has none. OpenVPN's own 120 s delays failback for as long.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

const DEFAULT_PORT: u16 = 1194;

/// What a profile says.
#[derive(Debug)]
pub struct Profile {
    /// Servers, dialled in turn.
    pub remotes: Vec<Remote>,
    /// Certificates that may sign the server's.
    pub authorities: Vec<CertificateDer<'static>>,
    /// Whom to log in as.
    pub login: Login,
    /// `bind-dev`: the interface that the connection must leave by.
    pub bind_dev: Option<String>,
    /// `connect-timeout`: how long the server may take to answer the dial, and to acknowledge bytes of the log-in.
    pub connect_timeout: Duration,
    /// `verify-x509-name`: the name in the server's certificate, if it is not that of the remote.
    pub server_name: Option<ServerName<'static>>,
}

/// A server to dial.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remote {
    /// Address or name.
    pub host: String,
    /// TCP port.
    pub port: u16,
}

/// User name and password.
#[derive(Clone, PartialEq, Eq)]
pub struct Login {
    /// Also the tunnel's id.
    pub username: String,
    /// Never logged.
    pub password: Zeroizing<String>,
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login")
            .field("username", &self.username)
            .finish_non_exhaustive()
    }
}

/// Why a profile cannot be used, on one line: where, what, and what to do about it.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{}: {directive}: {problem}; {mend}", file.display(), Line(*line))]
pub struct ProfileError {
    file: PathBuf,
    /// Absent when the whole file is at fault.
    line: Option<usize>,
    directive: String,
    problem: String,
    mend: &'static str,
}

struct Line(Option<usize>);

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |line| write!(f, ":{line}"))
    }
}

impl Profile {
    /// Reads a profile. The files it names are looked for beside it.
    ///
    /// # Errors
    /// When it cannot be read, lacks something, or has a directive that would change what the tunnel does.
    pub fn read(path: &Path) -> Result<Self, ProfileError> {
        let text = fs::read_to_string(path).map_err(|err| ProfileError {
            file: path.into(),
            line: None,
            directive: "profile".into(),
            problem: cannot_read(&err),
            mend: "give the path of a readable .ovpn file",
        })?;
        Self::parse(&text, path)
    }

    fn parse(text: &str, path: &Path) -> Result<Self, ProfileError> {
        let mut draft = Draft::default();
        for directive in directives(text) {
            draft.take(&directive, path).map_err(|fault| ProfileError {
                file: path.into(),
                line: Some(directive.line),
                directive: directive.name.to_owned(),
                problem: fault.problem,
                mend: fault.mend,
            })?;
        }
        draft.finish().map_err(|(missing, mend)| ProfileError {
            file: path.into(),
            line: None,
            directive: missing.into(),
            problem: "missing".into(),
            mend,
        })
    }
}

/// What is wrong with one directive.
struct Fault {
    problem: String,
    mend: &'static str,
}

impl Fault {
    fn new(problem: impl Into<String>, mend: &'static str) -> Self {
        let problem = problem.into();
        Self { problem, mend }
    }
}

#[derive(Default)]
struct Draft {
    remotes: Vec<(String, Option<u16>)>,
    port: Option<u16>,
    authorities: Vec<CertificateDer<'static>>,
    login: Option<Login>,
    bind_dev: Option<String>,
    connect_timeout: Option<Duration>,
    server_name: Option<ServerName<'static>>,
}

impl Draft {
    fn take(&mut self, directive: &Directive<'_>, profile: &Path) -> Result<(), Fault> {
        let value = directive.value();
        match directive.name {
            "remote" => self.take_remote(directive)?,
            "port" | "rport" => self.port = Some(port(value)?),
            "proto" => demand(value, |proto| proto.starts_with("tcp"), TCP_ONLY)?,
            "dev" | "dev-type" => demand(value, |dev| !dev.starts_with("tap"), NO_TAP)?,
            "ca" => self.take_authorities(&content(directive, profile)?)?,
            "auth-user-pass" => self.take_login(&content(directive, profile)?)?,
            "bind-dev" => self.bind_dev = Some(required(value, "an interface")?.into()),
            "connect-timeout" | "server-poll-timeout" => {
                let seconds = required(value, "a number of seconds")?.parse();
                let seconds = seconds.ok().filter(|seconds| *seconds > 0).ok_or_else(|| {
                    Fault::new(
                        "not a number of seconds",
                        "write for example `connect-timeout 3`",
                    )
                })?;
                self.connect_timeout = Some(Duration::from_secs(seconds));
            }
            "verify-x509-name" => self.take_server_name(directive)?,
            name => {
                if let Some((_, mend)) = REFUSED.iter().find(|(refused, _)| *refused == name) {
                    return Err(Fault::new("not supported by this client", mend));
                }
                tracing::debug!(
                    profile.directive = name,
                    profile.line = directive.line,
                    "directive has no meaning here"
                );
            }
        }
        Ok(())
    }

    fn take_remote(&mut self, directive: &Directive<'_>) -> Result<(), Fault> {
        let host = required(directive.value(), "a host")?.to_owned();
        let own_port = directive.values.get(1).map(|text| port(Some(text)));
        if let Some(proto) = directive.values.get(2) {
            demand(Some(proto), |proto| proto.starts_with("tcp"), TCP_ONLY)?;
        }
        self.remotes.push((host, own_port.transpose()?));
        Ok(())
    }

    fn take_authorities(&mut self, pem: &str) -> Result<(), Fault> {
        let certificates: Result<Vec<_>, _> =
            CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
        let certificates = certificates.ok().filter(|found| !found.is_empty());
        self.authorities = certificates.ok_or_else(|| {
            Fault::new(
                "no PEM certificate in it",
                "use the ca.pem of the controller",
            )
        })?;
        Ok(())
    }

    fn take_login(&mut self, text: &str) -> Result<(), Fault> {
        let mut lines = text.lines();
        let (Some(username), Some(password)) = (lines.next(), lines.next()) else {
            return Err(Fault::new(
                "does not hold two lines",
                "put the user name on the first line and the password on the second",
            ));
        };
        self.login = Some(Login {
            username: username.trim().to_owned(),
            password: Zeroizing::new(password.trim_end_matches('\r').to_owned()),
        });
        Ok(())
    }

    fn take_server_name(&mut self, directive: &Directive<'_>) -> Result<(), Fault> {
        let name = required(directive.value(), "a name")?;
        if directive.values.get(1).is_none_or(|kind| *kind != "name") {
            return Err(Fault::new(
                "only whole names are compared",
                "write `verify-x509-name NAME name`",
            ));
        }
        let name = ServerName::try_from(name.to_owned()).map_err(|_| {
            Fault::new(
                "not a host name or address",
                "use a name of the certificate's SAN",
            )
        })?;
        self.server_name = Some(name);
        Ok(())
    }

    fn finish(self) -> Result<Profile, (&'static str, &'static str)> {
        let default_port = self.port.unwrap_or(DEFAULT_PORT);
        let remotes: Vec<_> = self
            .remotes
            .into_iter()
            .map(|(host, port)| Remote {
                host,
                port: port.unwrap_or(default_port),
            })
            .collect();
        if remotes.is_empty() {
            return Err(("remote", "add `remote HOST PORT`"));
        }
        if self.authorities.is_empty() {
            return Err(("ca", "add `ca FILE` or a <ca> block"));
        }
        Ok(Profile {
            remotes,
            authorities: self.authorities,
            login: self
                .login
                .ok_or(("auth-user-pass", "add `auth-user-pass FILE`"))?,
            bind_dev: self.bind_dev,
            connect_timeout: self.connect_timeout.unwrap_or(CONNECT_TIMEOUT),
            server_name: self.server_name,
        })
    }
}

/// Directives that would change what the tunnel does, so that ignoring them would be a lie.
const REFUSED: &[(&str, &str)] = &[
    ("tls-auth", "remove it here and at the server"),
    ("tls-crypt", "remove it here and at the server"),
    ("tls-crypt-v2", "remove it here and at the server"),
    ("secret", "use TLS: `client`, `ca` and `auth-user-pass`"),
    ("cert", "log in with `auth-user-pass` instead"),
    ("key", "log in with `auth-user-pass` instead"),
    ("pkcs12", "log in with `auth-user-pass` instead"),
    ("comp-lzo", "remove it: nothing is compressed"),
    ("compress", "remove it: nothing is compressed"),
    ("fragment", "remove it: it is for UDP"),
    ("http-proxy", "dial the server directly"),
    ("socks-proxy", "dial the server directly"),
    ("route", "let the server push the route"),
    ("redirect-gateway", "let the server push routes"),
    (
        "route-nopull",
        "remove it: installing pushed routes is what this client is for",
    ),
    (
        "route-noexec",
        "remove it: installing pushed routes is what this client is for",
    ),
    (
        "pull-filter",
        "remove it: installing pushed routes is what this client is for",
    ),
];

type Demand = (&'static str, &'static str);
const TCP_ONLY: Demand = ("only TCP is spoken", "write `proto tcp-client`");
const NO_TAP: Demand = ("only routed tunnels exist", "write `dev tun`");

fn demand(
    value: Option<&str>,
    holds: impl FnOnce(&str) -> bool,
    (problem, mend): Demand,
) -> Result<(), Fault> {
    if value.is_some_and(holds) {
        Ok(())
    } else {
        Err(Fault::new(problem, mend))
    }
}

fn required<'a>(value: Option<&'a str>, what: &str) -> Result<&'a str, Fault> {
    value.ok_or_else(|| Fault::new(format!("needs {what}"), "complete the line"))
}

fn port(value: Option<&str>) -> Result<u16, Fault> {
    let port = value
        .and_then(|port| port.parse().ok())
        .filter(|port| *port > 0);
    port.ok_or_else(|| Fault::new("not a port", "use a number from 1 to 65535"))
}

/// The text of a directive that is either inline or names a file.
fn content(directive: &Directive<'_>, profile: &Path) -> Result<Zeroizing<String>, Fault> {
    if let Some(inline) = &directive.inline {
        return Ok(Zeroizing::new(inline.clone()));
    }
    let file = required(directive.value(), "a file, there is nobody to ask")?;
    let file = profile.parent().unwrap_or(Path::new(".")).join(file);
    let text = fs::read_to_string(&file);
    text.map(Zeroizing::new).map_err(|err| {
        let problem = format!("{}: {}", file.display(), cannot_read(&err));
        Fault::new(
            problem,
            "name a readable file; relative paths start at the profile",
        )
    })
}

fn cannot_read(err: &io::Error) -> String {
    format!("cannot be read ({err})")
}

impl Remote {
    /// The name that the server's certificate must carry when the profile does not say.
    pub(crate) fn server_name(&self) -> Option<ServerName<'static>> {
        match self.host.parse::<IpAddr>() {
            Ok(address) => Some(ServerName::IpAddress(address.into())),
            Err(_) => ServerName::try_from(self.host.clone()).ok(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &str =
        "client\nremote 203.0.113.1 443 tcp\n<auth-user-pass>\nfibre\nsecret\n</auth-user-pass>\n";

    fn with_ca(text: &str) -> String {
        let certified = rcgen::generate_simple_self_signed(["server".to_owned()]).unwrap();
        format!("{text}<ca>\n{}</ca>\n", certified.cert.pem())
    }

    fn parse(text: &str) -> Result<Profile, ProfileError> {
        Profile::parse(&with_ca(text), Path::new("/etc/site.ovpn"))
    }

    fn refusal(directive: &str) -> String {
        parse(&format!("{BASE}{directive}\n"))
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn a_profile_with_inline_blocks_is_understood() {
        let profile = parse(&format!(
            "# comment\n{BASE}proto tcp-client\ndev tun3\nbind-dev wan1 ; why not\nconnect-timeout 7\n\
             verify-x509-name \"controller.example\" name\nresolv-retry infinite\nverb 3\n"
        ))
        .unwrap();
        let remote = Remote {
            host: "203.0.113.1".into(),
            port: 443,
        };
        assert_eq!(profile.remotes, [remote]);
        assert_eq!(profile.login.username, "fibre");
        assert_eq!(profile.login.password.as_str(), "secret");
        assert_eq!(profile.bind_dev.as_deref(), Some("wan1"));
        assert_eq!(profile.connect_timeout, Duration::from_secs(7));
        assert_eq!(
            profile.server_name,
            ServerName::try_from("controller.example").ok()
        );
        assert_eq!(profile.authorities.len(), 1);
    }

    #[test]
    fn files_are_looked_for_beside_the_profile() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("site.ovpn");
        fs::write(dir.path().join("login"), "lte\r\npass word\r\n").unwrap();
        fs::write(
            &path,
            with_ca("remote a.example\nport 4443\nauth-user-pass login\n"),
        )
        .unwrap();
        let profile = Profile::read(&path).unwrap();
        assert_eq!(profile.login.username, "lte");
        assert_eq!(profile.login.password.as_str(), "pass word");
        assert_eq!(profile.remotes[0].port, 4443);
        assert_eq!(profile.connect_timeout, CONNECT_TIMEOUT);
    }

    #[test]
    fn a_directive_that_would_change_the_tunnel_is_refused_with_its_line() {
        assert_eq!(
            refusal("tls-crypt key.pem"),
            "/etc/site.ovpn:7: tls-crypt: not supported by this client; remove it here and at the server"
        );
        assert!(refusal("<tls-auth>\nabc\n</tls-auth>").contains(":7: tls-auth: not supported"));
        assert!(refusal("comp-lzo no").contains("nothing is compressed"));
        assert!(refusal("dev tap0").contains("write `dev tun`"));
        assert!(refusal("proto udp").contains("only TCP is spoken"));
        assert!(refusal("remote b.example 1194 udp").contains("only TCP is spoken"));
        assert!(refusal("verify-x509-name CN=x subject").contains("verify-x509-name NAME name"));
        assert!(refusal("connect-timeout soon").contains("not a number of seconds"));
        assert!(refusal("auth-user-pass").contains("nobody to ask"));
        assert!(refusal("ca missing.pem").contains("/etc/missing.pem: cannot be read"));
    }

    #[test]
    fn a_profile_without_server_authority_or_login_is_refused() {
        let missing = |text: &str| {
            let path = Path::new("x.ovpn");
            Profile::parse(text, path).unwrap_err().to_string()
        };
        assert_eq!(
            missing(""),
            "x.ovpn: remote: missing; add `remote HOST PORT`"
        );
        assert!(missing(BASE).starts_with("x.ovpn: ca: missing"));
        assert!(missing(&with_ca("remote a 1\n")).contains("auth-user-pass: missing"));
    }

    #[test]
    fn the_password_does_not_show_in_a_debug_print() {
        let profile = parse(BASE).unwrap();
        assert!(!format!("{profile:?}").contains("secret"));
    }

    #[test]
    fn a_certificate_is_checked_for_the_remotes_address_or_name() {
        let name = |host: &str| {
            Remote {
                host: host.into(),
                port: 1,
            }
            .server_name()
        };
        assert_eq!(name("192.0.2.1"), ServerName::try_from("192.0.2.1").ok());
        assert_eq!(name("a.example"), ServerName::try_from("a.example").ok());
    }
}
