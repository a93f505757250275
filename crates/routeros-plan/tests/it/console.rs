//! A console that runs scripts on the router in memory: as much of RouterOS's language as our scripts are promised to
//! keep to.

use std::collections::BTreeMap;

use holdfast_routeros_plan::Menu;
use holdfast_routeros_proto::Row;

use crate::router::Router;

mod expression;
mod text;

use expression::Value;
use text::{block, pieces, statements, unquoted};

pub(crate) struct Console<'r> {
    pub(crate) router: &'r mut Router,
    scopes: Vec<BTreeMap<String, Value>>,
    /// Fields of menus that are no lists, by `/path field`.
    facts: BTreeMap<String, String>,
    /// What was posted, in order.
    pub(crate) posted: Vec<String>,
    /// What was printed.
    pub(crate) printed: Vec<String>,
    /// Tunnels that were switched off or on, in order.
    pub(crate) switched: Vec<String>,
    /// Whether tunnels come up when somebody waits.
    pub(crate) tunnels_come_up: bool,
}

/// Runs a script to its end, or to the error that it does not catch.
pub(crate) fn run(router: &mut Router, script: &str) -> Result<(), String> {
    Console::new(router).run(script)
}

impl<'r> Console<'r> {
    pub(crate) fn new(router: &'r mut Router) -> Self {
        Self {
            scopes: Vec::new(),
            facts: BTreeMap::new(),
            posted: Vec::new(),
            printed: Vec::new(),
            switched: Vec::new(),
            tunnels_come_up: true,
            router,
        }
    }

    /// A field of a menu that is no list.
    pub(crate) fn fact(mut self, path: &str, field: &str, value: &str) -> Self {
        self.facts.insert(format!("{path} {field}"), value.into());
        self
    }

    pub(crate) fn run(&mut self, script: &str) -> Result<(), String> {
        self.scopes.push(BTreeMap::new());
        let outcome = statements(script)
            .iter()
            .try_for_each(|statement| self.statement(statement));
        self.scopes.pop();
        outcome
    }

    fn statement(&mut self, statement: &str) -> Result<(), String> {
        if statement.starts_with('{') {
            return self.run(block(statement));
        }
        let words = pieces(statement);
        let named = |name: &str| {
            let mut words = words.iter();
            words.find_map(|word| word.strip_prefix(name)?.strip_prefix('='))
        };
        let body = |name| named(name).map(block);
        match words[0] {
            ":local" => {
                let value = self.joined(&words[2..])?;
                self.scopes
                    .last_mut()
                    .unwrap()
                    .insert(words[1].into(), value);
            }
            ":set" => {
                let value = self.joined(&words[2..])?;
                let scope = self
                    .scopes
                    .iter_mut()
                    .rev()
                    .find(|scope| scope.contains_key(words[1]));
                let scope = scope.unwrap_or_else(|| panic!("{} is not declared", words[1]));
                scope.insert(words[1].into(), value);
            }
            ":if" => {
                let holds = self.value(words[1])? == Value::Truth(true);
                match body(if holds { "do" } else { "else" }) {
                    Some(body) => self.run(body)?,
                    None => assert!(!holds, "an :if without do: {statement}"),
                }
            }
            ":foreach" => {
                for item in self.value(named("in").expect("in="))?.items() {
                    self.with(words[1], item, body("do").expect("do="))?;
                }
            }
            ":for" => {
                let from = self.value(named("from").expect("from="))?.number();
                let to = self.value(named("to").expect("to="))?.number();
                for item in from..=to {
                    self.with(words[1], Value::Number(item), body("do").expect("do="))?;
                }
            }
            ":do" => match (self.run(block(words[1])), body("on-error")) {
                (Err(_), Some(rescue)) => self.run(rescue)?,
                (outcome, _) => outcome?,
            },
            ":error" => return Err(self.joined(&words[1..])?.text()),
            ":put" => {
                let text = self.joined(&words[1..])?.text();
                self.printed.push(text);
            }
            ":log" => drop(self.joined(&words[2..])?),
            ":delay" => self.wait(),
            _ => drop(self.command(&words)?),
        }
        Ok(())
    }

    fn with(&mut self, name: &str, value: Value, body: &str) -> Result<(), String> {
        self.scopes.push(BTreeMap::from([(name.into(), value)]));
        let outcome = self.run(body);
        self.scopes.pop();
        outcome
    }

    fn wait(&mut self) {
        if self.tunnels_come_up {
            for row in self.router.rows_mut(Menu::OvpnClient) {
                let on = !row.flag("disabled");
                row.set("running", if on { "true" } else { "false" });
            }
        }
    }

