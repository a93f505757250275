//! Scripts keep to the part of RouterOS's language that is promised, and are well formed.

use std::collections::BTreeSet;

use holdfast_api_types::Place;
use holdfast_routeros_plan::{
    Adoption, Authority, Change, Desired, Gateway, Management, Memory, Menu, Mode, Slot, dead_man,
    plan, release,
};
use holdfast_routeros_proto::Row;

use crate::router::Router;

const BUILTINS: &[&str] = &[
    ":local", ":set", ":if", ":foreach", ":for", ":do", ":error", ":delay", ":log", ":put", ":len",
    ":pick", ":find", ":tostr", ":tonum",
];

/// Menus that scripts look at and plans do not.
const OTHER_MENUS: &[&str] = &["/system/identity", "/system/routerboard"];

/// Commands that are no verb of a menu.
const OTHER_COMMANDS: &[&str] = &["/tool/fetch", "/import"];

const VERBS: &[&str] = &[
    "find", "get", "set", "add", "remove", "enable", "disable", "import", "run",
];

/// What a script is made of, as far as it can be seen without running it.
#[derive(Debug, Default, PartialEq, Eq)]
struct Seen {
    builtins: BTreeSet<String>,
    commands: BTreeSet<String>,
    texts: Vec<String>,
}

/// Reads a script: brackets must close in order, quotes must end, escapes must be known.
fn read(script: &str) -> Result<Seen, String> {
    let mut seen = Seen::default();
    let code: Vec<_> = script
        .lines()
        .filter(|line| !line.starts_with('#'))
        .collect();
    let code = code.join("\n");
    let mut letters = code.chars().peekable();
    let (mut open, mut words) = (Vec::new(), vec![String::new()]);
    while let Some(letter) = letters.next() {
        match letter {
            '"' => seen.texts.push(text(&mut letters)?),
            '{' | '[' | '(' => {
                open.push(letter);
                words.push(String::new());
            }
            '}' | ']' | ')' => {
                let opened = open
                    .pop()
                    .ok_or_else(|| format!("{letter} closes nothing"))?;
                if !matches!((opened, letter), ('{', '}') | ('[', ']') | ('(', ')')) {
                    return Err(format!("{opened} is closed by {letter}"));
                }
                words.push(String::new());
            }
            ' ' | '\n' | ';' => words.push(if letter == ' ' {
                String::new()
            } else {
                ";".into()
            }),
            _ => words.last_mut().unwrap().push(letter),
        }
    }
    if let Some(opened) = open.pop() {
        return Err(format!("{opened} is never closed"));
    }
    words.retain(|word| !word.is_empty());
    for (word, next) in words.iter().zip(words.iter().skip(1)) {
        let word = word.trim_start_matches(';');
        if word.starts_with(':') {
            seen.builtins.insert(word.into());
        }
        if OTHER_COMMANDS.contains(&word) {
            seen.commands.insert(word.into());
        } else if word.starts_with('/') {
            seen.commands.insert(format!("{word} {next}"));
        }
    }
    Ok(seen)
}

/// The rest of a quoted text, without its escapes.
fn text(letters: &mut impl Iterator<Item = char>) -> Result<String, String> {
    let mut text = String::new();
    loop {
        match letters.next() {
            Some('"') => return Ok(text),
            Some('\\') => match letters.next() {
                Some('n') => text.push('\n'),
                Some('r') => text.push('\r'),
                Some('t') => text.push('\t'),
                Some(escaped @ ('"' | '\\' | '$' | '?')) => text.push(escaped),
                other => return Err(format!("no escape: {other:?}")),
            },
            Some('$') => return Err(format!("a variable inside of a text: {text}$")),
            Some(letter) => text.push(letter),
            None => return Err(format!("a text without an end: {text}")),
        }
    }
}

