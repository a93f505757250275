//! Which gateways an interface may have, best first.

use std::net::Ipv4Addr;

use holdfast_routeros_proto::Row;

use crate::{Gateway, Menu, Observed, observed::interface_of, wan};

/// A gateway that an interface may have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The gateway.
    pub gateway: Gateway,
    /// What it is known from.
    pub source: Source,
    /// The same in words a person reads.
    pub reason: String,
    /// What speaks against it.
    pub warnings: Vec<String>,
}

macro_rules! sources {
    ($($(#[$doc:meta])* $name:ident = $word:literal,)+) => {
        /// What a gateway is known from, the best first.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Source {
            $($(#[$doc])* $name,)+
        }

        impl Source {
            /// The word in interfaces.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $word,)+
                }
            }
        }
    };
}

sources! {
    /// A DHCP lease.
    Dhcp = "dhcp",
    /// The other end of a PPPoE session.
    Pppoe = "pppoe",
    /// A mobile modem.
    Lte = "lte",
    /// A default route.
    Route = "route",
    /// The only other host of a network.
    PointToPoint = "point-to-point",
    /// A neighbour that announces itself.
    Neighbor = "neighbor",
    /// A neighbour that answered ARP.
    Arp = "arp",
}

/// The gateways that `interface` may have, best first, each once. Whether one answers is for the caller to find out.
pub fn gateways(interface: &str, observed: &Observed) -> Vec<Candidate> {
    let Some(row) = observed.interface(interface) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    dhcp(interface, observed, &mut found);
    pppoe(interface, observed, &mut found);
    if row.text("type") == "lte" {
        let reason = "the modem's link has one other end: packets need no address to get there";
        found.push((Gateway::Interface, Source::Lte, reason.into()));
    }
    routes(interface, observed, &mut found);
    if !wan::is_point_to_point(row) {
        point_to_point(interface, observed, &mut found);
        neighbors(interface, observed, &mut found);
    }
    let warnings = of_interface(row, observed);
    let mut candidates: Vec<Candidate> = Vec::new();
    found.sort_by_key(|(_, source, _)| *source);
    for (gateway, source, reason) in found {
        if candidates.iter().any(|known| known.gateway == gateway) || is_own(gateway, observed) {
            continue;
        }
        let mut warnings = warnings.clone();
        warnings.extend(shared(gateway, interface, observed));
        candidates.push(Candidate {
            gateway,
            source,
            reason,
            warnings,
        });
    }
    candidates
}

type Found = Vec<(Gateway, Source, String)>;

fn dhcp(interface: &str, observed: &Observed, found: &mut Found) {
    let bridge = observed.bridge_of(interface);
    for on in [Some(interface), bridge].into_iter().flatten() {
        let Some(client) = observed.dhcp_client(on) else {
            continue;
        };
        if let Ok(gateway) = client.text("gateway").parse() {
            let server = client.text("dhcp-server");
            let reason = match server {
                "" => format!("leased by DHCP on {on}"),
                server => format!("leased by DHCP on {on} from {server}"),
            };
            found.push((Gateway::Address(gateway), Source::Dhcp, reason));
        }
    }
}

fn pppoe(interface: &str, observed: &Observed, found: &mut Found) {
    if let Some(client) = observed.named(Menu::PppoeClient, "name", interface) {
        let over = client.text("interface");
        let reason =
            format!("a PPPoE session over {over}: packets need no address to get to its other end");
        found.push((Gateway::Interface, Source::Pppoe, reason));
        let ends = observed.networks(interface);
        let far = ends.iter().filter_map(wan::Network::other_end);
        found.extend(far.map(|end| {
            let reason = format!("the other end of the PPPoE session over {over}, at this moment");
            (Gateway::Address(end), Source::Pppoe, reason)
        }));
    }
}

fn routes(interface: &str, observed: &Observed, found: &mut Found) {
    let through = observed.rows(Menu::Route).iter().filter(|route| {
        route.text("dst-address") == "0.0.0.0/0" && interface_of(route) == interface
    });
    for route in through {
        let table = match route.text("routing-table") {
            "" | "main" => String::new(),
            table => format!(" of table {table}"),
        };
        let made = if route.flag("dynamic") {
            "a dynamic"
        } else {
            "a static"
        };
        let state = if route.flag("active") {
            "active"
        } else {
            "not active"
        };
        let reason = format!("{made} default route{table}, {state}");
        let gateway = match route.text("immediate-gw") {
            "" => route.text("gateway"),
            resolved => resolved,
        };
        let address = gateway.split('%').next().unwrap_or_default();
        match address.parse() {
            Ok(address) => found.push((Gateway::Address(address), Source::Route, reason)),
            Err(_) if gateway == interface => {
                found.push((Gateway::Interface, Source::Route, reason))
            }
            Err(_) => {}
        }
    }
}

fn point_to_point(interface: &str, observed: &Observed, found: &mut Found) {
    for network in observed.networks(interface) {
        if let Some(end) = network.other_end() {
            let reason = format!("the only other host of {}", network.own.network());
            found.push((Gateway::Address(end), Source::PointToPoint, reason));
        }
    }
}

fn neighbors(interface: &str, observed: &Observed, found: &mut Found) {
    let networks = observed.networks(interface);
    let reachable = |row: &Row| -> Option<Ipv4Addr> {
        let address = row.text("address").parse().ok()?;
        let inside = networks.iter().any(|network| network.reaches(address));
        (row.text("interface") == interface && inside).then_some(address)
    };
    for row in observed.rows(Menu::Neighbor) {
        if let Some(address) = reachable(row) {
            let who = [
                row.text("identity"),
                row.text("board"),
                row.text("platform"),
            ];
            let who: Vec<_> = who.into_iter().filter(|word| !word.is_empty()).collect();
            let reason = format!("a neighbour that announces itself: {}", who.join(", "));
            found.push((Gateway::Address(address), Source::Neighbor, reason));
        }
    }
    for row in observed.rows(Menu::Arp) {
        let gone = matches!(row.text("status"), "failed" | "incomplete")
            || !row.flag("complete")
            || row.flag("disabled");
        if let Some(address) = reachable(row).filter(|_| !gone) {
            let reason = format!("a host that answered ARP with {}", row.text("mac-address"));
            found.push((Gateway::Address(address), Source::Arp, reason));
        }
    }
}

/// What speaks against any gateway of this interface.
fn of_interface(row: &Row, observed: &Observed) -> Vec<String> {
    let name = row.text("name");
    let mut warnings = Vec::new();
    if let Some(bridge) = observed.bridge_of(name) {
        warnings.push(format!(
            "{name} is a port of {bridge}: choose {bridge} as the interface"
        ));
    }
    if let Some(vrf) = observed.vrf_of(name) {
        warnings.push(format!(
            "{name} is in the virtual router {vrf}: routes of the main table do not reach it"
        ));
    }
    if row.flag("disabled") {
        warnings.push(format!("{name} is switched off"));
    }
    let detects = observed.rows(Menu::DetectInternet).iter().any(|row| {
        let list = row.text("detect-interface-list");
        !matches!(list, "" | "none")
    });
    if detects {
        warnings
            .push("detect-internet is on: it may make DHCP clients and routes by itself".into());
    }
    warnings
}

/// Whether another interface leads to a gateway of the same address. That works, as routes name the interface as well.
fn shared(gateway: Gateway, interface: &str, observed: &Observed) -> Option<String> {
    let Gateway::Address(address) = gateway else {
        return None;
    };
    let spelled = address.to_string();
    let leased = observed
        .rows(Menu::DhcpClient)
        .iter()
        .filter(|row| row.text("gateway") == spelled)
        .map(|row| row.text("interface"));
    let routed = observed
        .rows(Menu::Route)
        .iter()
        .filter(|row| row.text("dst-address") == "0.0.0.0/0")
        .filter(|row| row.text("immediate-gw").split('%').next() == Some(&spelled))
        .map(interface_of);
    let own = [Some(interface), observed.bridge_of(interface), Some("")];
    let mut others = leased
        .chain(routed)
        .filter(|other| !own.contains(&Some(*other)));
    let other = others.next()?;
    Some(format!(
        "{other} has a gateway of the same address, which Holdfast tells apart by the interface"
    ))
}

fn is_own(gateway: Gateway, observed: &Observed) -> bool {
    let Gateway::Address(address) = gateway else {
        return false;
    };
    let spelled = address.to_string();
    let mut rows = observed.rows(Menu::Address).iter();
    rows.any(|row| row.text("address").split('/').next() == Some(&spelled))
}
