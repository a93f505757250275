//! All menus and their items.

use std::collections::BTreeMap;

use holdfast_routeros_proto::{Row, Version};

use super::{
    item::{Id, Item},
    menus,
    schema::{Field, Kind, MenuSpec, Shape},
};

/// The configuration of a router, and what it says about itself.
#[derive(Debug, Clone)]
pub struct Database {
    version: Version,
    menus: BTreeMap<&'static str, Menu>,
    last_ids: BTreeMap<&'static str, u32>,
    changes: Vec<Change>,
    pub(super) clock_durations: bool,
}

#[derive(Debug, Clone)]
pub(super) struct Menu {
    pub(super) spec: &'static MenuSpec,
    pub(super) items: Vec<Item>,
}

/// Something is not what it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// In which menu.
    pub menu: &'static str,
    /// Which item.
    pub id: Id,
    /// It is gone; otherwise it is new or changed.
    pub removed: bool,
    /// What was configured is another, not only what the router says about it.
    pub configured: bool,
}

impl Database {
    /// The menus of a version, as they are after a reset.
    pub fn new(version: Version) -> Self {
        let specs = menus::ALL.iter().copied().flatten();
        let menus = specs
            .filter(|spec| spec.is_in(&version))
            .map(|spec| {
                let items = Vec::new();
                (spec.path, Menu { spec, items })
            })
            .collect();
        let mut database = Self {
            version,
            menus,
            last_ids: BTreeMap::new(),
            changes: Vec::new(),
            clock_durations: false,
        };
        menus::fill(&mut database);
        database.call_it_new();
        database.changes.clear();
        database
    }

    /// The hardware and what else is there without anybody having added it is as it left the factory: exports speak of
    /// what differs from now on.
    pub fn call_it_new(&mut self) {
        for menu in self
            .menus
            .values_mut()
            .filter(|menu| menu.spec.shape != Shape::Single)
        {
            for item in menu
                .items
                .iter_mut()
                .filter(|item| item.builtin || menu.spec.fixed)
            {
                item.original = item.values.clone();
            }
        }
    }

    /// Sets a field to what it was from the beginning.
    pub fn set_original(&mut self, menu: &str, id: Id, field: &'static str, value: String) {
        self.set_value(menu, id, field, Some(value.clone()));
        if let Some(item) = self.item_mut(menu, id) {
            item.original.insert(field, value);
        }
    }

    /// The version whose menus these are.
    pub fn version(&self) -> &Version {
        &self.version
    }

    /// Shows durations as `01:22:53` from now on, or no longer.
    pub fn show_clock_durations(&mut self, clock: bool) {
        self.clock_durations = clock;
    }