fn check(script: &str) -> Seen {
    let seen = read(script).unwrap_or_else(|error| panic!("{error}, in:\n{script}"));
    for builtin in &seen.builtins {
        assert!(
            BUILTINS.contains(&builtin.as_str()),
            "{builtin} is not promised, in:\n{script}"
        );
    }
    for command in &seen.commands {
        let known = match command.split_once(' ') {
            Some((menu, verb)) => {
                (Menu::from_path(menu).is_some() || OTHER_MENUS.contains(&menu))
                    && VERBS.contains(&verb)
            }
            None => OTHER_COMMANDS.contains(&command.as_str()),
        };
        assert!(known, "nobody knows {command}, in:\n{script}");
    }
    seen
}

fn management() -> Management {
    Management {
        endpoint: "203.0.113.1:443".parse().unwrap(),
        username: "m".into(),
        password: r#"p"$\?"#.to_owned().into(),
    }
}

fn adoption() -> Adoption {
    Adoption {
        script_url: "https://control.example/script?a=$b".into(),
        authority_url: "https://control.example/ca".into(),
        progress_url: "https://control.example/progress".into(),
        check_in_url: "https://control.example/check-in".into(),
        check_in_token: "t".to_owned().into(),
        authority: Authority {
            pem: String::new(),
            fingerprint: "ab:cd".into(),
        },
        management: management(),
        user_password: "u".to_owned().into(),
    }
}

#[test]
fn what_is_pasted_and_what_it_fetches_is_well_formed() {
    let adoption = adoption();
    assert!(!adoption.command().contains('\n'));
    check(&adoption.command());
    let seen = check(&adoption.script());
    let check_in = seen
        .texts
        .iter()
        .find(|text| text.starts_with("# holdfast:check-in"));
    check(check_in.expect("the check-in script is in it"));
}

#[test]
fn a_mistake_in_a_script_is_seen() {
    for mistake in [
        ":if ($a) do={ :put 1",
        ":put \"a",
        ":put [/user find)",
        ":put \"a $b\"",
        ":put \"\\q\"",
    ] {
        assert!(read(mistake).is_err(), "{mistake}");
    }
}

#[test]
fn every_script_on_the_router_is_well_formed() {
    let mut router = Router::new("7.16.2");
    let row = |fields: &[(&str, &str)]| fields.iter().copied().collect::<Row>();
    for (name, script) in [("ether1", ""), (r#"my "wan" $2"#, ":log info theirs")] {
        router.insert(Menu::Interface, row(&[("name", name), ("type", "ether")]));
        let fields = [
            ("interface", name),
            ("gateway", "192.0.2.1"),
            ("script", script),
        ];
        router.insert(Menu::DhcpClient, row(&fields));
    }
    router.insert(
        Menu::Script,
        row(&[("name", "holdfast-before"), ("comment", "holdfast:before")]),
    );
    let slot = |number: u8, interface: &str| Slot {
        number,
        interface: interface.into(),
        gateway: Gateway::Address([192, 0, 2, 1].into()),
        controller: format!("203.0.113.{number}:443").parse().unwrap(),
        username: "u".into(),
        password: "p".to_owned().into(),
        server: [198, 18, 0, 1].into(),
        metered: false,
        enabled: true,
        place: Place { rung: 1, step: 10 },
        rank: number,
    };
    let desired = Desired {
        slots: vec![slot(1, "ether1"), slot(2, r#"my "wan" $2"#)],
        mode: Mode::Local,
        authority: adoption().authority,
        management: Some(management()),
        watchdog: true,
    };
    let observed = router.observe();
    let plan = plan(&desired, &observed, &Memory::default()).unwrap();
    let steps = plan.steps.iter().map(|step| &step.change).cloned();
    let guard = dead_man(&observed, &plan, 60).arm;
    let leave = release(&observed, &Memory::default())
        .steps
        .into_iter()
        .map(|step| step.change);
    let mut checked = BTreeSet::new();
    for change in steps.chain(guard).chain(leave) {
        let (Change::Add { attributes, .. } | Change::Set { attributes, .. }) = &change else {
            continue;
        };
        for field in [
            "script",
            "source",
            "on-event",
            "on-up",
            "on-down",
            "down-script",
        ] {
            if let Some(script) = attributes
                .value(field)
                .filter(|script| script.contains(' '))
            {
                check(script);
                checked.insert(field);
            }
        }
    }
    assert_eq!(checked.len(), 6, "{checked:?}");
}
