//! The verbs that every menu has.

use std::collections::BTreeMap;

use holdfast_routeros_proto::{
    Command, Feature, Row, Trap,
    value::{parse_duration, parse_list},
};

use super::{
    command::{
        Answer, Caller, failure, has_flag, missing, no_such_command, no_such_item, no_such_prefix,
        split_path, unknown_parameter,
    },
    database::Database,
    item::{Id, Item},
    rules,
    schema::{Field, Kind, MenuSpec, Shape},
    value::{show_all_policies, show_clock},
};

/// What is to become of the fields of an item: a value, or none.
pub(super) type Wanted = BTreeMap<&'static str, Option<String>>;

impl Database {
    /// Carries out a command that reads or changes the configuration. Whatever fails changes nothing.
    ///
    /// # Errors
    /// What RouterOS says.
    pub fn execute(&mut self, caller: &Caller, command: &Command) -> Result<Answer, Trap> {
        let (menu, verb) = split_path(command);
        let Some(spec) = self.spec(menu) else {
            return Err(if self.has_menu(menu) {
                no_such_command()
            } else {
                no_such_prefix()
            });
        };
        let reads = matches!(verb, "print" | "getall" | "get" | "find");
        caller.require(if reads { "read" } else { "write" })?;
        if spec.guarded && !reads {
            caller.require("policy")?;
        }
        match verb {
            "print" | "getall" => self.print(spec, caller, command),
            "find" => Ok(self.find(spec, caller, command)),
            "get" => self.get(spec, caller, command),
            "add" if !spec.fixed && spec.shape != Shape::Single => self.add(spec, caller, command),
            "set" => self.set(spec, caller, command),
            "unset" => self.unset(spec, caller, command),
            "comment" => self.set(spec, caller, command),
            "remove" if spec.shape != Shape::Single => self.remove(spec, command),
            "enable" => self.switch(spec, caller, command, "no"),
            "disable" => self.switch(spec, caller, command, "yes"),
            "move" if spec.shape == Shape::Ordered => self.reorder(spec, command),
            _other => Err(no_such_command()),
        }
    }

    /// An item as it is shown to somebody who may, or may not, see secrets.
    pub fn row(&self, menu: &str, item: &Item, secrets: bool) -> Row {
        let Some(spec) = self.spec(menu) else {
            return Row::new();
        };
        let mut row = Row::new();
        if spec.shape != Shape::Single {
            row.set(Row::ID, item.id.to_string());
        }
        for field in spec.fields_of(self.version()) {
            if field.hidden || field.secret && !secrets {
                continue;
            }
            if let Some(value) = self.shown(spec, item, field) {
                row.set(field.name, value);
            }
        }
        row
    }

    fn shown(&self, spec: &MenuSpec, item: &Item, field: &Field) -> Option<String> {
        if spec.shape == Shape::View && field.name == "type" {
            let home = self.spec(self.home(spec.path, item.id)?)?;
            return home.interface_type.map(str::to_owned);
        }
        let value = item.shown(field)?;
        let is_duration = matches!(field.kind, Kind::Duration | Kind::DurationOr(_));
        if spec.path == "/user/group" && field.name == "policy" {
            return Some(show_all_policies(&value));
        }
        match parse_duration(&value) {
            Some(duration) if is_duration && self.clock_durations => Some(show_clock(duration)),
            Some(_) | None => Some(value),
        }
    }

    fn print(
        &self,
        spec: &'static MenuSpec,
        caller: &Caller,
        command: &Command,
    ) -> Result<Answer, Trap> {
        const KNOWN: &[&str] = &[
            ".proplist",
            ".id",
            "from",
            "detail",
            "stats",
            "stats-detail",
            "terse",
            "brief",
            "without-paging",
            "count-only",
            "show-sensitive",
            "value-list",
            "show-ids",
        ];
        let mut names = command.attributes().map(|(name, _)| name);
        if let Some(unknown) = names.find(|name| !KNOWN.contains(name)) {
            return Err(unknown_parameter(unknown));
        }
        let rows = self.rows(
            spec,
            caller,
            command,
            command.get("from").or(command.get(".id")),
        )?;
        if has_flag(command, "count-only") {
            return Ok(Answer::ret(rows.len().to_string()));
        }
        let properties: Vec<_> = parse_list(command.get(".proplist").unwrap_or("")).collect();
        let rows = rows.iter().map(|row| row.only(&properties)).collect();
        Ok(Answer::list(rows))
    }

    fn rows(
        &self,
        spec: &'static MenuSpec,
        caller: &Caller,
        command: &Command,
        only: Option<&str>,
    ) -> Result<Vec<Row>, Trap> {
        let only = only.map(|text| self.select(spec, text)).transpose()?;
        let secrets = self.sees_secrets(caller, command);
        let items = self.items(spec.path);
        let rows = items
            .filter(|item| only.as_ref().is_none_or(|ids| ids.contains(&item.id)))
            .map(|item| self.row(spec.path, item, secrets))
            .filter(|row| command.query().matches(row));
        Ok(rows.collect())
    }

