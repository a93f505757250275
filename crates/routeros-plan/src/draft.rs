//! Where steps are gathered, and the order they are sent in.

use std::collections::BTreeSet;

use holdfast_routeros_proto::Row;

use crate::{
    Attribute, Attributes, Change, Kind, Memory, Menu, Observed, Plan, Recorded, Selection, Step,
    Tag, Undo,
    object::{Object, Placement},
};

/// When a step is sent. What lies on the way to the router is there before what depends on it, tunnels rest while their
/// way changes, and what is to go goes when nothing needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// Fields that are not ours get their old values back: beneath the ladder nobody notices.
    Restore,
    Authority,
    Lists,
    Access,
    /// Tunnels whose way changes are switched off.
    Park,
    Tables,
    Hops,
    Pins,
    Shadows,
    Marks,
    Defaults,
    /// Default routes that are not ours go beneath the ladder.
    Distances,
    Profiles,
    Clients,
    Ladder,
    Follow,
    Watchdogs,
    /// Tunnels are switched on.
    Start,
    RemoveAround,
    /// From the blackhole upwards: the management tunnel may go the same way, and must not end in it.
    RemoveShadows,
    RemovePins,
    RemoveRoutes,
    /// From here nothing can be taken back: a removed client's password is gone, and so is the place of a rule.
    RemoveClients,
    RemoveProfiles,
    RemoveRules,
    RemoveTables,
    RemoveLists,
    RemoveAuthority,
}

impl Phase {
    /// When an object is made or corrected.
    fn of(menu: Menu, kind: Kind) -> Self {
        match kind {
            Kind::NextHop => Self::Hops,
            Kind::PinShadow => Self::Shadows,
            Kind::Default => Self::Defaults,
            Kind::Ladder => Self::Ladder,
            Kind::Profile => Self::Profiles,
            Kind::Tunnel => Self::Clients,
            Kind::Follow => Self::Follow,
            Kind::Watchdog => Self::Watchdogs,
            Kind::Accept | Kind::AcceptProbes => Self::Access,
            Kind::List | Kind::Wan => Self::Lists,
            Kind::Pin if menu == Menu::RoutingTable => Self::Tables,
            Kind::Pin if menu == Menu::Route => Self::Pins,
            Kind::Pin => Self::Marks,
            Kind::Management if menu == Menu::PppProfile => Self::Profiles,
            Kind::Management => Self::Clients,
            Kind::Authority | Kind::CheckIn | Kind::DeadMan | Kind::Before => Self::Authority,
        }
    }
}

/// Menus in which objects of ours may be found, other than what adoption has made, and when they are removed from there.
const OWNED: &[(Menu, Phase)] = &[
    (Menu::Netwatch, Phase::RemoveAround),
    (Menu::Scheduler, Phase::RemoveAround),
    (Menu::InterfaceListMember, Phase::RemoveAround),
    (Menu::Route, Phase::RemoveRoutes),
    (Menu::OvpnClient, Phase::RemoveClients),
    (Menu::PppProfile, Phase::RemoveProfiles),
    (Menu::Mangle, Phase::RemoveRules),
    (Menu::Nat, Phase::RemoveRules),
    (Menu::Filter, Phase::RemoveRules),
    (Menu::RoutingTable, Phase::RemoveTables),
    (Menu::InterfaceList, Phase::RemoveLists),
];

/// A plan in the making.
pub(crate) struct Draft<'a> {
    pub(crate) observed: &'a Observed,
    pub(crate) memory: &'a Memory,
    steps: Vec<(Phase, Step)>,
    warnings: Vec<String>,
    /// Rows that are as they should be, or will be.
    kept: BTreeSet<(Menu, String)>,
}

impl<'a> Draft<'a> {
    pub(crate) fn new(observed: &'a Observed, memory: &'a Memory) -> Self {
        Self {
            observed,
            memory,
            steps: Vec::new(),
            warnings: Vec::new(),
            kept: BTreeSet::new(),
        }
    }

    pub(crate) fn warn(&mut self, warning: String) {
        self.warnings.push(warning);
    }

    pub(crate) fn push(&mut self, phase: Phase, step: Step) {
        self.steps.push((phase, step));
    }

    pub(crate) fn into_plan(mut self) -> Plan {
        self.steps.sort_by_key(|(phase, _)| *phase);
        Plan {
            steps: self.steps.into_iter().map(|(_, step)| step).collect(),
            warnings: self.warnings,
        }
    }

