//! Whether a router has made of a push what it should.

use holdfast_api_types::Place;
use holdfast_failover::{addresses::virtual_next_hop, ladder};
use holdfast_routeros_proto::{Query, Row};

use crate::{Menu, Observed, observed::ReadRequest};

impl Observed {
    /// What must be read to judge the routes that tunnels have brought, see [`unlike_pushed`].
    pub fn pushed_query() -> ReadRequest {
        ReadRequest {
            menu: Menu::Route,
            proplist: "dst-address,gateway,immediate-gw,distance,active,routing-table",
            query: Query::equals("vpn", "true"),
            optional: false,
        }
    }
}

/// What is wrong with the routes on a router that were pushed to the tunnel of a slot; none if all of them are there,
/// with the gateway that they were pushed with, and lead somewhere.
///
/// Some seconds after the tunnel came up this decides about the [mode](crate::Mode): a router that makes something else
/// of a push must hold the ladder itself. Metrics are not looked at, nothing depends on them.
pub fn unlike_pushed(slot: u8, place: Place, brought: &[Row]) -> Option<String> {
    let hop = virtual_next_hop(slot);
    ladder::routes(place, hop).into_iter().find_map(|route| {
        let network = format!("{}/{}", route.network, route.prefix);
        let same: Vec<_> = brought
            .iter()
            .filter(|row| row.says("dst-address", &network))
            .collect();
        let Some(first) = same.first() else {
            return Some(format!("the pushed route to {network} is not there"));
        };
        let Some(row) = same
            .iter()
            .find(|row| row.says("gateway", &hop.to_string()))
        else {
            let gateway = first.text("gateway");
            return Some(format!(
                "the pushed route to {network} leads to {gateway} and not to {hop}"
            ));
        };
        row.text("immediate-gw").is_empty().then(|| {
            format!("the pushed route to {network} leads nowhere, since {hop} does not resolve")
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: Place = Place { rung: 1, step: 10 };

    fn brought(network: &str, gateway: &str, resolved: &str) -> Row {
        Row::new()
            .with("dst-address", network)
            .with("gateway", gateway)
            .with("immediate-gw", resolved)
    }

    fn upper(gateway: &str) -> Row {
        brought("128.0.0.0/1", gateway, "192.0.2.1%ether1")
    }

    #[test]
    fn routes_as_they_were_pushed_are_fine_whoever_else_pushes() {
        let other = brought("0.0.0.0/1", "100.127.255.2", "198.51.100.1%ether2");
        let own = brought("0.0.0.0/1", "100.127.255.1", "192.0.2.1%ether1");
        assert_eq!(
            unlike_pushed(1, PLACE, &[other, own, upper("100.127.255.1")]),
            None
        );
    }

    #[test]
    fn a_route_that_is_missing_or_leads_elsewhere_or_nowhere_is_told() {
        let own = brought("0.0.0.0/1", "100.127.255.1", "192.0.2.1%ether1");
        let told = |rows: &[Row]| unlike_pushed(1, PLACE, rows).unwrap();
        assert_eq!(
            told(std::slice::from_ref(&own)),
            "the pushed route to 128.0.0.0/1 is not there"
        );
        assert_eq!(
            told(&[own, upper("198.18.0.1")]),
            "the pushed route to 128.0.0.0/1 leads to 198.18.0.1 and not to 100.127.255.1"
        );
        assert_eq!(
            told(&[brought("0.0.0.0/1", "100.127.255.1", "")]),
            "the pushed route to 0.0.0.0/1 leads nowhere, since 100.127.255.1 does not resolve"
        );
    }
}
