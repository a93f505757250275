//! `/ppp`.

use crate::model::{
    database::Database,
    schema::{
        Field,
        Kind::{Choice, DurationOr, Name, Text},
        MenuSpec, Shape,
    },
};

pub(super) const MENUS: &[MenuSpec] = &[MenuSpec::new("/ppp/profile", Shape::List, PROFILE)
    .noun("profile")
    .unique(&["name"])];

const PROFILE: &[Field] = &[
    Field::new("name", Text).required(),
    Field::new("local-address", Text),
    Field::new("remote-address", Text),
    Field::new("bridge-learning", Choice(SWITCH)).default("default"),
    Field::new("interface-list", Name("/interface/list", &[])),
    Field::new("address-list", Text).default(""),
    Field::new("use-mpls", Choice(SWITCH)).default("default"),
    Field::new("use-compression", Choice(SWITCH)).default("default"),
    Field::new(
        "use-encryption",
        Choice(&["yes", "no", "default", "required"]),
    )
    .default("default"),
    Field::new("use-ipv6", Choice(SWITCH)).default("yes"),
    Field::new("only-one", Choice(SWITCH)).default("default"),
    Field::new("change-tcp-mss", Choice(SWITCH)).default("default"),
    Field::new("use-upnp", Choice(SWITCH)).default("default"),
    Field::new("idle-timeout", DurationOr(&["none"])),
    Field::new("session-timeout", DurationOr(&["none"])),
    Field::new("on-up", Text).default(""),
    Field::new("on-down", Text).default(""),
    Field::state("default"),
    Field::new("comment", Text),
];

const SWITCH: &[&str] = &["yes", "no", "default"];

pub(super) fn fill(database: &mut Database) {
    for name in ["default", "default-encryption"] {
        if let Some(id) = database.add_builtin("/ppp/profile", &[("name", name)]) {
            database.set_state("/ppp/profile", id, "default", Some("true".into()));
        }
    }
}
