use serde::{Deserialize, Serialize};

macro_rules! menus {
    ($($(#[$doc:meta])* $name:ident = $path:literal,)+) => {
        /// A menu of RouterOS.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Menu {
            $($(#[$doc])* #[serde(rename = $path)] $name,)+
        }

        impl Menu {
            /// Its path, such as `/ip/route`.
            pub const fn path(self) -> &'static str {
                match self {
                    $(Self::$name => $path,)+
                }
            }

            /// The menu with this path.
            pub fn from_path(path: &str) -> Option<Self> {
                match path {
                    $($path => Some(Self::$name),)+
                    _ => None,
                }
            }
        }
    };
}

menus! {
    /// Certificates.
    Certificate = "/certificate",
    /// Files.
    File = "/file",
    /// Interfaces of every kind.
    Interface = "/interface",
    /// Ports of bridges.
    BridgePort = "/interface/bridge/port",
    /// What looks for the internet by itself.
    DetectInternet = "/interface/detect-internet",
    /// Interface lists.
    InterfaceList = "/interface/list",
    /// What is in them.
    InterfaceListMember = "/interface/list/member",
    /// Mobile modems.
    Lte = "/interface/lte",
    /// What mobile modems dial.
    LteApn = "/interface/lte/apn",
    /// OpenVPN clients.
    OvpnClient = "/interface/ovpn-client",
    /// PPPoE clients.
    PppoeClient = "/interface/pppoe-client",
    /// VLANs.
    Vlan = "/interface/vlan",
    /// Addresses.
    Address = "/ip/address",
    /// Neighbours as ARP sees them.
    Arp = "/ip/arp",
    /// DHCP clients.
    DhcpClient = "/ip/dhcp-client",
    /// Filter rules.
    Filter = "/ip/firewall/filter",
    /// Rules that mark packets.
    Mangle = "/ip/firewall/mangle",
    /// Rules that translate addresses.
    Nat = "/ip/firewall/nat",
    /// Neighbours that announce themselves.
    Neighbor = "/ip/neighbor",
    /// Routes.
    Route = "/ip/route",
    /// What the router listens with.
    Service = "/ip/service",
    /// Settings of IPv4.
    IpSettings = "/ip/settings",
    /// Virtual routers.
    Vrf = "/ip/vrf",
    /// Profiles of PPP and OpenVPN clients.
    PppProfile = "/ppp/profile",
    /// Routing tables.
    RoutingTable = "/routing/table",
    /// Who holds the configuration in safe mode.
    SafeMode = "/safe-mode",
    /// What the device lets its software do.
    DeviceMode = "/system/device-mode",
    /// Model and version.
    Resource = "/system/resource",
    /// What runs at times.
    Scheduler = "/system/scheduler",
    /// Scripts.
    Script = "/system/script",
    /// Hosts that are watched.
    Netwatch = "/tool/netwatch",
    /// Users.
    User = "/user",
    /// Groups of users.
    UserGroup = "/user/group",
}
