//! Addresses inside the tunnels.

use std::net::Ipv4Addr;

/// Tunnels get their addresses from here. The range is reserved for tests between networks (RFC 2544), so
/// no ISP hands it out, as they do 100.64.0.0/10 (Starlink's gateway is 100.64.0.1).
const POOL: Ipv4Addr = Ipv4Addr::new(198, 18, 0, 0);

/// The pool is a /15; every tunnel has a /30 of it.
pub const NETWORKS: u32 = 1 << 15;

/// Prefix length of a tunnel's own network.
pub const PREFIX: u8 = 30;

/// The network that holds the addresses of every tunnel, with its prefix length.
pub const fn pool() -> (Ipv4Addr, u8) {
    (POOL, 15)
}

/// The next hop that the routes of a RouterOS router name: each slot, counted from 1, has one, and a host route on the
/// router leads from it to the ISP's real gateway. So gateways that change, that two ISPs share or that have no address
/// need no new push.
///
/// The address is in the range for carrier NAT (RFC 6598), at the end that ISPs who use it reach last.
pub const fn virtual_next_hop(slot: u8) -> Ipv4Addr {
    Ipv4Addr::new(100, 127, 255, slot)
}

/// Both ends of one tunnel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TunnelAddresses {
    /// The router's.
    pub router: Ipv4Addr,
    /// Ours.
    pub server: Ipv4Addr,
}

/// The addresses of a tunnel network. Beyond [`NETWORKS`] they repeat: they need to differ only within a site, as no
/// packet leaves the tunnel it came in by.
pub fn of_network(index: u32) -> TunnelAddresses {
    let base = u32::from(POOL) + index % NETWORKS * 4;
    TunnelAddresses {
        server: Ipv4Addr::from(base + 1),
        router: Ipv4Addr::from(base + 2),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ends_lie_in_the_network_of_their_own_and_in_the_pool() {
        for index in [0, 1, NETWORKS - 1, NETWORKS, u32::MAX] {
            let TunnelAddresses { router, server } = of_network(index);
            assert_eq!(u32::from(router) >> 2, u32::from(server) >> 2);
            let (pool, length) = pool();
            assert_eq!(
                u32::from(router) >> (32 - length),
                u32::from(pool) >> (32 - length)
            );
        }
        assert_eq!(of_network(NETWORKS), of_network(0));
        assert_ne!(of_network(1), of_network(0));
    }

    #[test]
    fn every_slot_has_a_next_hop_of_its_own() {
        assert_eq!(virtual_next_hop(1), Ipv4Addr::new(100, 127, 255, 1));
        assert_ne!(virtual_next_hop(1), virtual_next_hop(2));
    }
}
