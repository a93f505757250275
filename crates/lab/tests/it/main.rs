//! The lab on this machine's kernel: needs `openvpn`, `nft` and the right to make namespaces.
//!
//! These tests fail where that is missing: one that is silently skipped proves nothing. Who is not root runs them
//! with `unshare --map-root-user cargo test`.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use holdfast_lab::{
    ClientKind, ControllerFault, Isp, Lab, LineFault, RunDir, RunOptions, ServerKind, find_scenario,
};

/// Two lines with the stock server and stock clients: independent of our own programs.
fn stock_lab(dir: &Path) -> anyhow::Result<Lab> {
    let lab = Lab::builder()
        .isp(Isp::fibre())
        .isp(Isp::lte())
        .server(ServerKind::OpenvpnTuned)
        .build(dir)?;
    lab.wait_until_up()?;
    Ok(lab)
}

#[track_caller]
fn eventually(what: &str, within: Duration, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + within;
    while !condition() {
        assert!(Instant::now() < deadline, "not within {within:?}: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_line_without_carrier_stops_carrying_at_once_and_carries_again_when_healed() {
    let dir = RunDir::temporary().unwrap();
    let lab = stock_lab(dir.path()).unwrap();
    assert_eq!(lab.active(), Some(0));
    assert_eq!((lab.prefix(0), lab.prefix(1)), (Some(1), Some(0)));

    lab.break_line(0, LineFault::PortDown);
    eventually("the backup is active", Duration::from_secs(1), || {
        lab.active() == Some(1)
    });

    lab.heal_line(0);
    eventually("the primary is back", Duration::from_secs(30), || {
        lab.active() == Some(0)
    });
}

#[test]
fn a_killed_client_is_started_again() {
    let dir = RunDir::temporary().unwrap();
    let lab = stock_lab(dir.path()).unwrap();
    let starts = || {
        let log = fs::read_to_string(dir.path().join("lte.log")).unwrap();
        log.matches("Initialization Sequence Completed").count()
    };
    assert_eq!(starts(), 1);
    lab.break_line(1, LineFault::ClientKilled);
    eventually("it is up again", Duration::from_secs(20), || starts() == 2);
}

#[test]
fn without_controllers_the_routers_own_routes_carry_on() {
    let dir = RunDir::temporary().unwrap();
    let lab = stock_lab(dir.path()).unwrap();
    lab.break_controllers(ControllerFault::Gone).unwrap();
    eventually(
        "all pushed routes are gone",
        Duration::from_secs(20),
        || lab.tunnels_up() == 0,
    );
    lab.heal_controllers().unwrap();
    lab.wait_until_up().unwrap();
}

#[test]
fn dropping_a_lab_ends_its_programs_and_only_those() {
    let dir = RunDir::temporary().unwrap();
    let lab = stock_lab(dir.path()).unwrap();
    let ours = || {
        let dir = dir.path().to_str().unwrap().as_bytes();
        fs::read_dir("/proc")
            .unwrap()
            .filter_map(|entry| fs::read(entry.ok()?.path().join("cmdline")).ok())
            .filter(|line| line.windows(dir.len()).any(|part| part == dir))
            .count()
    };
    assert_eq!(ours(), 3, "a server and two clients");
    drop(lab);
    assert_eq!(ours(), 0);
}

#[test]
fn an_unknown_name_is_refused_with_those_that_exist() {
    let dir = RunDir::temporary().unwrap();
    let lab = stock_lab(dir.path()).unwrap();
    let error = lab.line("dsl").unwrap_err().to_string();
    assert!(error.contains("fibre, lte"), "{error}");
    assert!(lab.reorder(&[0]).is_err());
    assert!(lab.reorder(&[1, 1]).is_err());
}

/// The meter tells the truth in both directions: quiet is quiet, and a black hole is as long as the stock server's
/// keepalive of 1 s and 3 s makes it.
#[test]
fn a_black_hole_is_measured_as_long_as_the_keepalive_lets_it_be() {
    let options = RunOptions {
        runs: 1,
        server: ServerKind::OpenvpnTuned,
        client: ClientKind::Stock,
        isps: Isp::usual(2).unwrap(),
        keep_logs: None,
        holdfast: None,
    };
    let result = holdfast_lab::run(find_scenario("black-hole").unwrap(), &options).unwrap();
    let run = &result.runs[0].meter.pulse;
    assert!((1_500.0..6_000.0).contains(&run.outage_ms), "{run:?}");
    assert_eq!(
        run.gaps.len(),
        1,
        "nothing is lost before the fault and after the move: {run:?}"
    );
    assert_eq!(run.switches, 1, "{run:?}");
    assert_eq!(
        (&*run.changes[0].from, &*run.changes[0].to),
        ("fibre", "lte")
    );
}
