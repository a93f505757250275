//! What a virtual router is made of and how it behaves: read from a file at the start, changed while it runs.

use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
};

use holdfast_routeros_proto::Version;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A virtual router.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Settings {
    /// `/system/identity` after a reset.
    pub identity: String,
    /// RouterOS version that it claims to be, 7.8 to 7.24. Replies follow it.
    #[serde(with = "text")]
    pub version: Version,
    /// `board-name` of `/system/resource`.
    pub board: String,
    /// `serial-number` of `/system/routerboard`.
    pub serial: String,
    /// Where it is reached.
    pub access: Access,
    /// Whether its configuration is put into the kernel.
    pub kernel: KernelMode,
    /// Its interfaces besides those that are configured (tunnels and the like).
    pub interfaces: Vec<InterfaceSettings>,
    /// Who may log in at first.
    pub users: Vec<UserSettings>,
    /// Certificates in its store from the start.
    pub certificates: Vec<CertificateSettings>,
    /// A RouterOS script that is the configuration at the start, as the owner of the router left it.
    pub configuration: String,
    /// What may be done with it at all.
    pub device_mode: DeviceMode,
    /// What a real router might do, and might not.
    pub behaviour: Behaviour,
    /// What goes wrong.
    pub faults: Faults,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            identity: "MikroTik".into(),
            version: Version::release(7, 16, 2),
            board: "CHR".into(),
            serial: "HF000000001".into(),
            access: Access::default(),
            kernel: KernelMode::Auto,
            interfaces: Vec::new(),
            users: vec![UserSettings::default()],
            certificates: Vec::new(),
            configuration: String::new(),
            device_mode: DeviceMode::default(),
            behaviour: Behaviour::default(),
            faults: Faults::default(),
        }
    }
}

/// Why settings cannot be used.
#[derive(Debug, Error)]
pub enum SettingsError {
    /// The file cannot be read.
    #[error("cannot read {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is neither TOML nor JSON of this shape.
    #[error("{path} is not the settings of a virtual router: {reason}")]
    Shape {
        /// The file.
        path: PathBuf,
        /// Where, and what is expected there.
        reason: String,
    },
    /// A value makes no sense.
    #[error("{field} = {value}: {mend}")]
    Value {
        /// Where it is.
        field: String,
        /// What it is.
        value: String,
        /// What would do.
        mend: String,
    },
}

impl Settings {
    /// Reads a file: JSON if its name ends so, TOML otherwise.
    ///
    /// # Errors
    /// When it cannot be read, has another shape, or a value makes no sense.
    pub fn load(path: &Path) -> Result<Self, SettingsError> {
        let text = std::fs::read_to_string(path).map_err(|source| SettingsError::Read {
            path: path.into(),
            source,
        })?;
        let is_json = path
            .extension()
            .is_some_and(|extension| extension == "json");
        let parsed = if is_json {
            serde_json::from_str(&text).map_err(|error| error.to_string())
        } else {
            toml::from_str(&text).map_err(|error| error.to_string())
        };
        let settings: Self = parsed.map_err(|reason| SettingsError::Shape {
            path: path.into(),
            reason,
        })?;
        settings.check()?;
        Ok(settings)
    }

    /// Checks what the shape alone cannot say.
    ///
    /// # Errors
    /// The first value that makes no sense.
    pub fn check(&self) -> Result<(), SettingsError> {
        let wrong = |field: &str, value: &dyn ToString, mend: &str| {
            Err(SettingsError::Value {
                field: field.into(),
                value: value.to_string(),
                mend: mend.into(),
            })
        };
        if !(Version::release(7, 8, 0)..Version::release(7, 25, 0)).contains(&self.version) {
            return wrong("version", &self.version, "choose one of 7.8 to 7.24");
        }
        let mut names = BTreeMap::new();
        for (index, interface) in self.interfaces.iter().enumerate() {
            if interface.name.is_empty() {
                return wrong(&format!("interfaces[{index}].name"), &"", "give it a name");
            }
            if names.insert(&interface.name, index).is_some() {
                let field = format!("interfaces[{index}].name");
                return wrong(&field, &interface.name, "choose a name no other one has");
            }
        }
        Ok(())
    }
}

/// Where the router is reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Access {
    /// Address of the API. The port is what `/ip/service` shows for `api` at first; 0 lets the system choose one.
    pub api: SocketAddr,
    /// Address of the API over TLS; served once `api-ssl` has a certificate.
    pub api_tls: Option<SocketAddr>,
    /// Unix socket on which the lab changes things while the router runs.
    pub control: Option<PathBuf>,
    /// File that the addresses are written to once it listens, for whoever let the system choose.
    pub ready: Option<PathBuf>,
}

impl Default for Access {
    fn default() -> Self {
        Self {
            api: SocketAddr::from((Ipv4Addr::LOCALHOST, 8728)),
            api_tls: None,
            control: None,
            ready: None,
        }
    }
}

/// Whether the configuration is put into the kernel of the network namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KernelMode {
    /// If this process may, and the namespace is not the machine's own.
    Auto,
    /// Yes; without the privilege the router does not start.
    On,
    /// No: links are as the settings say, and nothing on this machine changes.
    Off,
}

/// An interface that the hardware has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct InterfaceSettings {
    /// `ether1`, `lte1`... as the router calls it at first.
    pub name: String,
    /// What it is.
    #[serde(default)]
    pub kind: InterfaceKind,
    /// Name of the kernel's interface; the same, unless told.
    #[serde(default)]
    pub device: Option<String>,
    /// What a DHCP client on it is told. Without one, the client searches.
    #[serde(default)]
    pub lease: Option<Lease>,
    /// Who is at the other end for PPPoE on it, or for LTE. Without one, dialling fails.
    #[serde(default)]
    pub peer: Option<Peer>,
    /// Whether the cable is in, where no kernel says.
    #[serde(default = "yes")]
    pub link: bool,
}

