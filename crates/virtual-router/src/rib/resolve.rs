//! From routes to next hops.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::Ipv4Addr,
};

use super::{Entry, HopAddress, Links, Network, NextHop, Outcome, Resolution, Route, Target};

/// How many routes a gateway may be looked up through.
const DEPTH: usize = 16;

/// Says which routes are used and where packets go.
///
/// Whether a route is active depends on others that are, so this goes in rounds until nothing changes any more. Routes
/// that keep changing, because they take away the ground they stand on, are left out.
pub fn resolve(routes: &[Route], links: &Links) -> Resolution {
    let mut left_out = BTreeSet::new();
    loop {
        match settle(routes, links, &left_out) {
            Ok((active, reach)) => return report(routes, &active, &reach),
            Err(restless) => left_out.extend(restless),
        }
    }
}

/// Indexes of active routes.
type Active = BTreeSet<usize>;
/// Next hops of every route; none for one that cannot be reached.
type Reach = Vec<Option<Vec<NextHop>>>;

/// The state in which every active route is reachable by active routes, or the routes that prevent it.
fn settle(
    routes: &[Route],
    links: &Links,
    left_out: &BTreeSet<usize>,
) -> Result<(Active, Reach), Active> {
    let mut active = Active::new();
    let mut reach = reach_all(routes, links, left_out, &active);
    for _ in 0..=2 * routes.len() + 2 {
        let next = best(routes, &reach);
        if next == active {
            return Ok((active, reach));
        }
        active = next;
        reach = reach_all(routes, links, left_out, &active);
    }
    let next = best(routes, &reach);
    // Those that come and go; of routes that only take turns, the earlier ones stay.
    let restless: Active = active.symmetric_difference(&next).copied().collect();
    Err(restless.last().copied().into_iter().collect())
}

fn reach_all(
    routes: &[Route],
    links: &Links,
    left_out: &BTreeSet<usize>,
    active: &Active,
) -> Reach {
    let search = Search {
        routes,
        links,
        active,
    };
    let reach = |index| {
        if left_out.contains(&index) {
            return None;
        }
        search.reach(index, &mut Vec::new())
    };
    (0..routes.len()).map(reach).collect()
}

/// Of every network in every table the routes of least distance that can be reached.
fn best(routes: &[Route], reach: &Reach) -> Active {
    let mut groups: BTreeMap<(&str, Network), Vec<usize>> = BTreeMap::new();
    for (index, route) in routes.iter().enumerate() {
        if reach[index].is_none() {
            continue;
        }
        let group = groups.entry((&route.table, route.destination)).or_default();
        let leader = group.first().map(|first| &routes[*first]);
        match leader.map(|leader| route.distance.cmp(&leader.distance)) {
            Some(std::cmp::Ordering::Greater) => {}
            Some(std::cmp::Ordering::Equal) => {
                // A blackhole shares with nobody: whoever was first stays.
                let alone = |route: &Route| route.target == Target::Blackhole;
                if !alone(route) && !leader.is_some_and(alone) {
                    group.push(index);
                }
            }
            Some(std::cmp::Ordering::Less) | None => *group = vec![index],
        }
    }
    groups.into_values().flatten().collect()
}

struct Search<'a> {
    routes: &'a [Route],
    links: &'a Links,
    active: &'a Active,
}

