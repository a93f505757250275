//! Takes keys from a TOML document one by one, so that every mistake is found in one go.

use std::{collections::BTreeSet, fmt::Write, path::Path, str::FromStr};

use toml::{Table, Value};

/// What the configuration is read from, and everything wrong with it so far.
pub(super) struct Reader<'a> {
    file: &'a Path,
    environment: &'a dyn Fn(&str) -> Option<String>,
    mistakes: Vec<String>,
}

/// A table of the document. Keys that nobody has taken at the end are unknown.
pub(super) struct Section {
    /// `controller.tls`; empty for the document itself.
    path: String,
    table: Table,
    known: BTreeSet<&'static str>,
}

/// A value and how a message names it.
struct Found {
    name: String,
    /// As it was written, for messages.
    shown: String,
    text: String,
}

impl<'a> Reader<'a> {
    pub(super) fn new(file: &'a Path, environment: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self {
            file,
            environment,
            mistakes: Vec::new(),
        }
    }

    /// A value for the key, from the environment or from the file.
    pub(super) fn value<T: FromStr>(
        &mut self,
        section: &mut Section,
        key: &'static str,
        mend: &str,
    ) -> Option<T> {
        let found = self.scalar(section, key)?;
        self.parse(&found, mend)
    }

    /// The values of a list; separated by commas in the environment. Absent when there is no such list.
    pub(super) fn list<T: FromStr>(
        &mut self,
        section: &mut Section,
        key: &'static str,
        mend: &str,
    ) -> Option<Vec<T>> {
        let name = section.name(key);
        let from_file = section.take(key);
        if let Some(list) = self.environment_list(&name) {
            return Some(self.parse_all(&list, mend));
        }
        let value = from_file?;
        let found = match value.as_array() {
            Some(values) => values
                .iter()
                .enumerate()
                .map(|(index, value)| found(self.at(&format!("{name}[{index}]")), value))
                .collect(),
            None => vec![found(self.at(&name), &value)],
        };
        Some(self.parse_all(&found, mend))
    }

    /// One value out of each table of a list of tables; the environment gives the values alone, as for a list.
    pub(super) fn tables<T: FromStr>(
        &mut self,
        section: &mut Section,
        key: &'static str,
        inner: &'static str,
        mend: &str,
    ) -> Option<Vec<T>> {
        let name = section.name(key);
        let from_file = section.take(key);
        if let Some(list) = self.environment_list(&name) {
            return Some(self.parse_all(&list, mend));
        }
        let Value::Array(tables) = from_file? else {
            self.mistake(
                &self.at(&name),
                &format!("write [[{name}]] and {inner} = ... beneath"),
            );
            return None;
        };
        let mut values = Vec::new();
        for (index, table) in tables.into_iter().enumerate() {
            let path = format!("{name}[{index}]");
            let Value::Table(table) = table else {
                self.mistake(
                    &self.at(&path),
                    &format!("write [[{name}]] and {inner} = ... beneath"),
                );
                continue;
            };
            let mut table = Section::new(path.clone(), table);
            match table.take(inner) {
                Some(value) => {
                    let found = found(self.at(&format!("{path}.{inner}")), &value);
                    values.extend(self.parse(&found, mend));
                }
                None => self.missing(&format!("{path}.{inner}"), mend),
            }
            self.finish(table);
        }
        Some(values)
    }

    /// A table within a table, empty when it is not there.
    pub(super) fn section(&mut self, parent: &mut Section, key: &'static str) -> Section {
        let path = parent.name(key);
        let table = match parent.take(key) {
            None => Table::new(),
            Some(Value::Table(table)) => table,
            Some(other) => {
                let name = self.at(&path);
                self.mistake(
                    &format!("{name} = {other}"),
                    &format!("write it as a table: [{path}]"),
                );
                Table::new()
            }
        };
        Section::new(path, table)
    }

    /// Complains about every key that nobody has taken.
    pub(super) fn finish(&mut self, section: Section) {
        for key in section.table.keys() {
            let known: Vec<_> = section.known.iter().copied().collect();
            let place = match section.path.as_str() {
                "" => "known here are".to_owned(),
                path => format!("known in [{path}] are"),
            };
            let name = self.at(&section.name(key));
            self.mistake(
                &format!("{name} is unknown"),
                &format!("{place} {}", known.join(", ")),
            );
        }
    }

    /// A key that is needed and was not given.
    pub(super) fn missing(&mut self, name: &str, mend: &str) {
        let name = self.at(name);
        self.mistake(&format!("{name} is missing"), mend);
    }

    /// A value that is wrong though it could be read.
    pub(super) fn wrong(&mut self, name: &str, shown: &str, mend: &str) {
        let name = self.at(name);
        self.mistake(&format!("{name} = {shown}"), mend);
    }

    /// Everything that was wrong.
    pub(super) fn into_mistakes(self) -> Vec<String> {
        self.mistakes
    }

    fn scalar(&mut self, section: &mut Section, key: &'static str) -> Option<Found> {
        let name = section.name(key);
        let from_file = section.take(key);
        if let Some(found) = self.variable(&name) {
            return Some(found);
        }
        Some(found(self.at(&name), &from_file?))
    }

    fn variable(&self, name: &str) -> Option<Found> {
        let variable = variable_of(name);
        // In a container's settings an empty variable is one that was not filled in.
        let text = (self.environment)(&variable).filter(|text| !text.is_empty())?;
        Some(Found {
            name: format!("environment: {variable}"),
            shown: format!("{text:?}"),
            text,
        })
    }

    fn environment_list(&self, name: &str) -> Option<Vec<Found>> {
        let all = self.variable(name)?;
        let parts = all.text.split(',').map(str::trim);
        let found = parts.map(|part| Found {
            name: all.name.clone(),
            shown: format!("{part:?}"),
            text: part.to_owned(),
        });
        Some(found.collect())
    }

    fn parse_all<T: FromStr>(&mut self, list: &[Found], mend: &str) -> Vec<T> {
        list.iter()
            .filter_map(|found| self.parse(found, mend))
            .collect()
    }

    fn parse<T: FromStr>(&mut self, found: &Found, mend: &str) -> Option<T> {
        let parsed = found.text.parse().ok();
        if parsed.is_none() {
            self.mistake(&format!("{} = {}", found.name, found.shown), mend);
        }
        parsed
    }

    fn at(&self, name: &str) -> String {
        format!("{}: {name}", self.file.display())
    }

    fn mistake(&mut self, what: &str, mend: &str) {
        self.mistakes.push(format!("{what}: {mend}"));
    }
}

impl Section {
    pub(super) fn new(path: String, table: Table) -> Self {
        Self {
            path,
            table,
            known: BTreeSet::new(),
        }
    }

    fn name(&self, key: &str) -> String {
        match self.path.as_str() {
            "" => key.to_owned(),
            path => format!("{path}.{key}"),
        }
    }

    fn take(&mut self, key: &'static str) -> Option<Value> {
        self.known.insert(key);
        self.table.remove(key)
    }
}

/// The variable that overrides a key: `controller.drain_seconds` is `HOLDFAST_CONTROLLER_DRAIN_SECONDS`.
fn variable_of(name: &str) -> String {
    let mut variable = "HOLDFAST_".to_owned();
    for c in name.chars() {
        let c = if c == '.' {
            '_'
        } else {
            c.to_ascii_uppercase()
        };
        // Writing to a String cannot fail.
        let _ = variable.write_char(c);
    }
    variable
}

/// Numbers are read from their text like everything else, so that file and environment share one parser.
fn found(name: String, value: &Value) -> Found {
    let shown = value.to_string();
    let text = match value.as_str() {
        Some(text) => text.to_owned(),
        None => shown.clone(),
    };
    Found { name, shown, text }
}
