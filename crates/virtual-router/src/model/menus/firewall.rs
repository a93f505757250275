//! `/ip/firewall`.

use crate::model::schema::{
    Field,
    Kind::{Bool, Choice, Duration, DurationOr, Name, Text},
    MenuSpec, Shape,
};

pub(super) const MENUS: &[MenuSpec] = &[
    MenuSpec::new("/ip/firewall/filter", Shape::Ordered, FILTER).noun("rule"),
    MenuSpec::new("/ip/firewall/nat", Shape::Ordered, NAT).noun("rule"),
    MenuSpec::new("/ip/firewall/mangle", Shape::Ordered, MANGLE).noun("rule"),
    MenuSpec::new("/ip/firewall/address-list", Shape::List, ADDRESS_LIST)
        .noun("entry")
        .unique(&["list", "address"]),
    MenuSpec::new("/ip/firewall/connection", Shape::List, CONNECTION).fixed(),
];

macro_rules! rule {
    ($action:expr $(, $more:expr)* $(,)?) => {
        &[
            Field::new("chain", Text).required(),
            $action,
            Field::new("src-address", Text),
            Field::new("dst-address", Text),
            Field::new("src-address-list", Text),
            Field::new("dst-address-list", Text),
            Field::new("protocol", Text),
            Field::new("src-port", Text),
            Field::new("dst-port", Text),
            Field::new("in-interface", Name("/interface", &["all"])),
            Field::new("out-interface", Name("/interface", &["all"])),
            Field::new("in-interface-list", Text),
            Field::new("out-interface-list", Text),
            Field::new("connection-state", Text),
            Field::new("connection-nat-state", Text),
            Field::new("connection-mark", Text),
            Field::new("routing-mark", Name("/routing/table", &[])),
            Field::new("ipsec-policy", Text),
            Field::new("icmp-options", Text),
            Field::new("jump-target", Text),
            Field::new("hw-offload", Bool),
            Field::new("log", Bool).default("false"),
            Field::new("log-prefix", Text).default(""),
            $($more,)*
            Field::shown("bytes"),
            Field::shown("packets"),
            Field::state("invalid"),
            Field::state("dynamic"),
            Field::new("disabled", Bool).default("false"),
            Field::new("comment", Text),
        ]
    };
}

const FILTER: &[Field] = rule!(
    Field::new(
        "action",
        Choice(&[
            "accept",
            "drop",
            "reject",
            "jump",
            "return",
            "log",
            "passthrough",
            "fasttrack-connection",
            "tarpit",
            "add-src-to-address-list",
            "add-dst-to-address-list",
        ])
    )
    .default("accept"),
    Field::new("reject-with", Text),
);

const NAT: &[Field] = rule!(
    Field::new(
        "action",
        Choice(&[
            "accept",
            "masquerade",
            "src-nat",
            "dst-nat",
            "redirect",
            "netmap",
            "same",
            "jump",
            "return",
            "log",
            "passthrough",
        ])
    )
    .default("accept"),
    Field::new("to-addresses", Text),
    Field::new("to-ports", Text),
);

const MANGLE: &[Field] = rule!(
    Field::new(
        "action",
        Choice(&[
            "accept",
            "mark-routing",
            "mark-connection",
            "mark-packet",
            "change-mss",
            "jump",
            "return",
            "log",
            "passthrough",
        ])
    )
    .default("accept"),
    Field::new("new-routing-mark", Name("/routing/table", &[])),
    Field::new("new-connection-mark", Text),
    Field::new("new-packet-mark", Text),
    Field::new("new-mss", Text),
    Field::new("passthrough", Bool).default("true"),
    Field::new("tcp-flags", Text),
    Field::new("tcp-mss", Text),
);

const ADDRESS_LIST: &[Field] = &[
    Field::new("list", Text).required(),
    Field::new("address", Text).required(),
    Field::new("timeout", DurationOr(&["none-dynamic", "none-static"])),
    Field::shown("creation-time"),
    Field::state("dynamic"),
    Field::new("disabled", Bool).default("false"),
    Field::new("comment", Text),
];

const CONNECTION: &[Field] = &[
    Field::shown("protocol"),
    Field::shown("src-address"),
    Field::shown("src-port"),
    Field::shown("dst-address"),
    Field::shown("dst-port"),
    Field::shown("reply-src-address"),
    Field::shown("reply-src-port"),
    Field::shown("reply-dst-address"),
    Field::shown("reply-dst-port"),
    Field::shown("tcp-state"),
    Field::shown("timeout").of(Duration),
    Field::shown("orig-bytes"),
    Field::shown("repl-bytes"),
    Field::shown("orig-packets"),
    Field::shown("repl-packets"),
    Field::state("assured"),
    Field::state("confirmed"),
    Field::state("seen-reply"),
    Field::state("srcnat"),
    Field::state("dstnat"),
];
