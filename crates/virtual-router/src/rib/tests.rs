use proptest::prelude::*;

use super::*;

const MAIN: &str = "main";

fn network(text: &str) -> Network {
    let (address, length) = text.split_once('/').unwrap();
    Network::new(address.parse().unwrap(), length.parse().unwrap())
}

fn links() -> Links {
    let link = |name: &str, point_to_point| (name.to_owned(), Link { point_to_point });
    [
        link("ether1", false),
        link("ether2", false),
        link("lte1", true),
    ]
    .into()
}

/// A route in the main table: `gateway` is an address, `address%interface`, an interface or `blackhole`.
fn route(id: u32, destination: &str, gateway: &str, distance: u8) -> Route {
    let target = if gateway == "blackhole" {
        Target::Blackhole
    } else {
        let gateway = match gateway.split_once('%') {
            Some((address, interface)) => {
                HopAddress::On(address.parse().unwrap(), interface.into())
            }
            None => match gateway.parse() {
                Ok(address) => HopAddress::Address(address, MAIN.into()),
                Err(_) => HopAddress::Interface(gateway.into()),
            },
        };
        let silent = false;
        Target::Hops(vec![Hop { gateway, silent }])
    };
    Route {
        id,
        table: MAIN.into(),
        destination: network(destination),
        target,
        distance,
        scope: 30,
        target_scope: 10,
    }
}

fn connected(id: u32, destination: &str, interface: &str) -> Route {
    Route {
        target: Target::Connected(interface.into()),
        distance: 0,
        scope: 10,
        ..route(id, destination, interface, 0)
    }
}

fn two_lines() -> Vec<Route> {
    vec![
        connected(1, "192.0.2.0/24", "ether1"),
        connected(2, "198.51.100.0/24", "ether2"),
    ]
}

fn leads(resolution: &Resolution, address: &str) -> String {
    match resolution.lookup(MAIN, address.parse().unwrap()) {
        None => "nowhere".into(),
        Some(Entry::Blackhole) => "blackhole".into(),
        Some(Entry::Connected(interface)) => interface.clone(),
        Some(Entry::Hops(hops)) => {
            let hops: Vec<_> = hops.iter().map(ToString::to_string).collect();
            hops.join(" ")
        }
    }
}

#[test]
fn the_route_of_least_distance_is_used_until_its_interface_is_down() {
    let mut routes = two_lines();
    routes.push(route(3, "0.0.0.0/0", "192.0.2.1", 1));
    routes.push(route(4, "0.0.0.0/0", "198.51.100.1", 2));
    let both = resolve(&routes, &links());
    assert_eq!(leads(&both, "8.8.8.8"), "192.0.2.1%ether1");
    assert!(!both.outcomes[&4].active);

    let mut one = links();
    one.remove("ether1");
    let one = resolve(&routes, &one);
    assert_eq!(leads(&one, "8.8.8.8"), "198.51.100.1%ether2");
    assert_eq!(one.outcomes[&3], Outcome::default());
}

#[test]
fn a_longer_prefix_wins_whatever_its_distance() {
    let mut routes = two_lines();
    routes.push(route(3, "0.0.0.0/0", "192.0.2.1", 1));
    routes.push(route(4, "0.0.0.0/1", "198.51.100.1", 200));
    let resolution = resolve(&routes, &links());
    assert_eq!(leads(&resolution, "8.8.8.8"), "198.51.100.1%ether2");
    assert_eq!(leads(&resolution, "200.0.0.1"), "192.0.2.1%ether1");
}

#[test]
fn a_virtual_next_hop_is_resolved_through_its_one_route() {
    let mut routes = two_lines();
    let hop = Route {
        scope: 10,
        ..route(3, "100.127.255.1/32", "192.0.2.1%ether1", 1)
    };
    routes.push(hop);
    routes.push(route(4, "0.0.0.0/1", "100.127.255.1", 1));
    let resolution = resolve(&routes, &links());
    assert_eq!(leads(&resolution, "8.8.8.8"), "192.0.2.1%ether1");
    assert_eq!(
        resolution.outcomes[&4].immediate[0].to_string(),
        "192.0.2.1%ether1"
    );
}

#[test]
fn a_gateway_is_not_resolved_through_a_route_of_larger_scope() {
    let mut routes = two_lines();
    routes.push(route(3, "0.0.0.0/0", "192.0.2.1", 1));
    routes.push(route(4, "10.0.0.0/8", "8.8.8.8", 1));
    let resolution = resolve(&routes, &links());
    assert!(!resolution.outcomes[&4].active);
    assert_eq!(leads(&resolution, "10.1.1.1"), "192.0.2.1%ether1");

    let farther = Route {
        target_scope: 30,
        ..routes.pop().unwrap()
    };
    routes.push(farther);
    assert!(resolve(&routes, &links()).outcomes[&4].active);
}

