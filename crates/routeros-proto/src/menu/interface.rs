//! Interfaces.

use super::view;

view! {
    /// An interface of any kind.
    Interface at "/interface" {
        /// `.id`.
        id: String = ".id",
        /// What it is called now.
        name: String = "name",
        /// What it was called in the factory; empty for one that is not hardware.
        default_name: String = "default-name",
        /// `ether`, `vlan`, `bridge`, `wlan`, `wifi`, `lte`, `pppoe-out`, `ovpn-out` and others.
        kind: String = "type",
        /// Whether it has a link, or its session is up.
        running: bool = "running",
        /// Whether somebody switched it off.
        disabled: bool = "disabled",
        /// Whether the router made it by itself.
        dynamic: bool = "dynamic",
        /// Whether it is a port of a bridge or a bond.
        slave: bool = "slave",
        /// Largest packet as configured; none when it says `auto`.
        mtu: Option<u32> = "mtu",
        /// Largest packet in bytes.
        actual_mtu: Option<u32> = "actual-mtu",
        /// Hardware address.
        mac_address: String = "mac-address",
        /// Bytes received since it is up.
        rx_bytes: Option<u64> = "rx-byte",
        /// Bytes sent since it is up.
        tx_bytes: Option<u64> = "tx-byte",
        /// How often it lost its link.
        link_downs: Option<u32> = "link-downs",
        /// When it last got its link, on the router's clock and in its spelling.
        last_link_up: String = "last-link-up-time",
        /// When it last lost its link, likewise.
        last_link_down: String = "last-link-down-time",
        /// Comment.
        comment: String = "comment",
    }
}
