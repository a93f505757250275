//! Holds that grow, and tunnels that are asked to go, in virtual time.

use std::time::Duration;

use holdfast_api_types::TunnelId;
use holdfast_failover::{Effect, Hold};

use crate::net::{Net, QUIET_AFTER};

const fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

const HOLD: Duration = s(30);

/// A net with returns held as a control plane holds them, all tunnels up and at rest.
fn settled(tunnels: usize) -> Net {
    let mut net = Net::holding(tunnels, 7, Hold::growing(HOLD));
    net.run(QUIET_AFTER, |_| {});
    assert_eq!(net.site.active(), Some(&net.order[0]));
    net.pushes = 0;
    net.effects.clear();
    net
}

fn count(net: &Net, wanted: fn(&Effect) -> bool) -> usize {
    net.effects.iter().filter(|effect| wanted(effect)).count()
}

fn moves(net: &Net) -> usize {
    count(net, |effect| matches!(effect, Effect::Activated { .. }))
}

/// Lets the primary flap for five minutes, and then be steady for two hours.
fn flap(down: Duration, up: Duration) -> Net {
    let mut net = settled(2);
    let primary = net.order[0].clone();
    let end = net.now + s(300);
    while net.now < end {
        net.black_hole(&primary);
        net.run(down, |_| {});
        net.mend(&primary);
        net.run(up, |_| {});
    }
    assert_eq!(moves(&net), 1, "it moves away once and stays away");
    assert_eq!(net.site.active(), Some(&net.order[1]));
    net.run(s(2 * 60 * 60), |_| {});
    net
}

#[test]
fn a_link_that_flaps_for_minutes_moves_the_traffic_away_once_and_back_once() {
    for (down, up) in [(10, 10), (2, 18)] {
        let net = flap(s(down), s(up));
        assert_eq!(moves(&net), 2, "{down} s down, {up} s up");
        assert_eq!(net.site.active(), Some(&net.order[0]));
        assert!(count(&net, |effect| matches!(effect, Effect::Flapping { .. })) > 1);
        assert_eq!(
            count(&net, |effect| matches!(effect, Effect::Steady { .. })),
            1
        );
    }
}

#[test]
fn a_single_outage_is_held_for_the_usual_time() {
    let mut net = settled(2);
    let [primary, backup] = [0, 1].map(|rank: usize| net.order[rank].clone());
    net.black_hole(&primary);
    net.run(s(20), |_| {});
    net.mend(&primary);
    let back = net.now;
    net.run(HOLD, |net| {
        assert_eq!(net.router.carrying(), Some(&backup));
    });
    while net.router.carrying() != Some(&primary) {
        assert!(net.now < back + HOLD + s(10));
        net.run(s(1), |_| {});
    }
    assert_eq!(count(&net, |it| matches!(it, Effect::Flapping { .. })), 0);
}

#[test]
fn a_packet_lost_now_and_then_does_not_prolong_a_long_hold() {
    let mut net = settled(2);
    let primary = net.order[0].clone();
    net.black_hole(&primary);
    net.run(s(20), |_| {});
    net.mend(&primary);
    net.run(s(2), |_| {});
    let back = net.now;
    while net.router.carrying() != Some(&primary) {
        assert!(net.now < back + HOLD + s(20), "held for ever");
        net.black_hole(&primary);
        net.run(Duration::from_millis(260), |_| {});
        net.mend(&primary);
        net.run(s(6), |_| {});
    }
}

#[test]
fn a_flapping_tunnel_carries_the_traffic_at_once_when_nothing_better_lives() {
    let mut net = settled(2);
    let [primary, backup] = [0, 1].map(|rank: usize| net.order[rank].clone());
    for _ in 0..8 {
        net.black_hole(&primary);
        net.run(s(10), |_| {});
        net.mend(&primary);
        net.run(s(10), |_| {});
    }
    assert_eq!(net.router.carrying(), Some(&backup));
    net.black_hole(&backup);
    let start = net.now;
    while net.router.carrying() != Some(&primary) {
        assert!(net.now < start + s(5), "{:?}", net.router);
        net.run(Duration::from_millis(50), |_| {});
    }
}

