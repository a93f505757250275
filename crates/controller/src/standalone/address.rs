//! Which tunnel of a grants file has which network.

use holdfast_failover::addresses::{NETWORKS, TunnelAddresses, of_network};
use sha2::{Digest, Sha256};

/// Addresses for the tunnels of one site, in the order of `usernames`.
///
/// They follow from the names alone, so they survive restarts and moves to another controller. They need
/// to differ only within a site: no packet leaves the tunnel it came in by.
pub(super) fn allot<'a>(usernames: impl IntoIterator<Item = &'a str>) -> Vec<TunnelAddresses> {
    let mut taken = Vec::new();
    for name in usernames {
        let digest = Sha256::digest(name.as_bytes());
        let mut network =
            u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]) % NETWORKS;
        while taken.contains(&network) {
            network = (network + 1) % NETWORKS;
        }
        taken.push(network);
    }
    taken.into_iter().map(of_network).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn addresses_follow_from_the_name() {
        assert_eq!(allot(["fibre", "lte"])[1], allot(["lte"])[0]);
        assert_ne!(allot(["fibre"]), allot(["lte"]));
    }

    #[test]
    fn tunnels_of_one_site_never_share_a_network() {
        let names: Vec<String> = (0..2_000).map(|n| format!("tunnel-{n}")).collect();
        let allotted = allot(names.iter().map(String::as_str));
        let networks: BTreeSet<u32> = allotted
            .iter()
            .map(|pair| u32::from(pair.router) & !3)
            .collect();
        assert_eq!(networks.len(), names.len());
        for pair in allotted {
            assert_eq!(pair.router.octets()[0], 198);
            assert!(
                (18..=19).contains(&pair.router.octets()[1]),
                "{}",
                pair.router
            );
        }
    }
}
