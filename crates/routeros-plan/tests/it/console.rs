//! The part of RouterOS's language that dead men are written in.

use holdfast_routeros_plan::Menu;
use holdfast_routeros_proto::{Row, value::same_value};

use crate::router::Router;

/// Runs a script, line by line. An error is a mistake in the script, unless the line catches it.
pub(crate) fn run(router: &mut Router, script: &str) {
    for line in script.lines().map(str::trim) {
        if line.is_empty() || line.starts_with('#') || line.starts_with(":log") {
            continue;
        }
        let caught = line
            .strip_prefix(":do { ")
            .and_then(|rest| rest.strip_suffix(" } on-error={}"))
            .unwrap_or_else(|| panic!("no line of a dead man: {line}"));
        // What the line catches is what it is for: an item that is not there.
        let _ = statement(router, caught);
    }
}

fn statement(router: &mut Router, text: &str) -> Result<(), String> {
    let Some(rest) = text.strip_prefix(":if ([:len [") else {
        return command(router, text);
    };
    let (find, rest) = rest.split_once("]] = 0) do={ ").expect("a condition");
    let body = rest.strip_suffix(" }").expect("a body");
    let find = words(find);
    let menu = Menu::from_path(&find[0]).expect("a menu");
    if select(router, menu, &find[2..]).is_empty() {
        command(router, body)?;
    }
    Ok(())
}

fn command(router: &mut Router, text: &str) -> Result<(), String> {
    let mut words = words(text);
    let menu = Menu::from_path(&words[0]).expect("a menu");
    let find = words.get(2).filter(|word| word.starts_with('[')).cloned();
    let ids = match &find {
        Some(find) => {
            words.remove(2);
            let inner = find.trim_start_matches('[').trim_end_matches(']');
            select(router, menu, &self::words(inner)[1..])
        }
        None => Vec::new(),
    };
    let fields: Vec<(String, String)> = words[2..].iter().map(|word| field(word)).collect();
    let fields = || {
        fields
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    };
    match words[1].as_str() {
        "add" => router.add(menu, fields(), None),
        "set" => ids.iter().try_for_each(|id| router.set(menu, id, fields())),
        "remove" => ids.iter().try_for_each(|id| router.remove(menu, id)),
        verb => panic!("no verb of a dead man: {verb}"),
    }
}

fn select(router: &Router, menu: Menu, conditions: &[String]) -> Vec<String> {
    let conditions: Vec<_> = conditions.iter().map(|word| field(word)).collect();
    let matches = |row: &&Row| {
        conditions.iter().all(|(name, value)| match row.get(name) {
            Some(own) => same_value(name, own, value),
            None => name == "distance" && value == "1",
        })
    };
    let rows = router.rows(menu).iter();
    rows.filter(matches)
        .map(|row| row.text(Row::ID).into())
        .collect()
}

/// `name=value`; a name alone is a field without a value.
pub(crate) fn field(word: &str) -> (String, String) {
    match word.split_once('=') {
        Some((name, value)) => (name.into(), value.into()),
        None => (word.into(), String::new()),
    }
}

/// Words apart, quotes and escapes undone. What is in brackets is one word, as it stands.
pub(crate) fn words(text: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let (mut quoted, mut bracketed) = (false, false);
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        let last = words.last_mut().expect("there is always one");
        match letter {
            '[' if !quoted => {
                bracketed = true;
                last.push(letter);
            }
            ']' if bracketed => {
                bracketed = false;
                last.push(letter);
            }
            _ if bracketed => last.push(letter),
            '"' => quoted = !quoted,
            '\\' if quoted => last.push(match letters.next() {
                Some('n') => '\n',
                Some('r') => '\r',
                Some('t') => '\t',
                Some(other) => other,
                None => panic!("a text ends in a backslash: {text}"),
            }),
            ' ' if !quoted => words.push(String::new()),
            _ => last.push(letter),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}