    /// A command, with what it returns.
    fn command(&mut self, words: &[&str]) -> Result<Value, String> {
        if words[0] == "/tool/fetch" {
            return self.fetch(&words[1..]);
        }
        let (path, verb, rest) = (words[0], words[1], &words[2..]);
        if verb == "get" && rest.len() == 1 {
            let key = format!("{path} {}", rest[0]);
            let fact = self
                .facts
                .get(&key)
                .ok_or_else(|| format!("no such command: {key}"))?;
            return Ok(Value::read(fact));
        }
        let menu =
            Menu::from_path(path).ok_or_else(|| format!("no such command prefix: {path}"))?;
        match verb {
            "find" => Ok(self.find(menu, rest)?),
            "get" => {
                let id = self
                    .ids(menu, rest[0])?
                    .into_iter()
                    .next()
                    .ok_or("no such item")?;
                self.field(menu, &id, rest[1])
            }
            "add" => {
                let fields = self.fields(rest)?;
                let before = fields.iter().find(|(name, _)| name == "place-before");
                let before = before.map(|(_, id)| id.clone());
                let fields = fields.iter().filter(|(name, _)| name != "place-before");
                let fields = fields.map(|(name, value)| (name.as_str(), value.as_str()));
                self.router.add(menu, fields, before.as_deref())?;
                Ok(Value::Nothing)
            }
            "run" => {
                let id = self
                    .ids(menu, rest[0])?
                    .into_iter()
                    .next()
                    .ok_or("no such item")?;
                let source = self.field(menu, &id, "source")?.text();
                self.run(&source)?;
                Ok(Value::Nothing)
            }
            "set" | "enable" | "disable" | "remove" => {
                for id in self.ids(menu, rest[0])? {
                    self.change(menu, verb, &id, &rest[1..])?;
                }
                Ok(Value::Nothing)
            }
            _ => panic!("nobody promised {path} {verb}"),
        }
    }

    fn change(&mut self, menu: Menu, verb: &str, id: &str, rest: &[&str]) -> Result<(), String> {
        let fields = match verb {
            "remove" => return self.router.remove(menu, id),
            "enable" => vec![("disabled".to_owned(), "no".to_owned())],
            "disable" => vec![("disabled".to_owned(), "yes".to_owned())],
            _ => self.fields(rest)?,
        };
        if menu == Menu::OvpnClient && verb.ends_with("able") {
            self.switched.push(verb.into());
        }
        let fields = fields
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        self.router.set(menu, id, fields)
    }

    fn fetch(&mut self, words: &[&str]) -> Result<Value, String> {
        let fields = self.fields(words)?;
        let data = fields.into_iter().find(|(name, _)| name == "http-data");
        self.posted.extend(data.map(|(_, data)| data));
        Ok(Value::Nothing)
    }

    /// `name=value` of a command; a flag stands alone, a field that is cleared begins with `!`.
    fn fields(&mut self, words: &[&str]) -> Result<Vec<(String, String)>, String> {
        let field = |word: &&str| match word.split_once('=') {
            Some((name, value)) => Ok((name.to_owned(), self.value(value)?.text())),
            None => Ok(((*word).to_owned(), String::new())),
        };
        words.iter().map(field).collect()
    }

    fn find(&mut self, menu: Menu, conditions: &[&str]) -> Result<Value, String> {
        let conditions = self.fields(conditions)?;
        let holds = |row: &&Row| {
            let says = |(name, value): &(String, String)| {
                row.says(name, value)
                    || row.get(name).is_none() && name == "distance" && value == "1"
            };
            conditions.iter().all(says)
        };
        let rows = self.router.rows(menu).iter().filter(holds);
        Ok(Value::Array(
            rows.map(|row| Value::Text(row.text(Row::ID).into()))
                .collect(),
        ))
    }

    /// What a command is about: a `find` in its own menu, a variable, an id or a name.
    fn ids(&mut self, menu: Menu, word: &str) -> Result<Vec<String>, String> {
        let found = match word.strip_prefix("[find") {
            Some(conditions) => {
                let conditions = conditions.trim_end_matches(']');
                self.find(menu, &pieces(conditions))?
            }
            None => self.value(word)?,
        };
        Ok(found.items().iter().map(Value::text).collect())
    }

    fn field(&self, menu: Menu, id: &str, name: &str) -> Result<Value, String> {
        let mut rows = self.router.rows(menu).iter();
        let row = rows
            .find(|row| row.text(Row::ID) == id || row.text("name") == id)
            .ok_or("no such item")?;
        Ok(match row.get(name) {
            Some(list) if (menu, name) == (Menu::Service, "address") => {
                let items = list.split(',').filter(|item| !item.is_empty());
                Value::Array(items.map(Value::read).collect())
            }
            Some(text) => Value::read(text),
            None if matches!(name, "running" | "disabled") => Value::Truth(false),
            None => Value::Nothing,
        })
    }

    /// The value of the rest of a statement; nothing at all is nothing.
    fn joined(&mut self, words: &[&str]) -> Result<Value, String> {
        match words {
            [] => Ok(Value::Nothing),
            [word] => self.value(word),
            _ => panic!("one value, and not {words:?}"),
        }
    }

    pub(crate) fn value(&mut self, word: &str) -> Result<Value, String> {
        match word.chars().next() {
            Some('"') => Ok(Value::Text(unquoted(word))),
            Some('$') => {
                let mut scopes = self.scopes.iter().rev();
                let found = scopes.find_map(|scope| scope.get(&word[1..]));
                Ok(found
                    .unwrap_or_else(|| panic!("{word} is not declared"))
                    .clone())
            }
            Some('[') => self.substitution(block(word)),
            Some('(') => self.expression(&pieces(block(word))),
            _ => Ok(Value::read(word)),
        }
    }

    fn substitution(&mut self, text: &str) -> Result<Value, String> {
        let words = pieces(text);
        if words[0].starts_with('/') {
            return self.command(&words);
        }
        let values = words[1..].iter().map(|word| self.value(word));
        let values = values.collect::<Result<Vec<_>, _>>()?;
        Ok(expression::builtin(words[0], &values))
    }

    fn expression(&mut self, words: &[&str]) -> Result<Value, String> {
        if let [word] = words {
            return self.value(word);
        }
        let (left, operator, right) = expression::split(words);
        let left = self.expression(left)?;
        let right = self.expression(right)?;
        Ok(expression::combine(left, operator, right))
    }
}
