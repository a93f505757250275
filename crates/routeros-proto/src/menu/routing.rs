//! Routes, tables and rules.

use super::view;
use crate::value::{Gateway, Prefix};

view! {
    /// A route.
    Route at "/ip/route" {
        /// `.id`.
        id: String = ".id",
        /// Where to.
        dst_address: Prefix = "dst-address",
        /// Its table; empty means `main` on older routers.
        routing_table: String = "routing-table",
        /// Next hops as configured; several share the traffic.
        gateway: String = "gateway",
        /// Where packets really leave; none while it is inactive.
        immediate_gateway: Option<Gateway> = "immediate-gw",
        /// Source address of the router's own packets.
        pref_src: String = "pref-src",
        /// Its rank among routes to the same place; the least wins.
        distance: Option<u8> = "distance",
        /// How it may be used to reach gateways of others.
        scope: Option<u8> = "scope",
        /// Which routes may be used to reach its own gateway.
        target_scope: Option<u8> = "target-scope",
        /// `none`, `arp`, `ping` or `bfd`; empty means none.
        check_gateway: String = "check-gateway",
        /// The virtual router that it came from.
        vrf_interface: String = "vrf-interface",
        /// Whether packets are dropped.
        blackhole: bool = "blackhole",
        /// Whether it is in use.
        active: bool = "active",
        /// Whether it cannot be used now.
        inactive: bool = "inactive",
        /// Whether somebody switched it off.
        disabled: bool = "disabled",
        /// Whether the router made it by itself.
        dynamic: bool = "dynamic",
        /// Whether it belongs to an address.
        connect: bool = "connect",
        /// Whether somebody wrote it.
        is_static: bool = "static",
        /// Whether a DHCP client made it.
        dhcp: bool = "dhcp",
        /// Whether a tunnel made it.
        vpn: bool = "vpn",
        /// Whether a modem made it.
        modem: bool = "modem",
        /// Whether it shares its traffic with an equal one.
        ecmp: bool = "ecmp",
        /// Comment.
        comment: String = "comment",
    }

    /// A routing table.
    RoutingTable at "/routing/table" {
        /// `.id`.
        id: String = ".id",
        /// Its name.
        name: String = "name",
        /// Whether packets are forwarded by it.
        fib: bool = "fib",
        /// Whether the router made it by itself.
        dynamic: bool = "dynamic",
        /// Whether somebody switched it off.
        disabled: bool = "disabled",
        /// Comment.
        comment: String = "comment",
    }

    /// A rule that chooses a table.
    RoutingRule at "/routing/rule" {
        /// `.id`.
        id: String = ".id",
        /// Packets to there.
        dst_address: Option<Prefix> = "dst-address",
        /// Packets from there.
        src_address: Option<Prefix> = "src-address",
        /// Packets that came in here.
        interface: String = "interface",
        /// Packets with this mark.
        routing_mark: String = "routing-mark",
        /// `lookup`, `lookup-only-in-table`, `drop` or `unreachable`.
        action: String = "action",
        /// The table.
        table: String = "table",
        /// Whether somebody switched it off.
        disabled: bool = "disabled",
        /// Whether the router cannot use it.
        inactive: bool = "inactive",
        /// Comment.
        comment: String = "comment",
    }
}

impl Route {
    /// Next hops as configured, each alone.
    pub fn gateways(&self) -> impl Iterator<Item = Gateway> {
        crate::value::parse_list(&self.gateway).filter_map(|hop| hop.parse().ok())
    }

    /// Whether it is in the table that is used without a rule.
    pub fn is_in_main(&self) -> bool {
        self.routing_table.is_empty() || self.routing_table == "main"
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{menu::View, row::Row};

    #[test]
    fn a_pushed_route_is_known_by_its_flags() {
        let row: Row = [
            (".id", "*80000004"),
            ("dst-address", "128.0.0.0/1"),
            ("gateway", "100.127.255.1,lte1"),
            ("immediate-gw", "192.0.2.1%ether1"),
            ("distance", "1"),
            ("scope", "30"),
            ("target-scope", "10"),
            ("routing-table", "main"),
            ("active", "true"),
            ("dynamic", "true"),
            ("vpn", "true"),
        ]
        .into_iter()
        .collect();
        let route = Route::read(&row).unwrap();
        assert!(route.vpn && route.active && route.dynamic && !route.is_static);
        assert!(route.is_in_main());
        let through = route.immediate_gateway.as_ref().unwrap();
        assert_eq!(through.interface.as_deref(), Some("ether1"));
        assert_eq!(route.gateways().count(), 2);
    }
}
