//! What users feel when something breaks, with our controller: the promises that Holdfast makes.
//!
//! Each test is one run of `holdfast lab run`, in namespaces of its own. They want root, or a system that lets
//! ordinary users make user namespaces and open `/dev/net/tun`.
//!
//! They measure milliseconds, so they are a program of their own: whichever runner starts it, nothing else runs.
#![expect(
    clippy::unwrap_used,
    reason = "a test helper that cannot go on says so by panicking"
)]

use std::{
    process::Command,
    sync::{Mutex, PoisonError},
};

use serde_json::Value;

static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// A single run.
fn measure(scenario: &str, client: &str) -> Measured {
    measure_runs(scenario, client, 1)
}

/// The medians of several runs: where milliseconds are promised, one unlucky run must not decide.
fn measure_runs(scenario: &str, client: &str, runs: u32) -> Measured {
    // A test that failed while holding it has left nothing behind.
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let runs = runs.to_string();
    let output = Command::new(env!("CARGO_BIN_EXE_holdfast"))
        .args(["lab", "run", scenario, "--client", client, "--runs", &runs])
        .output()
        .unwrap();
    let log = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{log}");
    Measured(serde_json::from_slice(&output.stdout).unwrap())
}

struct Measured(Value);

impl Measured {
    fn median(&self, name: &str) -> f64 {
        self.0["median"][name].as_f64().unwrap()
    }

    #[track_caller]
    fn assert_outage_within(&self, ms: f64) {
        assert!(self.median("outage_ms") <= ms, "{}", self.0);
        assert_eq!(self.median("switches"), 1.0, "{}", self.0);
    }

    #[track_caller]
    fn assert_nothing_lost(&self) {
        assert_eq!(self.median("lost"), 0.0, "{}", self.0);
    }
}

#[test]
fn a_black_hole_upstream_is_left_within_1600_ms_by_stock_clients() {
    measure_runs("black-hole", "stock", 3).assert_outage_within(1_600.0);
}

#[test]
fn a_black_hole_upstream_is_left_within_700_ms_by_agents() {
    measure_runs("black-hole", "agent", 3).assert_outage_within(700.0);
}

#[test]
fn a_cable_that_is_out_is_left_within_100_ms() {
    measure_runs("port-down", "stock", 3).assert_outage_within(100.0);
}

#[test]
fn a_planned_switch_loses_nothing() {
    let measured = measure("planned-switch", "stock");
    measured.assert_nothing_lost();
    assert_eq!(measured.median("switches"), 1.0, "{}", measured.0);
}

#[test]
fn a_failback_loses_nothing_and_waits_for_three_clean_seconds() {
    let measured = measure("failback", "stock");
    measured.assert_nothing_lost();
    assert!(
        measured.median("first_switch_ms") >= 3_000.0,
        "{}",
        measured.0
    );
}

#[test]
fn a_restarted_controller_loses_nothing_and_moves_nobody() {
    let measured = measure("controller-restarted", "stock");
    measured.assert_nothing_lost();
    assert_eq!(measured.median("switches"), 0.0, "{}", measured.0);
    assert_eq!(measured.median("tcp_survived"), 1.0, "{}", measured.0);
}

#[test]
fn controllers_that_are_all_gone_lose_nothing() {
    measure("controllers-gone", "stock").assert_nothing_lost();
}
