use std::collections::BTreeSet;

use holdfast_routeros_proto::{Command, Row, Version};
use proptest::prelude::*;

use super::*;

fn new() -> Database {
    let mut database = Database::new(Version::release(7, 24, 0));
    for name in ["ether1", "ether2"] {
        let row = Row::new().with("name", name).with("default-name", name);
        database.add_item("/interface/ethernet", &row).unwrap();
    }
    database
}

fn run(database: &mut Database, command: &Command) -> Result<Answer, String> {
    let result = database.execute(&Caller::system(), command);
    result.map_err(|trap| trap.message)
}

/// What a value becomes when it is set, or what is said against it.
fn kept(menu: &str, field: &str, value: &str, others: &[(&str, &str)]) -> String {
    let mut database = new();
    let add = Command::add(menu)
        .with_all(others.iter().copied())
        .with(field, value);
    match run(&mut database, &add) {
        Err(message) => message,
        Ok(answer) => {
            let get = Command::new(format!("{menu}/get"))
                .with("number", answer.ret.unwrap())
                .with("value-name", field);
            run(&mut database, &get).unwrap().ret.unwrap()
        }
    }
}

#[test]
fn values_are_kept_as_routeros_shows_them() {
    let route: &[_] = &[("gateway", "ether1")];
    let cases = [
        (
            "/ip/route",
            "dst-address",
            "10.1.2.3/8",
            route,
            "10.0.0.0/8",
        ),
        (
            "/ip/route",
            "gateway",
            "192.0.2.1%ether2",
            &[],
            "192.0.2.1%ether2",
        ),
        (
            "/ip/route",
            "gateway",
            "192.0.2.1@main",
            &[],
            "192.0.2.1@main",
        ),
        ("/ip/route", "blackhole", "whatever", &[], "true"),
        ("/ip/route", "disabled", "yes", route, "true"),
        (
            "/system/scheduler",
            "interval",
            "00:01:30",
            &[("name", "s")],
            "1m30s",
        ),
        (
            "/system/script",
            "policy",
            "write,read,!ftp",
            &[("name", "s")],
            "read,write",
        ),
        ("/interface/vlan", "interface", "ether1", &[], "ether1"),
        (
            "/interface/bridge",
            "admin-mac",
            "0a-00-00-00-00-0f",
            &[],
            "0A:00:00:00:00:0F",
        ),
        (
            "/interface/pppoe-client",
            "add-default-route",
            "true",
            &[("interface", "ether1")],
            "yes",
        ),
    ];
    for (menu, field, value, others, expected) in cases {
        assert_eq!(
            kept(menu, field, value, others),
            expected,
            "{menu} {field}={value}"
        );
    }
}

#[test]
fn what_an_item_was_called_is_gone_from_whoever_referred_to_it() {
    let mut database = new();
    let list = Command::add("/interface/list").with("name", "WAN");
    let id = run(&mut database, &list).unwrap().ret.unwrap();
    let member = Command::add("/interface/list/member")
        .with("list", "WAN")
        .with("interface", "ether1");
    run(&mut database, &member).unwrap();
    run(&mut database, &Command::remove("/interface/list", &id)).unwrap();
    let members: Vec<_> = database.items("/interface/list/member").collect();
    assert_eq!(members[0].text("list"), id);
}

#[test]
fn clearing_a_field_brings_its_default_back() {
    let mut database = new();
    let add = Command::add("/ip/route")
        .with("gateway", "ether1")
        .with("distance", "7")
        .with("comment", "x");
    let id = run(&mut database, &add).unwrap().ret.unwrap();
    let set = Command::set("/ip/route", &id)
        .without("distance")
        .with("comment", "");
    run(&mut database, &set).unwrap();
    let route = database.items("/ip/route").next().unwrap();
    assert_eq!(
        (route.get("distance"), route.get("comment")),
        (Some("1"), None)
    );
    let unset = Command::new("/ip/route/unset")
        .with("numbers", &id)
        .with("value-name", "gateway");
    assert_eq!(
        run(&mut database, &unset).unwrap_err(),
        "failure: Invalid route configuration"
    );
}

#[test]
fn dynamic_items_that_stay_the_same_keep_their_ids() {
    let mut database = new();
    let row = |gateway: &str| Row::new().with("gateway", gateway).with("vpn", "true");
    database.replace_dynamic(
        "/ip/route",
        "tunnel",
        vec![row("10.0.0.1"), row("10.0.0.2")],
    );
    let ids = |database: &Database| -> Vec<_> {
        database
            .items("/ip/route")
            .map(|item| (item.id, item.text("gateway").to_owned()))
            .collect()
    };
    let before = ids(&database);
    database.replace_dynamic(
        "/ip/route",
        "tunnel",
        vec![row("10.0.0.3"), row("10.0.0.2")],
    );
    let after = ids(&database);
    assert!(after.contains(&before[1]) && !after.contains(&before[0]));
    database.replace_dynamic("/ip/route", "tunnel", vec![]);
    assert_eq!(ids(&database), []);
}

