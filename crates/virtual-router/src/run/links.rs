//! Links of the kernel, or of the settings, as interfaces of the router.

use std::{collections::BTreeMap, time::Duration};

use crate::{
    kernel::LinkState,
    model::{Database, Id, Item},
    settings::Settings,
};

type Links = BTreeMap<String, LinkState>;

/// Writes links and counters as the kernel has them.
pub(crate) fn write(database: &mut Database, links: &Links) {
    for (id, device) in devices(database) {
        let link = links.get(&device);
        let Some(home) = database.home("/interface", id) else {
            continue;
        };
        if matches!(home, "/interface/ethernet" | "/interface/lte") {
            let disabled = database.item(home, id).is_some_and(Item::is_disabled);
            database.set_link(id, !disabled && link.is_some_and(|link| link.carries));
        }
        let Some(link) = link else { continue };
        database.set_state("/interface", id, "mac-address", link.mac.clone());
        database.set_state("/interface", id, "actual-mtu", Some(link.mtu.to_string()));
        let counters = [
            ("rx-byte", link.counters.rx_bytes),
            ("tx-byte", link.counters.tx_bytes),
            ("rx-packet", link.counters.rx_packets),
            ("tx-packet", link.counters.tx_packets),
            ("rx-error", link.counters.rx_errors),
            ("tx-error", link.counters.tx_errors),
        ];
        for (field, count) in counters {
            database.set_quietly("/interface", id, field, count.to_string());
        }
    }
    run_bridges(database);
}

/// Writes what has passed in each second since `before`.
pub(super) fn write_rates(database: &mut Database, before: &Links, now: &Links, between: Duration) {
    let millis = u64::try_from(between.as_millis())
        .unwrap_or(u64::MAX)
        .max(1);
    for (id, device) in devices(database) {
        let (Some(before), Some(now)) = (before.get(&device), now.get(&device)) else {
            continue;
        };
        let (before, now) = (before.counters, now.counters);
        let rates = [
            (
                "rx-bits-per-second",
                8 * now.rx_bytes.saturating_sub(before.rx_bytes),
            ),
            (
                "tx-bits-per-second",
                8 * now.tx_bytes.saturating_sub(before.tx_bytes),
            ),
            (
                "rx-packets-per-second",
                now.rx_packets.saturating_sub(before.rx_packets),
            ),
            (
                "tx-packets-per-second",
                now.tx_packets.saturating_sub(before.tx_packets),
            ),
        ];
        for (field, passed) in rates {
            let rate = passed.saturating_mul(1000) / millis;
            database.set_quietly("/interface", id, field, rate.to_string());
        }
    }
}

/// Without a kernel, cables are in as the settings say.
pub(super) fn imagine(database: &mut Database, settings: &Settings) {
    let links: Vec<_> = database
        .items("/interface/ethernet")
        .chain(database.items("/interface/lte"))
        .map(|item| {
            let name = item.get("default-name").unwrap_or_default();
            let hardware = settings.interfaces.iter().find(|found| found.name == name);
            let link = hardware.is_some_and(|hardware| hardware.link);
            (item.id, link && !item.is_disabled())
        })
        .collect();
    for (id, link) in links {
        database.set_link(id, link);
    }
    run_bridges(database);
}

/// Bridges and VLANs are only configuration here, and run while they are enabled.
fn run_bridges(database: &mut Database) {
    let virtual_ones: Vec<_> = database
        .items("/interface/bridge")
        .chain(database.items("/interface/vlan"))
        .map(|item| (item.id, !item.is_disabled()))
        .collect();
    for (id, running) in virtual_ones {
        database.set_state("/interface", id, "running", Some(running.to_string()));
    }
}

fn devices(database: &Database) -> Vec<(Id, String)> {
    let interfaces = database.items("/interface");
    let with_device = interfaces.filter_map(|item| Some((item.id, item.get("device")?.to_owned())));
    with_device.collect()
}
