//! `/interface` and what is below it.

use crate::model::{
    database::Database,
    schema::{
        Field,
        Kind::{Bool, Choice, Host, Interface, Limited, List, Mac, Name, Number, Text},
        MenuSpec, Shape,
    },
};

pub(super) const MENUS: &[MenuSpec] = &[
    MenuSpec::new("/interface", Shape::View, ALL_INTERFACES)
        .noun("interface")
        .unique(&["name"])
        .fixed(),
    MenuSpec::new("/interface/ethernet", Shape::List, ETHERNET)
        .interface("ether")
        .fixed(),
    MenuSpec::new("/interface/lte", Shape::List, LTE)
        .interface("lte")
        .fixed(),
    MenuSpec::new("/interface/lte/apn", Shape::List, APN)
        .noun("apn")
        .unique(&["name"]),
    MenuSpec::new("/interface/bridge", Shape::List, BRIDGE).interface("bridge"),
    MenuSpec::new("/interface/bridge/port", Shape::List, BRIDGE_PORT)
        .noun("port")
        .unique(&["interface"]),
    MenuSpec::new("/interface/vlan", Shape::List, VLAN).interface("vlan"),
    MenuSpec::new("/interface/pppoe-client", Shape::List, PPPOE).interface("pppoe-out"),
    MenuSpec::new("/interface/ovpn-client", Shape::List, OVPN).interface("ovpn-out"),
    MenuSpec::new("/interface/list", Shape::List, INTERFACE_LIST)
        .noun("list")
        .unique(&["name"]),
    MenuSpec::new("/interface/list/member", Shape::List, MEMBER)
        .noun("member")
        .unique(&["list", "interface"]),
    MenuSpec::new("/interface/detect-internet", Shape::Single, DETECT_INTERNET),
];

const NAME: Field = Field::new("name", Text);
const COMMENT: Field = Field::new("comment", Text);
const DISABLED: Field = Field::new("disabled", Bool).default("false");
const MTU: Field = Field::new("mtu", Number(68, 65_535)).default("1500");
const MAC: Field = Field::new("mac-address", Mac);

const ALL_INTERFACES: &[Field] = &[
    NAME,
    Field::shown("default-name"),
    Field::shown("type"),
    MTU,
    Field::shown("actual-mtu"),
    Field::shown("mac-address"),
    Field::shown("last-link-down-time"),
    Field::shown("last-link-up-time"),
    Field::shown("link-downs"),
    Field::shown("rx-byte"),
    Field::shown("tx-byte"),
    Field::shown("rx-packet"),
    Field::shown("tx-packet"),
    Field::shown("rx-error"),
    Field::shown("tx-error"),
    Field::state("running"),
    Field::state("dynamic"),
    Field::mark("slave"),
    DISABLED,
    COMMENT,
];

const ETHERNET: &[Field] = &[
    NAME,
    Field::shown("default-name"),
    MTU,
    MAC,
    Field::new("auto-negotiation", Bool).default("true"),
    Field::state("running"),
    Field::mark("slave"),
    DISABLED,
    COMMENT,
];

const LTE: &[Field] = &[
    NAME,
    Field::shown("default-name"),
    MTU,
    MAC,
    Field::new("apn-profiles", Name("/interface/lte/apn", &[])).default("default"),
    Field::new("network-mode", Text).default("3g,lte"),
    Field::new("allow-roaming", Bool).default("false"),
    Field::state("running"),
    Field::mark("inactive"),
    DISABLED,
    COMMENT,
];

const APN: &[Field] = &[
    NAME.required(),
    Field::new("apn", Text).default("internet"),
    Field::new("add-default-route", Bool).default("true"),
    Field::new("default-route-distance", Number(1, 255)).default("2"),
    Field::new("use-peer-dns", Bool).default("true"),
    Field::new("use-network-apn", Bool).default("true"),
    Field::new("passthrough-interface", Name("/interface", &["none"])).default("none"),
    Field::new("comment", Text),
];

const BRIDGE: &[Field] = &[
    NAME,
    Field::new("mtu", Text).default("auto"),
    Field::shown("mac-address"),
    Field::new("auto-mac", Bool).default("true"),
    Field::new("admin-mac", Mac),
    Field::new("protocol-mode", Choice(&["none", "rstp", "stp", "mstp"])).default("rstp"),
    Field::new("vlan-filtering", Bool).default("false"),
    Field::state("running"),
    DISABLED,
    COMMENT,
];