    /// The row that is this object. Others that claim to be it are what an interrupted job has left twice.
    pub(crate) fn existing(&self, object: &Object) -> Option<&'a Row> {
        let mut rows = self.observed.rows(object.menu).iter();
        rows.find(|row| !row.flag("dynamic") && object.is(row))
    }

    /// Makes or corrects an object; whether anything is to be done.
    pub(crate) fn keep(&mut self, object: &Object) -> bool {
        match self.existing(object) {
            None => {
                self.add(object);
                true
            }
            Some(row) => {
                self.keep_row(object.menu, row);
                let corrected = self.correct(object, row);
                self.put_in_place(object, row) || corrected
            }
        }
    }

    /// Leaves a row as it is.
    fn keep_row(&mut self, menu: Menu, row: &Row) {
        self.kept.insert((menu, row.text(Row::ID).into()));
    }

    fn add(&mut self, object: &Object) {
        let first = self.first_after(object).map(|row| row.text(Row::ID).into());
        let step = Step {
            summary: format!("add the {}", object.title),
            object: object.tag.to_string(),
            change: Change::Add {
                menu: object.menu,
                attributes: object.to_add(),
                place_before: first,
            },
            remembers: self.remembered(object),
            undo: Some(Undo::Remove(object.selection())),
        };
        self.push(Phase::of(object.menu, object.tag.kind), step);
    }

    fn correct(&mut self, object: &Object, row: &Row) -> bool {
        let attributes = object.to_set(row, self.memory);
        if attributes.0.is_empty() {
            return false;
        }
        let secret = attributes.iter().any(|attribute| attribute.secret);
        let names: Vec<_> = attributes
            .iter()
            .map(|attribute| attribute.name.trim_start_matches('!'))
            .collect();
        let step = Step {
            summary: format!("correct the {}: {}", object.title, names.join(", ")),
            object: object.tag.to_string(),
            remembers: secret.then(|| self.remembered(object)).flatten(),
            undo: Some(match before(row, &attributes) {
                old if old.0.is_empty() => Undo::Keep,
                old => Undo::Set(object.selection(), old),
            }),
            change: Change::Set {
                menu: object.menu,
                id: row.text(Row::ID).into(),
                attributes,
            },
        };
        self.push(Phase::of(object.menu, object.tag.kind), step);
        true
    }

    fn remembered(&self, object: &Object) -> Option<Recorded> {
        Some(Recorded::Secret {
            object: object.tag.to_string(),
            digest: object.secret_digest()?,
        })
    }

    /// Moves a rule that stands behind one that it must precede.
    fn put_in_place(&mut self, object: &Object, row: &Row) -> bool {
        let rows = self.observed.rows(object.menu);
        let position = |wanted: &Row| rows.iter().position(|row| row.id() == wanted.id());
        let Some(first) = self.first_after(object) else {
            return false;
        };
        if position(row) < position(first) {
            return false;
        }
        let step = Step {
            summary: format!("move the {} before what could stop it", object.title),
            object: object.tag.to_string(),
            change: Change::Move {
                menu: object.menu,
                id: row.text(Row::ID).into(),
                before: first.text(Row::ID).into(),
            },
            remembers: None,
            undo: Some(Undo::Keep),
        };
        self.push(Phase::of(object.menu, object.tag.kind), step);
        true
    }

    /// The first rule that must come after the object.
    fn first_after(&self, object: &Object) -> Option<&'a Row> {
        let (chain, any) = match object.placement {
            Placement::Anywhere => return None,
            Placement::BeforeDrops { chain } => (chain, false),
            Placement::First { chain } => (chain, true),
        };
        let stops = |row: &&Row| {
            let action = row.text("action");
            any || matches!(action, "drop" | "reject" | "tarpit" | "jump")
        };
        let theirs = |row: &&Row| {
            row.text("chain") == chain
                && !row.flag("dynamic")
                && row.text("comment").parse::<Tag>().is_err()
        };
        let mut rows = self.observed.rows(object.menu).iter();
        rows.find(|row| theirs(row) && stops(row))
    }

    /// Switches an existing tunnel of ours on or off.
    pub(crate) fn switch(&mut self, phase: Phase, title: &str, object: Tag, id: &str, on: bool) {
        let disabled = |yes: bool| {
            let value = if yes { "yes" } else { "no" };
            Attributes(vec![Attribute::plain("disabled", value)])
        };
        let selection = Selection {
            menu: Menu::OvpnClient,
            holds: vec![("comment".into(), object.to_string())],
        };
        let step = Step {
            summary: format!("switch the {title} {}", if on { "on" } else { "off" }),
            object: object.to_string(),
            change: Change::Set {
                menu: Menu::OvpnClient,
                id: id.into(),
                attributes: disabled(!on),
            },
            remembers: None,
            undo: Some(Undo::Set(selection, disabled(on))),
        };
        self.push(phase, step);
    }

    /// Removes every object of these kinds that nothing has kept. Tunnels are switched off first.
    pub(crate) fn remove_others(&mut self, kinds: &[Kind]) {
        for &(menu, phase) in OWNED {
            for (tag, row) in self.observed.owned(menu) {
                let id = row.text(Row::ID);
                if kinds.contains(&tag.kind) && !self.kept.contains(&(menu, id.into())) {
                    self.remove(phase, menu, tag, row);
                }
            }
        }
    }

    fn remove(&mut self, phase: Phase, menu: Menu, tag: Tag, row: &Row) {
        let id = row.text(Row::ID);
        let what = title(menu, tag, row);
        let twice = self
            .observed
            .owned(menu)
            .filter(|(own, _)| *own == tag)
            .count()
            > 1;
        if menu == Menu::OvpnClient && !row.flag("disabled") && !twice {
            self.switch(Phase::Park, &what, tag, id, false);
        }
        let step = Step {
            summary: format!("remove the {what}"),
            object: tag.to_string(),
            change: Change::Remove {
                menu,
                id: id.into(),
            },
            remembers: None,
            undo: (phase < Phase::RemoveClients)
                .then(|| Undo::Add(selection_of(tag, menu, row), all_of(row))),
        };
        let phase = match (menu, tag.kind) {
            (Menu::Route, Kind::PinShadow) => Phase::RemoveShadows,
            (Menu::Route, Kind::Pin) => Phase::RemovePins,
            _ => phase,
        };
        self.push(phase, step);
    }
}

