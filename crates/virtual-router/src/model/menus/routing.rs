//! `/routing`, and `/ip/vrf`.

use crate::model::{
    database::Database,
    schema::{
        Field,
        Kind::{Bool, Choice, Duration, Interface, List, Name, Number, Prefix, Presence, Text},
        MenuSpec, Shape,
    },
};

pub(super) const MENUS: &[MenuSpec] = &[
    MenuSpec::new("/routing/table", Shape::List, TABLE)
        .noun("table")
        .unique(&["name"]),
    MenuSpec::new("/routing/rule", Shape::Ordered, RULE).noun("rule"),
    MenuSpec::new("/routing/settings", Shape::Single, SETTINGS),
    MenuSpec::new("/ip/vrf", Shape::Ordered, VRF)
        .noun("vrf")
        .unique(&["name"]),
];

const TABLE: &[Field] = &[
    Field::new("name", Text).required(),
    Field::new("fib", Presence).flag(),
    Field::state("dynamic"),
    Field::state("invalid"),
    Field::new("disabled", Bool).default("false"),
    Field::new("comment", Text),
];

const RULE: &[Field] = &[
    Field::new("chain", Text).since(22),
    Field::new("src-address", Prefix),
    Field::new("dst-address", Prefix),
    Field::new("interface", Interface),
    Field::new("routing-mark", Name("/routing/table", &[])),
    Field::new("min-prefix", Number(0, 32)),
    Field::new(
        "action",
        Choice(&["lookup", "lookup-only-in-table", "drop", "unreachable"]),
    )
    .default("lookup"),
    Field::new("table", Name("/routing/table", &[])),
    Field::state("inactive"),
    Field::state("dynamic"),
    Field::new("disabled", Bool).default("false"),
    Field::new("comment", Text),
];

const SETTINGS: &[Field] = &[
    Field::new("single-process", Bool).default("false"),
    Field::new("check-gateway-interval", Duration)
        .default("10s")
        .since(21),
    Field::new("check-gateway-timeout", Duration)
        .default("1s")
        .since(21),
    Field::new("check-gateway-max-fails", Number(1, 255))
        .default("2")
        .since(21),
    Field::new("policy-rules", Text)
        .default("mangle,vrf,local,user,main")
        .since(22),
];

const VRF: &[Field] = &[
    Field::new("name", Text).required(),
    Field::new("interfaces", List(&Interface)),
    Field::state("builtin"),
    Field::new("disabled", Bool).default("false"),
    Field::new("comment", Text),
];

pub(super) fn fill(database: &mut Database) {
    database.add_builtin("/routing/table", &[("name", "main"), ("fib", "true")]);
    database.add_builtin("/routing/settings", &[]);
}
