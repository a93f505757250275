//! Who may log in.

use std::net::IpAddr;

use holdfast_routeros_proto::{
    Proof,
    value::{Policies, Prefix, parse_list},
};

use crate::model::{Caller, Database};

/// The user who logs in from `peer`, if they are one and may use the API.
pub(super) fn log_in(
    database: &Database,
    user: &str,
    proof: &Proof,
    peer: IpAddr,
) -> Option<Caller> {
    let item = database.named("/user", user)?;
    let may = !item.is_disabled()
        && is_allowed(item.text("address"), peer)
        && proof.fits(item.text("password"));
    let group = database.named("/user/group", item.text("group"))?;
    let policies: Policies = group.text("policy").parse().ok()?;
    (may && policies.grants("api")).then(|| Caller {
        user: user.into(),
        policies,
    })
}

/// Whether a list of networks lets an address in. An empty one lets everybody in.
pub(super) fn is_allowed(networks: &str, peer: IpAddr) -> bool {
    let matches = |text: &str| {
        text.parse()
            .is_ok_and(|network: Prefix| network.contains(peer))
    };
    networks.is_empty() || parse_list(networks).any(matches)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_networks_lets_in_those_that_are_in_one() {
        let peer = IpAddr::from([192, 0, 2, 7]);
        assert!(is_allowed("", peer));
        assert!(is_allowed("10.0.0.0/8,192.0.2.0/24", peer));
        assert!(!is_allowed("10.0.0.0/8", peer));
    }
}
