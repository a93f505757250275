//! The interfaces of a router, those that can be a WAN first.

use holdfast_routeros_proto::Row;

use crate::{Menu, Observed, foreign, validate};

/// An interface, and whether it can be a WAN.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InterfaceView {
    /// Its name.
    pub name: String,
    /// Its type in RouterOS's words: `ether`, `vlan`, `lte`, `pppoe-out` ...
    pub kind: String,
    /// Whether its link is up.
    pub running: bool,
    /// Whether it is switched off.
    pub disabled: bool,
    /// What people wrote beside it.
    pub comment: String,
    /// Its MAC address; empty if it has none.
    pub mac: String,
    /// Its addresses with their lengths.
    pub addresses: Vec<String>,
    /// Whether it can be a WAN.
    pub can_be_wan: bool,
    /// Why it cannot, or what to know if it can.
    pub reason: Option<String>,
}

/// Every interface. Those that can be a WAN come first, among them those that have a default route, then those with a
/// link; else in the router's order.
pub fn interfaces(observed: &Observed) -> Vec<InterfaceView> {
    let sources = foreign::sources(observed);
    let leads_out = |name: &str| sources.iter().any(|source| source.leads_through(name));
    let mut views: Vec<_> = observed
        .rows(Menu::Interface)
        .iter()
        .map(|row| view(row, observed))
        .collect();
    views.sort_by_key(|view| {
        let out = leads_out(&view.name);
        (!view.can_be_wan, !out, !view.running)
    });
    views
}

fn view(row: &Row, observed: &Observed) -> InterfaceView {
    let name = row.text("name");
    let unfit = validate::unfit(row, observed);
    let can_be_wan = unfit.is_none();
    let reason = unfit
        .map(|(reason, mend)| format!("{reason}; {mend}"))
        .or_else(|| advice(row, observed));
    InterfaceView {
        name: name.into(),
        kind: row.text("type").into(),
        running: row.flag("running"),
        disabled: row.flag("disabled"),
        comment: row.text("comment").into(),
        mac: row.text("mac-address").into(),
        addresses: observed
            .networks(name)
            .iter()
            .map(|network| network.own.to_string())
            .collect(),
        can_be_wan,
        reason,
    }
}

/// What to know of an interface that can be a WAN.
fn advice(row: &Row, observed: &Observed) -> Option<String> {
    let name = row.text("name");
    if let Some(vrf) = observed.vrf_of(name) {
        return Some(format!("{name} is in the virtual router {vrf}"));
    }
    let carrier = observed
        .rows(Menu::PppoeClient)
        .iter()
        .find(|client| client.text("interface") == name && !client.flag("disabled"));
    if let Some(client) = carrier {
        let session = client.text("name");
        return Some(format!(
            "{session} dials over {name}: the internet is behind {session}"
        ));
    }
    if !row.flag("running") {
        return Some(format!("{name} has no link"));
    }
    if observed.in_list(name, "LAN") {
        return Some(format!("{name} is in the list LAN"));
    }
    None
}