impl InterfaceSettings {
    /// An Ethernet interface with its cable in, of the same name in the kernel.
    pub fn ethernet(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            kind: InterfaceKind::Ethernet,
            device: None,
            lease: None,
            peer: None,
            link: true,
        }
    }
}

fn yes() -> bool {
    true
}

/// Kinds of hardware.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InterfaceKind {
    /// `ether`.
    #[default]
    Ethernet,
    /// `lte`: point-to-point, with an address and a default route of the modem's.
    Lte,
}

/// What a DHCP server says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Lease {
    /// The router's address.
    pub address: Ipv4Addr,
    /// Length of its network's prefix.
    pub prefix: u8,
    /// Gateway; none is a lease without a default route.
    pub gateway: Option<Ipv4Addr>,
    /// Address of the DHCP server; the gateway, unless told.
    #[serde(default)]
    pub server: Option<Ipv4Addr>,
    /// Name servers.
    #[serde(default)]
    pub dns: Vec<Ipv4Addr>,
}

/// The other end of a point-to-point connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Peer {
    /// The router's address.
    pub local: Ipv4Addr,
    /// The other end's address: packets for the interface go there.
    pub remote: Ipv4Addr,
}

/// Who may log in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct UserSettings {
    /// Name.
    pub name: String,
    /// Password; may be empty, as on a router out of the box.
    pub password: String,
    /// `full`, `write` or `read`.
    pub group: String,
}

impl Default for UserSettings {
    fn default() -> Self {
        Self {
            name: "admin".into(),
            password: String::new(),
            group: "full".into(),
        }
    }
}

/// A certificate in the router's store.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct CertificateSettings {
    /// As `/ip/service` names it.
    pub name: String,
    /// The certificate and those above it, as PEM.
    pub pem: String,
    /// Its private key, as PEM; none for somebody else's.
    #[serde(default)]
    pub key: Option<String>,
    /// Whether it vouches for others.
    #[serde(default)]
    pub trusted: bool,
}

/// Without the key.
impl std::fmt::Debug for CertificateSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CertificateSettings")
            .field("name", &self.name)
            .field("pem", &self.pem)
            .field("trusted", &self.trusted)
            .finish_non_exhaustive()
    }
}

/// `/system/device-mode`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct DeviceMode {
    /// `advanced`, `basic`, `home` or `rose`.
    pub mode: String,
    /// Whether `/tool/fetch` may be used.
    pub fetch: bool,
    /// Whether schedulers may be added.
    pub scheduler: bool,
    /// Somebody has tampered with it, the router believes.
    pub flagged: bool,
}

impl Default for DeviceMode {
    fn default() -> Self {
        Self {
            mode: "advanced".into(),
            fetch: true,
            scheduler: true,
            flagged: false,
        }
    }
}

/// What is not known of real routers, or differs between them: each switch is one of the possibilities.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Behaviour {
    /// A pushed route's own gateway is used, not the tunnel's.
    pub honours_gateway: bool,
    /// A pushed route's metric becomes its distance.
    pub honours_metric: bool,
    /// With more pushed routes the OpenVPN client hangs before it is connected. Unless told, 32 from 7.20 on and no
    /// limit before.
    pub most_pushed_routes: Option<usize>,
    /// The second argument of `ifconfig` is a netmask even where it is an address.
    pub netmask_quirk: bool,
    /// The OpenVPN client obeys a pushed `ping-restart`.
    pub honours_ping_restart: bool,
    /// Between a lost tunnel (or PPPoE session) and the next attempt, in milliseconds.
    pub redial_delay_ms: u64,
    /// Durations are spelled `01:22:53`, as in old documentation, instead of `1h22m53s`.
    pub clock_durations: bool,
    /// Log-in asks a challenge, as before 6.43, instead of taking the password.
    pub challenge_login: bool,
    /// The interval of `check-gateway`, in milliseconds; two silent ones in a row make a gateway unreachable.
    pub check_gateway_interval_ms: u64,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            honours_gateway: true,
            honours_metric: true,
            most_pushed_routes: None,
            netmask_quirk: true,
            honours_ping_restart: true,
            redial_delay_ms: 1_000,
            clock_durations: false,
            challenge_login: false,
            check_gateway_interval_ms: 10_000,
        }
    }
}

impl Behaviour {
    /// How many pushed routes the OpenVPN client of a version can take; none is no limit.
    pub fn most_pushed_routes(&self, version: &Version) -> Option<usize> {
        self.most_pushed_routes.or_else(|| version.pushed_routes())
    }
}

/// What goes wrong at the API.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Faults {
    /// Cut the connection when this many more commands that change something have come, over all sessions; the fault
    /// is over then. 1 is the next one.
    pub cut_after_changes: Option<u32>,
    /// Whether the command at which the connection is cut still takes effect.
    pub cut_takes_effect: bool,
    /// Wait this long before each reply, in milliseconds.
    pub slow_reply_ms: u64,
    /// Wait this much longer, in milliseconds, before a `print` that does not say which properties it wants: a real
    /// router may need a minute to work out all of them.
    pub slow_print_ms: u64,
    /// Accept connections and never answer.
    pub silent: bool,
}

/// A version as its text.
mod text {
    use holdfast_routeros_proto::Version;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(
        version: &Version,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_str(version)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Version, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}
