//! The monitor of a site: stories by example. Random ones, beside a model of the rules, are in `model`.

mod desk;
mod model;

use std::time::Instant;

use holdfast_api_types::{FaultType, LinkEventKind, LinkState, OverrideKind, TunnelRole};
use holdfast_failover::{Admission, Configured, FaultKey, Monitor, Stored};

use self::desk::*;

#[test]
fn a_new_tunnel_has_never_been_seen_and_is_then_online() {
    let mut desk = Desk::new(2);
    assert_eq!(desk.state(0), LinkState::NeverSeen);
    desk.come_up(0);
    desk.tell(0, &active());
    assert_eq!(desk.state(0), LinkState::Online);
    assert_eq!(desk.states[&id(0)].1, TunnelRole::Active);
    assert_eq!(desk.state(1), LinkState::NeverSeen);
    assert_eq!(desk.opened, []);
}

/// The routes are in place before the first probe is answered.
#[test]
fn a_tunnel_that_has_the_traffic_before_its_first_answer_is_active_once_it_is_online() {
    let mut desk = Desk::new(2);
    desk.tell(0, &up());
    desk.tell(0, &active());
    assert_eq!(desk.state(0), LinkState::NeverSeen);
    assert!(
        desk.states
            .get(&id(0))
            .is_none_or(|it| it.1 == TunnelRole::Standby)
    );
    desk.tell(0, &LinkEventKind::LinkOnline);
    assert_eq!(desk.state(0), LinkState::Online);
    assert_eq!(desk.states[&id(0)].1, TunnelRole::Active);

    // One that is lost before it has answered has lost the traffic as well.
    desk.tell(1, &up());
    desk.tell(1, &active());
    desk.tell(1, &down(false));
    desk.tell(1, &up());
    desk.tell(1, &LinkEventKind::LinkOnline);
    assert_eq!(desk.states[&id(1)].1, TunnelRole::Standby);
}

#[test]
fn a_lost_primary_is_a_fault_and_so_is_running_on_the_backup_until_it_has_the_traffic_back() {
    let mut desk = settled();
    desk.tell(0, &offline());
    assert_eq!(desk.state(0), LinkState::Offline);
    assert_eq!(desk.cause(0), "4 of 4 probes lost");
    assert_eq!(desk.open(), ["link-offline t0"]);
    desk.tell(1, &active());
    assert_eq!(desk.open(), ["running-on-backup", "link-offline t0"]);
    let backup = FaultKey {
        tunnel: None,
        kind: FaultType::RunningOnBackup,
    };
    assert_eq!(
        desk.open[&backup],
        "traffic leaves through LTE: Fibre is offline"
    );
    assert_eq!(desk.cause(1), "Fibre is offline: 4 of 4 probes lost");

    desk.tell(0, &up());
    desk.tell(0, &recovering());
    assert_eq!(desk.state(0), LinkState::Recovering);
    assert_eq!(desk.open(), ["running-on-backup"]);
    desk.tell(0, &LinkEventKind::LinkOnline);
    assert_eq!(desk.open(), ["running-on-backup"]);
    desk.tell(0, &active());
    assert_eq!(desk.open(), Vec::<String>::new());
    assert_eq!(desk.closed.len(), 2);
}

#[test]
fn when_all_tunnels_are_gone_the_site_is_offline() {
    let mut desk = settled();
    desk.tell(0, &offline());
    desk.tell(1, &offline());
    assert!(desk.open().contains(&"site-offline".to_owned()));
    desk.tell(1, &recovering());
    assert!(!desk.open().contains(&"site-offline".to_owned()));
    assert!(
        desk.closed
            .iter()
            .any(|(_, cause)| cause == "a tunnel carries packets again")
    );
}

#[test]
fn a_planned_reconnect_is_told_to_nobody_unless_the_tunnel_stays_away() {
    let mut desk = settled();
    let before = desk.states.clone();
    desk.tell(1, &down(true));
    desk.wait(s(20));
    desk.tell(1, &up());
    desk.wait(s(60));
    assert_eq!(desk.states, before);
    assert_eq!(desk.opened, []);

    desk.tell(1, &down(true));
    desk.wait(s(31));
    assert_eq!(desk.open(), ["link-offline t1"]);
}

#[test]
fn a_planned_move_to_the_backup_is_no_fault() {
    let mut desk = settled();
    desk.configure(vec![configured(1), configured(0)]);
    desk.tell(1, &active());
    assert_eq!(desk.opened, []);

    let preferred = Configured {
        forced: Some(OverrideKind::Prefer),
        ..configured(0)
    };
    desk.configure(vec![configured(1), preferred]);
    desk.tell(0, &active());
    assert_eq!(desk.opened, []);
    assert_eq!(desk.monitor.order(), [id(0), id(1)]);
}