impl Search<'_> {
    /// Next hops of a route, or none if it cannot be reached. `path` has the routes that this is asked for.
    fn reach(&self, index: usize, path: &mut Vec<usize>) -> Option<Vec<NextHop>> {
        if path.contains(&index) || path.len() >= DEPTH {
            return None;
        }
        let route = &self.routes[index];
        match &route.target {
            Target::Blackhole => Some(Vec::new()),
            Target::Connected(interface) => self.on(interface, None),
            Target::Hops(hops) => {
                path.push(index);
                let live = hops.iter().filter(|hop| !hop.silent);
                let mut all: Vec<_> = live
                    .filter_map(|hop| self.hop(&hop.gateway, route.target_scope, path))
                    .flatten()
                    .collect();
                path.pop();
                all.sort();
                all.dedup();
                (!all.is_empty()).then_some(all)
            }
        }
    }

    fn hop(
        &self,
        gateway: &HopAddress,
        target_scope: u8,
        path: &mut Vec<usize>,
    ) -> Option<Vec<NextHop>> {
        match gateway {
            HopAddress::Interface(interface) => self.on(interface, None),
            HopAddress::On(address, interface) => self.on(interface, Some(*address)),
            HopAddress::Address(address, table) => {
                let found = self.find(table, *address, target_scope, path);
                let hops = found.into_iter().filter_map(|index| {
                    let hops = self.reach(index, path)?;
                    let is_blackhole = self.routes[index].target == Target::Blackhole;
                    let reach = |hop| self.towards(*address, hop);
                    (!is_blackhole).then(|| hops.into_iter().map(reach).collect::<Vec<_>>())
                });
                let hops: Vec<_> = hops.flatten().collect();
                (!hops.is_empty()).then_some(hops)
            }
        }
    }

    /// A neighbour on an interface with several is reached by its address.
    fn towards(&self, address: Ipv4Addr, hop: NextHop) -> NextHop {
        let link = self.links.get(&hop.interface);
        let alone = link.is_some_and(|link| link.point_to_point);
        NextHop {
            via: hop.via.or((!alone).then_some(address)),
            ..hop
        }
    }

    fn on(&self, interface: &str, via: Option<Ipv4Addr>) -> Option<Vec<NextHop>> {
        let link = self.links.get(interface)?;
        let hop = NextHop {
            interface: interface.to_owned(),
            via: via.filter(|_| !link.point_to_point),
        };
        Some(vec![hop])
    }

    /// The active routes by which a gateway is found.
    fn find(&self, table: &str, address: Ipv4Addr, target_scope: u8, path: &[usize]) -> Vec<usize> {
        let fits = |index: &usize| {
            let route = &self.routes[*index];
            route.table == table
                && route.scope <= target_scope
                && route.destination.contains(address)
                && !path.contains(index)
        };
        let candidates: Vec<_> = self.active.iter().copied().filter(fits).collect();
        let length = |index: usize| self.routes[index].destination.length();
        let longest = candidates.iter().map(|index| length(*index)).max();
        let longest_of = |index: &usize| Some(length(*index)) == longest;
        candidates.into_iter().filter(longest_of).collect()
    }
}

fn report(routes: &[Route], active: &Active, reach: &Reach) -> Resolution {
    let mut resolution = Resolution::default();
    for (index, route) in routes.iter().enumerate() {
        let outcome = Outcome {
            active: active.contains(&index),
            ecmp: false,
            immediate: reach[index].clone().unwrap_or_default(),
        };
        resolution.outcomes.insert(route.id, outcome);
    }
    let mut shared: BTreeMap<(&str, Network), Vec<usize>> = BTreeMap::new();
    for index in active {
        let route = &routes[*index];
        let key = (route.table.as_str(), route.destination);
        shared.entry(key).or_default().push(*index);
    }
    for ((table, network), indexes) in shared {
        for index in indexes.iter().filter(|_| indexes.len() > 1) {
            if let Some(outcome) = resolution.outcomes.get_mut(&routes[*index].id) {
                outcome.ecmp = true;
            }
        }
        let table = resolution.tables.entry(table.to_owned()).or_default();
        table.insert(network, entry(routes, &indexes, reach));
    }
    resolution
}

fn entry(routes: &[Route], indexes: &[usize], reach: &Reach) -> Entry {
    match &routes[indexes[0]].target {
        Target::Blackhole => return Entry::Blackhole,
        Target::Connected(interface) => return Entry::Connected(interface.clone()),
        Target::Hops(_) => {}
    }
    let hops = indexes.iter().filter_map(|index| reach[*index].as_ref());
    let mut hops: Vec<_> = hops.flatten().cloned().collect();
    hops.sort();
    hops.dedup();
    Entry::Hops(hops)
}
