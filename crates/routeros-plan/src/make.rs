//! From what is wanted and what is there to the steps between.

use holdfast_routeros_proto::Row;

use crate::{
    Attribute, Attributes, Authority, Change, Desired, Kind, Memory, Menu, Observed, Plan, Refusal,
    Selection, Slot, Step, Tag, Undo,
    draft::{Draft, Phase},
    foreign, names,
    object::Object,
    objects, scripts, validate,
};

/// Kinds that only exist for a slot.
pub(crate) const OF_SLOTS: &[Kind] = &[
    Kind::Wan,
    Kind::NextHop,
    Kind::Pin,
    Kind::PinShadow,
    Kind::Default,
    Kind::Ladder,
    Kind::Profile,
    Kind::Tunnel,
    Kind::Follow,
    Kind::Watchdog,
];

/// The steps that bring a router from what is observed to what is desired.
///
/// Done to the end they leave nothing to do: a plan made of what is observed then is empty.
///
/// # Errors
///
/// Everything that is configured and cannot work on this router. Nothing must be sent then.
pub fn plan(desired: &Desired, observed: &Observed, memory: &Memory) -> Result<Plan, Vec<Refusal>> {
    let refusals = validate::before_plan(desired, observed);
    if !refusals.is_empty() {
        return Err(refusals);
    }
    let mut draft = Draft::new(observed, memory);
    warnings(&mut draft, desired);
    authority(&mut draft, &desired.authority);
    for object in objects::of_router(observed.api_port()) {
        draft.keep(&object);
    }
    if let Some(management) = &desired.management {
        for object in objects::management(management) {
            draft.keep(&object);
        }
    }
    for (position, slot) in desired.by_rank().into_iter().enumerate() {
        keep_slot(&mut draft, desired, slot, position);
    }
    let followed = |interface: &str| {
        let slot = desired
            .slots
            .iter()
            .find(|slot| slot.interface == interface)?;
        (follows(observed, slot) == Follow::ByClient)
            .then(|| scripts::follow(slot.number, interface))
    };
    if desired.slots.is_empty() {
        foreign::restore(&mut draft);
    } else {
        foreign::follow(&mut draft, followed);
        foreign::lower(&mut draft, desired);
    }
    draft.remove_others(OF_SLOTS);
    draft.remove_others(&[Kind::List, Kind::Accept, Kind::AcceptProbes]);
    Ok(draft.into_plan())
}

fn keep_slot(draft: &mut Draft<'_>, desired: &Desired, slot: &Slot, position: usize) {
    let observed = draft.observed;
    let gateway = observed.gateway_of(slot);
    wan_member(draft, slot);
    let mut changed = false;
    for object in objects::path_of(slot, gateway, desired.pinning()) {
        changed |= draft.keep(&object);
    }
    if !foreign::has_own_default(observed, slot) {
        draft.keep(&objects::default_route(
            slot,
            gateway,
            foreign::distance(position),
        ));
    }
    changed |= draft.keep(&objects::profile_of(slot, desired.mode));
    let runs = tunnel(draft, desired, slot, changed);
    if desired.mode == crate::Mode::Local {
        for object in objects::ladder(slot, runs) {
            draft.keep(&object);
        }
    }
    if follows(observed, slot) == Follow::ByScheduler {
        draft.keep(&objects::follower(slot));
    }
    if desired.watchdog && !slot.metered && slot.enabled {
        draft.keep(&objects::watchdog(slot));
    }
}

/// The client of a slot. It rests while anything that it depends on changes: a connection once made keeps the address
/// that it was made from. Whether it goes on running through all of this.
fn tunnel(draft: &mut Draft<'_>, desired: &Desired, slot: &Slot, way_changed: bool) -> bool {
    let object = objects::client_of(slot, desired.mode);
    let title = object.title.clone();
    let Some(row) = draft.existing(&object) else {
        draft.keep(&object.with("disabled", "yes"));
        if slot.enabled {
            // The router takes a name for an id, and the id is not known yet.
            draft.switch(
                Phase::Start,
                &title,
                tag(slot),
                &names::of_slot(slot.number),
                true,
            );
        }
        return false;
    };
    let id = row.text(Row::ID);
    let was_on = !row.flag("disabled");
    let changed = draft.keep(&object) || way_changed;
    if was_on && (changed || !slot.enabled) {
        draft.switch(Phase::Park, &title, tag(slot), id, false);
    }
    if slot.enabled && (changed || !was_on) {
        draft.switch(Phase::Start, &title, tag(slot), id, true);
    }
    was_on && slot.enabled && !changed && row.flag("running")
}

fn tag(slot: &Slot) -> Tag {
    Tag::of_slot(Kind::Tunnel, slot.number)
}

/// How a slot's next hop follows a gateway that changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Follow {
    /// It does not change.
    Not,
    /// The DHCP client runs our script.
    ByClient,
    /// The DHCP client runs somebody else's script, so ours runs now and then.
    ByScheduler,
}

