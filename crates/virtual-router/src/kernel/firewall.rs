//! `/ip/firewall/filter` and `nat` as a script for `nft`.

use std::fmt::Write;

use holdfast_routeros_proto::value::parse_list;

use super::plan::device;
use crate::model::{Database, Item};

/// Name of the table that is the router's.
const TABLE: &str = "virtual_router";

/// The whole firewall. A rule with something that is not modelled is left out, and a log line says so.
pub(super) fn script(database: &Database) -> String {
    let mut script = format!("table ip {TABLE}\ndelete table ip {TABLE}\ntable ip {TABLE} {{\n");
    let chains = [
        (
            "input",
            "filter hook input priority filter",
            "/ip/firewall/filter",
        ),
        (
            "forward",
            "filter hook forward priority filter",
            "/ip/firewall/filter",
        ),
        (
            "output",
            "filter hook output priority filter",
            "/ip/firewall/filter",
        ),
        (
            "srcnat",
            "nat hook postrouting priority srcnat",
            "/ip/firewall/nat",
        ),
    ];
    for (chain, hook, menu) in chains {
        let rules = database.items(menu);
        let rules = rules.filter(|rule| !rule.is_disabled() && rule.text("chain") == chain);
        let _ = writeln!(script, "  chain {chain} {{\n    type {hook}");
        for rule in rules {
            match line(database, rule) {
                Some(line) => {
                    let _ = writeln!(script, "    {line}");
                }
                None => tracing::debug!(menu, id = %rule.id, "a firewall rule is not modelled"),
            }
        }
        script.push_str("  }\n");
    }
    script.push_str("}\n");
    script
}

fn line(database: &Database, rule: &Item) -> Option<String> {
    const MODELLED: &[&str] = &[
        "chain",
        "action",
        "src-address",
        "dst-address",
        "protocol",
        "src-port",
        "dst-port",
        "in-interface",
        "out-interface",
        "in-interface-list",
        "out-interface-list",
        "connection-state",
        "ipsec-policy",
        "hw-offload",
        "log",
        "log-prefix",
        "reject-with",
        "to-addresses",
        "disabled",
        "comment",
        "passthrough",
    ];
    if rule.fields().any(|field| !MODELLED.contains(&field)) {
        return None;
    }
    let mut line = String::new();
    for (field, keyword) in [("src-address", "ip saddr"), ("dst-address", "ip daddr")] {
        if let Some(value) = rule.get(field) {
            let (negation, value) = negated(value);
            let _ = write!(line, "{keyword} {negation}{value} ");
        }
    }
    let protocol = rule.get("protocol");
    if let Some(value) = protocol {
        let (negation, value) = negated(value);
        let _ = write!(line, "meta l4proto {negation}{value} ");
    }
    for (field, keyword) in [("src-port", "sport"), ("dst-port", "dport")] {
        if let Some(value) = rule.get(field) {
            let protocol = protocol.filter(|protocol| matches!(*protocol, "tcp" | "udp"))?;
            let (negation, value) = negated(value);
            let _ = write!(line, "{protocol} {keyword} {negation}{{ {value} }} ");
        }
    }
    for (field, keyword) in [("in-interface", "iifname"), ("out-interface", "oifname")] {
        line.push_str(&interfaces(database, rule, field, keyword)?);
    }
    if let Some(value) = rule.get("connection-state") {
        let (negation, value) = negated(value);
        let _ = write!(line, "ct state {negation}{{ {value} }} ");
    }
    line.push_str(&action(rule)?);
    Some(line)
}

fn action(rule: &Item) -> Option<String> {
    Some(match rule.text("action") {
        action @ ("accept" | "drop" | "masquerade" | "return") => action.to_owned(),
        "reject" => "reject".to_owned(),
        // Packets that would take the short way take the long one here.
        "fasttrack-connection" | "passthrough" | "log" => "counter".to_owned(),
        "src-nat" => format!("snat to {}", rule.get("to-addresses")?),
        _ => return None,
    })
}

/// A condition on an interface, or on a list of them; empty where there is none.
fn interfaces(database: &Database, rule: &Item, field: &str, keyword: &str) -> Option<String> {
    let (negation, devices) = if let Some(name) = rule.get(field) {
        ("", vec![device(database, name)?.to_owned()])
    } else if let Some(value) = rule.get(&format!("{field}-list")) {
        let (negation, list) = negated(value);
        if list == "all" {
            return Some(String::new());
        }
        (negation, members(database, list))
    } else {
        return Some(String::new());
    };
    if devices.is_empty() {
        // Nothing is in an empty list, and everything is outside it.
        return (!negation.is_empty()).then(String::new);
    }
    let names: Vec<_> = devices
        .iter()
        .map(|device| format!("\"{device}\""))
        .collect();
    Some(format!("{keyword} {negation}{{ {} }} ", names.join(", ")))
}

/// Interfaces of the kernel in a list, and in those it includes.
fn members(database: &Database, list: &str) -> Vec<String> {
    let included = database.named("/interface/list", list);
    let included = included
        .map(|item| item.text("include"))
        .unwrap_or_default();
    let lists: Vec<_> = parse_list(included).chain([list]).collect();
    let members = database.items("/interface/list/member");
    let members = members
        .filter(|member| !member.is_disabled() && lists.contains(&member.text("list")))
        .filter_map(|member| device(database, member.text("interface")));
    let mut devices: Vec<_> = members.map(str::to_owned).collect();
    devices.sort();
    devices.dedup();
    devices
}

/// `!lan` is everything else.
fn negated(value: &str) -> (&str, &str) {
    match value.strip_prefix('!') {
        Some(value) => ("!= ", value),
        None => ("", value),
    }
}
