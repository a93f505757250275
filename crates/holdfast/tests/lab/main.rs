//! What users feel when something breaks, and what the fault log says of it: the promises that Holdfast makes.
//!
//! The lab's operator works through the HTTP API alone: it makes the account, enables failover, configures the tunnels,
//! downloads the clients' profiles, and confirms every order of priority.
//!
//! Each test is one run of `holdfast lab run`, in namespaces of its own. They want root, or a system that lets
//! ordinary users make user namespaces and open `/dev/net/tun`.
//!
//! They measure milliseconds, so they are a program of their own: whichever runner starts it, nothing else runs.
#![expect(
    clippy::unwrap_used,
    reason = "a test helper that cannot go on says so by panicking"
)]

mod routers;

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
    let runs = runs.to_string();
    measure_with(scenario, &["--client", client, "--runs", &runs])
}

/// A run with arguments of its own.
fn measure_with(scenario: &str, arguments: &[&str]) -> Measured {
    // A test that failed while holding it has left nothing behind.
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let output = Command::new(env!("CARGO_BIN_EXE_holdfast"))
        .args(["lab", "run", scenario])
        .args(arguments)
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

    /// The faults of this type in the log of the only run.
    fn faults(&self, fault_type: &str) -> Vec<&Value> {
        let faults = self.0["runs"][0]["faults"].as_array().unwrap();
        let wanted = |fault: &&Value| fault["type"] == fault_type;
        faults.iter().filter(wanted).collect()
    }

    #[track_caller]
    fn assert_no_fault(&self) {
        let faults = &self.0["runs"][0]["faults"];
        assert_eq!(faults.as_array().unwrap().len(), 0, "{faults}");
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
fn a_black_hole_upstream_is_left_within_3_s_by_a_routeros_router() {
    measure("black-hole", "routeros").assert_outage_within(3_000.0);
}

#[test]
fn a_planned_switch_on_a_routeros_router_loses_nothing() {
    let measured = measure("planned-switch", "routeros");
    measured.assert_nothing_lost();
    assert_eq!(measured.median("switches"), 1.0, "{}", measured.0);
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
fn a_confirmed_priority_moves_three_isps_within_two_seconds_and_loses_nothing() {
    let measured = measure_with("planned-switch", &["--isps", "3"]);
    measured.assert_nothing_lost();
    assert_eq!(measured.median("switches"), 1.0, "{}", measured.0);
    assert!(
        measured.median("first_switch_ms") <= 2_000.0,
        "{}",
        measured.0
    );
    measured.assert_no_fault();
}

#[test]
fn a_black_hole_is_in_the_fault_log_within_a_second_of_the_decision_with_its_cause() {
    let measured = measure_with("black-hole", &["--isps", "3"]);
    let [fault] = measured.faults("link-offline")[..] else {
        panic!("one line is offline: {}", measured.0);
    };
    assert_eq!(fault["tunnel"], "fibre");
    let cause = fault["cause"].as_str().unwrap();
    assert!(cause.contains("probes without an answer"), "{fault}");
    // Traffic moves after the decision: what is in the log by then plus a second, is there within a second of it.
    let seen = fault["seen_ms"].as_f64().unwrap();
    assert!(
        seen <= measured.median("first_switch_ms") + 1_000.0,
        "{}",
        measured.0
    );
    assert!(
        seen - fault["started_ms"].as_f64().unwrap() <= 1_000.0,
        "{fault}"
    );
    assert_eq!(
        measured.faults("running-on-backup").len(),
        1,
        "{}",
        measured.0
    );
}

#[test]
fn a_line_that_is_back_has_its_fault_closed_with_its_duration() {
    let measured = measure_with("failback", &["--isps", "3"]);
    let [fault] = measured.faults("link-offline")[..] else {
        panic!("one line was offline: {}", measured.0);
    };
    // It was broken for as long as traffic took to move, and three seconds more.
    let duration = fault["duration_s"].as_f64().unwrap();
    assert!((3.0..20.0).contains(&duration), "{fault}");
    assert_eq!(fault["end_cause"], "it carries packets again");
}

#[test]
fn a_line_that_flaps_moves_traffic_at_most_twice_and_is_one_flapping_fault() {
    let scenario = match std::env::var("HOLDFAST_LONG_TESTS").as_deref() {
        Ok("1") => "flapping-long",
        _ => "flapping",
    };
    let measured = measure_with(scenario, &[]);
    assert!(measured.median("switches") <= 2.0, "{}", measured.0);
    assert_eq!(measured.faults("link-flapping").len(), 1, "{}", measured.0);
}

#[test]
fn without_a_control_plane_the_controller_keeps_the_same_promises() {
    let standalone = ["--server", "standalone"];
    measure_with("black-hole", &standalone).assert_outage_within(1_600.0);
    measure_with("planned-switch", &standalone).assert_nothing_lost();
}

#[test]
fn a_restarted_controller_loses_nothing_moves_nobody_and_is_no_fault() {
    let measured = measure("controller-restarted", "stock");
    measured.assert_nothing_lost();
    measured.assert_no_fault();
    assert_eq!(measured.median("switches"), 0.0, "{}", measured.0);
    assert_eq!(measured.median("tcp_survived"), 1.0, "{}", measured.0);
}

#[test]
fn controllers_that_are_all_gone_lose_nothing() {
    measure("controllers-gone", "stock").assert_nothing_lost();
}
