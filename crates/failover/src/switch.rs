//! The switch plan: which tunnel is re-pushed next, and to which place.
//!
//! While a tunnel is re-pushed its routes may vanish and later come back. So one tunnel is re-pushed at a
//! time, and the one that carries traffic only when its routes' vanishing puts traffic exactly where it is
//! wanted. The functions here decide one step from what is installed now; after it has been taken, or has
//! failed, the caller asks again.
//!
//! All of them read the same two things: `current`, the places whose routes a router may have installed,
//! and an order of tunnels, best first. A tunnel in `current` that the order leaves out cannot be re-pushed:
//! it is dead and its router may not have noticed, or it has not been probed long enough. Traffic must
//! not land there.

mod target;

use std::collections::BTreeMap;

use holdfast_api_types::{Place, TunnelId};

use crate::ladder::{NORMAL_STEP, TOP_RUNG, canonical, max_step};

/// The most tunnels that are planned for; a site has two to eight. Any beyond keep the places they have.
const MAX_PLANNED: usize = 8;

/// One re-push.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The tunnel that gets other routes.
    pub tunnel: TunnelId,
    /// Its new place.
    pub place: Place,
}

/// The next re-push towards `order`, the live tunnels that may be re-pushed; none if all is in order.
///
/// The first of `order` is raised above the active tunnel where a rung is free. Where that would take the
/// top rung, which is kept for emergencies while there are fewer than five tunnels, it is made the best of
/// the standbys instead, and then the active one is moved below it. The remaining tunnels are re-ranked
/// while they are standby, as few of them as possible.
pub fn next_step(current: &BTreeMap<TunnelId, Place>, order: &[TunnelId]) -> Option<Step> {
    let planned: Vec<&TunnelId> = order
        .iter()
        .filter(|tunnel| current.contains_key(tunnel))
        .take(MAX_PLANNED)
        .collect();
    let held: Vec<Place> = planned.iter().map(|tunnel| current[*tunnel]).collect();
    let outside: Vec<Place> = current
        .iter()
        .filter(|(tunnel, _)| !planned.contains(tunnel))
        .map(|(_, &place)| place)
        .collect();

    let target = target::choose(&held, &outside)?;
    let rank = next_rank(&held, &target)?;
    Some(Step {
        tunnel: planned[rank].clone(),
        place: target[rank],
    })
}

/// Which rank is re-pushed first on the way from `held` to `target`.
fn next_rank(held: &[Place], target: &[Place]) -> Option<usize> {
    let moves = |rank: &usize| held[*rank] != target[*rank];
    let active = best(held)?;
    let wanted = target[0];
    if moves(&0) {
        return Some(0);
    }
    if active != 0 {
        // Once the active one's routes vanish the wanted tunnel must have the longest prefixes, alone.
        let in_the_way =
            |rank: &usize| *rank != active && moves(rank) && held[*rank].rung >= wanted.rung;
        return (1..held.len()).find(in_the_way).or(Some(active));
    }
    (1..held.len()).find(moves)
}

/// The re-push that takes traffic at once from tunnels that are dead but whose routes may still be
/// installed; `order` are the live tunnels that may be chosen, best first.
///
/// None if nothing is in the way of a live tunnel already, if no tunnel is live, or if nothing can be
/// better than what the dead hold: then routers go on when the dead tunnel's own client withdraws.
pub fn emergency(current: &BTreeMap<TunnelId, Place>, order: &[TunnelId]) -> Option<Step> {
    let is_live = |tunnel: &&TunnelId| order.contains(tunnel);
    let dead = current
        .iter()
        .filter(|(tunnel, _)| !is_live(tunnel))
        .map(|(_, &place)| place)
        .max()?;
    let live = current
        .iter()
        .filter(|(tunnel, _)| is_live(tunnel))
        .map(|(_, &place)| place)
        .max()?;
    if live.better_than(dead) {
        return None;
    }
    let tunnel = order.iter().find(|tunnel| current.contains_key(tunnel))?;
    Some(Step {
        tunnel: tunnel.clone(),
        place: above(dead)?,
    })
}

/// The next place above `place`, with longer prefixes if there are any.
pub(crate) fn above(place: Place) -> Option<Place> {
    if place.rung < TOP_RUNG {
        Some(Place {
            rung: place.rung + 1,
            step: NORMAL_STEP,
        })
    } else {
        Some(Place {
            rung: TOP_RUNG,
            step: place.step.checked_sub(1)?,
        })
    }
}

/// The place of a tunnel that has just logged in, in a site whose configured order is `order`.
///
/// Never above the best of `current`: the tunnel must be probed before it carries traffic. If its
/// canonical place is below that and free, it gets it, so that a later failback need only move the
/// stand-in. Otherwise it gets a rung of its own, one that fits the order if there is one.
pub fn admit(current: &BTreeMap<TunnelId, Place>, order: &[TunnelId], tunnel: &TunnelId) -> Place {
    let rank = order
        .iter()
        .position(|other| other == tunnel)
        .unwrap_or(order.len());
    let canonical = canonical(order.len().max(rank + 1))[rank];
    let others: Vec<(usize, Place)> = current
        .iter()
        .filter(|(other, _)| *other != tunnel)
        .map(|(other, &place)| {
            (
                order.iter().position(|o| o == other).unwrap_or(order.len()),
                place,
            )
        })
        .collect();
    let Some(active) = others.iter().map(|&(_, place)| place).max() else {
        // Alone, it needs no step, and the fewer it has the more fit below.
        return Place {
            step: NORMAL_STEP,
            ..canonical
        };
    };
    let is_free = |place: &Place| others.iter().all(|(_, other)| other != place);
    let shares_rung = |place: &Place| others.iter().any(|(_, other)| other.rung == place.rung);
    let disorder = |place: &Place| {
        others
            .iter()
            .filter(|(other, held)| (*other < rank) != (held > place))
            .count()
    };
    let must_share = order.len() > usize::from(TOP_RUNG) + 1;

    (0..=active.rung)
        .flat_map(|rung| (0..=max_step(rung)).map(move |step| Place { rung, step }))
        .filter(|place| active.better_than(*place) && is_free(place))
        .min_by_key(|place| {
            let is_canonical = *place == canonical;
            (
                place.rung == active.rung,
                shares_rung(place) && !(is_canonical && must_share),
                !is_canonical,
                disorder(place),
                place.rung.abs_diff(canonical.rung),
                place.step.abs_diff(NORMAL_STEP),
            )
        })
        // More tunnels than places: the worst place of all is shared.
        .unwrap_or(Place {
            rung: 0,
            step: max_step(0),
        })
}

/// The index of the best place.
fn best(places: &[Place]) -> Option<usize> {
    (0..places.len()).max_by_key(|&rank| places[rank])
}