    /// What a menu is; `None` where there is no such menu.
    pub fn spec(&self, menu: &str) -> Option<&'static MenuSpec> {
        self.menus.get(menu).map(|menu| menu.spec)
    }

    /// Whether there is a menu of this path, or one below it.
    pub fn has_menu(&self, path: &str) -> bool {
        path.is_empty()
            || self.menus.keys().any(|menu| {
                menu.strip_prefix(path)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            })
    }

    /// All menus, by path.
    pub(super) fn specs(&self) -> impl Iterator<Item = &'static MenuSpec> + '_ {
        self.menus.values().map(|menu| menu.spec)
    }

    /// The items of a menu in their order; none where there is no such menu. `/interface` has those of every menu of
    /// interfaces.
    pub fn items(&self, menu: &str) -> impl Iterator<Item = &Item> {
        let is_view = self
            .spec(menu)
            .is_some_and(|spec| spec.shape == Shape::View);
        let matching = self.menus.values().filter(move |candidate| {
            if is_view {
                candidate.spec.interface_type.is_some()
            } else {
                candidate.spec.path == menu
            }
        });
        let mut items: Vec<_> = matching.flat_map(|menu| &menu.items).collect();
        if is_view {
            items.sort_by_key(|item| item.id);
        }
        items.into_iter()
    }

    /// The item of a menu that has one only.
    pub fn single(&self, menu: &str) -> Option<&Item> {
        self.items(menu).next()
    }

    /// The item of this id.
    pub fn item(&self, menu: &str, id: Id) -> Option<&Item> {
        self.items(menu).find(|item| item.id == id)
    }

    /// The item of this name.
    pub fn named(&self, menu: &str, name: &str) -> Option<&Item> {
        self.items(menu).find(|item| item.get("name") == Some(name))
    }

    /// The menu that an item of `/interface` really is in; of any other menu, itself.
    pub fn home(&self, menu: &str, id: Id) -> Option<&'static str> {
        let spec = self.spec(menu)?;
        if spec.shape != Shape::View {
            return Some(spec.path);
        }
        let home = self.menus.values().find(|candidate| {
            candidate.spec.interface_type.is_some()
                && candidate.items.iter().any(|item| item.id == id)
        });
        home.map(|menu| menu.spec.path)
    }

    /// The name of the interface that is called so, or has this id.
    pub(super) fn interface_name(&self, text: &str) -> Option<String> {
        self.find_name("/interface", text)
    }

    /// The name of the item that is called so, or has this id.
    pub(super) fn find_name(&self, menu: &str, text: &str) -> Option<String> {
        let by_id = text.parse().ok().and_then(|id| self.item(menu, id));
        let item = by_id.or_else(|| self.named(menu, text))?;
        item.get("name").map(str::to_owned)
    }

    /// Adds an item that was there from the start; the values are taken as they are.
    pub fn add_builtin(&mut self, menu: &str, values: &[(&str, &str)]) -> Option<Id> {
        let id = self.insert(menu, &values.iter().copied().collect(), None)?;
        self.item_mut(menu, id)?.builtin = true;
        Some(id)
    }

    /// Adds an item that the router makes by itself and that commands may change. The values are taken as they are.
    pub fn add_item(&mut self, menu: &str, values: &Row) -> Option<Id> {
        self.insert(menu, values, None)
    }

    /// Removes an item as the router itself does.
    pub fn forget_item(&mut self, menu: &str, id: Id) {
        self.delete(menu, id);
    }

    /// Makes the dynamic items of an owner be these, in any order: those that are the same stay what they are.
    pub fn replace_dynamic(&mut self, menu: &str, owner: &str, rows: Vec<Row>) {
        let Some(spec) = self.spec(menu) else { return };
        let mut wanted: Vec<_> = rows.into_iter().map(|row| known(spec, &row)).collect();
        let mut gone = Vec::new();
        for item in self
            .items(menu)
            .filter(|item| item.owner.as_deref() == Some(owner))
        {
            match wanted.iter().position(|values| same(values, item)) {
                Some(index) => drop(wanted.swap_remove(index)),
                None => gone.push(item.id),
            }
        }
        for id in gone {
            self.delete(menu, id);
        }
        for values in wanted {
            self.insert(menu, &values.into_iter().collect(), Some(owner.into()));
        }
    }

    /// Whether a line carries packets, which an Ethernet interface says as `running`.
    pub fn set_link(&mut self, id: Id, link: bool) {
        let link = Some(link.to_string());
        self.set_state("/interface", id, "link", link.clone());
        if self.home("/interface", id) == Some("/interface/ethernet") {
            self.set_state("/interface", id, "running", link.clone());
            let status = if link.as_deref() == Some("true") {
                "link-ok"
            } else {
                "no-link"
            };
            self.set_state("/interface", id, "status", Some(status.into()));
        }
    }

    /// Forgets dynamic items, and how often scripts have run.
    pub fn forget(&mut self) {
        let dynamic: Vec<_> = self
            .menus
            .values()
            .flat_map(|menu| menu.items.iter().map(move |item| (menu.spec.path, item)))
            .filter(|(_, item)| item.owner.is_some())
            .map(|(menu, item)| (menu, item.id))
            .collect();
        for (menu, id) in dynamic {
            self.delete(menu, id);
        }
        for menu in ["/system/script", "/system/scheduler"] {
            let ids: Vec<_> = self.items(menu).map(|item| item.id).collect();
            for id in ids {
                self.set_state(menu, id, "run-count", Some("0".into()));
                self.set_state(menu, id, "last-started", None);
            }
        }
    }

    /// Sets what the router says about an item. Without a value there is nothing to say.
    pub fn set_state(&mut self, menu: &str, id: Id, field: &'static str, value: Option<String>) {
        let Some(home) = self.home(menu, id) else {
            return;
        };
        let Some(item) = self.item_mut(home, id) else {
            return;
        };
        let before = match &value {
            Some(value) => item.state.insert(field, value.clone()),
            None => item.state.remove(field),
        };
        if before != value {
            self.note(home, id, false, false);
        }
    }

    /// Sets what is different whenever somebody looks, such as a counter: nobody is told.
    pub fn set_quietly(&mut self, menu: &str, id: Id, field: &'static str, value: String) {
        if let Some(home) = self.home(menu, id)
            && let Some(item) = self.item_mut(home, id)
        {
            item.state.insert(field, value);
        }
    }

    /// Sets a configured field without asking whether the value is one: what the router itself configures.
    pub fn set_value(&mut self, menu: &str, id: Id, field: &'static str, value: Option<String>) {
        let Some(home) = self.home(menu, id) else {
            return;
        };
        let Some(item) = self.item_mut(home, id) else {
            return;
        };
        let before = match &value {
            Some(value) => item.values.insert(field, value.clone()),
            None => item.values.remove(field),
        };
        if before != value {
            self.note(home, id, false, true);
        }
    }

    /// What has changed since this was last asked, oldest first.
    pub fn take_changes(&mut self) -> Vec<Change> {
        std::mem::take(&mut self.changes)
    }

    /// Adds an item. Unknown fields are left out; defaults are filled in.
    pub(super) fn insert(&mut self, menu: &str, values: &Row, owner: Option<String>) -> Option<Id> {
        let spec = self.spec(menu)?;
        let (state, values): (BTreeMap<_, _>, BTreeMap<_, _>) = known(spec, values)
            .into_iter()
            .partition(|(name, _)| spec.field(name, &self.version).is_some_and(|f| f.read_only));
        let last = self.last_ids.entry(spec.family).or_default();
        *last += 1;
        let id = Id(*last);
        let mut item = Item {
            id,
            values,
            original: BTreeMap::new(),
            state,
            owner,
            builtin: false,
        };
        for field in spec
            .fields_of(&self.version)
            .filter(|field| !field.read_only)
        {
            if let Some(default) = field.default {
                item.values
                    .entry(field.name)
                    .or_insert_with(|| default.to_owned());
            }
        }
        self.menus.get_mut(menu)?.items.push(item);
        self.note(spec.path, id, false, true);
        Some(id)
    }

    pub(super) fn delete(&mut self, menu: &str, id: Id) -> Option<Item> {
        let home = self.home(menu, id)?;
        let items = &mut self.menus.get_mut(home)?.items;
        let index = items.iter().position(|item| item.id == id)?;
        let item = items.remove(index);
        self.note(home, id, true, true);
        Some(item)
    }

    pub(super) fn item_mut(&mut self, menu: &str, id: Id) -> Option<&mut Item> {
        let items = &mut self.menus.get_mut(menu)?.items;
        items.iter_mut().find(|item| item.id == id)
    }

    /// Puts an item before another, or last.
    pub(super) fn move_before(&mut self, menu: &str, id: Id, before: Option<Id>) -> Option<()> {
        let spec = self.spec(menu)?;
        let items = &mut self.menus.get_mut(menu)?.items;
        let from = items.iter().position(|item| item.id == id)?;
        let item = items.remove(from);
        let to = before.and_then(|before| items.iter().position(|item| item.id == before));
        items.insert(to.unwrap_or(items.len()), item);
        self.note(spec.path, id, false, true);
        Some(())
    }

    pub(super) fn note(&mut self, menu: &'static str, id: Id, removed: bool, configured: bool) {
        let change = Change {
            menu,
            id,
            removed,
            configured,
        };
        if self.changes.last() != Some(&change) {
            self.changes.push(change);
        }
    }

    /// Whoever refers to an item by its name follows it to another one.
    pub(super) fn follow(&mut self, menu: &'static str, old: &str, new: &str) {
        let family = self.spec(menu).map(|spec| spec.family);
        let refers = |kind: Kind| match kind {
            Kind::Interface | Kind::Gateways => family == Some("/interface"),
            Kind::Name(target, _) => target == menu || (Some(target) == family),
            Kind::List(Kind::Interface) => family == Some("/interface"),
            Kind::Text
            | Kind::Limited(_)
            | Kind::Bool
            | Kind::Presence
            | Kind::Choice(_)
            | Kind::Number(..)
            | Kind::Duration
            | Kind::DurationOr(_)
            | Kind::Address
            | Kind::AddressWithLength
            | Kind::Prefix
            | Kind::Host
            | Kind::Mac
            | Kind::Policies
            | Kind::List(_) => false,
        };
        let mut touched = Vec::new();
        for referring in self.menus.values_mut() {
            for field in referring
                .spec
                .fields
                .iter()
                .filter(|field| refers(field.kind))
            {
                for item in &mut referring.items {
                    if let Some(value) = item.values.get_mut(field.name)
                        && let Some(renamed) = renamed(field, value, old, new)
                    {
                        *value = renamed;
                        touched.push((referring.spec.path, item.id));
                    }
                }
            }
        }
        for (menu, id) in touched {
            self.note(menu, id, false, true);
        }
    }
}

/// A value that speaks of `old`, speaking of `new`.
fn renamed(field: &Field, value: &str, old: &str, new: &str) -> Option<String> {
    if value == old {
        return Some(new.into());
    }
    if !matches!(field.kind, Kind::Gateways | Kind::List(_)) {
        return None;
    }
    let hops: Vec<_> = value
        .split(',')
        .map(|hop| match hop.split_once('%') {
            Some((address, interface)) if interface == old => format!("{address}%{new}"),
            None if hop == old => new.to_owned(),
            Some(_) | None => hop.to_owned(),
        })
        .collect();
    let hops = hops.join(",");
    (hops != value).then_some(hops)
}

/// The fields of a row that the menu has, under the menu's own spelling.
fn known(spec: &'static MenuSpec, row: &Row) -> BTreeMap<&'static str, String> {
    row.iter()
        .filter_map(|(name, value)| {
            let field = spec.fields.iter().find(|field| field.name == name)?;
            Some((field.name, value.to_owned()))
        })
        .collect()
}

/// Whether an item says all of this already.
fn same(values: &BTreeMap<&'static str, String>, item: &Item) -> bool {
    values
        .iter()
        .all(|(name, value)| item.get(name) == Some(value))
}
