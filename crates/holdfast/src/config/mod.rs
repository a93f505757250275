//! The configuration of `holdfast serve`: one file, and the environment, which overrides every key of it.

mod reader;
mod routers;

use std::{
    fmt,
    net::{IpAddr, SocketAddr, SocketAddrV4},
    path::{Path, PathBuf},
    time::Duration,
};

use holdfast_control_plane::PublicUrl;
use toml::Table;

use self::reader::{Reader, Section};
pub(crate) use self::routers::{RoutersConfig, RoutersListen};
use crate::logging::{Format, LogConfig};

/// Where the file is when nobody says.
pub(crate) const USUAL_FILE: &str = "/etc/holdfast/holdfast.toml";

/// Everything that can be configured, checked.
#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) http: HttpConfig,
    pub(crate) controller: ControllerConfig,
    pub(crate) log: LogConfig,
}

/// `[http]`: the API.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct HttpConfig {
    /// `listen`, HOLDFAST_HTTP_LISTEN: 127.0.0.1:8080 unless set.
    pub(crate) listen: SocketAddr,
    /// `public_url`, HOLDFAST_HTTP_PUBLIC_URL: as browsers see us; needed behind a proxy.
    pub(crate) public_url: Option<PublicUrl>,
    /// `trusted_proxies`, HOLDFAST_HTTP_TRUSTED_PROXIES: whose X-Forwarded-For is believed.
    pub(crate) trusted_proxies: Vec<IpAddr>,
    /// `[http.tls]`: `certificate` and `key`. Without it we speak plain HTTP, for a proxy on the same machine.
    pub(crate) tls: Option<PemFiles>,
    /// `[http.routers]`: where routers that are adopted find us.
    pub(crate) routers: RoutersConfig,
}

impl HttpConfig {
    /// Where people find us.
    pub(crate) fn origin(&self) -> String {
        match (&self.public_url, &self.tls) {
            (Some(url), _) => url.origin(),
            (None, Some(_)) => format!("https://{}", self.listen),
            (None, None) => format!("http://{}", self.listen),
        }
    }
}

/// `[controller]`: the route controller inside.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ControllerConfig {
    /// `[[controller.slots]] address`, HOLDFAST_CONTROLLER_SLOTS with commas: where tunnels dial, slot 1 first.
    pub(crate) slots: Vec<SocketAddr>,
    /// `management`, HOLDFAST_CONTROLLER_MANAGEMENT: where management tunnels dial; the first slot unless set.
    pub(crate) management: Option<SocketAddrV4>,
    /// `[controller.tls]`: `certificate`, `key`, and in `ca` the authority that routers are to trust; without them ours,
    /// from a CA of our own.
    pub(crate) tls: Option<ControllerTls>,
    /// `drain_seconds`: longest time over which a stop spreads the reconnects of all clients; 10 unless set.
    pub(crate) drain: Duration,
    /// `[controller.limits] connections_before_login`.
    pub(crate) connections_before_login: Option<usize>,
    /// `[controller.limits] handshakes`: in progress at once.
    pub(crate) handshakes: Option<usize>,
}

/// A certificate chain and its key. Relative paths are relative to the folder of the file that names them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PemFiles {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

/// The operator's own certificate for the slots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ControllerTls {
    pub(crate) pair: PemFiles,
    /// What signed it: goes into the profiles of routers.
    pub(crate) ca: PathBuf,
}

/// Everything that is wrong with a configuration, one line each.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) struct ConfigError(Vec<String>);

/// A site has at most eight connections, and each dials a slot of its own.
const MOST_SLOTS: usize = 8;

const USUAL_LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 8080);
const USUAL_DRAIN: Seconds = Seconds(Duration::from_secs(10));

impl Config {
    /// Reads the file: the one named, or the usual one if it is there. Without a file the environment must do.
    ///
    /// # Errors
    /// All mistakes at once, each naming the file, the key, the value and the mend.
    pub(crate) fn load(file: Option<&Path>) -> Result<Self, ConfigError> {
        let usual = Path::new(USUAL_FILE);
        let (path, text) = match file {
            Some(path) => (path, read(path)?),
            None if usual.exists() => (usual, read(usual)?),
            None => (Path::new("configuration"), String::new()),
        };
        Self::parse(path, &text, &|name| std::env::var(name).ok())
    }

