//! Taking away what we have brought.

use holdfast_routeros_proto::Row;

use crate::{
    Attribute, Attributes, Change, Kind, Memory, Menu, Observed, Plan, Selection, Step, Undo,
    draft::{Draft, Phase},
    foreign,
    make::OF_SLOTS,
    names, scripts,
};

/// The steps that take failover away: every field that is not ours gets its old value back, and every object of a slot
/// goes. What adoption has brought stays, so that the router can still be managed.
pub fn removal(observed: &Observed, memory: &Memory) -> Plan {
    let mut draft = Draft::new(observed, memory);
    foreign::restore(&mut draft);
    draft.remove_others(OF_SLOTS);
    if !is_adopted(observed) {
        remove_access(&mut draft);
    }
    draft.into_plan()
}

/// The steps that take everything away: failover, and then what adoption has brought, in a way that needs nobody on the
/// other end. Some seconds after the last step the router cannot be reached any more.
pub fn release(observed: &Observed, memory: &Memory) -> Plan {
    let mut plan = removal(observed, memory);
    if is_adopted(observed) && !is_leaving(observed) {
        plan.steps.push(leave());
    }
    plan
}

/// Whether it was told to leave already: some seconds pass until it does.
fn is_leaving(observed: &Observed) -> bool {
    let told = |row: &Row| row.text("name") == names::RELEASE;
    observed.rows(Menu::Scheduler).iter().any(told)
}

fn is_adopted(observed: &Observed) -> bool {
    let has = |menu, kind| observed.owned(menu).any(|(tag, _)| tag.kind == kind);
    has(Menu::OvpnClient, Kind::Management) || has(Menu::Script, Kind::Before)
}

/// On a router that nobody has adopted, firewall rules and authority came with failover.
fn remove_access(draft: &mut Draft<'_>) {
    draft.remove_others(&[Kind::List, Kind::Accept, Kind::AcceptProbes]);
    for row in draft.observed.rows(Menu::Certificate) {
        if [names::AUTHORITY, names::OLD_AUTHORITY].contains(&row.text("name")) {
            let step = Step {
                summary: "remove the authority's certificate".into(),
                object: names::AUTHORITY.into(),
                change: Change::Remove {
                    menu: Menu::Certificate,
                    id: row.text(".id").into(),
                },
                remembers: None,
                undo: None,
            };
            draft.push(Phase::RemoveAuthority, step);
        }
    }
}

/// The tunnel that carries the commands is among what goes, so the router does it alone, a little later.
fn leave() -> Step {
    let plain = Attribute::plain;
    Step {
        summary: "let the router remove what adoption has brought".into(),
        object: names::RELEASE.into(),
        change: Change::Add {
            menu: Menu::Scheduler,
            attributes: Attributes(vec![
                plain("name", names::RELEASE),
                plain("interval", "5s"),
                plain("on-event", &scripts::release()),
                plain("policy", scripts::POLICIES),
            ]),
            place_before: None,
        },
        remembers: None,
        undo: Some(Undo::Remove(Selection {
            menu: Menu::Scheduler,
            holds: vec![("name".into(), names::RELEASE.into())],
        })),
    }
}
