//! Rules of the firewall. Their order decides; dynamic ones cannot be touched.

use super::view;

/// Views of one kind of rule in several menus.
macro_rules! rules {
    ($($(#[$doc:meta])* $name:ident at $path:literal { $($(#[$about:meta])* $field:ident: $kind:ty = $property:literal,)* })+) => {
        view! {
            $(
                $(#[$doc])*
                $name at $path {
                    /// `.id`.
                    id: String = ".id",
                    /// Where it is asked: `input`, `forward`, `output`, `srcnat` and so on.
                    chain: String = "chain",
                    /// What it does.
                    action: String = "action",
                    /// Interface that the packet came in by.
                    in_interface: String = "in-interface",
                    /// List of such interfaces, negated with `!`.
                    in_interface_list: String = "in-interface-list",
                    /// Interface that the packet leaves by.
                    out_interface: String = "out-interface",
                    /// List of such interfaces, negated with `!`.
                    out_interface_list: String = "out-interface-list",
                    /// Where to.
                    dst_address: String = "dst-address",
                    /// Where from.
                    src_address: String = "src-address",
                    /// `tcp`, `udp`, ...
                    protocol: String = "protocol",
                    /// Ports there.
                    dst_port: String = "dst-port",
                    $($(#[$about])* $field: $kind = $property,)*
                    /// Whether somebody switched it off.
                    disabled: bool = "disabled",
                    /// Whether the router made it by itself.
                    dynamic: bool = "dynamic",
                    /// Whether it names something that is not there.
                    invalid: bool = "invalid",
                    /// Comment.
                    comment: String = "comment",
                }
            )+
        }
    };
}

rules! {
    /// A rule that lets packets pass, or does not.
    Filter at "/ip/firewall/filter" {
        /// States of the connection.
        connection_state: String = "connection-state",
    }

    /// A rule that changes addresses.
    Nat at "/ip/firewall/nat" {
        /// What the address becomes.
        to_addresses: String = "to-addresses",
    }

    /// A rule that marks packets.
    Mangle at "/ip/firewall/mangle" {
        /// The table that the packet is then routed by.
        new_routing_mark: String = "new-routing-mark",
        /// Whether later rules are asked as well.
        passthrough: bool = "passthrough",
    }
}
