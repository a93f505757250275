//! What cannot work on a router, found before anything is sent to it.

use std::net::Ipv4Addr;

use holdfast_routeros_proto::{Row, Version};

use crate::{Desired, Gateway, Kind, Menu, Observed, Refusal, Slot, Tag, names, wan};

/// The first release of RouterOS that we configure.
pub const OLDEST: Version = Version::release(7, 8, 0);

/// Everything in `desired` that cannot work on this router, as it is at this moment. For what somebody has just entered.
pub fn validate(desired: &Desired, observed: &Observed) -> Vec<Refusal> {
    check(desired, observed, |slot| slot.gateway)
}

/// The same for what was entered some time ago: a gateway that DHCP has changed since is followed and not refused.
pub(crate) fn before_plan(desired: &Desired, observed: &Observed) -> Vec<Refusal> {
    let mut refusals = of_router(observed);
    refusals.extend(check(desired, observed, |slot| observed.gateway_of(slot)));
    refusals.extend(taken_names(desired, observed));
    refusals
}

fn check(
    desired: &Desired,
    observed: &Observed,
    gateway: impl Fn(&Slot) -> Gateway,
) -> Vec<Refusal> {
    let mut refusals = Vec::new();
    for (index, slot) in desired.slots.iter().enumerate() {
        let earlier = desired.slots[..index]
            .iter()
            .find(|other| other.interface == slot.interface);
        let refusal = match earlier {
            Some(other) => Some(twice(slot, other)),
            None => interface(slot, observed),
        };
        match refusal {
            Some(refusal) => refusals.push(refusal),
            None => refusals.extend(gateway_refusal(slot, gateway(slot), observed)),
        }
    }
    refusals
}

/// What stands against any change at all.
fn of_router(observed: &Observed) -> Vec<Refusal> {
    let refusal = |field, value: &str, reason: &str, mend: &str| Refusal {
        slot: None,
        field,
        value: value.into(),
        reason: reason.into(),
        mend: mend.into(),
    };
    let mut refusals = Vec::new();
    if *observed.version() < OLDEST {
        refusals.push(refusal(
            "version",
            &observed.version().to_string(),
            "RouterOS older than 7.8 lacks what Holdfast needs",
            "upgrade it in /system/package/update",
        ));
    }
    if let Some(row) = observed
        .rows(Menu::SafeMode)
        .iter()
        .find(|row| row.flag("enabled"))
    {
        refusals.push(refusal(
            "safe-mode",
            row.get("user").unwrap_or("enabled"),
            "somebody configures the router in safe mode, and would undo our changes with theirs",
            "wait until they have left safe mode",
        ));
    }
    for row in observed.rows(Menu::DeviceMode) {
        let mode = row.text("mode");
        if row.flag("flagged") {
            refusals.push(refusal(
                "device-mode",
                mode,
                "RouterOS has flagged the router as possibly compromised and takes no scheduler",
                "check its configuration, then run /system/device-mode/update flagged=no and press its button",
            ));
        } else if row.says("scheduler", "no") && row.get("scheduler").is_some() {
            refusals.push(refusal(
                "device-mode",
                mode,
                "the router's mode forbids schedulers, so it could not undo a change that cuts it off",
                "run /system/device-mode/update scheduler=yes and press the router's button within five minutes",
            ));
        }
    }
    refusals
}

fn of_slot(slot: &Slot, field: &'static str, value: &str, reason: String, mend: String) -> Refusal {
    Refusal {
        slot: Some(slot.number),
        field,
        value: value.into(),
        reason,
        mend,
    }
}

fn twice(slot: &Slot, other: &Slot) -> Refusal {
    of_slot(
        slot,
        "interface",
        &slot.interface,
        format!("slot {} has the same interface", other.number),
        "give each tunnel an interface of its own".into(),
    )
}

fn interface(slot: &Slot, observed: &Observed) -> Option<Refusal> {
    let name = &slot.interface;
    let refuse =
        |reason: String, mend: String| Some(of_slot(slot, "interface", name, reason, mend));
    let Some(row) = observed.interface(name) else {
        let mend = match candidates(observed).as_str() {
            "" => "look at /interface".into(),
            others => format!("choose one of {others}"),
        };
        return refuse("the router has no such interface".into(), mend);
    };
    let (reason, mend) = unfit(row, observed)?;
    refuse(reason, mend)
}

/// Interfaces that could be a WAN, separated by commas.
fn candidates(observed: &Observed) -> String {
    let fit = |row: &&Row| unfit(row, observed).is_none();
    let names: Vec<_> = observed
        .rows(Menu::Interface)
        .iter()
        .filter(fit)
        .map(|row| row.text("name"))
        .collect();
    names.join(", ")
}

