//! The configuration as a script that makes it.

use std::fmt::Write;

use super::{
    database::Database,
    item::Item,
    schema::{Field, Kind, MenuSpec, Shape},
};

/// Menus that `/export` leaves out: what a router knows and what it keeps to itself.
const LEFT_OUT: &[&str] = &[
    "/certificate",
    "/file",
    "/interface",
    "/ip/arp",
    "/ip/firewall/connection",
    "/ip/neighbor",
    "/log",
    "/safe-mode",
    "/system/device-mode",
    "/system/license",
    "/system/package",
    "/system/resource",
    "/system/routerboard",
    "/user",
    "/user/active",
];

impl Database {
    /// The script, of one menu and those below it, or of all. It has no date, so that two can be compared.
    pub fn export(&self, below: &str, secrets: bool, verbose: bool) -> String {
        let mut text = format!("# by RouterOS {}\n", self.version());
        let chosen = self.specs().filter(|spec| {
            let rest = spec.path.strip_prefix(below);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
                && !LEFT_OUT.contains(&spec.path)
        });
        for spec in chosen {
            let lines: Vec<_> = self
                .items(spec.path)
                .filter(|item| item.owner.is_none())
                .filter_map(|item| line(self, spec, item, secrets, verbose))
                .collect();
            if !lines.is_empty() {
                let path = spec.path.replace('/', " ");
                let _ = writeln!(text, "/{}", path.trim_start());
                for line in lines {
                    let _ = writeln!(text, "{line}");
                }
            }
        }
        text
    }
}

/// The command that makes an item, or none where there is nothing to say.
fn line(
    database: &Database,
    spec: &MenuSpec,
    item: &Item,
    secrets: bool,
    verbose: bool,
) -> Option<String> {
    let mut fields: Vec<_> = spec
        .fields_of(database.version())
        .filter(|field| !field.read_only && !field.hidden && (secrets || !field.secret))
        .collect();
    fields.sort_by_key(|field| field.name);
    let mut values = String::new();
    for field in fields {
        let Some(value) = item.values.get(field.name) else {
            continue;
        };
        let is_usual = field.default == Some(value) && !field.required
            || item.original.get(field.name) == Some(value);
        let is_key = item.builtin && field.name == "name" && spec.shape != Shape::Single
            || Some(value.as_str()) == item.get("default-name");
        if (is_usual && !verbose) || is_key {
            continue;
        }
        let _ = write!(values, " {}={}", field.name, spell(field, value));
    }
    if spec.shape == Shape::Single || item.builtin || spec.fixed {
        return (!values.is_empty()).then(|| format!("set{}{values}", which(spec, item)));
    }
    Some(format!("add{values}"))
}

fn which(spec: &MenuSpec, item: &Item) -> String {
    if spec.shape == Shape::Single {
        return String::new();
    }
    match (item.get("default-name"), item.get("name")) {
        (Some(name), _) => format!(" [ find default-name={name} ]"),
        (None, Some(name)) => format!(" [ find name={name} ]"),
        (None, None) => String::new(),
    }
}

fn spell(field: &Field, value: &str) -> String {
    match (field.kind, value) {
        (Kind::Bool | Kind::Presence, "true") => "yes".into(),
        (Kind::Bool | Kind::Presence, "false") => "no".into(),
        _ => quote(value),
    }
}

/// A value as a script spells it.
fn quote(value: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._/:,@%*!+".contains(c);
    if !value.is_empty() && value.chars().all(plain) {
        return value.into();
    }
    let mut quoted = String::from("\"");
    for c in value.chars() {
        match c {
            '"' | '\\' | '$' | '?' => quoted.extend(['\\', c]),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}