/// What a person calls an object of ours that is only known by its row.
fn title(menu: Menu, tag: Tag, row: &Row) -> String {
    let what = match (tag.kind, menu) {
        (Kind::Ladder, _) => format!("ladder route to {}", row.text("dst-address")),
        (Kind::Pin, Menu::RoutingTable) => "routing table".into(),
        (Kind::Pin, Menu::Mangle) => "mark".into(),
        (Kind::Pin, Menu::Nat) => "source address".into(),
        (Kind::Management, Menu::PppProfile) => "profile of the management tunnel".into(),
        (kind, _) => kind.title().into(),
    };
    match tag.slot {
        Some(slot) => format!("{what} of slot {slot}"),
        None => what,
    }
}

fn selection_of(tag: Tag, menu: Menu, row: &Row) -> Selection {
    let mut holds = vec![("comment".into(), tag.to_string())];
    if tag.kind == Kind::Ladder {
        holds.push(("dst-address".into(), row.text("dst-address").into()));
    }
    Selection { menu, holds }
}

/// Fields that a row tells and nobody can set.
const TOLD: &[&str] = &[
    Row::ID,
    "dynamic",
    "inactive",
    "active",
    "static",
    "dhcp",
    "vpn",
    "modem",
    "immediate-gw",
    "invalid",
    "running",
];

/// Every field of a row, as it is added again.
fn all_of(row: &Row) -> Attributes {
    let mut fields: Vec<_> = row
        .iter()
        .filter(|(name, value)| !TOLD.contains(name) && !value.is_empty())
        .filter(|(name, value)| *name != "blackhole" || !matches!(*value, "no" | "false"))
        .map(|(name, value)| Attribute::told(name, value))
        .collect();
    if row.get("blackhole").is_some_and(str::is_empty) {
        fields.push(Attribute::plain("blackhole", "yes"));
    }
    Attributes(fields)
}

/// What the fields of `attributes` say in `row`. Secrets are left out: what is there now is as good as any.
fn before(row: &Row, attributes: &Attributes) -> Attributes {
    let old = attributes
        .iter()
        .filter(|attribute| !attribute.secret)
        .map(|attribute| {
            let name = attribute.name.trim_start_matches('!');
            match row.get(name) {
                // The flag comes back without a value, and is set with any.
                Some("") if name == "blackhole" => Attribute::plain(name, "yes"),
                Some(value) if name != "blackhole" => Attribute::told(name, value),
                Some(value @ ("yes" | "true")) => Attribute::plain(name, value),
                Some(_) | None => cleared(name),
            }
        });
    Attributes(old.collect())
}

/// How a field becomes what it is when it is not there.
fn cleared(name: &str) -> Attribute {
    match crate::object::default(name) {
        Some(value) => Attribute::plain(name, value),
        None if name == "disabled" => Attribute::plain(name, "no"),
        None => Attribute::plain(&format!("!{name}"), ""),
    }
}