    fn sees_secrets(&self, caller: &Caller, command: &Command) -> bool {
        let asked = !self.version().has(Feature::HiddenSecrets);
        caller.policies.grants("sensitive") && (asked || has_flag(command, "show-sensitive"))
    }

    fn find(&self, spec: &'static MenuSpec, caller: &Caller, command: &Command) -> Answer {
        let wanted: Row = command.attributes().collect();
        let secrets = self.sees_secrets(caller, command);
        let found = self.items(spec.path).filter(|item| {
            let row = self.row(spec.path, item, secrets);
            command.query().matches(&row)
                && wanted.iter().all(|(name, value)| row.says(name, value))
        });
        let ids: Vec<_> = found.map(|item| item.id.to_string()).collect();
        Answer::ret(ids.join(";"))
    }

    fn get(
        &self,
        spec: &'static MenuSpec,
        caller: &Caller,
        command: &Command,
    ) -> Result<Answer, Trap> {
        let id = self.chosen(spec, command)?[0];
        let item = self.item(spec.path, id).ok_or_else(no_such_item)?;
        let row = self.row(spec.path, item, self.sees_secrets(caller, command));
        let Some(name) = command.get("value-name") else {
            let all: Vec<_> = row
                .iter()
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            return Ok(Answer::ret(all.join(";")));
        };
        if name != Row::ID && spec.field(name, self.version()).is_none() {
            return Err(super::no_match("value-name"));
        }
        Ok(Answer::ret(row.text(name)))
    }

