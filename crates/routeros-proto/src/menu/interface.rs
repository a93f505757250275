//! Interfaces, and what they are joined into.

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

    /// An Ethernet port.
    Ethernet at "/interface/ethernet" {
        /// `.id`.
        id: String = ".id",
        /// What it is called now.
        name: String = "name",
        /// What it was called in the factory.
        default_name: String = "default-name",
        /// Hardware address.
        mac_address: String = "mac-address",
        /// Speed as configured, such as `1Gbps`.
        speed: String = "speed",
        /// Whether somebody switched it off.
        disabled: bool = "disabled",
        /// Comment.
        comment: String = "comment",
    }

    /// A mobile modem.
    Lte at "/interface/lte" {
        /// `.id`.
        id: String = ".id",
        /// What it is called now.
        name: String = "name",
        /// What it was called in the factory.
        default_name: String = "default-name",
        /// Whether it is attached.
        running: bool = "running",
        /// Whether the modem is not there.
        inactive: bool = "inactive",
        /// Whether somebody switched it off.
        disabled: bool = "disabled",
        /// What it dials, by name.
        apn_profiles: Vec<String> = "apn-profiles",
        /// Which generations it may use.
        network_mode: String = "network-mode",
        /// Comment.
        comment: String = "comment",
    }

    /// A VLAN.
    Vlan at "/interface/vlan" {
        /// `.id`.
        id: String = ".id",
        /// Its name.
        name: String = "name",
        /// The interface below.
        interface: String = "interface",
        /// Its number.
        vlan_id: Option<u16> = "vlan-id",
        /// Whether it has a link.
        running: bool = "running",
        /// Whether somebody switched it off.
        disabled: bool = "disabled",
        /// Comment.
        comment: String = "comment",
    }

    /// An interface inside a bridge.
    BridgePort at "/interface/bridge/port" {
        /// `.id`.
        id: String = ".id",
        /// The bridge.
        bridge: String = "bridge",
        /// The interface, or a list of them.
        interface: String = "interface",
        /// Whether the port is not in use.
        inactive: bool = "inactive",
        /// Whether somebody switched it off.
        disabled: bool = "disabled",
        /// Whether the router made it by itself.
        dynamic: bool = "dynamic",
        /// Comment.
        comment: String = "comment",
    }

    /// A list of interfaces, such as `WAN`.
    InterfaceList at "/interface/list" {
        /// `.id`.
        id: String = ".id",
        /// Its name.
        name: String = "name",
        /// Whether it came with the system.
        builtin: bool = "builtin",
        /// Comment.
        comment: String = "comment",
    }

    /// An interface in a list.
    InterfaceListMember at "/interface/list/member" {
        /// `.id`.
        id: String = ".id",
        /// The list.
        list: String = "list",
        /// The interface.
        interface: String = "interface",
        /// Whether somebody switched it off.
        disabled: bool = "disabled",
        /// Whether the router made it by itself.
        dynamic: bool = "dynamic",
        /// Comment.
        comment: String = "comment",
    }
}