fn reconnected(net: &Net) -> Vec<&TunnelId> {
    net.effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Reconnect { tunnel, .. } => Some(tunnel),
            Effect::Push { .. }
            | Effect::Burst { .. }
            | Effect::Disconnect { .. }
            | Effect::Role { .. }
            | Effect::Activated { .. }
            | Effect::Suspect { .. }
            | Effect::Recovering { .. }
            | Effect::Flapping { .. }
            | Effect::Steady { .. }
            | Effect::Online { .. }
            | Effect::Offline { .. }
            | Effect::SiteOffline { .. } => None,
        })
        .collect()
}

#[test]
fn tunnels_with_new_details_reconnect_one_after_the_other_the_active_one_last() {
    let mut net = settled(3);
    net.renew(&net.order.clone());
    net.run(QUIET_AFTER, |net| {
        assert!(net.router.places().len() >= 2, "{:?}", net.router);
    });
    let expected: Vec<&TunnelId> = net.order.iter().rev().collect();
    assert_eq!(reconnected(&net), expected);
    assert!(!net.site.is_changing());
    assert_eq!(net.router.carrying(), Some(&net.order[0]));
    assert_eq!(
        count(&net, |it| matches!(
            it,
            Effect::Offline { .. } | Effect::Recovering { .. }
        )),
        0,
        "to be asked to go is no fault, and no reason for a hold"
    );
}

#[test]
fn an_active_tunnel_that_must_go_hands_its_traffic_over_first() {
    let mut net = settled(2);
    let [primary, backup] = [0, 1].map(|rank: usize| net.order[rank].clone());
    net.forbid(std::slice::from_ref(&primary));
    net.run(QUIET_AFTER, |net| {
        assert!(net.router.carrying().is_some());
    });
    assert_eq!(net.site.active(), Some(&backup));
    assert_eq!(net.router.places().get(&primary), None);
    assert_eq!(reconnected(&net), [&primary]);
    let handed_over = net
        .effects
        .iter()
        .position(|it| matches!(it, Effect::Activated { tunnel, .. } if *tunnel == backup));
    let closed = net
        .effects
        .iter()
        .position(|it| matches!(it, Effect::Reconnect { .. }));
    assert!(handed_over.unwrap() < closed.unwrap());
}

#[test]
fn when_all_must_go_they_go_one_after_the_other() {
    let mut net = settled(3);
    net.forbid(&net.order.clone());
    net.run(s(60), |_| {});
    assert_eq!(reconnected(&net).len(), 3);
    assert!(net.router.places().is_empty());
    assert_eq!(net.site.active(), None);
    assert_eq!(count(&net, |it| matches!(it, Effect::Offline { .. })), 0);
}

#[test]
fn nobody_who_must_go_is_given_another_place_before() {
    for worst in 0..3 {
        let mut net = settled(3);
        // Places that are not those of a fresh start, so that each departure leaves something to be mended.
        let mut order = net.order.clone();
        order.rotate_right(1);
        order.swap(worst, 2);
        net.reorder(order);
        net.run(QUIET_AFTER, |_| {});
        net.pushes = 0;
        net.forbid(&net.order.clone());
        net.run(s(5), |_| {});
        assert!(net.router.places().is_empty(), "{:?}", net.router);
        assert_eq!(net.pushes, 0);
    }
}

#[test]
fn a_tunnel_that_may_stay_after_all_is_not_closed() {
    let mut net = settled(2);
    let primary = net.order[0].clone();
    net.site
        .withdraw(std::slice::from_ref(&primary), "switched off", net.now);
    net.reorder(net.order.clone());
    net.run(QUIET_AFTER, |_| {});
    assert_eq!(reconnected(&net), Vec::<&TunnelId>::new());
    assert_eq!(net.site.active(), Some(&primary));
}
