//! A router in memory: menus with rows, and the habits of RouterOS that a plan has to live with.

use std::collections::BTreeMap;

use holdfast_routeros_plan::{Change, Menu, Observed, ReadRequest};
use holdfast_routeros_proto::{Row, Version};

/// Fields that come back as `true` or `false`, whatever was set.
const FLAGS: &[&str] = &[
    "disabled",
    "verify-server-certificate",
    "route-nopull",
    "trusted",
    "passthrough",
];

/// Menus in which a name is taken once.
const UNIQUE_NAMES: &[Menu] = &[
    Menu::OvpnClient,
    Menu::PppProfile,
    Menu::RoutingTable,
    Menu::InterfaceList,
    Menu::Script,
    Menu::Scheduler,
];

#[derive(Debug, Clone)]
pub(crate) struct Router {
    pub(crate) version: Version,
    menus: BTreeMap<Menu, Vec<Row>>,
    next: u32,
    files: BTreeMap<String, String>,
}

impl Router {
    pub(crate) fn new(version: &str) -> Self {
        let mut router = Self {
            version: version.parse().unwrap(),
            menus: BTreeMap::new(),
            next: 1,
            files: BTreeMap::new(),
        };
        router.insert(Menu::Resource, Row::new().with("version", version));
        router
    }

    /// Adds a row as it is.
    pub(crate) fn insert(&mut self, menu: Menu, row: Row) -> String {
        let id = format!("*{:X}", self.next);
        self.next += 1;
        self.menus
            .entry(menu)
            .or_default()
            .push(row.with(Row::ID, &id));
        id
    }

    pub(crate) fn rows(&self, menu: Menu) -> &[Row] {
        self.menus.get(&menu).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn rows_mut(&mut self, menu: Menu) -> &mut Vec<Row> {
        self.menus.entry(menu).or_default()
    }

    /// What is read through the API, with the very queries that the plan asks for.
    pub(crate) fn observe(&self) -> Observed {
        let requests = Observed::queries(&self.version);
        let answers = requests
            .iter()
            .map(|request| self.answer(request))
            .collect();
        Observed::read(self.version.clone(), answers)
    }

    /// As much as is needed to list interfaces, and the gateways of one.
    pub(crate) fn look_around(&self, interface: &str) -> Observed {
        let requests = Observed::interface_queries().into_iter();
        let around = Observed::gateway_queries(interface);
        requests
            .chain(around)
            .fold(Observed::new(self.version.clone()), |observed, request| {
                let rows = self.answer(&request);
                observed.with(request.menu, rows)
            })
    }

    fn answer(&self, request: &ReadRequest) -> Vec<Row> {
        let fields: Vec<_> = request.proplist.split(',').collect();
        let rows = self
            .rows(request.menu)
            .iter()
            .filter(|row| request.query.matches(row));
        rows.map(|row| row.only(&fields)).collect()
    }

    /// Does what a command says.
    pub(crate) fn apply(&mut self, change: &Change) -> Result<(), String> {
        match change {
            Change::Add {
                menu,
                attributes,
                place_before,
            } => {
                let fields = attributes
                    .iter()
                    .map(|a| (a.name.as_str(), a.value.as_str()));
                self.add(*menu, fields, place_before.as_deref())
            }
            Change::Set {
                menu,
                id,
                attributes,
            } => {
                let fields = attributes
                    .iter()
                    .map(|a| (a.name.as_str(), a.value.as_str()));
                self.set(*menu, id, fields)
            }
            Change::Remove { menu, id } => self.remove(*menu, id),
            Change::Move { menu, id, before } => {
                let from = self.position(*menu, id)?;
                let row = self.rows_mut(*menu).remove(from);
                let to = self.position(*menu, before)?;
                self.rows_mut(*menu).insert(to, row);
                Ok(())
            }
            Change::Call {
                command,
                attributes,
            } => {
                let value = |name| attributes.value(name).unwrap_or_default().to_owned();
                match *command {
                    "/file/add" => {
                        self.files.insert(value("name"), value("contents"));
                    }
                    "/file/remove" => {
                        self.files.remove(&value(".id")).ok_or("no such item")?;
                    }
                    "/certificate/import" => {
                        let pem = self.files.get(&value("file-name")).ok_or("no such file")?;
                        let row = Row::new()
                            .with("name", value("name"))
                            .with("fingerprint", pem.replace("pem of ", ""))
                            .with("trusted", "true");
                        self.insert(Menu::Certificate, row);
                    }
                    other => return Err(format!("no such command: {other}")),
                }
                Ok(())
            }
        }
    }

    pub(crate) fn add<'a>(
        &mut self,
        menu: Menu,
        fields: impl Iterator<Item = (&'a str, &'a str)>,
        before: Option<&str>,
    ) -> Result<(), String> {
        let place = before.map(|id| self.position(menu, id)).transpose()?;
        let mut row = Row::new();
        // No reply tells a password.
        for (name, value) in fields.filter(|(name, _)| *name != "password") {
            row.set(name, told(name, value));
        }
        let name = row.text("name").to_owned();
        if UNIQUE_NAMES.contains(&menu)
            && self
                .rows(menu)
                .iter()
                .any(|other| other.text("name") == name)
        {
            return Err(format!("failure: already have {name} in {}", menu.path()));
        }
        if menu == Menu::Route {
            row.set("static", "true");
        }
        let id = self.insert(menu, row);
        if menu == Menu::OvpnClient {
            let twin = Row::new().with("name", name).with("type", "ovpn-out");
            self.rows_mut(Menu::Interface).push(twin.with(Row::ID, &id));
        }
        if let Some(place) = place {
            let row = self.rows_mut(menu).pop().unwrap();
            self.rows_mut(menu).insert(place, row);
        }
        Ok(())
    }