#[test]
fn a_point_to_point_interface_is_a_gateway_by_itself() {
    let mut routes = two_lines();
    let hop = Route {
        scope: 10,
        ..route(3, "100.127.255.3/32", "lte1", 1)
    };
    routes.push(hop);
    routes.push(route(4, "0.0.0.0/0", "100.127.255.3", 1));
    assert_eq!(leads(&resolve(&routes, &links()), "8.8.8.8"), "lte1");
}

#[test]
fn a_blackhole_takes_over_when_the_route_before_it_is_gone() {
    let mut routes = two_lines();
    routes.push(route(3, "203.0.113.11/32", "192.0.2.1%ether1", 1));
    routes.push(route(4, "203.0.113.11/32", "blackhole", 250));
    routes.push(route(5, "0.0.0.0/0", "198.51.100.1", 1));
    assert_eq!(
        leads(&resolve(&routes, &links()), "203.0.113.11"),
        "192.0.2.1%ether1"
    );
    let mut one = links();
    one.remove("ether1");
    assert_eq!(leads(&resolve(&routes, &one), "203.0.113.11"), "blackhole");
}

#[test]
fn a_gateway_behind_a_blackhole_cannot_be_reached() {
    let mut routes = two_lines();
    let hole = Route {
        scope: 10,
        ..route(3, "100.64.0.1/32", "blackhole", 1)
    };
    routes.push(hole);
    routes.push(route(4, "0.0.0.0/0", "100.64.0.1", 1));
    assert!(!resolve(&routes, &links()).outcomes[&4].active);
}

#[test]
fn a_silent_gateway_is_passed_over() {
    let mut routes = two_lines();
    routes.push(route(3, "0.0.0.0/0", "192.0.2.1", 1));
    routes.push(route(4, "0.0.0.0/0", "198.51.100.1", 2));
    if let Target::Hops(hops) = &mut routes[2].target {
        hops[0].silent = true;
    }
    assert_eq!(
        leads(&resolve(&routes, &links()), "8.8.8.8"),
        "198.51.100.1%ether2"
    );
}

#[test]
fn routes_of_the_same_distance_share_the_traffic() {
    let mut routes = two_lines();
    routes.push(route(3, "0.0.0.0/0", "192.0.2.1", 1));
    routes.push(route(4, "0.0.0.0/0", "198.51.100.1", 1));
    let resolution = resolve(&routes, &links());
    assert_eq!(
        leads(&resolution, "8.8.8.8"),
        "192.0.2.1%ether1 198.51.100.1%ether2"
    );
    assert!(resolution.outcomes[&3].ecmp && resolution.outcomes[&4].ecmp);
}

#[test]
fn routes_that_lean_on_each_other_are_both_out() {
    let near = |route: Route| Route { scope: 10, ..route };
    let routes = [
        near(route(1, "10.0.0.1/32", "10.0.0.2", 1)),
        near(route(2, "10.0.0.2/32", "10.0.0.1", 1)),
    ];
    let resolution = resolve(&routes, &links());
    assert!(resolution.tables.is_empty());
}

#[test]
fn a_route_is_not_resolved_through_itself() {
    let mut routes = two_lines();
    let inside = Route {
        scope: 10,
        ..route(3, "192.0.2.0/25", "192.0.2.1", 1)
    };
    routes.push(inside);
    assert_eq!(
        leads(&resolve(&routes, &links()), "192.0.2.5"),
        "192.0.2.1%ether1"
    );
}

#[test]
fn a_table_of_its_own_has_only_its_own_routes() {
    let mut routes = two_lines();
    let own = Route {
        table: "wan-1".into(),
        ..route(3, "0.0.0.0/0", "192.0.2.1", 1)
    };
    routes.push(own);
    let resolution = resolve(&routes, &links());
    let address = Ipv4Addr::new(8, 8, 8, 8);
    assert_eq!(resolution.lookup(MAIN, address), None);
    let hops = Entry::Hops(vec![NextHop {
        interface: "ether1".into(),
        via: Some(Ipv4Addr::new(192, 0, 2, 1)),
    }]);
    assert_eq!(resolution.lookup("wan-1", address), Some(&hops));
}

/// Few networks, gateways and numbers, so that routes meet and lean on each other.
fn any_route() -> impl Strategy<Value = Route> {
    let destination = prop::sample::select(vec![
        "0.0.0.0/0",
        "0.0.0.0/1",
        "10.0.0.0/8",
        "10.0.0.1/32",
        "10.0.0.2/32",
        "192.0.2.0/24",
        "198.51.100.0/24",
    ]);
    let gateway = prop::sample::select(vec![
        "blackhole",
        "ether1",
        "lte1",
        "ether9",
        "10.0.0.1",
        "10.0.0.2",
        "10.9.9.9",
        "192.0.2.1",
        "198.51.100.1",
        "192.0.2.1%ether1",
        "192.0.2.1%ether9",
    ]);
    let scopes = prop::sample::select(vec![5u8, 10, 11, 30]);
    let rest = (
        1u8..4,
        scopes.clone(),
        scopes,
        any::<bool>(),
        prop::bool::weighted(0.2),
    );
    (destination, gateway, rest).prop_map(|(destination, gateway, rest)| {
        let (distance, scope, target_scope, is_connected, silent) = rest;
        let mut made = match gateway {
            "ether1" | "lte1" if is_connected => connected(0, destination, gateway),
            _ => route(0, destination, gateway, distance),
        };
        if let Target::Hops(hops) = &mut made.target {
            hops[0].silent = silent;
        }
        if !matches!(made.target, Target::Connected(_)) {
            (made.scope, made.target_scope) = (scope, target_scope);
        }
        made
    })
}

