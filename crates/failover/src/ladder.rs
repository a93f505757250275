//! The ladder: priority, written as prefix length.
//!
//! Longest prefix wins on every router; what a router makes of a metric is its own affair. So rank is
//! encoded in the length of the pushed prefixes (the rung), and only repeated in the metric.

use std::net::Ipv4Addr;

use holdfast_api_types::{Place, Route};

/// The longest prefixes that are pushed. One rung more would be 32 routes, too many for some routers.
pub const TOP_RUNG: u8 = 4;

/// The step of a tunnel that has its rung to itself.
pub const NORMAL_STEP: u8 = 10;

/// The places of `order_len` tunnels at rest, best rank first.
///
/// Each rank has a rung of its own, the last one rung 0. With more tunnels than rungs the lowest ranks
/// share rung 0 and differ by step.
pub fn canonical(order_len: usize) -> Vec<Place> {
    let top = order_len.saturating_sub(1).min(usize::from(TOP_RUNG));
    (0..order_len)
        .map(|rank| Place {
            rung: narrow(top.saturating_sub(rank)),
            step: narrow(usize::from(NORMAL_STEP) + rank.saturating_sub(top)).min(max_step(0)),
        })
        .collect()
}

/// The routes that a tunnel at `place` holds: together they cover every address once.
pub fn routes(place: Place, gateway: Ipv4Addr) -> Vec<Route> {
    (0..1u32 << place.rung)
        .map(|index| Route {
            network: Ipv4Addr::from(index.checked_shl(32 - u32::from(place.rung)).unwrap_or(0)),
            prefix: place.rung,
            gateway,
            metric: place.metric(),
        })
        .collect()
}

/// The place and the gateway of which [`routes`] makes these routes; none for any others.
pub fn place_of(held: &[Route]) -> Option<(Place, Ipv4Addr)> {
    let first = held.first()?;
    let rung = first.prefix;
    if rung > TOP_RUNG {
        return None;
    }
    let lowest = Place { rung, step: 0 }.metric();
    let step = u8::try_from(first.metric.checked_sub(lowest)?).ok()?;
    if step > max_step(rung) {
        return None;
    }
    let place = Place { rung, step };
    (routes(place, first.gateway) == held).then_some((place, first.gateway))
}

/// The largest step on `rung`: the next one would have the metric of a lower rung.
pub(crate) const fn max_step(rung: u8) -> u8 {
    if rung == 0 { 99 } else { 19 }
}

fn narrow(number: usize) -> u8 {
    u8::try_from(number).unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use holdfast_api_types::MAX_ROUTES_PER_PUSH;

    use super::*;

    #[test]
    fn routes_tell_their_place_and_others_tell_none() {
        let gateway = Ipv4Addr::new(192, 0, 2, 1);
        for rung in 0..=TOP_RUNG {
            for step in 0..=max_step(rung) {
                let place = Place { rung, step };
                let mut held = routes(place, gateway);
                assert_eq!(place_of(&held), Some((place, gateway)));
                held[0].metric += 200;
                assert_eq!(place_of(&held), None);
            }
        }
        assert_eq!(place_of(&[]), None);
    }

    fn rungs_and_steps(order_len: usize) -> Vec<(u8, u8)> {
        canonical(order_len)
            .into_iter()
            .map(|place| (place.rung, place.step))
            .collect()
    }

    #[test]
    fn ranks_get_rungs_from_the_top_down_to_the_plain_default_route() {
        assert_eq!(rungs_and_steps(0), []);
        assert_eq!(rungs_and_steps(1), [(0, 10)]);
        assert_eq!(rungs_and_steps(2), [(1, 10), (0, 10)]);
        assert_eq!(
            rungs_and_steps(5),
            [(4, 10), (3, 10), (2, 10), (1, 10), (0, 10)]
        );
    }

    #[test]
    fn ranks_beyond_the_rungs_share_the_lowest_and_differ_by_step() {
        assert_eq!(rungs_and_steps(7)[4..], [(0, 10), (0, 11), (0, 12)]);
    }

    #[test]
    fn a_better_place_has_a_smaller_metric() {
        let mut places: Vec<Place> = (0..=TOP_RUNG)
            .flat_map(|rung| (0..=max_step(rung)).map(move |step| Place { rung, step }))
            .collect();
        places.sort();
        for pair in places.windows(2) {
            assert!(pair[1].better_than(pair[0]), "{pair:?}");
            assert!(pair[1].metric() < pair[0].metric(), "{pair:?}");
        }
    }

    #[test]
    fn the_routes_of_every_rung_tile_the_address_space() {
        for rung in 0..=TOP_RUNG {
            let routes = routes(Place { rung, step: 10 }, Ipv4Addr::new(192, 0, 2, 1));
            let networks: BTreeSet<u64> = routes
                .iter()
                .map(|r| u64::from(u32::from(r.network)))
                .collect();
            let size = 1u64 << (32 - rung);
            let expected: BTreeSet<u64> = (0..1u64 << rung).map(|index| index * size).collect();
            assert_eq!(networks, expected);
            assert!(routes.iter().all(|route| route.prefix == rung));
        }
    }

    #[test]
    fn every_push_stays_within_thirty_routes_and_a_thousand_bytes() {
        let rest = "PUSH_REPLY,topology subnet,ifconfig 100.127.255.254 255.255.255.255,ping 10,ping-restart 60,\
                    peer-id 16777215,cipher CHACHA20-POLY1305,protocol-flags cc-exit tls-ekm";
        for rung in 0..=TOP_RUNG {
            let routes = routes(
                Place {
                    rung,
                    step: max_step(rung),
                },
                Ipv4Addr::new(203, 100, 113, 254),
            );
            assert!(routes.len() <= MAX_ROUTES_PER_PUSH);
            let bytes: usize = routes.iter().map(|route| option(route).len() + 1).sum();
            assert!(rest.len() + bytes < 1000, "rung {rung}: {bytes}");
        }
    }

    fn option(route: &Route) -> String {
        let mask = Ipv4Addr::from(
            u32::MAX
                .checked_shl(32 - u32::from(route.prefix))
                .unwrap_or(0),
        );
        format!(
            "route {} {mask} {} {}",
            route.network, route.gateway, route.metric
        )
    }
}