    pub(crate) fn set<'a>(
        &mut self,
        menu: Menu,
        id: &str,
        fields: impl Iterator<Item = (&'a str, &'a str)>,
    ) -> Result<(), String> {
        let position = self.position(menu, id)?;
        let row = &mut self.rows_mut(menu)[position];
        for (name, value) in fields.filter(|(name, _)| *name != "password") {
            match name.strip_prefix('!') {
                Some(cleared) => drop(row.unset(cleared)),
                None => row.set(name, told(name, value)),
            }
        }
        Ok(())
    }

    pub(crate) fn remove(&mut self, menu: Menu, id: &str) -> Result<(), String> {
        let position = self.position(menu, id)?;
        let row = self.rows_mut(menu).remove(position);
        if menu == Menu::OvpnClient {
            self.rows_mut(Menu::Interface)
                .retain(|twin| twin.id() != row.id());
        }
        Ok(())
    }

    /// By id or by name, as RouterOS does it.
    fn position(&self, menu: Menu, id: &str) -> Result<usize, String> {
        let mut rows = self.rows(menu).iter();
        rows.position(|row| row.text(Row::ID) == id || row.text("name") == id)
            .ok_or_else(|| format!("no such item: {id} in {}", menu.path()))
    }

    /// The configuration without ids, in which the order counts only where it does on a router. Fields that say what
    /// they say anyway are left out, as an export does it.
    pub(crate) fn export(&self) -> String {
        let mut text = String::new();
        for (menu, rows) in &self.menus {
            let mut lines: Vec<_> = rows.iter().map(|row| export_row(*menu, row)).collect();
            if !matches!(menu, Menu::Filter | Menu::Mangle | Menu::Nat) {
                lines.sort();
            }
            text.extend(lines);
        }
        text
    }
}

fn export_row(menu: Menu, row: &Row) -> String {
    let mut line = menu.path().to_owned();
    for (name, value) in row.iter() {
        let default = matches!(
            (name, value),
            ("distance" | "default-route-distance", "1")
                | ("scope", "30")
                | ("target-scope", "10")
                | ("routing-table", "main")
                | ("check-gateway", "none")
                | ("disabled", "false")
                | ("max-mtu", "1500")
                | ("certificate", "none")
        );
        let empty = value.is_empty() && name != "blackhole";
        if name != Row::ID && !default && !empty {
            line.push_str(&format!(" {name}={value:?}"));
        }
    }
    line.push('\n');
    line
}

/// How a value is told after it was set.
fn told(name: &str, value: &str) -> String {
    match (name, value) {
        ("blackhole" | "fib", _) => String::new(),
        ("interval", "10s") => "00:00:10".into(),
        (_, "yes") if FLAGS.contains(&name) => "true".into(),
        (_, "no") if FLAGS.contains(&name) => "false".into(),
        ("on-up" | "on-down" | "source" | "script" | "on-event" | "down-script", _) => {
            value.replace("\r\n", "\n").replace('\n', "\r\n")
        }
        ("policy", _) => {
            let mut words: Vec<_> = value.split(',').collect();
            words.sort_unstable();
            words.join(",")
        }
        ("dst-address", _) if !value.contains('/') => format!("{value}/32"),
        _ => value.into(),
    }
}