/// Why an interface cannot be a WAN, and what helps.
pub(crate) fn unfit(row: &Row, observed: &Observed) -> Option<(String, String)> {
    let name = row.text("name");
    let kind = row.text("type");
    let bridge = observed.bridge_of(name);
    let refuse = |reason: String, mend: String| Some((reason, mend));
    if let Some(tunnel) = observed.tunnel_beneath(row) {
        let (beneath, kind) = (tunnel.text("name"), tunnel.text("type"));
        let what = if beneath == name {
            format!("{name} is a tunnel ({kind})")
        } else {
            format!("{name} is carried by {beneath}, a tunnel ({kind})")
        };
        return refuse(
            format!("{what} that itself needs a WAN, so this would lead a tunnel into a tunnel"),
            "choose the interface that the ISP is connected to".into(),
        );
    }
    if matches!(kind, "loopback" | "lo") {
        return refuse(
            format!("{name} leads back to the router"),
            "choose the interface that the ISP is connected to".into(),
        );
    }
    if let Some(bridge) = bridge.or(row.flag("slave").then_some("another interface")) {
        return refuse(
            format!("{name} is a port of {bridge}, which has the addresses"),
            format!("choose {bridge}, or take {name} out of it"),
        );
    }
    if row.flag("disabled") {
        return refuse(
            format!("{name} is switched off"),
            format!("run /interface/enable {name}, or choose another"),
        );
    }
    if observed.is_lan_bridge(row) {
        return refuse(
            format!(
                "{name} is a bridge of the site's own network: it has no DHCP client and no default route"
            ),
            format!(
                "choose the ISP's interface, or put {name} into the list {} if the ISP is behind it",
                names::WAN_LIST
            ),
        );
    }
    None
}

fn gateway_refusal(slot: &Slot, gateway: Gateway, observed: &Observed) -> Option<Refusal> {
    let name = &slot.interface;
    let refuse = |value: &str, reason: String, mend: String| {
        Some(of_slot(slot, "gateway", value, reason, mend))
    };
    let row = observed.interface(name)?;
    let Gateway::Address(address) = gateway else {
        return if wan::is_point_to_point(row) {
            None
        } else {
            refuse(
                name,
                format!(
                    "{name} is no point-to-point link, so a route needs the address of a gateway"
                ),
                "enter the gateway's address, or look it up".into(),
            )
        };
    };
    let value = address.to_string();
    let own = observed
        .rows(Menu::Address)
        .iter()
        .find(|row| is_own(row, address));
    if let Some(own) = own {
        return refuse(
            &value,
            format!(
                "that is the router's own address on {}",
                own.text("interface")
            ),
            "enter the address of the ISP's router".into(),
        );
    }
    let networks = observed.networks(name);
    if networks.is_empty() {
        // A link that is down today was checked when it was configured, and DHCP brings the address with the gateway.
        let expects = observed.dhcp_client(name).is_some() || wan::is_point_to_point(row);
        return if expects {
            None
        } else {
            refuse(
                &value,
                format!("{name} has no address, so no gateway can be reached through it"),
                format!("give {name} an address or a DHCP client"),
            )
        };
    }
    if networks.iter().any(|network| network.reaches(address)) {
        return None;
    }
    let listed: Vec<_> = networks
        .iter()
        .map(|network| network.own.network().to_string())
        .collect();
    refuse(
        &value,
        format!(
            "the networks of {name} do not have that address: {}",
            listed.join(", ")
        ),
        "enter a gateway inside of them, or look it up".into(),
    )
}

fn is_own(row: &Row, address: Ipv4Addr) -> bool {
    let own = row.text("address").split('/').next().unwrap_or_default();
    !row.flag("disabled") && own.parse() == Ok(address)
}

/// Names that we need and something else has: the router would refuse the second.
fn taken_names(desired: &Desired, observed: &Observed) -> Vec<Refusal> {
    let mut wanted = Vec::new();
    for slot in &desired.slots {
        let name = names::of_slot(slot.number);
        wanted.push((
            Menu::Interface,
            Menu::OvpnClient,
            name.clone(),
            Kind::Tunnel,
            Some(slot.number),
        ));
        wanted.push((
            Menu::PppProfile,
            Menu::PppProfile,
            name.clone(),
            Kind::Profile,
            Some(slot.number),
        ));
        wanted.push((
            Menu::RoutingTable,
            Menu::RoutingTable,
            name,
            Kind::Pin,
            Some(slot.number),
        ));
    }
    if desired.management.is_some() {
        let name = names::MANAGEMENT.to_owned();
        wanted.push((
            Menu::Interface,
            Menu::OvpnClient,
            name.clone(),
            Kind::Management,
            None,
        ));
        wanted.push((
            Menu::PppProfile,
            Menu::PppProfile,
            name,
            Kind::Management,
            None,
        ));
    }
    wanted.push((
        Menu::InterfaceList,
        Menu::InterfaceList,
        names::LIST.to_owned(),
        Kind::List,
        None,
    ));
    wanted
        .into_iter()
        .filter_map(|(among, menu, name, kind, slot)| {
            let ours = |row: &&Row| row.text("comment").parse() == Ok(Tag { kind, slot });
            let taken = observed
                .rows(among)
                .iter()
                .find(|row| row.text("name") == name);
            let ours_there = observed
                .rows(menu)
                .iter()
                .filter(ours)
                .any(|row| row.text("name") == name);
            (taken.is_some() && !ours_there).then(|| Refusal {
                slot,
                field: "name",
                reason: format!(
                    "{} has one of that name whose comment is not {}",
                    menu.path(),
                    Tag { kind, slot }
                ),
                mend: "rename it, or give it that comment if it is from Holdfast".into(),
                value: name,
            })
        })
        .collect()
}
