use std::{
    fmt,
    net::{Ipv4Addr, SocketAddrV4},
    str::FromStr,
};

use holdfast_api_types::Place;
use secrecy::SecretString;

/// What a router should look like.
#[derive(Debug, Clone)]
pub struct Desired {
    /// One for each configured WAN tunnel, in any order.
    pub slots: Vec<Slot>,
    /// Who installs the ladder.
    pub mode: Mode,
    /// Who signs the controllers' certificates.
    pub authority: Authority,
    /// The management tunnel; none for a router that is reached directly.
    pub management: Option<Management>,
    /// Whether the router itself redials tunnels that are up and answer nothing. Wanted where the router ignores the
    /// keepalive that the controller pushes. Metered connections are spared: it costs 100 MB a month.
    pub watchdog: bool,
}

impl Desired {
    /// How the tunnels are kept on their WANs: by address, unless two slots share one.
    pub fn pinning(&self) -> Pinning {
        let mut addresses: Vec<_> = self.slots.iter().map(|slot| slot.controller.ip()).collect();
        addresses.sort_unstable();
        addresses.dedup();
        if addresses.len() == self.slots.len() {
            Pinning::Address
        } else {
            Pinning::Port
        }
    }

    /// The slots in the order in which their WANs are used when no tunnel lives.
    pub(crate) fn by_rank(&self) -> Vec<&Slot> {
        let mut slots: Vec<_> = self.slots.iter().collect();
        slots.sort_by_key(|slot| (slot.rank, slot.number));
        slots
    }
}

/// One WAN tunnel of the site.
#[derive(Debug, Clone)]
pub struct Slot {
    /// From 1. Says which controller address the tunnel dials, and is part of every name and comment.
    pub number: u8,
    /// The WAN interface, by its name on the router.
    pub interface: String,
    /// The way out of that interface.
    pub gateway: Gateway,
    /// Where the tunnel dials to.
    pub controller: SocketAddrV4,
    /// The user name that the tunnel logs in with, at most 27 characters.
    pub username: String,
    /// Its password.
    pub password: SecretString,
    /// The controller's address inside the tunnel.
    pub server: Ipv4Addr,
    /// Whether traffic costs money here.
    pub metered: bool,
    /// Whether the tunnel may connect.
    pub enabled: bool,
    /// Its place on the ladder. Used where the router holds the ladder itself.
    pub place: Place,
    /// Its place in the configured order, 0 for the primary. Orders the default routes that remain when no tunnel lives.
    pub rank: u8,
}

/// Where packets go that leave through a WAN interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gateway {
    /// To this address.
    Address(Ipv4Addr),
    /// Into the interface: the other end of a point-to-point link has no address worth naming.
    Interface,
}

impl Gateway {
    /// What a route through `interface` has in its field `gateway`.
    pub(crate) fn through(self, interface: &str) -> String {
        match self {
            Self::Address(address) => format!("{address}%{interface}"),
            Self::Interface => interface.into(),
        }
    }
}

/// Who installs the ladder on the router.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// The controller pushes it, with virtual next hops as gateways.
    Pushed,
    /// The router has it as static routes, which the tunnel's profile switches on and off.
    Local,
}

impl Mode {
    /// The word in interfaces and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pushed => "pushed",
            Self::Local => "local",
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a text is no mode.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a mode: use pushed or local")]
pub struct UnknownMode(String);

impl FromStr for Mode {
    type Err = UnknownMode;

    fn from_str(text: &str) -> Result<Self, UnknownMode> {
        match text {
            "pushed" => Ok(Self::Pushed),
            "local" => Ok(Self::Local),
            _ => Err(UnknownMode(text.chars().take(64).collect())),
        }
    }
}

/// How a tunnel is kept on its WAN.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pinning {
    /// Every slot dials an address of its own: a host route to it, and a blackhole beneath.
    Address,
    /// Slots share an address and differ by port: marks, and a routing table for each.
    Port,
}

/// Who signs the controllers' certificates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authority {
    /// The certificate as PEM.
    pub pem: String,
    /// SHA-256 of its DER form, as hexadecimal digits.
    pub fingerprint: String,
}

/// The tunnel through which the router is managed when no other lives.
#[derive(Debug, Clone)]
pub struct Management {
    /// Where it dials to.
    pub endpoint: SocketAddrV4,
    /// Its user name.
    pub username: String,
    /// Its password.
    pub password: SecretString,
}
