//! From the menus to the RIB, and back: which routes there are, and which of them are active.

use std::net::{IpAddr, Ipv4Addr};

use holdfast_routeros_proto::{
    Row,
    value::{Gateway, Prefix, parse_list},
};

use crate::{
    model::{Change, Database, Id, Item},
    rib::{self, Hop, HopAddress, Link, Links, Network, Resolution, Route, Target},
};

/// Whether a change may lead to other routes.
pub(crate) fn concerns(database: &Database, change: &Change) -> bool {
    match change.menu {
        "/ip/address" | "/ip/route" | "/routing/table" => change.configured,
        menu => database
            .spec(menu)
            .is_some_and(|spec| spec.interface_type.is_some()),
    }
}

/// Makes the connected routes of the addresses, decides which routes are active, and writes that into the menus.
pub(crate) fn settle(database: &mut Database) -> Resolution {
    let links = links(database);
    mark_addresses(database, &links);
    let connected = connected_routes(database, &links);
    database.replace_dynamic("/ip/route", "connected", connected);
    let items = database.items("/ip/route");
    let routes: Vec<_> = items.filter_map(route).collect();
    let resolution = rib::resolve(&routes, &links);
    write_back(database, &resolution);
    resolution
}

/// Interfaces that carry packets.
fn links(database: &Database) -> Links {
    let point_to_point = |item: &Item| {
        let home = database.home("/interface", item.id);
        matches!(
            home,
            Some("/interface/pppoe-client" | "/interface/lte" | "/interface/ovpn-client")
        )
    };
    database
        .items("/interface")
        .filter(|item| item.is("running") && !item.is_disabled())
        .map(|item| {
            let link = Link {
                point_to_point: point_to_point(item),
            };
            (item.text("name").to_owned(), link)
        })
        .collect()
}

fn mark_addresses(database: &mut Database, links: &Links) {
    let marks: Vec<_> = database
        .items("/ip/address")
        .map(|item| {
            let interface = item.text("interface");
            let known = database.named("/interface", interface).is_some();
            (item.id, interface.to_owned(), known)
        })
        .collect();
    for (id, interface, known) in marks {
        let actual = links.contains_key(&interface).then_some(interface);
        database.set_state("/ip/address", id, "actual-interface", actual);
        database.set_state(
            "/ip/address",
            id,
            "invalid",
            (!known).then(|| "true".into()),
        );
    }
}

fn connected_routes(database: &Database, links: &Links) -> Vec<Row> {
    database
        .items("/ip/address")
        .filter(|item| !item.is_disabled() && links.contains_key(item.text("interface")))
        .filter_map(|item| {
            let own: Prefix = item.text("address").parse().ok()?;
            let network: IpAddr = item.text("network").parse().ok()?;
            let destination = Prefix {
                address: network,
                length: own.length,
            };
            Some(
                Row::new()
                    .with("dst-address", destination.network().to_string())
                    .with("routing-table", "main")
                    .with("gateway", item.text("interface"))
                    .with("pref-src", own.address.to_string())
                    .with("distance", "0")
                    .with("scope", "10")
                    .with("target-scope", "5")
                    .with("connect", "true"),
            )
        })
        .collect()
}

/// A row of `/ip/route` as a route; none if it is disabled or says nothing that can be read.
fn route(item: &Item) -> Option<Route> {
    if item.is_disabled() {
        return None;
    }
    let number = |name: &str| item.get(name)?.parse().ok();
    let target = if item.is("blackhole") {
        Target::Blackhole
    } else if item.is("connect") {
        Target::Connected(item.text("gateway").to_owned())
    } else {
        let silent = parse_list(item.text("silent-gateways")).collect::<Vec<_>>();
        let hops = parse_list(item.text("gateway")).filter_map(|text| {
            Some(Hop {
                gateway: hop_address(text)?,
                silent: silent.contains(&text),
            })
        });
        Target::Hops(hops.collect())
    };
    Some(Route {
        id: item.id.0,
        table: item.text("routing-table").to_owned(),
        destination: network(item.text("dst-address"))?,
        target,
        distance: number("distance")?,
        scope: number("scope")?,
        target_scope: number("target-scope")?,
    })
}

pub(crate) fn network(text: &str) -> Option<Network> {
    let prefix: Prefix = text.parse().ok()?;
    Some(Network::new(v4(prefix.address)?, prefix.length))
}

fn hop_address(text: &str) -> Option<HopAddress> {
    let gateway: Gateway = text.parse().ok()?;
    let table = gateway.table.unwrap_or_else(|| "main".into());
    Some(match (gateway.address, gateway.interface) {
        (Some(address), Some(interface)) => HopAddress::On(v4(address)?, interface),
        (Some(address), None) => HopAddress::Address(v4(address)?, table),
        (None, interface) => HopAddress::Interface(interface?),
    })
}

fn v4(address: IpAddr) -> Option<Ipv4Addr> {
    match address {
        IpAddr::V4(address) => Some(address),
        IpAddr::V6(_) => None,
    }
}

fn write_back(database: &mut Database, resolution: &Resolution) {
    let nowhere = rib::Outcome::default();
    let ids: Vec<Id> = database.items("/ip/route").map(|item| item.id).collect();
    for id in ids {
        let Some(item) = database.item("/ip/route", id) else {
            continue;
        };
        let (is_static, disabled) = (item.owner.is_none(), item.is_disabled());
        let outcome = resolution.outcomes.get(&id.0).unwrap_or(&nowhere);
        let hops: Vec<_> = outcome.immediate.iter().map(ToString::to_string).collect();
        let mut mark = |name, holds: bool| {
            database.set_state("/ip/route", id, name, holds.then(|| "true".into()));
        };
        mark("static", is_static);
        mark("active", outcome.active);
        mark("ecmp", outcome.ecmp);
        mark("inactive", !outcome.active && !disabled);
        let hops = (!hops.is_empty()).then(|| hops.join(","));
        database.set_state("/ip/route", id, "immediate-gw", hops);
    }
}
