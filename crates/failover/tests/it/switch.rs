//! Plans by example: what is held and what is wanted in, re-pushes out.
//!
//! Places are written `rung` or `rung/step`, tunnels `A`, `B`, `C`...

use std::collections::BTreeMap;

use holdfast_api_types::{Place, TunnelId};
use holdfast_failover::{
    Step,
    switch::{admit, emergency, next_step},
};

fn tunnel(name: &str) -> TunnelId {
    name.parse().unwrap()
}

fn order(names: &str) -> Vec<TunnelId> {
    names
        .chars()
        .map(|name| tunnel(&name.to_string()))
        .collect()
}

fn place(text: &str) -> Place {
    let (rung, step) = text.split_once('/').unwrap_or((text, "10"));
    Place {
        rung: rung.parse().unwrap(),
        step: step.parse().unwrap(),
    }
}

/// Reads `"A1 B0/11"`.
fn places(text: &str) -> BTreeMap<TunnelId, Place> {
    text.split_whitespace()
        .map(|word| (tunnel(&word[..1]), place(&word[1..])))
        .collect()
}

fn show(step: &Step) -> String {
    let Place { rung, step: number } = step.place;
    if number == 10 {
        format!("{}{rung}", step.tunnel)
    } else {
        format!("{}{rung}/{number}", step.tunnel)
    }
}

#[track_caller]
fn check_plan(held: &str, wanted: &str, expected: &str) {
    let mut current = places(held);
    let mut steps = Vec::new();
    while let Some(step) = next_step(&current, &order(wanted)) {
        steps.push(show(&step));
        current.insert(step.tunnel, step.place);
        assert!(steps.len() <= 8, "no end: {steps:?}");
    }
    assert_eq!(steps.join(" "), expected, "{held} to {wanted}");
}

#[track_caller]
fn check_emergency(held: &str, live: &str, expected: &str) {
    let step = emergency(&places(held), &order(live));
    assert_eq!(
        step.as_ref().map(show).unwrap_or_default(),
        expected,
        "{held}, live {live}"
    );
}

#[track_caller]
fn check_admit(held: &str, configured: &str, name: &str, expected: &str) {
    let admitted = admit(&places(held), &order(configured), &tunnel(name));
    assert_eq!(
        admitted,
        place(expected),
        "{name} into {held} of {configured}"
    );
}

#[test]
fn what_is_in_order_is_left_alone() {
    for (held, wanted) in [
        ("A0", "A"),
        ("A1 B0", "AB"),
        ("A3 B1 C0", "ABC"),
        ("B4 A0", "BA"),
        ("", ""),
    ] {
        check_plan(held, wanted, "");
    }
}

#[test]
fn a_promoted_standby_is_raised_above_the_active_tunnel() {
    check_plan("A1 B0", "BA", "B2");
    check_plan("A2 B1 C0", "BAC", "B3");
    check_plan("A2 B1 C0", "CAB", "C3");
}

#[test]
fn a_returned_tunnel_takes_over_when_its_stand_in_is_moved_down() {
    check_plan("A1 B2", "AB", "B0");
    check_plan("A2 B3 C0", "ABC", "B1");
    check_plan("A3 B4 C1 D0", "ABCD", "B2");
}

#[test]
fn without_a_free_rung_the_wanted_tunnel_becomes_the_best_standby_first() {
    check_plan("A3 B2", "BA", "A0");
    check_plan("C3 A2 B1", "BCA", "B2/9 A0 C1");
}

#[test]
fn on_a_full_ladder_the_switch_is_made_within_one_rung() {
    check_plan("A3 B2 C1 D0", "BACD", "B3/9 A2");
    check_plan("A4 B3 C2 D1 E0", "BACDE", "B4/9 A3");
    check_plan("B4/9 A3 C2 D1 E0", "ABCDE", "A4 B3");
}

#[test]
fn the_top_rung_is_left_at_the_next_switch_and_not_before() {
    check_plan("A4 B1 C0", "ABC", "");
    check_plan("A4 B1 C0", "BAC", "B2 A1");
}

#[test]
fn standbys_are_sorted_below_an_active_tunnel_that_stays() {
    check_plan("A2 B0 C1", "ABC", "B1/9 C0");
}

#[test]
fn a_new_second_tunnel_shares_the_lowest_rung_while_the_active_one_stays() {
    check_plan("A1 B0 C0/11", "ABC", "");
    check_plan("A1 B0 C0/11", "ACB", "C0/9");
}

#[test]
fn eight_tunnels_share_only_the_lowest_rung() {
    check_plan("A4 B3 C2 D1 E0 F0/11 G0/12 H0/13", "ABCDEFHG", "G0/14");
}

#[test]
fn traffic_never_moves_to_a_place_below_a_tunnel_that_cannot_be_re_pushed() {
    // X is dead on rung 2 and its router has not noticed.
    check_plan("A3 B0 X2", "BA", "B3/9 A0");
    check_plan("A3/0 B0 X3/1", "BA", "");
}

#[test]
fn an_emergency_raises_the_best_live_standby_above_the_dead_tunnel() {
    check_emergency("A1 B0", "B", "B2");
    check_emergency("A2 B1 C0", "CB", "C3");
    check_emergency("A4 B1", "B", "B4/9");
}

#[test]
fn no_emergency_without_a_live_standby_or_without_a_dead_tunnel_in_the_way() {
    check_emergency("A1", "", "");
    check_emergency("A1", "B", "");
    check_emergency("A1 B2", "B", "");
    check_emergency("A4/0 B1", "B", "");
}

#[test]
fn a_tunnel_is_admitted_to_its_canonical_place_below_the_active_one() {
    check_admit("", "AB", "A", "1");
    check_admit("", "AB", "B", "0");
    check_admit("B2", "AB", "A", "1");
    check_admit("B3 C0", "ABC", "A", "2");
    check_admit("A4 B3 C2 D1 E0 F0/11", "ABCDEFG", "G", "0/12");
}

#[test]
fn a_tunnel_is_never_admitted_above_the_active_one() {
    check_admit("B0", "AB", "A", "0/11");
    check_admit("C1 B0", "ABC", "A", "0/9");
    check_admit("B4/9 C2 D1 E0", "ABCDE", "A", "3");
}

#[test]
fn the_last_of_eight_gets_a_plain_step_when_it_is_alone() {
    check_admit("", "ABCDEFGH", "H", "0");
}
