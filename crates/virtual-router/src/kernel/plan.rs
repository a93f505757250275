//! What the kernel should hold, worked out from the menus.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, Ipv4Addr},
};

use holdfast_routeros_proto::value::Prefix;

use super::{
    firewall,
    rules::{self, Rule},
};
use crate::{
    model::{Database, Item},
    rib::{Entry, Network, NextHop, Resolution},
};

/// What the kernel should hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Plan {
    /// Interfaces of the kernel that are to be on or off.
    pub(super) links: BTreeMap<String, bool>,
    /// Addresses of each interface of the kernel that is the router's.
    pub(super) addresses: BTreeMap<String, BTreeSet<Address>>,
    /// Routes by table and network.
    pub(super) routes: BTreeMap<(u32, Network), Way>,
    /// In this order.
    pub(super) rules: Vec<Rule>,
    /// For `nft`.
    pub(super) firewall: String,
}

/// An address of an interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Address {
    pub(super) local: Ipv4Addr,
    /// The network, or the only other end.
    pub(super) peer: Ipv4Addr,
    pub(super) length: u8,
}

/// What becomes of packets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Way {
    Blackhole,
    /// Interface of the kernel, and neighbour.
    Hops(Vec<(String, Option<Ipv4Addr>)>),
}

/// The kernel's number of the main table.
const MAIN: u32 = 254;

/// Other tables are this and their id.
const TABLES: u32 = 1000;

impl Plan {
    pub(crate) fn new(database: &Database, resolution: &Resolution) -> Self {
        let mut plan = Self {
            rules: rules::read(database),
            firewall: firewall::script(database),
            ..Self::default()
        };
        for item in database
            .items("/interface/ethernet")
            .chain(database.items("/interface/lte"))
            .chain(database.items("/interface/ovpn-client"))
        {
            if let Some(device) = item.get("device") {
                plan.links.insert(device.to_owned(), !item.is_disabled());
            }
        }
        for item in database.items("/interface") {
            if let Some(device) = item.get("device") {
                plan.addresses.entry(device.to_owned()).or_default();
            }
        }
        for item in database
            .items("/ip/address")
            .filter(|item| !item.is_disabled())
        {
            if let Some((device, address)) = address(database, item) {
                plan.addresses.entry(device).or_default().insert(address);
            }
        }
        for (name, entries) in &resolution.tables {
            let Some(table) = table_number(database, name) else {
                continue;
            };
            for (network, entry) in entries {
                if let Some(way) = way(database, entry) {
                    plan.routes.insert((table, *network), way);
                }
            }
        }
        plan
    }
}

/// The kernel's number of a table; none for one that nothing is put into.
pub(super) fn table_number(database: &Database, name: &str) -> Option<u32> {
    if name == "main" {
        return Some(MAIN);
    }
    let table = database.named("/routing/table", name)?;
    (table.is("fib") && !table.is_disabled()).then_some(TABLES + table.id.0)
}

/// Interface of the kernel behind an interface.
pub(super) fn device<'a>(database: &'a Database, interface: &str) -> Option<&'a str> {
    database.named("/interface", interface)?.get("device")
}

fn address(database: &Database, item: &Item) -> Option<(String, Address)> {
    let device = device(database, item.text("interface"))?;
    let own: Prefix = item.text("address").parse().ok()?;
    let IpAddr::V4(local) = own.address else {
        return None;
    };
    // On a single host's address the network is the other end.
    let peer = item
        .text("network")
        .parse()
        .ok()
        .filter(|_| own.length == 32);
    let address = Address {
        local,
        peer: peer.unwrap_or(local),
        length: own.length,
    };
    Some((device.to_owned(), address))
}

/// Connected routes are the kernel's own business.
fn way(database: &Database, entry: &Entry) -> Option<Way> {
    let hops = match entry {
        Entry::Connected(_) => return None,
        Entry::Blackhole => return Some(Way::Blackhole),
        Entry::Hops(hops) => hops,
    };
    let hops: Vec<_> = hops
        .iter()
        .filter_map(|hop| hop_of(database, hop))
        .collect();
    (!hops.is_empty()).then_some(Way::Hops(hops))
}

/// A point-to-point connection over an Ethernet interface of the kernel still needs to say who the other end is.
fn hop_of(database: &Database, hop: &NextHop) -> Option<(String, Option<Ipv4Addr>)> {
    let interface = database.named("/interface", &hop.interface)?;
    let peer = interface.get("peer").and_then(|peer| peer.parse().ok());
    Some((interface.get("device")?.to_owned(), hop.via.or(peer)))
}
