//! Who is next to the router.

use std::{net::IpAddr, time::Duration};

use super::view;

view! {
    /// A neighbour as ARP sees it.
    Arp at "/ip/arp" {
        /// `.id`.
        id: String = ".id",
        /// Address.
        address: Option<IpAddr> = "address",
        /// Hardware address; empty while it is asked for.
        mac_address: String = "mac-address",
        /// The interface it is on.
        interface: String = "interface",
        /// Whether the hardware address is known.
        complete: bool = "complete",
        /// Whether the router learnt it by itself.
        dynamic: bool = "dynamic",
        /// `reachable`, `stale`, `delay`, `probe`, `failed`, `incomplete`, `permanent`; empty on older routers.
        status: String = "status",
        /// Whether somebody switched it off.
        disabled: bool = "disabled",
    }

    /// A neighbour that announces itself.
    Neighbor at "/ip/neighbor" {
        /// `.id`.
        id: String = ".id",
        /// The interfaces it was heard on, a bridge behind its port.
        interfaces: Vec<String> = "interface",
        /// Address.
        address: Option<IpAddr> = "address",
        /// Hardware address.
        mac_address: String = "mac-address",
        /// Its name.
        identity: String = "identity",
        /// Who made it.
        platform: String = "platform",
        /// Its software's version.
        version: String = "version",
        /// Its model.
        board: String = "board",
        /// How it announces itself: `mndp`, `lldp`, `cdp`.
        discovered_by: Vec<String> = "discovered-by",
        /// How long it was last heard ago.
        age: Option<Duration> = "age",
    }
}