fn follows(observed: &Observed, slot: &Slot) -> Follow {
    let Some(client) = observed.dhcp_client(&slot.interface) else {
        return Follow::Not;
    };
    if slot.gateway == crate::Gateway::Interface {
        return Follow::Not;
    }
    let script = client.text("script");
    if script.is_empty() || scripts::is_follow(script) {
        Follow::ByClient
    } else {
        Follow::ByScheduler
    }
}

/// RouterOS's own configuration translates addresses and filters by the list `WAN`. A router without that list has
/// rules of its own making.
fn wan_member(draft: &mut Draft<'_>, slot: &Slot) {
    let observed = draft.observed;
    let tag = Tag::of_slot(Kind::Wan, slot.number);
    let object = Object::new(
        Menu::InterfaceListMember,
        tag,
        format!(
            "membership of {} in the list {}",
            slot.interface,
            names::WAN_LIST
        ),
    )
    .with("list", names::WAN_LIST)
    .with("interface", &slot.interface);
    let exists = observed
        .named(Menu::InterfaceList, "name", names::WAN_LIST)
        .is_some();
    let theirs = observed.rows(Menu::InterfaceListMember).iter().any(|row| {
        row.text("list") == names::WAN_LIST
            && row.text("interface") == slot.interface
            && row.text("comment").parse::<Tag>().is_err()
    });
    if exists && !theirs {
        draft.keep(&object);
    }
}

/// The certificate authority, by its fingerprint: a name says little.
fn authority(draft: &mut Draft<'_>, authority: &Authority) {
    let plain = |digits: &str| digits.replace(':', "").to_ascii_lowercase();
    let wanted = plain(&authority.fingerprint);
    let store = draft.observed.rows(Menu::Certificate);
    let step = |summary: &str, change, undo| Step {
        summary: summary.into(),
        object: Tag::of(Kind::Authority).to_string(),
        change,
        remembers: None,
        undo: Some(undo),
    };
    let set = |row: &Row, name: &str, value: &str| Change::Set {
        menu: Menu::Certificate,
        id: row.text(Row::ID).into(),
        attributes: Attributes(vec![Attribute::plain(name, value)]),
    };
    if let Some(row) = store
        .iter()
        .find(|row| plain(row.text("fingerprint")) == wanted)
    {
        if !row.flag("trusted") {
            let change = set(row, "trusted", "yes");
            draft.push(
                Phase::Authority,
                step("trust the authority again", change, Undo::Keep),
            );
        }
        return;
    }
    if let Some(row) = store
        .iter()
        .find(|row| row.text("name") == names::AUTHORITY)
    {
        // It stays until a router has seen the new one: tunnels that are up were checked against it.
        let old = names::OLD_AUTHORITY;
        let selection = Selection {
            menu: Menu::Certificate,
            holds: vec![("name".into(), old.into())],
        };
        let back = Attributes(vec![Attribute::plain("name", names::AUTHORITY)]);
        let change = set(row, "name", old);
        draft.push(
            Phase::Authority,
            step(
                "put the old authority aside",
                change,
                Undo::Set(selection, back),
            ),
        );
    }
    for (summary, command, arguments) in scripts::import_calls(authority) {
        let change = Change::Call {
            command,
            attributes: arguments,
        };
        draft.push(Phase::Authority, step(summary, change, Undo::Keep));
    }
}

/// What a person should know, though nothing follows from it.
fn warnings(draft: &mut Draft<'_>, desired: &Desired) {
    let observed = draft.observed;
    let strict = observed
        .rows(Menu::IpSettings)
        .iter()
        .any(|row| row.text("rp-filter") == "strict");
    if strict {
        draft.warn("/ip/settings rp-filter is strict, which drops packets that come back through another WAN: use loose".into());
    }
    for slot in &desired.slots {
        let interface = &slot.interface;
        if !is_translated(observed, interface) {
            draft.warn(format!(
                "no rule in /ip/firewall/nat translates addresses of what leaves through {interface}: \
                 the site's users get no answers there"
            ));
        }
        if let Some(vrf) = observed.vrf_of(interface) {
            draft.warn(format!(
                "{interface} is in the virtual router {vrf}: routes of the main table do not reach its gateway"
            ));
        }
        let client = observed.dhcp_client(interface);
        if client.is_some_and(|client| client.text("default-route-tables").contains(':')) {
            draft.warn(format!(
                "the DHCP client on {interface} has distances in default-route-tables, which Holdfast does not change: \
                 they must be above 200"
            ));
        }
    }
}

/// Whether what leaves through an interface gets the interface's address, now or once it is in the list of WANs.
fn is_translated(observed: &Observed, interface: &str) -> bool {
    let listed = |list: &str| list == names::WAN_LIST || observed.in_list(interface, list);
    observed.rows(Menu::Nat).iter().any(|rule| {
        let (out, list) = (rule.text("out-interface"), rule.text("out-interface-list"));
        matches!(rule.text("action"), "masquerade" | "src-nat")
            && !rule.flag("disabled")
            && rule.text("comment").parse::<Tag>().is_err()
            && (out.is_empty() || out == interface)
            && (list.is_empty() || list == "all" || listed(list))
    })
}
