//! Where a site's tunnels should end up: the assignment of places that needs the fewest re-pushes.
//!
//! A site has few tunnels, so every assignment is looked at. Of an assignment's re-pushes each brings the
//! next plan one nearer, so planning anew after each of them comes to an end.

use holdfast_api_types::Place;

use crate::ladder::{NORMAL_STEP, TOP_RUNG, canonical, max_step};

/// The best assignment for tunnels that hold `held`, best rank first. Tunnels that cannot be re-pushed
/// hold `outside`.
///
/// None if there is no tunnel, or no place for the first rank that is better than all of `outside`.
pub(super) fn choose(held: &[Place], outside: &[Place]) -> Option<Vec<Place>> {
    let (&wanted, standbys) = held.split_first()?;
    let wanted_is_active = standbys.iter().all(|place| wanted.better_than(*place));
    // The active tunnel is left where it is while it is the wanted one.
    let fixed = usize::from(wanted_is_active);
    let rungs = if wanted_is_active {
        descents(standbys.len(), wanted.rung)
            .into_iter()
            .map(|below| [vec![wanted.rung], below].concat())
            .collect()
    } else {
        descents(held.len(), highest_rung(held.len()) + 1)
    };

    rungs
        .iter()
        .flat_map(|rungs| selections(held.len()).map(move |moved| (rungs, moved)))
        .filter(|(_, moved)| moved.iter().take(fixed).all(|moved| !moved))
        .filter_map(|(rungs, moved)| assign(held, outside, rungs, &moved))
        .filter(|target| {
            wanted_is_active || outside.iter().all(|place| target[0].better_than(*place))
        })
        .min_by_key(|target| cost(held, outside, target))
}

/// The highest rung that a planned switch may use: the top one is headroom for emergencies, unless there
/// are as many tunnels as rungs.
fn highest_rung(tunnels: usize) -> u8 {
    if tunnels <= usize::from(TOP_RUNG) {
        TOP_RUNG - 1
    } else {
        TOP_RUNG
    }
}

/// All ways to give `count` ranks falling rungs below `bound`. If there are not enough rungs there is one
/// way: the lowest ranks share rung 0.
fn descents(count: usize, bound: u8) -> Vec<Vec<u8>> {
    if count >= usize::from(bound) {
        let shared = count - usize::from(bound);
        return vec![
            (0..bound)
                .rev()
                .chain(std::iter::repeat_n(0, shared))
                .collect(),
        ];
    }
    (0..1u32 << bound)
        .filter(|set| set.count_ones() as usize == count)
        .map(|set| {
            (0..bound)
                .rev()
                .filter(|rung| set & (1 << rung) != 0)
                .collect()
        })
        .collect()
}

/// All subsets of `count` ranks.
fn selections(count: usize) -> impl Iterator<Item = Vec<bool>> {
    (0..1u32 << count).map(move |set| (0..count).map(|rank| set & (1 << rank) != 0).collect())
}

/// Gives every moved rank a place on its rung; the others stay. None if that does not come out in order.
fn assign(held: &[Place], outside: &[Place], rungs: &[u8], moved: &[bool]) -> Option<Vec<Place>> {
    let mut target: Vec<Place> = Vec::with_capacity(held.len());
    for (rank, &rung) in rungs.iter().enumerate() {
        let better = target.last().copied();
        let place = if moved[rank] {
            let is_free = |place: &Place| {
                !outside.contains(place)
                    && (0..held.len()).all(|other| other == rank || held[other] != *place)
            };
            let limit = step_limit(held, rungs, moved, rank);
            free_place(rung, better, limit, is_free)?
        } else {
            held[rank]
        };
        if place.rung != rung || better.is_some_and(|better| !better.better_than(place)) {
            return None;
        }
        target.push(place);
    }
    Some(target)
}

/// The largest step for `rank` that leaves room for those below it on its rung, up to the first that stays.
fn step_limit(held: &[Place], rungs: &[u8], moved: &[bool], rank: usize) -> u8 {
    let rung = rungs[rank];
    let below = (rank + 1..rungs.len()).take_while(|&other| rungs[other] == rung);
    let mut room = 0;
    for other in below {
        room += 1;
        if !moved[other] {
            return held[other].step.saturating_sub(room);
        }
    }
    max_step(rung) - room
}

/// A free place on `rung`, right after `better` if that is on the same rung, else nearest to the normal step.
fn free_place(
    rung: u8,
    better: Option<Place>,
    limit: u8,
    is_free: impl Fn(&Place) -> bool,
) -> Option<Place> {
    let after = better
        .filter(|better| better.rung == rung)
        .map(|better| better.step + 1);
    let wish = after.unwrap_or(NORMAL_STEP);
    (after.unwrap_or(0)..=limit)
        .map(|step| Place { rung, step })
        .filter(is_free)
        .min_by_key(|place| place.step.abs_diff(wish))
}

/// What makes one assignment worse than another, most important first: tunnels that share a rung, re-pushes,
/// a high top (little headroom), and distance from the canonical places.
fn cost(held: &[Place], outside: &[Place], target: &[Place]) -> (usize, usize, u8, u32) {
    let moved = |rank: &usize| held[*rank] != target[*rank];
    let shared_inside = target
        .windows(2)
        .filter(|pair| pair[0].rung == pair[1].rung)
        .count();
    let shared_outside = (0..target.len())
        .filter(moved)
        .filter(|&rank| outside.iter().any(|place| place.rung == target[rank].rung))
        .count();
    let re_pushes = (0..target.len()).filter(moved).count();
    let strangeness = target
        .iter()
        .zip(canonical(target.len()))
        .map(|(place, usual)| u32::from(place.rung.abs_diff(usual.rung)))
        .sum();
    (
        shared_inside + shared_outside,
        re_pushes,
        target[0].rung,
        strangeness,
    )
}
