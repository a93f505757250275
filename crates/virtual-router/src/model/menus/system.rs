//! `/system`, `/user`, `/certificate` and `/file`.

use holdfast_routeros_proto::value::Policies;

use crate::model::{
    command::POLICIES,
    database::Database,
    schema::{
        Field,
        Kind::{self, Bool, Duration, List, Name, Prefix, Text},
        MenuSpec, Shape,
    },
};

pub(super) const MENUS: &[MenuSpec] = &[
    MenuSpec::new("/system/identity", Shape::Single, IDENTITY),
    MenuSpec::new("/system/resource", Shape::Single, RESOURCE),
    MenuSpec::new("/system/routerboard", Shape::Single, ROUTERBOARD),
    MenuSpec::new("/system/license", Shape::Single, LICENSE),
    MenuSpec::new("/system/clock", Shape::Single, CLOCK),
    MenuSpec::new("/system/device-mode", Shape::Single, DEVICE_MODE),
    MenuSpec::new("/system/package", Shape::List, PACKAGE).fixed(),
    MenuSpec::new("/system/script", Shape::List, SCRIPT)
        .noun("script")
        .unique(&["name"]),
    MenuSpec::new("/system/scheduler", Shape::List, SCHEDULER)
        .noun("scheduler")
        .unique(&["name"]),
    MenuSpec::new("/system/logging", Shape::List, LOGGING).noun("rule"),
    MenuSpec::new("/safe-mode", Shape::Single, SAFE_MODE).since(18),
    MenuSpec::new("/log", Shape::List, LOG).fixed(),
    MenuSpec::new("/file", Shape::List, FILE)
        .unique(&["name"])
        .noun("file"),
    MenuSpec::new("/certificate", Shape::List, CERTIFICATE)
        .noun("certificate")
        .unique(&["name"]),
    MenuSpec::new("/user", Shape::List, USER)
        .noun("user")
        .unique(&["name"])
        .guarded(),
    MenuSpec::new("/user/group", Shape::List, GROUP)
        .noun("group")
        .unique(&["name"])
        .guarded(),
    MenuSpec::new("/user/active", Shape::List, ACTIVE_USER).fixed(),
];

const COMMENT: Field = Field::new("comment", Text);
const DISABLED: Field = Field::new("disabled", Bool).default("false");

const IDENTITY: &[Field] = &[Field::new("name", Text).default("MikroTik")];

const RESOURCE: &[Field] = &[
    Field::shown("uptime").of(Duration),
    Field::shown("version"),
    Field::shown("build-time"),
    Field::shown("free-memory"),
    Field::shown("total-memory"),
    Field::shown("cpu"),
    Field::shown("cpu-count"),
    Field::shown("cpu-load"),
    Field::shown("free-hdd-space"),
    Field::shown("total-hdd-space"),
    Field::shown("architecture-name"),
    Field::shown("board-name"),
    Field::shown("platform"),
];

const ROUTERBOARD: &[Field] = &[
    Field::shown("routerboard"),
    Field::shown("board-name"),
    Field::shown("model"),
    Field::shown("serial-number"),
    Field::shown("current-firmware"),
    Field::shown("upgrade-firmware"),
];

const LICENSE: &[Field] = &[Field::shown("software-id"), Field::shown("level")];

const CLOCK: &[Field] = &[
    Field::shown("date"),
    Field::shown("time"),
    Field::new("time-zone-name", Text).default("UTC"),
];

const DEVICE_MODE: &[Field] = &[
    Field::shown("mode"),
    Field::shown("fetch"),
    Field::shown("scheduler"),
    Field::state("flagged"),
];

const PACKAGE: &[Field] = &[
    Field::shown("name"),
    Field::shown("version"),
    Field::state("disabled"),
];

const SCRIPT: &[Field] = &[
    Field::new("name", Text).required(),
    Field::shown("owner"),
    Field::new("policy", Kind::Policies).default(DEFAULT_POLICY),
    Field::new("dont-require-permissions", Bool).default("false"),
    Field::shown("last-started"),
    Field::shown("run-count"),
    Field::new("source", Text).default(""),
    Field::state("invalid"),
    COMMENT,
];

const SCHEDULER: &[Field] = &[
    Field::new("name", Text).required(),
    Field::new("start-date", Text),
    Field::new("start-time", Text),
    Field::new("interval", Duration).default("0s"),
    Field::new("days", Text).since(24),
    Field::new("on-event", Text).default(""),
    Field::shown("owner"),
    Field::new("policy", Kind::Policies).default(DEFAULT_POLICY),
    Field::shown("run-count"),
    Field::shown("next-run"),
    DISABLED,
    COMMENT,
];

const DEFAULT_POLICY: &str = "ftp,password,policy,read,reboot,romon,sensitive,sniff,test,write";

const LOGGING: &[Field] = &[
    Field::new("topics", Text).default("info"),
    Field::new("prefix", Text).default(""),
    Field::new("action", Text).default("memory"),
    Field::state("invalid"),
    DISABLED,
];

const SAFE_MODE: &[Field] = &[Field::state("enabled")];

const LOG: &[Field] = &[
    Field::shown("time"),
    Field::shown("topics"),
    Field::shown("message"),
];

const FILE: &[Field] = &[
    Field::new("name", Text).required(),
    Field::shown("type"),
    Field::shown("size"),
    Field::shown("last-modified"),
    Field::new("contents", Text).default(""),
];

const CERTIFICATE: &[Field] = &[
    Field::new("name", Text).required(),
    Field::shown("issuer"),
    Field::new("common-name", Text),
    Field::shown("serial-number"),
    Field::shown("fingerprint"),
    Field::shown("invalid-before"),
    Field::shown("invalid-after"),
    Field::shown("expires-after").of(Duration),
    Field::new("trusted", Bool).default("false"),
    Field::new("trust-store", Text).default("all").since(21),
    Field::mark("private-key"),
    Field::mark("authority"),
    Field::mark("expired"),
    Field::shown("pem").hidden(),
    Field::shown("key-pem").hidden(),
    COMMENT,
];

const USER: &[Field] = &[
    Field::new("name", Text).required(),
    Field::new("group", Name("/user/group", &[])).required(),
    Field::new("address", List(&Prefix)).default(""),
    Field::new("password", Text).default("").hidden(),
    Field::shown("last-logged-in"),
    Field::state("expired"),
    DISABLED,
    COMMENT,
];

const GROUP: &[Field] = &[
    Field::new("name", Text).required(),
    Field::new("policy", Kind::Policies).default(""),
    Field::new("skin", Text).default("default"),
    COMMENT,
];

const ACTIVE_USER: &[Field] = &[
    Field::shown("when"),
    Field::shown("name"),
    Field::shown("address"),
    Field::shown("via"),
    Field::shown("group"),
];

pub(super) fn fill(database: &mut Database) {
    let without = |left_out: &[&str]| {
        let kept = POLICIES.iter().filter(|policy| !left_out.contains(policy));
        kept.copied().collect::<Policies>().to_string()
    };
    let groups = [
        ("read", without(&["ftp", "write", "policy"])),
        ("write", without(&["ftp", "policy"])),
        ("full", without(&[])),
    ];
    for (name, policy) in groups {
        database.add_builtin("/user/group", &[("name", name), ("policy", &policy)]);
    }
    for menu in MENUS.iter().filter(|menu| menu.shape == Shape::Single) {
        database.add_builtin(menu.path, &[]);
    }
    for topics in ["info", "error", "warning", "critical"] {
        database.add_builtin("/system/logging", &[("topics", topics)]);
    }
}
