//! `/ip`, without its firewall.

use crate::model::{
    database::Database,
    schema::{
        Field,
        Kind::{
            Address, AddressWithLength, Bool, Choice, Duration, Gateways, Interface, List, Mac,
            Name, Number, Prefix, Presence, Text,
        },
        MenuSpec, Shape,
    },
};

pub(super) const MENUS: &[MenuSpec] = &[
    MenuSpec::new("/ip/address", Shape::List, ADDRESS)
        .noun("address")
        .unique(&["address", "interface"]),
    MenuSpec::new("/ip/route", Shape::List, ROUTE).noun("route"),
    MenuSpec::new("/ip/dhcp-client", Shape::List, DHCP_CLIENT)
        .noun("client")
        .unique(&["interface"]),
    MenuSpec::new("/ip/arp", Shape::List, ARP).noun("entry"),
    MenuSpec::new("/ip/neighbor", Shape::List, NEIGHBOR).fixed(),
    MenuSpec::new("/ip/service", Shape::List, SERVICE).fixed(),
    MenuSpec::new("/ip/dns", Shape::Single, DNS),
    MenuSpec::new("/ip/settings", Shape::Single, SETTINGS),
];

const COMMENT: Field = Field::new("comment", Text);
const DISABLED: Field = Field::new("disabled", Bool).default("false");

const ADDRESS: &[Field] = &[
    Field::new("address", AddressWithLength).required(),
    Field::new("network", Address),
    Field::new("interface", Interface).required(),
    Field::shown("actual-interface"),
    Field::state("invalid"),
    Field::state("dynamic"),
    DISABLED,
    COMMENT,
];

const ROUTE: &[Field] = &[
    Field::new("dst-address", Prefix).default("0.0.0.0/0"),
    Field::new("routing-table", Name("/routing/table", &[])).default("main"),
    Field::new("pref-src", Address),
    Field::new("gateway", Gateways),
    Field::shown("immediate-gw"),
    Field::new("distance", Number(0, 255)).default("1"),
    Field::new("scope", Number(0, 255)).default("30"),
    Field::new("target-scope", Number(0, 255)).default("10"),
    Field::new("check-gateway", Choice(&["none", "ping", "arp", "bfd"])),
    Field::new("vrf-interface", Interface),
    Field::new("blackhole", Presence).flag(),
    Field::new("suppress-hw-offload", Bool).default("false"),
    Field::mark("dynamic"),
    Field::mark("inactive"),
    Field::mark("active"),
    Field::mark("connect"),
    Field::mark("static"),
    Field::mark("dhcp"),
    Field::mark("vpn"),
    Field::mark("modem"),
    Field::mark("ecmp"),
    DISABLED.flag(),
    COMMENT,
];

const DHCP_CLIENT: &[Field] = &[
    Field::new("name", Text).since(22),
    Field::new("interface", Interface).required(),
    Field::new(
        "add-default-route",
        Choice(&["yes", "no", "special-classless"]),
    )
    .default("yes"),
    Field::new("default-route-distance", Number(1, 255)).default("1"),
    Field::new("default-route-tables", Text)
        .default("default")
        .since(18),
    Field::new("check-gateway", Choice(&["none", "ping", "arp", "bfd"]))
        .default("none")
        .since(19),
    Field::new("use-peer-dns", Choice(&["yes", "no", "exclusively"])).default("yes"),
    Field::new("use-peer-ntp", Bool).default("true"),
    Field::new("dhcp-options", Text).default("hostname,clientid"),
    Field::new("script", Text).default(""),
    Field::shown("status"),
    Field::shown("address"),
    Field::shown("gateway"),
    Field::shown("dhcp-server"),
    Field::shown("primary-dns"),
    Field::shown("secondary-dns"),
    Field::shown("expires-after").of(Duration),
    Field::state("invalid"),
    Field::state("dynamic"),
    DISABLED,
    COMMENT,
];

const ARP: &[Field] = &[
    Field::new("address", Address).required(),
    Field::new("mac-address", Mac),
    Field::new("interface", Interface).required(),
    Field::new("published", Bool).default("false"),
    Field::shown("status"),
    Field::state("complete"),
    Field::state("dynamic"),
    Field::state("invalid"),
    DISABLED,
    COMMENT,
];

const NEIGHBOR: &[Field] = &[
    Field::shown("interface"),
    Field::shown("address"),
    Field::shown("mac-address"),
    Field::shown("identity"),
    Field::shown("platform"),
    Field::shown("version"),
    Field::shown("board"),
    Field::shown("discovered-by"),
    Field::shown("age").of(Duration),
];

const SERVICE: &[Field] = &[
    Field::shown("name"),
    Field::new("port", Number(1, 65_535)),
    Field::shown("proto"),
    Field::new("address", List(&Prefix)).default(""),
    Field::new("certificate", Name("/certificate", &["none"])).default("none"),
    Field::new("vrf", Name("/ip/vrf", &["main"])).default("main"),
    Field::new("max-sessions", Number(1, 1000))
        .default("20")
        .since(16),
    Field::state("dynamic"),
    Field::state("invalid"),
    DISABLED,
];

const DNS: &[Field] = &[
    Field::new("servers", List(&Address)).default(""),
    Field::shown("dynamic-servers"),
    Field::new("allow-remote-requests", Bool).default("false"),
];

const SETTINGS: &[Field] = &[
    Field::new("ip-forward", Bool).default("true"),
    Field::new("rp-filter", Choice(&["no", "loose", "strict"])).default("no"),
    Field::new("tcp-syncookies", Bool).default("false"),
    Field::new("arp-timeout", Duration).default("30s"),
];

pub(super) fn fill(database: &mut Database) {
    let services = [
        ("telnet", "23"),
        ("ftp", "21"),
        ("www", "80"),
        ("ssh", "22"),
        ("www-ssl", "443"),
        ("api", "8728"),
        ("winbox", "8291"),
        ("api-ssl", "8729"),
    ];
    for (name, port) in services {
        let values = [("name", name), ("port", port), ("proto", "tcp")];
        database.add_builtin("/ip/service", &values);
    }
    database.add_builtin("/ip/dns", &[]);
    database.add_builtin("/ip/settings", &[]);
}