/// Menus that lean on each other.
const MENUS: &[&str] = &[
    "/interface/ovpn-client",
    "/interface/list",
    "/interface/list/member",
    "/interface/bridge",
    "/ip/route",
    "/ip/address",
    "/routing/table",
    "/routing/rule",
    "/ppp/profile",
    "/ip/firewall/filter",
    "/system/script",
];

const VALUES: &[&str] = &[
    "",
    "a",
    "b",
    "main",
    "ether1",
    "ether2",
    "default",
    "WAN",
    "yes",
    "no",
    "7",
    "300",
    "1m",
    "10.0.0.1",
    "10.0.0.0/8",
    "10.0.0.1/24",
    "10.0.0.1%ether1",
    "input",
    "output",
    "*1",
    "*2",
    "*3",
    "read,write",
];

fn any_command() -> impl Strategy<Value = Command> {
    let verb = prop::sample::select(vec![
        "add", "add", "add", "set", "set", "remove", "enable", "disable", "unset", "move", "print",
    ]);
    let menu = prop::sample::select(MENUS);
    let fields = prop::collection::vec(
        (any::<prop::sample::Index>(), prop::sample::select(VALUES)),
        0..6,
    );
    let number = prop::sample::select(vec!["*1", "*2", "*3", "*4", "*5", "a", "b", "default"]);
    (menu, verb, fields, number).prop_map(|(menu, verb, fields, number)| {
        let database = new();
        let known = database.spec(menu).unwrap().fields;
        let mut command = Command::new(format!("{menu}/{verb}"));
        if verb != "add" && verb != "print" {
            command = command.with("numbers", number);
        }
        for (field, value) in fields.iter().filter(|_| matches!(verb, "add" | "set")) {
            command = command.with(field.get(known).name, *value);
        }
        if verb == "unset" {
            command = command.with(
                "value-name",
                fields
                    .first()
                    .map_or("comment", |(field, _)| field.get(known).name),
            );
        }
        command
    })
}

proptest! {
    #[test]
    fn whatever_is_commanded_the_menus_stay_in_order(
        commands in prop::collection::vec(any_command(), 1..40),
    ) {
        let mut database = new();
        for command in &commands {
            let (menu, _) = split_path(command);
            let before = database.export(menu, true, true);
            database.take_changes();
            if run(&mut database, command).is_err() {
                prop_assert_eq!(&database.export(menu, true, true), &before, "{} failed", command);
                prop_assert_eq!(database.take_changes(), vec![]);
            }
            check(&database);
        }
    }

    #[test]
    fn what_was_added_can_be_removed_without_a_trace(
        commands in prop::collection::vec(any_command(), 0..20),
        last in any_command(),
    ) {
        let mut database = new();
        for command in &commands {
            let _ = run(&mut database, command);
        }
        let before = database.export("", true, false);
        let (menu, verb) = split_path(&last);
        if verb == "add" && let Ok(Answer { ret: Some(id), .. }) = run(&mut database, &last) {
            run(&mut database, &Command::remove(menu, &id)).unwrap();
            prop_assert_eq!(database.export("", true, false), before);
        }
    }
}

/// Ids are of one item each, what must be unique is, and values are spelled as they would be kept.
fn check(database: &Database) {
    let mut ids = BTreeSet::new();
    for menu in MENUS {
        let spec = database.spec(menu).unwrap();
        let mut keys = BTreeSet::new();
        for item in database.items(menu) {
            assert!(
                ids.insert((spec.family, item.id)),
                "{menu} {} twice",
                item.id
            );
            let key: Option<Vec<_>> = spec.unique.iter().map(|name| item.get(name)).collect();
            if let Some(key) = key.filter(|key| !key.is_empty()) {
                assert!(keys.insert(key.clone()), "{menu} has {key:?} twice");
            }
            for field in spec.fields.iter().filter(|field| !field.read_only) {
                // Names of what is gone are ids, and those of nothing.
                let value = item.get(field.name).filter(|value| !value.contains('*'));
                if let Some(value) = value.filter(|value| !value.is_empty()) {
                    let kept = field.kind.normalise(field.name, value, database);
                    assert_eq!(kept.as_deref(), Ok(value), "{menu} {}", field.name);
                }
            }
        }
    }
}