/// Where an address leads by the active routes alone, worked out anew for every single one.
fn walk(
    routes: &[Route],
    resolution: &Resolution,
    address: Ipv4Addr,
    most_scope: u8,
    asked_for: &[u32],
) -> Vec<NextHop> {
    let mut found: Vec<&Route> = Vec::new();
    for length in (0..=32).rev() {
        let here = routes.iter().filter(|route| {
            resolution.outcomes[&route.id].active
                && route.destination.length() == length
                && route.destination.contains(address)
                && route.scope <= most_scope
                && !asked_for.contains(&route.id)
        });
        found.extend(here);
        if !found.is_empty() {
            break;
        }
    }
    found
        .into_iter()
        .flat_map(|route| hops_of(routes, resolution, route, Some(address), asked_for))
        .collect()
}

fn hops_of(
    routes: &[Route],
    resolution: &Resolution,
    route: &Route,
    address: Option<Ipv4Addr>,
    asked_for: &[u32],
) -> Vec<NextHop> {
    let on = |interface: &String, via: Option<Ipv4Addr>| match links().get(interface) {
        None => vec![],
        Some(link) => vec![NextHop {
            interface: interface.clone(),
            via: via.filter(|_| !link.point_to_point),
        }],
    };
    let mut asked_for = asked_for.to_vec();
    asked_for.push(route.id);
    match &route.target {
        Target::Blackhole => vec![],
        Target::Connected(interface) => on(interface, address),
        Target::Hops(hops) => {
            let live = hops.iter().filter(|hop| !hop.silent);
            live.flat_map(|hop| match &hop.gateway {
                HopAddress::Interface(interface) => on(interface, address),
                HopAddress::On(via, interface) => on(interface, Some(*via)),
                HopAddress::Address(gateway, _) => {
                    walk(routes, resolution, *gateway, route.target_scope, &asked_for)
                }
            })
            .collect()
        }
    }
}

proptest! {
    #[test]
    fn what_is_active_can_be_reached_and_nothing_nearer_could_have_been(
        mut routes in prop::collection::vec(any_route(), 0..12),
    ) {
        for (id, route) in (0..).zip(&mut routes) {
            route.id = id;
        }
        let resolution = resolve(&routes, &links());
        for route in &routes {
            let outcome = &resolution.outcomes[&route.id];
            let mut expected = hops_of(&routes, &resolution, route, None, &[]);
            expected.sort();
            expected.dedup();
            if outcome.active {
                prop_assert_eq!(&outcome.immediate, &expected, "{:?}", route);
                let is_blackhole = route.target == Target::Blackhole;
                prop_assert!(is_blackhole || !expected.is_empty(), "{:?}", route);
            }
            let same = |other: &&Route| other.destination == route.destination;
            let rivals: Vec<_> = routes.iter().filter(same).collect();
            let best = rivals.iter().find(|rival| resolution.outcomes[&rival.id].active);
            if let Some(best) = best.filter(|_| outcome.active) {
                prop_assert_eq!(best.distance, route.distance);
            }
            if !outcome.active && !outcome.immediate.is_empty() {
                prop_assert!(best.is_some_and(|best| best.distance <= route.distance));
            }
        }
    }

    #[test]
    fn a_packet_leaves_by_the_longest_prefix_that_is_active(
        mut routes in prop::collection::vec(any_route(), 0..12),
        address in prop::sample::select(vec!["10.0.0.1", "10.0.0.2", "10.5.5.5", "192.0.2.7", "200.1.1.1"]),
    ) {
        for (id, route) in (0..).zip(&mut routes) {
            route.id = id;
        }
        let address: Ipv4Addr = address.parse().unwrap();
        let resolution = resolve(&routes, &links());
        let active = routes.iter().filter(|route| {
            resolution.outcomes[&route.id].active && route.destination.contains(address)
        });
        let longest = active.map(|route| route.destination.length()).max();
        let found = resolution.tables.get(MAIN).and_then(|table| {
            let matching = table.keys().filter(|network| network.contains(address));
            matching.map(|network| network.length()).max()
        });
        prop_assert_eq!(found, longest);
        prop_assert_eq!(resolution.lookup(MAIN, address).is_some(), longest.is_some());
    }
}
