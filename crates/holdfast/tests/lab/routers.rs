//! A MikroTik from its first line to the last: the lab's operator adopts a virtual router that is as it comes out of its
//! box, by pasting a line into its terminal, looks its interfaces and gateways up, and confirms the priority.

use crate::{Measured, measure, measure_runs, measure_with};

/// A scenario that has its own router.
fn play(scenario: &str) -> Measured {
    measure_with(scenario, &[])
}

#[test]
fn a_black_hole_upstream_is_left_within_1600_ms_by_an_adopted_router() {
    measure_runs("black-hole", "adopted", 3).assert_outage_within(1_600.0);
}

#[test]
fn a_planned_switch_on_an_adopted_router_loses_nothing() {
    let measured = measure("planned-switch", "adopted");
    measured.assert_nothing_lost();
    assert_eq!(measured.median("switches"), 1.0, "{}", measured.0);
}

/// That it is as it was, byte for byte, the scenario sees for itself, as those below do.
#[test]
fn a_router_that_was_adopted_and_failed_over_is_given_back_as_it_was_and_loses_nothing_by_that() {
    play("router-life").assert_nothing_lost();
}

#[test]
fn a_router_that_does_something_else_with_pushed_gateways_holds_the_ladder_itself() {
    let measured = play("router-own-ladder");
    assert!(measured.median("outage_ms") <= 5_000.0, "{}", measured.0);
}

#[test]
fn the_oldest_and_the_newest_version_are_configured_alike() {
    for scenario in ["router-oldest", "router-newest"] {
        assert_left_in_time(&play(scenario));
    }
}

#[test]
fn a_gateway_that_dhcp_changes_is_followed() {
    let measured = play("router-lease-changes");
    assert!(measured.median("outage_ms") <= 1_000.0, "{}", measured.0);
}

#[test]
fn two_isps_may_have_one_gateway_address() {
    assert_there_and_back(&play("router-same-gateway"));
}

#[test]
fn the_gateway_may_be_an_interface_as_with_pppoe() {
    assert_there_and_back(&play("router-pppoe"));
}

#[test]
fn a_router_that_ignores_ping_restart_is_made_to_let_its_dead_tunnel_go() {
    assert_there_and_back(&play("router-deaf"));
}

#[test]
fn three_slots_on_one_controller_address_do_as_well_as_three_addresses() {
    assert_left_in_time(&measure_with("router-one-address", &["--isps", "3"]));
}

#[test]
fn a_router_whose_connection_is_cut_at_any_command_is_configured_all_the_same_and_loses_nothing() {
    play("router-cuts").assert_nothing_lost();
}

#[test]
fn a_router_that_was_reset_is_adopted_anew_and_may_be_released_in_one_go() {
    play("router-reset");
}

#[test]
fn what_cannot_work_is_refused_with_its_mend_and_nothing_is_sent_to_the_router() {
    let measured = play("router-mistakes");
    measured.assert_nothing_lost();
    assert_eq!(measured.median("switches"), 0.0, "{}", measured.0);
}

/// A dead primary was left in time. Where failover is deactivated in the end, traffic may take the backup for as long as
/// one tunnel closes later than the other.
#[track_caller]
fn assert_left_in_time(measured: &Measured) {
    assert!(measured.median("outage_ms") <= 1_600.0, "{}", measured.0);
}

/// A dead primary was left in time and returned to, and nothing else happened.
#[track_caller]
fn assert_there_and_back(measured: &Measured) {
    assert_left_in_time(measured);
    assert_eq!(measured.median("switches"), 2.0, "{}", measured.0);
}
