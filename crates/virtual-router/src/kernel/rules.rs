//! `/routing/rule`, and marks of `/ip/firewall/mangle`, as rules of the kernel.

use holdfast_routeros_proto::value::{Prefix, parse_list};

use super::plan::{device, table_number};
use crate::model::{Database, Item};

/// A rule of the kernel.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Rule {
    pub(super) priority: u32,
    pub(super) source: Option<Prefix>,
    pub(super) destination: Option<Prefix>,
    /// Interface of the kernel that packets come from; `lo` for the router's own.
    pub(super) from_device: Option<String>,
    /// 6 for TCP, 17 for UDP.
    pub(super) protocol: Option<u8>,
    pub(super) ports: Option<(u16, u16)>,
    pub(super) action: Action,
    /// Routes of at most this prefix length do not count.
    pub(super) suppress: Option<u32>,
}

/// What a rule does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Action {
    /// Asks a table, and goes on where that has no route.
    Lookup(u32),
    #[default]
    Unreachable,
    Blackhole,
}

/// Marks come before rules, as in the usual order of RouterOS.
const MARKS: u32 = 10_000;
const RULES: u32 = 20_000;

pub(super) fn read(database: &Database) -> Vec<Rule> {
    let marks = database
        .items("/ip/firewall/mangle")
        .filter(|item| !item.is_disabled());
    let marks = marks.filter_map(|item| mark(database, item)).flatten();
    let marks = (MARKS..)
        .zip(marks)
        .map(|(priority, rule)| Rule { priority, ..rule });
    let rules = database
        .items("/routing/rule")
        .filter(|item| !item.is_disabled());
    let rules = rules.flat_map(|item| rule(database, item));
    let rules = (RULES..)
        .zip(rules)
        .map(|(priority, rule)| Rule { priority, ..rule });
    marks.chain(rules).collect()
}

/// `chain=output action=mark-routing`: the router's own packets to an address or port ask another table. What else marks
/// can do is not modelled. A list of ports makes a rule for each.
fn mark(database: &Database, item: &Item) -> Option<Vec<Rule>> {
    if item.text("chain") != "output" || item.text("action") != "mark-routing" {
        return None;
    }
    let table = table_number(database, item.text("new-routing-mark"))?;
    let rule = Rule {
        source: prefix(item, "src-address")?,
        destination: prefix(item, "dst-address")?,
        from_device: Some("lo".into()),
        protocol: match item.get("protocol") {
            None => None,
            Some(name) => Some(protocol_number(name)?),
        },
        action: Action::Lookup(table),
        ..Rule::default()
    };
    let Some(ports) = item.get("dst-port") else {
        return Some(vec![rule]);
    };
    let with_ports = |text: &str| {
        Some(Rule {
            ports: Some(port_range(text)?),
            ..rule.clone()
        })
    };
    parse_list(ports).map(with_ports).collect()
}

fn rule(database: &Database, item: &Item) -> Vec<Rule> {
    let selector = || {
        Some(Rule {
            source: prefix(item, "src-address")?,
            destination: prefix(item, "dst-address")?,
            from_device: match item.get("interface") {
                None => None,
                Some(interface) => Some(device(database, interface)?.to_owned()),
            },
            suppress: item.get("min-prefix").and_then(|text| text.parse().ok()),
            ..Rule::default()
        })
    };
    // Routing marks are set in the mangle table, which makes rules of its own.
    let Some(selector) = selector().filter(|_| item.get("routing-mark").is_none()) else {
        return Vec::new();
    };
    let lookup = table_number(database, item.get("table").unwrap_or("main")).map(|table| Rule {
        action: Action::Lookup(table),
        ..selector.clone()
    });
    let unreachable = Rule {
        action: Action::Unreachable,
        suppress: None,
        ..selector.clone()
    };
    match item.text("action") {
        "lookup" => lookup.into_iter().collect(),
        "lookup-only-in-table" => lookup.into_iter().chain([unreachable]).collect(),
        "drop" => vec![Rule {
            action: Action::Blackhole,
            ..unreachable
        }],
        _ => vec![unreachable],
    }
}

/// None for a selector that cannot be read; `Some(None)` where there is none.
#[expect(
    clippy::option_option,
    reason = "absent and unreadable are not the same"
)]
fn prefix(item: &Item, field: &str) -> Option<Option<Prefix>> {
    match item.get(field) {
        None => Some(None),
        Some(text) => text.parse().ok().map(Some),
    }
}

fn protocol_number(name: &str) -> Option<u8> {
    match name {
        "icmp" => Some(1),
        "tcp" => Some(6),
        "udp" => Some(17),
        number => number.parse().ok(),
    }
}

fn port_range(text: &str) -> Option<(u16, u16)> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    Some((first.parse().ok()?, last.parse().ok()?))
}