    fn add(
        &mut self,
        spec: &'static MenuSpec,
        caller: &Caller,
        command: &Command,
    ) -> Result<Answer, Trap> {
        let before = match command.get("place-before") {
            Some(text) if spec.shape == Shape::Ordered => Some(self.select(spec, text)?[0]),
            Some(_) => return Err(unknown_parameter("place-before")),
            None => None,
        };
        let mut wanted = self.wanted(spec, command, &["place-before"])?;
        rules::complete(self, spec, &mut wanted);
        let lacking: Vec<_> = spec
            .fields_of(self.version())
            .filter(|field| field.required && wanted.get(field.name).is_none_or(Option::is_none))
            .map(|field| field.name)
            .collect();
        if !lacking.is_empty() {
            return Err(missing(&lacking.join(" ")));
        }
        rules::check(self, spec, caller, None, &wanted)?;
        let given: Row = wanted
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)))
            .collect();
        let id = self
            .insert(spec.path, &given, None)
            .ok_or_else(no_such_command)?;
        rules::sign(self, spec, id, caller);
        if let Some(before) = before {
            self.move_before(spec.path, id, Some(before));
        }
        Ok(Answer::ret(id.to_string()))
    }

    fn set(
        &mut self,
        spec: &'static MenuSpec,
        caller: &Caller,
        command: &Command,
    ) -> Result<Answer, Trap> {
        let ids = self.chosen(spec, command)?;
        let wanted = self.wanted(spec, command, SELECTORS)?;
        self.change(spec, caller, &ids, &wanted)
    }

    fn unset(
        &mut self,
        spec: &'static MenuSpec,
        caller: &Caller,
        command: &Command,
    ) -> Result<Answer, Trap> {
        let ids = self.chosen(spec, command)?;
        let names = command
            .get("value-name")
            .ok_or_else(|| missing("value-name"))?;
        let wanted: Option<Wanted> = parse_list(names)
            .map(|name| Some((spec.field(name, self.version())?.name, None)))
            .collect();
        let wanted = wanted.ok_or_else(|| super::no_match("value-name"))?;
        self.change(spec, caller, &ids, &wanted)
    }

    fn switch(
        &mut self,
        spec: &'static MenuSpec,
        caller: &Caller,
        command: &Command,
        disabled: &str,
    ) -> Result<Answer, Trap> {
        let field = spec.field("disabled", self.version());
        let field = field
            .filter(|field| !field.read_only)
            .ok_or_else(no_such_command)?;
        let ids = self.chosen(spec, command)?;
        let value = field.kind.normalise(field.name, disabled, self)?;
        self.change(
            spec,
            caller,
            &ids,
            &Wanted::from([("disabled", Some(value))]),
        )
    }

    /// Checks every item before the first is changed.
    fn change(
        &mut self,
        spec: &'static MenuSpec,
        caller: &Caller,
        ids: &[Id],
        wanted: &Wanted,
    ) -> Result<Answer, Trap> {
        let mut changes = Vec::new();
        for id in ids {
            let item = self.item(spec.path, *id).ok_or_else(no_such_item)?;
            if item.owner.is_some() {
                return Err(failure("can not change dynamic item"));
            }
            let home = self.home(spec.path, *id).and_then(|home| self.spec(home));
            let home = home.ok_or_else(no_such_item)?;
            let mut wanted = wanted.clone();
            rules::complete_change(home, &mut wanted);
            rules::check(self, home, caller, Some(*id), &wanted)?;
            changes.push((home, *id, wanted));
        }
        for (home, id, wanted) in changes {
            self.write(home, id, wanted);
        }
        Ok(Answer::done())
    }

    fn write(&mut self, home: &'static MenuSpec, id: Id, wanted: Wanted) {
        for (name, value) in wanted {
            let Some(field) = home.field(name, self.version()) else {
                continue;
            };
            let value = value.or_else(|| field.default.map(str::to_owned));
            let old = self.item(home.path, id).and_then(|item| item.get("name"));
            if let (true, Some(old), Some(new)) = (name == "name", old.map(str::to_owned), &value)
                && old != *new
            {
                self.follow(home.path, &old, new);
            }
            self.set_value(home.path, id, field.name, value);
        }
    }

    fn remove(&mut self, spec: &'static MenuSpec, command: &Command) -> Result<Answer, Trap> {
        let ids = self.chosen(spec, command)?;
        for id in &ids {
            let item = self.item(spec.path, *id).ok_or_else(no_such_item)?;
            let home = self.home(spec.path, *id).and_then(|home| self.spec(home));
            if home.is_none_or(|home| home.fixed && home.path != "/ip/firewall/connection") {
                return Err(no_such_command());
            }
            if item.owner.is_some() && home.is_some_and(|home| !home.fixed) {
                return Err(failure("can not remove dynamic item"));
            }
            if item.builtin {
                return Err(failure(format!("can not remove default {}", spec.noun)));
            }
        }
        for id in ids {
            let home = self.home(spec.path, id);
            if let (Some(home), Some(item)) = (home, self.delete(spec.path, id))
                && let Some(name) = item.get("name")
            {
                self.follow(home, name, &id.to_string());
            }
        }
        Ok(Answer::done())
    }

    fn reorder(&mut self, spec: &'static MenuSpec, command: &Command) -> Result<Answer, Trap> {
        let ids = self.chosen(spec, command)?;
        let before = match command.get("destination") {
            Some(text) => Some(self.select(spec, text)?[0]),
            None => None,
        };
        for id in ids {
            self.move_before(spec.path, id, before)
                .ok_or_else(no_such_item)?;
        }
        Ok(Answer::done())
    }

    /// The items a command is about.
    fn chosen(&self, spec: &'static MenuSpec, command: &Command) -> Result<Vec<Id>, Trap> {
        if spec.shape == Shape::Single {
            let only = self.single(spec.path).ok_or_else(no_such_item)?;
            return Ok(vec![only.id]);
        }
        let text = SELECTORS.iter().find_map(|name| command.get(name));
        let ids = self.select(spec, text.ok_or_else(|| missing("numbers"))?)?;
        if ids.is_empty() {
            Err(no_such_item())
        } else {
            Ok(ids)
        }
    }

    /// The items that a list of ids and names means.
    fn select(&self, spec: &'static MenuSpec, text: &str) -> Result<Vec<Id>, Trap> {
        let by_name = |text: &str| {
            let called = |item: &&Item| item.get("name") == Some(text);
            let on = |item: &&Item| item.get("interface") == Some(text);
            let found = self.items(spec.path).find(called);
            found.or_else(|| self.items(spec.path).find(on))
        };
        let ids: Result<Vec<_>, _> = parse_list(text)
            .map(|text| match text.parse() {
                Ok(id) => self.item(spec.path, id),
                Err(()) => by_name(text),
            })
            .map(|item| item.map(|item| item.id).ok_or_else(no_such_item))
            .collect();
        let ids = ids?;
        if ids.is_empty() {
            Err(no_such_item())
        } else {
            Ok(ids)
        }
    }

    /// The arguments of a command as fields of the menu.
    fn wanted(
        &self,
        spec: &'static MenuSpec,
        command: &Command,
        others: &[&str],
    ) -> Result<Wanted, Trap> {
        let arguments = command
            .attributes()
            .filter(|(name, _)| !others.contains(name));
        arguments
            .map(|(name, value)| {
                let (name, clears) = match name.strip_prefix('!') {
                    Some(name) => (name, true),
                    None => (name, false),
                };
                let field = spec.field(name, self.version());
                let field = field
                    .filter(|field| !field.read_only)
                    .ok_or_else(|| unknown_parameter(name))?;
                if clears || clears_field(field, value) {
                    return Ok((field.name, None));
                }
                let value = field.kind.normalise(name, value, self)?;
                Ok((field.name, Some(value)))
            })
            .collect()
    }
}

/// An empty value takes away what has no default; a flag is set by it.
fn clears_field(field: &Field, value: &str) -> bool {
    value.is_empty() && field.default.is_none() && !matches!(field.kind, Kind::Presence)
}

/// Arguments that say which items are meant.
const SELECTORS: &[&str] = &[".id", "numbers", "number"];