#[test]
fn loss_above_the_target_degrades_a_link_and_ranks_it_below() {
    let mut desk = settled();
    for _ in 0..12 {
        desk.tell(0, &health(0.2));
        desk.wait(s(1));
    }
    assert_eq!(desk.state(0), LinkState::Degraded);
    assert!(desk.cause(0).contains("packet loss"), "{}", desk.cause(0));
    assert_eq!(desk.open(), ["link-degraded t0"]);
    assert_eq!(desk.monitor.order(), [id(1), id(0)]);
    desk.tell(1, &active());
    assert_eq!(desk.open(), ["running-on-backup", "link-degraded t0"]);
    for _ in 0..60 {
        desk.tell(0, &health(0.0));
        desk.wait(s(1));
    }
    assert_eq!(desk.state(0), LinkState::Online);
    assert_eq!(desk.monitor.order(), [id(0), id(1)]);
    desk.tell(0, &active());
    assert_eq!(desk.open(), Vec::<String>::new());
}

#[test]
fn a_flapping_link_is_a_fault_until_it_is_steady() {
    let mut desk = settled();
    desk.tell(1, &offline());
    desk.tell(1, &LinkEventKind::LinkFlapping { hold_s: 60.0 });
    desk.tell(1, &recovering());
    assert_eq!(desk.open(), ["link-flapping t1"]);
    desk.tell(1, &LinkEventKind::LinkSteady);
    desk.tell(1, &LinkEventKind::LinkOnline);
    assert_eq!(desk.open(), Vec::<String>::new());
}

#[test]
fn a_tunnel_that_is_switched_off_is_no_fault_and_ends_its_faults() {
    let mut desk = settled();
    desk.tell(1, &offline());
    let off = Configured {
        admission: Admission::Off("switched off by Ada: works on the mast".into()),
        ..configured(1)
    };
    desk.configure(vec![configured(0), off]);
    assert_eq!(desk.state(1), LinkState::Off);
    assert_eq!(desk.cause(1), "switched off by Ada: works on the mast");
    assert_eq!(desk.open(), Vec::<String>::new());
    desk.tell(1, &down(false));
    assert_eq!(desk.open(), Vec::<String>::new());

    desk.configure(vec![configured(0), configured(1)]);
    assert_eq!(desk.state(1), LinkState::Unknown);
    desk.wait(s(31));
    assert_eq!(desk.state(1), LinkState::Offline);
}

#[test]
fn a_removed_tunnel_takes_its_faults_along() {
    let mut desk = settled();
    desk.tell(1, &offline());
    desk.configure(vec![configured(0)]);
    assert_eq!(desk.open(), Vec::<String>::new());
    assert_eq!(desk.closed[0].1, "the tunnel was removed");
}

#[test]
fn what_a_lost_controller_holds_is_unknown_and_nothing_is_concluded_from_that() {
    let mut desk = settled();
    desk.monitor
        .controller_lost(&[id(0), id(1)], "controller fra-1 does not answer");
    desk.drain();
    assert_eq!(desk.state(0), LinkState::Unknown);
    assert_eq!(desk.cause(0), "controller fra-1 does not answer");
    assert_eq!(desk.open(), ["controller-lost"]);
    desk.wait(s(3600));
    assert_eq!(desk.open(), ["controller-lost"]);
    desk.monitor.controller_back(&[id(0), id(1)], desk.now);
    desk.drain();
    assert_eq!(desk.state(0), LinkState::Online);
    assert_eq!(desk.open(), Vec::<String>::new());
}

#[test]
fn after_a_restart_a_tunnel_is_unknown_and_offline_only_if_it_stays_away() {
    let stored = |index, state| Stored {
        tunnel: id(index),
        state,
        role: TunnelRole::Standby,
        cause: "4 of 4 probes lost".into(),
        seen: true,
    };
    let broken = FaultKey {
        tunnel: Some(id(2)),
        kind: FaultType::LinkOffline,
    };
    let monitor = Monitor::restore(
        [
            stored(0, LinkState::Online),
            stored(1, LinkState::Degraded),
            stored(2, LinkState::Offline),
        ],
        [(broken, "4 of 4 probes lost".into())],
        Instant::now(),
    );
    let mut desk = Desk::with(monitor, 3);
    assert_eq!(desk.state(0), LinkState::Unknown);
    assert_eq!(desk.state(1), LinkState::Unknown);
    assert_eq!(desk.opened, []);
    desk.wait(s(5));
    desk.come_up(0);
    desk.tell(0, &active());
    assert_eq!(desk.opened, []);
    desk.wait(s(30));
    assert_eq!(desk.open(), ["link-offline t1", "link-offline t2"]);
    desk.come_up(2);
    assert_eq!(desk.open(), ["link-offline t1"]);
}
