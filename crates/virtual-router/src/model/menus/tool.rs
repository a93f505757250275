//! `/tool`.

use crate::model::schema::{
    Field,
    Kind::{Bool, Choice, Duration, Host, Number, Text},
    MenuSpec, Shape,
};

pub(super) const MENUS: &[MenuSpec] =
    &[MenuSpec::new("/tool/netwatch", Shape::List, NETWATCH).noun("entry")];

const NETWATCH: &[Field] = &[
    Field::new("name", Text),
    Field::new("host", Host).required(),
    Field::new("type", Choice(&["simple", "icmp", "tcp-conn"])).default("simple"),
    Field::new("interval", Duration).default("10s"),
    Field::new("timeout", Duration).default("3s"),
    Field::new("start-delay", Duration).default("3s"),
    Field::new("startup-delay", Duration).default("5m"),
    Field::new("packet-count", Number(1, 100)),
    Field::new("packet-interval", Duration),
    Field::new("thr-loss-percent", Number(0, 100)),
    Field::new("thr-loss-count", Number(0, 100)),
    Field::new("thr-avg", Duration),
    Field::new("thr-max", Duration),
    Field::new("thr-stdev", Duration),
    Field::new("thr-jitter", Duration),
    Field::new("up-script", Text).default(""),
    Field::new("down-script", Text).default(""),
    Field::shown("status"),
    Field::shown("since"),
    Field::new("disabled", Bool).default("false"),
    Field::new("comment", Text),
];