const BRIDGE_PORT: &[Field] = &[
    Field::new("interface", Interface).required(),
    Field::new("bridge", Name("/interface/bridge", &[])).required(),
    Field::new("pvid", Number(1, 4094)).default("1"),
    Field::mark("dynamic"),
    DISABLED,
    COMMENT,
];

const VLAN: &[Field] = &[
    NAME,
    Field::new("vlan-id", Number(1, 4094)).default("1"),
    Field::new("interface", Interface).required(),
    MTU,
    Field::shown("mac-address"),
    Field::state("running"),
    DISABLED,
    COMMENT,
];

const PPPOE: &[Field] = &[
    NAME,
    Field::new("interface", Interface).required(),
    Field::new("user", Text).default(""),
    Field::new("password", Text).default("").secret(),
    Field::new("service-name", Text).default(""),
    Field::new("profile", Name("/ppp/profile", &[])).default("default"),
    Field::new("add-default-route", Choice(&["yes", "no"])).default("no"),
    Field::new("default-route-distance", Number(1, 255)).default("1"),
    Field::new("use-peer-dns", Choice(&["yes", "no", "exclusively"])).default("no"),
    Field::new("dial-on-demand", Bool).default("false"),
    Field::state("running"),
    Field::new("disabled", Bool).default("true"),
    COMMENT,
];

const OVPN: &[Field] = &[
    NAME,
    MAC,
    Field::new("max-mtu", Number(64, 65_535)).default("1500"),
    Field::new("connect-to", Host).required(),
    Field::new("port", Number(1, 65_535)).default("1194"),
    Field::new("mode", Choice(&["ip", "ethernet"])).default("ip"),
    Field::new("protocol", Choice(&["tcp", "udp"])).default("tcp"),
    Field::new("user", Limited(27)).required(),
    Field::new("password", Limited(1000)).default("").secret(),
    Field::new("profile", Name("/ppp/profile", &[])).default("default"),
    Field::new("certificate", Name("/certificate", &["none"])).default("none"),
    Field::new("verify-server-certificate", Bool).default("false"),
    Field::new("tls-version", Choice(&["any", "only-1.2"])).default("any"),
    Field::new(
        "auth",
        Choice(&["sha1", "md5", "sha256", "sha384", "sha512", "null"]),
    )
    .default("sha1"),
    Field::new("cipher", Choice(CIPHERS)).default("blowfish128"),
    Field::new("use-peer-dns", Choice(&["no", "yes", "exclusively"])).default("yes"),
    Field::new("add-default-route", Bool).default("false"),
    Field::new("route-nopull", Bool).default("false"),
    Field::new("disconnect-notify", Bool).default("true"),
    Field::state("running"),
    Field::state("hw-crypto"),
    Field::new("disabled", Bool).default("true"),
    COMMENT,
];

const CIPHERS: &[&str] = &[
    "null",
    "aes128-cbc",
    "aes192-cbc",
    "aes256-cbc",
    "aes128-gcm",
    "aes192-gcm",
    "aes256-gcm",
    "blowfish128",
];

const INTERFACE_LIST: &[Field] = &[
    NAME.required(),
    Field::new("include", List(&Name("/interface/list", &[]))).default(""),
    Field::new("exclude", List(&Name("/interface/list", &[]))).default(""),
    Field::mark("dynamic"),
    Field::mark("builtin"),
    COMMENT,
];

const MEMBER: &[Field] = &[
    Field::new("list", Name("/interface/list", &[])).required(),
    Field::new("interface", Interface).required(),
    Field::state("dynamic"),
    DISABLED,
    COMMENT,
];

const DETECT_INTERNET: &[Field] = &[
    Field::new("detect-interface-list", Name("/interface/list", &["none"])).default("none"),
    Field::new("lan-interface-list", Name("/interface/list", &["none"])).default("none"),
    Field::new("wan-interface-list", Name("/interface/list", &["none"])).default("none"),
    Field::new(
        "internet-interface-list",
        Name("/interface/list", &["none"]),
    )
    .default("none"),
];

pub(super) fn fill(database: &mut Database) {
    for name in ["all", "none", "dynamic", "static"] {
        let id = database.add_builtin("/interface/list", &[("name", name)]);
        if let Some(id) = id {
            database.set_state("/interface/list", id, "builtin", Some("true".into()));
        }
    }
    database.add_builtin("/interface/lte/apn", &[("name", "default")]);
    database.add_builtin("/interface/detect-internet", &[]);
}
