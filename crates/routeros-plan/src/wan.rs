//! WAN interfaces as a router has them: what kind of link they are, and who gives them a default route.

use std::net::Ipv4Addr;

use holdfast_routeros_proto::{
    Row,
    value::{Prefix, parse_list},
};

use crate::{Gateway, Menu, Observed, Slot, observed::interface_of};

/// Types of interfaces that end at one other host, so that a route may lead into the interface.
const POINT_TO_POINT: &[&str] = &["pppoe-out", "lte", "ppp-out"];

/// Types of interfaces that need another interface beneath to reach anybody.
const TUNNELS: &[&str] = &[
    "ovpn-out",
    "ovpn-in",
    "l2tp-out",
    "l2tp-in",
    "pptp-out",
    "pptp-in",
    "sstp-out",
    "sstp-in",
    "pppoe-in",
    "wg",
    "gre-tunnel",
    "gre6-tunnel",
    "ipip-tunnel",
    "ipipv6-tunnel",
    "6to4-tunnel",
    "eoip",
    "eoipv6",
    "vxlan",
    "zerotier",
    "mpls-te",
    "vpls",
    "vpls-bgp",
    "l2tp-ether",
    "ipsec",
    "veth",
];

pub(crate) fn is_point_to_point(interface: &Row) -> bool {
    POINT_TO_POINT.contains(&interface.text("type"))
}

fn is_tunnel(interface: &Row) -> bool {
    TUNNELS.contains(&interface.text("type"))
}

impl Observed {
    /// The tunnel that an interface is, or that carries it.
    pub(crate) fn tunnel_beneath<'a>(&'a self, interface: &'a Row) -> Option<&'a Row> {
        let mut row = interface;
        // A loop of interfaces would be a strange router, and no reason to hang.
        for _ in 0..8 {
            if is_tunnel(row) {
                return Some(row);
            }
            let name = row.text("name");
            let carried = [Menu::Vlan, Menu::PppoeClient]
                .into_iter()
                .find_map(|menu| self.named(menu, "name", name))?;
            row = self.interface(carried.text("interface"))?;
        }
        None
    }

    /// The bridge that an interface is a port of.
    pub(crate) fn bridge_of(&self, interface: &str) -> Option<&str> {
        let port = self
            .rows(Menu::BridgePort)
            .iter()
            .find(|port| port.text("interface") == interface && !port.flag("disabled"))?;
        Some(port.text("bridge"))
    }

    /// Whether a bridge is the site's own network: nothing says that the internet is behind it.
    pub(crate) fn is_lan_bridge(&self, interface: &Row) -> bool {
        let name = interface.text("name");
        interface.text("type") == "bridge"
            && self.dhcp_client(name).is_none()
            && !self.in_list(name, crate::names::WAN_LIST)
            && !self
                .default_routes()
                .any(|route| interface_of(route) == name)
    }

    /// Where packets of a slot go at this moment: DHCP may have changed its mind since the gateway was configured, and the
    /// far end of a point-to-point link has another address with every session.
    pub(crate) fn gateway_of(&self, slot: &Slot) -> Gateway {
        if slot.gateway == Gateway::Interface {
            return slot.gateway;
        }
        let Some(client) = self.dhcp_client(&slot.interface) else {
            let row = self.interface(&slot.interface);
            let into = row.is_some_and(is_point_to_point);
            return if into {
                Gateway::Interface
            } else {
                slot.gateway
            };
        };
        if let Ok(leased) = client.text("gateway").parse() {
            return Gateway::Address(leased);
        }
        // Without a lease the router keeps the last gateway that it followed.
        self.last_hop(slot).map_or(slot.gateway, Gateway::Address)
    }

    /// The gateway that the slot's next hop leads to, if through the slot's interface.
    fn last_hop(&self, slot: &Slot) -> Option<Ipv4Addr> {
        let tag = crate::Tag::of_slot(crate::Kind::NextHop, slot.number);
        let route = self.owned_as(Menu::Route, tag)?;
        let (gateway, interface) = route.text("gateway").split_once('%')?;
        (interface == slot.interface).then(|| gateway.parse().ok())?
    }

    /// The networks of an interface: its addresses with their lengths, and on point-to-point links the other end.
    pub(crate) fn networks(&self, interface: &str) -> Vec<Network> {
        self.addresses(interface)
            .filter_map(|row| {
                let own: Prefix = row.text("address").parse().ok()?;
                Some(Network {
                    own,
                    far: row.text("network").parse().ok(),
                })
            })
            .collect()
    }

    /// The APNs that an LTE interface dials.
    pub(crate) fn apns_of<'a>(&'a self, interface: &'a str) -> impl Iterator<Item = &'a Row> {
        let lte = self.named(Menu::Lte, "name", interface);
        // A modem that was told nothing dials the APN that every router has.
        let profiles = lte.map(|lte| lte.get("apn-profiles").unwrap_or("default"));
        self.rows(Menu::LteApn).iter().filter(move |apn| {
            parse_list(profiles.unwrap_or_default()).any(|name| name == apn.text("name"))
        })
    }

    /// The virtual router that an interface is in.
    pub(crate) fn vrf_of(&self, interface: &str) -> Option<&str> {
        let has = |vrf: &&Row| parse_list(vrf.text("interfaces")).any(|name| name == interface);
        let vrf = self
            .rows(Menu::Vrf)
            .iter()
            .filter(|vrf| !vrf.flag("disabled"))
            .find(has)?;
        Some(vrf.text("name"))
    }
}

/// An address of an interface, with what it reaches without a gateway.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Network {
    /// The router's own address, with the length of its network.
    pub(crate) own: Prefix,
    /// The network's address, or the other end of a point-to-point link.
    pub(crate) far: Option<Ipv4Addr>,
}

impl Network {
    pub(crate) fn reaches(&self, address: Ipv4Addr) -> bool {
        self.own.contains(address.into()) || self.own.is_host() && self.far == Some(address)
    }

    /// The only other host, where there is only one.
    pub(crate) fn other_end(&self) -> Option<Ipv4Addr> {
        let std::net::IpAddr::V4(own) = self.own.address else {
            return None;
        };
        match self.own.length {
            32 => self.far.filter(|far| *far != own),
            31 => Some(Ipv4Addr::from(own.to_bits() ^ 1)),
            30 => match own.to_bits() & 3 {
                1 | 2 => Some(Ipv4Addr::from(own.to_bits() ^ 3)),
                _ => None,
            },
            _ => None,
        }
    }
}
