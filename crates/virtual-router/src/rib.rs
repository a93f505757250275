//! Which routes RouterOS would use, and where packets go by them.
//!
//! Of the routes to one network in one table the reachable one of least distance is active; several of the same
//! distance share the traffic. A gateway that is not behind an interface by itself is looked up among the active
//! routes whose scope is at most the route's target-scope, again and again until an interface is reached.
//!
//! Pure: links and the answers to `check-gateway` are told.

mod resolve;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, fmt, net::Ipv4Addr};

pub use resolve::resolve;

/// A network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Network {
    address: u32,
    length: u8,
}

impl Network {
    /// The network of `length` bits that `address` is in. More than 32 bits are 32.
    pub fn new(address: Ipv4Addr, length: u8) -> Self {
        let length = length.min(32);
        let address = u32::from(address) & mask(length);
        Self { address, length }
    }

    /// Its first address.
    pub fn address(self) -> Ipv4Addr {
        self.address.into()
    }

    /// Length of its prefix, 0 to 32.
    pub fn length(self) -> u8 {
        self.length
    }

    /// Whether an address is in it.
    pub fn contains(self, address: Ipv4Addr) -> bool {
        u32::from(address) & mask(self.length) == self.address
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address(), self.length)
    }
}

fn mask(length: u8) -> u32 {
    u32::MAX.checked_shl(32 - u32::from(length)).unwrap_or(0)
}

/// A route that is not disabled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// Whatever its owner knows it by.
    pub id: u32,
    /// Name of its table.
    pub table: String,
    /// Where it leads.
    pub destination: Network,
    /// How packets get there.
    pub target: Target,
    /// The least is used.
    pub distance: u8,
    /// How near it is: gateways are looked up among routes of small scope.
    pub scope: u8,
    /// Largest scope of a route that its gateway may be found by.
    pub target_scope: u8,
}

/// What becomes of the packets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// They vanish.
    Blackhole,
    /// The network is on this interface: its own addresses are there.
    Connected(String),
    /// They go to one of these.
    Hops(Vec<Hop>),
}

/// A gateway as the route names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hop {
    /// Where.
    pub gateway: HopAddress,
    /// It does not answer, so says `check-gateway`.
    pub silent: bool,
}

/// How a route names a gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HopAddress {
    /// An address that is looked up in this table.
    Address(Ipv4Addr, String),
    /// An address on an interface: `192.0.2.1%ether1`.
    On(Ipv4Addr, String),
    /// An interface alone.
    Interface(String),
}

/// Interfaces that carry packets now, by name; whether there is only one other end.
pub type Links = BTreeMap<String, Link>;

/// An interface that carries packets now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link {
    /// Only one other end: what is sent needs no address of it.
    pub point_to_point: bool,
}

/// Where a packet leaves the router.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct NextHop {
    /// By this interface.
    pub interface: String,
    /// To this neighbour; none is the destination itself, or the only other end.
    pub via: Option<Ipv4Addr>,
}

impl fmt::Display for NextHop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.via {
            Some(via) => write!(f, "{via}%{}", self.interface),
            None => f.write_str(&self.interface),
        }
    }
}

/// What became of a route.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// It is used.
    pub active: bool,
    /// It is used together with others.
    pub ecmp: bool,
    /// Where packets leave; empty when its gateways cannot be reached, and for a blackhole.
    pub immediate: Vec<NextHop>,
}

/// What a table says of a network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// Packets vanish.
    Blackhole,
    /// Neighbours on this interface.
    Connected(String),
    /// They go to one of these.
    Hops(Vec<NextHop>),
}

/// All that follows from the routes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Resolution {
    /// By the route's id.
    pub outcomes: BTreeMap<u32, Outcome>,
    /// What the kernel should hold, by table.
    pub tables: BTreeMap<String, BTreeMap<Network, Entry>>,
}

impl Resolution {
    /// What a table says of an address; none is no route to it.
    pub fn lookup(&self, table: &str, address: Ipv4Addr) -> Option<&Entry> {
        let matching = self.tables.get(table)?.iter();
        let matching = matching.filter(|(network, _)| network.contains(address));
        let longest = matching.max_by_key(|(network, _)| network.length());
        longest.map(|(_, entry)| entry)
    }
}