    fn parse(
        path: &Path,
        text: &str,
        environment: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, ConfigError> {
        let table: Table = text.parse().map_err(|err| syntax(path, text, &err))?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let mut reader = Reader::new(path, environment);
        let mut document = Section::new(String::new(), table);
        let http = http(&mut reader, &mut document, folder);
        let controller = controller(&mut reader, &mut document, folder);
        http.routers.check_with(&controller, &mut reader);
        let log = log(&mut reader, &mut document);
        reader.finish(document);
        let mistakes = reader.into_mistakes();
        if !mistakes.is_empty() {
            return Err(ConfigError(mistakes));
        }
        Ok(Self {
            http,
            controller,
            log,
        })
    }
}

fn read(path: &Path) -> Result<String, ConfigError> {
    std::fs::read_to_string(path).map_err(|err| {
        let path = path.display();
        ConfigError(vec![format!(
            "{path}: cannot be read: {err}; give the path of a configuration file with --config"
        )])
    })
}

/// The line, and what the parser says there.
fn syntax(path: &Path, text: &str, err: &toml::de::Error) -> ConfigError {
    let message = err.message().replace('\n', "; ");
    let line = err
        .span()
        .map(|span| text[..span.start].matches('\n').count() + 1);
    let path = path.display();
    ConfigError(vec![match line {
        Some(line) => format!("{path}: line {line}: {message}"),
        None => format!("{path}: {message}"),
    }])
}

fn http(reader: &mut Reader<'_>, document: &mut Section, folder: &Path) -> HttpConfig {
    let mut section = reader.section(document, "http");
    let config = HttpConfig {
        listen: reader
            .value(
                &mut section,
                "listen",
                r#"write an address and a port, as in "127.0.0.1:8080""#,
            )
            .unwrap_or(USUAL_LISTEN),
        public_url: reader.value(
            &mut section,
            "public_url",
            r#"write scheme and host as browsers see them, as in "https://holdfast.example.org""#,
        ),
        trusted_proxies: reader
            .list(
                &mut section,
                "trusted_proxies",
                r#"write the addresses of your proxies, as in ["127.0.0.1"]"#,
            )
            .unwrap_or_default(),
        tls: http_tls(reader, &mut section, folder),
        routers: RoutersConfig::read(reader, &mut section),
    };
    reader.finish(section);
    config
}

fn http_tls(reader: &mut Reader<'_>, parent: &mut Section, folder: &Path) -> Option<PemFiles> {
    let mut section = reader.section(parent, "tls");
    let pair = pem_files(reader, &mut section, "http.tls", folder);
    reader.finish(section);
    pair
}

fn controller(reader: &mut Reader<'_>, document: &mut Section, folder: &Path) -> ControllerConfig {
    let mut section = reader.section(document, "controller");
    let slots = slots(reader, &mut section);
    let management = management(reader, &mut section);
    let drain = reader
        .value(
            &mut section,
            "drain_seconds",
            "write a number of seconds from 0.1 to 86400",
        )
        .unwrap_or(USUAL_DRAIN);
    let tls = controller_tls(reader, &mut section, folder);
    let mut limits = reader.section(&mut section, "limits");
    let mut limit = |key| {
        let mend = "write a whole number of at least 1: nobody could log in with 0";
        reader
            .value(&mut limits, key, mend)
            .map(std::num::NonZeroUsize::get)
    };
    let connections_before_login = limit("connections_before_login");
    let handshakes = limit("handshakes");
    reader.finish(limits);
    reader.finish(section);
    ControllerConfig {
        slots,
        management,
        tls,
        drain: drain.0,
        connections_before_login,
        handshakes,
    }
}

fn slots(reader: &mut Reader<'_>, section: &mut Section) -> Vec<SocketAddr> {
    const MEND: &str = r#"write an address of this machine that routers reach, and a port, as in "203.0.113.1:443""#;
    let slots: Vec<SocketAddr> = match reader.tables(section, "slots", "address", MEND) {
        Some(slots) => slots,
        None => {
            let mend = r#"add [[controller.slots]] with address = "203.0.113.1:443", one for each internet connection of a site, or set HOLDFAST_CONTROLLER_SLOTS"#;
            reader.missing("controller.slots", mend);
            Vec::new()
        }
    };
    let mut seen = Vec::new();
    for slot in &slots {
        if seen.contains(slot) {
            let mend = "is listed twice: every slot needs its own address or port";
            reader.wrong("controller.slots", &format!("{slot:?}"), mend);
        }
        if slot.ip().is_unspecified() {
            let mend = "write the address that routers dial: it goes into their profiles";
            reader.wrong("controller.slots", &format!("{slot:?}"), mend);
        }
        seen.push(*slot);
    }
    if slots.len() > MOST_SLOTS {
        let mend = "a site has at most eight connections: list at most eight slots";
        reader.wrong(
            "controller.slots",
            &format!("({} slots)", slots.len()),
            mend,
        );
    }
    slots
}

fn management(reader: &mut Reader<'_>, section: &mut Section) -> Option<SocketAddrV4> {
    const MEND: &str = r#"write an IPv4 address of this machine that management tunnels dial, and a port, as in "203.0.113.9:443""#;
    let address: SocketAddrV4 = reader.value(section, "management", MEND)?;
    if address.ip().is_unspecified() {
        reader.wrong("controller.management", &format!("{address:?}"), MEND);
    }
    Some(address)
}

fn controller_tls(
    reader: &mut Reader<'_>,
    parent: &mut Section,
    folder: &Path,
) -> Option<ControllerTls> {
    let mut section = reader.section(parent, "tls");
    let pair = pem_files(reader, &mut section, "controller.tls", folder);
    let ca: Option<PathBuf> = reader.value(&mut section, "ca", PEM_MEND);
    reader.finish(section);
    match (pair, ca) {
        (Some(pair), Some(ca)) => Some(ControllerTls {
            pair,
            ca: folder.join(ca),
        }),
        (Some(pair), None) => {
            let mend = format!(
                "add the CA that signed {}, which routers are to trust",
                pair.certificate.display()
            );
            reader.missing("controller.tls.ca", &mend);
            None
        }
        (None, Some(ca)) => {
            let mend = format!(
                "add a certificate that {} signed, and its key",
                ca.display()
            );
            reader.missing("controller.tls.certificate", &mend);
            None
        }
        (None, None) => None,
    }
}

const PEM_MEND: &str = "write the path of a PEM file";

fn pem_files(
    reader: &mut Reader<'_>,
    section: &mut Section,
    name: &str,
    folder: &Path,
) -> Option<PemFiles> {
    let certificate: Option<PathBuf> = reader.value(section, "certificate", PEM_MEND);
    let key: Option<PathBuf> = reader.value(section, "key", PEM_MEND);
    match (certificate, key) {
        (None, None) => None,
        (Some(certificate), Some(key)) => Some(PemFiles {
            certificate: folder.join(certificate),
            key: folder.join(key),
        }),
        (Some(certificate), None) => {
            let mend = format!("add the private key of {}", certificate.display());
            reader.missing(&format!("{name}.key"), &mend);
            None
        }
        (None, Some(key)) => {
            let mend = format!("add the certificate chain for {}", key.display());
            reader.missing(&format!("{name}.certificate"), &mend);
            None
        }
    }
}

fn log(reader: &mut Reader<'_>, document: &mut Section) -> LogConfig {
    let mut section = reader.section(document, "log");
    let config = LogConfig {
        level: reader.value(
            &mut section,
            "level",
            r#"write error, warn, info, debug or trace, or "info,holdfast_store=debug""#,
        ),
        format: reader
            .value(&mut section, "format", "write text or json")
            .unwrap_or(Format::Text),
    };
    reader.finish(section);
    config
}

/// A time that is neither nothing nor for ever.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Seconds(pub(crate) Duration);

impl std::str::FromStr for Seconds {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        text.parse()
            .ok()
            .filter(|seconds| (0.1..=86_400.0).contains(seconds))
            .map(|seconds| Self(Duration::from_secs_f64(seconds)))
            .ok_or("write a number of seconds from 0.1 to 86400")
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}

#[cfg(test)]
mod tests;
