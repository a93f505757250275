//! Addresses, and where they come from.

use std::{net::IpAddr, time::Duration};

use super::view;
use crate::value::Prefix;

view! {
    /// An address of the router.
    Address at "/ip/address" {
        /// `.id`.
        id: String = ".id",
        /// Address with the length of its network.
        address: Prefix = "address",
        /// The network's address.
        network: Option<IpAddr> = "network",
        /// The interface it was given to.
        interface: String = "interface",
        /// The interface it is on: a bridge, when it was given to one of its ports.
        actual_interface: String = "actual-interface",
        /// Whether the router made it by itself.
        dynamic: bool = "dynamic",
        /// Whether its interface is gone.
        invalid: bool = "invalid",
        /// Whether somebody switched it off.
        disabled: bool = "disabled",
        /// Comment.
        comment: String = "comment",
    }

    /// A DHCP client.
    DhcpClient at "/ip/dhcp-client" {
        /// `.id`.
        id: String = ".id",
        /// The interface it asks on.
        interface: String = "interface",
        /// `stopped`, `searching...`, `requesting...`, `bound`, `renewing...`, `rebinding...`, `error`.
        status: String = "status",
        /// Address that was leased.
        address: Option<Prefix> = "address",
        /// Way out that was leased.
        gateway: Option<IpAddr> = "gateway",
        /// Who leased it.
        dhcp_server: Option<IpAddr> = "dhcp-server",
        /// First name server that was leased.
        primary_dns: Option<IpAddr> = "primary-dns",
        /// How long the lease still holds.
        expires_after: Option<Duration> = "expires-after",
        /// `yes`, `no` or `special-classless`.
        add_default_route: String = "add-default-route",
        /// That route's distance.
        default_route_distance: Option<u8> = "default-route-distance",
        /// Tables that get that route, since 7.18.
        default_route_tables: Vec<String> = "default-route-tables",
        /// Runs on every change of the lease.
        script: String = "script",
        /// Whether somebody switched it off.
        disabled: bool = "disabled",
        /// Whether its interface is gone.
        invalid: bool = "invalid",
        /// Whether the router made it by itself.
        dynamic: bool = "dynamic",
        /// Comment.
        comment: String = "comment",
    }
}

impl DhcpClient {
    /// Whether it holds a lease, be it one that is being renewed.
    pub fn is_bound(&self) -> bool {
        ["bound", "renewing", "rebinding"]
            .iter()
            .any(|status| self.status.starts_with(status))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{menu::View, row::Row};

    #[test]
    fn a_bound_client_tells_its_gateway() {
        let row: Row = [
            (".id", "*1"),
            ("interface", "ether1"),
            ("status", "bound"),
            ("address", "198.51.100.7/24"),
            ("gateway", "198.51.100.1"),
            ("dhcp-server", "198.51.100.1"),
            ("add-default-route", "yes"),
            ("default-route-distance", "1"),
            ("expires-after", "23h59m"),
            ("disabled", "false"),
        ]
        .into_iter()
        .collect();
        let client = DhcpClient::read(&row).unwrap();
        assert!(client.is_bound());
        assert_eq!(client.gateway, Some([198, 51, 100, 1].into()));
        assert_eq!(client.expires_after, Some(Duration::from_secs(86_340)));
    }

    #[test]
    fn a_searching_client_has_no_gateway_and_an_empty_distance() {
        let row: Row = [
            (".id", "*1"),
            ("interface", "ether1"),
            ("status", "searching..."),
            ("default-route-distance", ""),
        ]
        .into_iter()
        .collect();
        let client = DhcpClient::read(&row).unwrap();
        assert!(!client.is_bound());
        assert_eq!(client.gateway, None);
        assert_eq!(client.default_route_distance, None);
    }
}
