//! Sites in virtual time: stories by example, random faults, and a week of flapping.

use std::time::Duration;

use holdfast_api_types::TunnelId;
use holdfast_failover::{Effect, RETURN_AFTER, Role};
use proptest::{collection::vec, prelude::*, sample::Index};

use crate::net::{Net, QUIET_AFTER, TICK};

const fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A net whose tunnels are all up and at rest.
fn settled(tunnels: usize) -> Net {
    let mut net = Net::new(tunnels, 7);
    net.run(QUIET_AFTER, |_| {});
    assert_eq!(net.router.carrying(), Some(&net.order[0]));
    net.pushes = 0;
    net.effects.clear();
    net
}

fn carrying(net: &Net) -> &TunnelId {
    net.router.carrying().unwrap()
}

/// How long until traffic first leaves through `tunnel`.
fn time_until(net: &mut Net, limit: Duration, tunnel: &TunnelId) -> Duration {
    let start = net.now;
    while carrying(net) != tunnel {
        assert!(
            net.now - start < limit,
            "{tunnel} has no traffic after {limit:?}: {:?}",
            net.router
        );
        net.run(TICK, |_| {});
    }
    net.now - start
}

fn activations(net: &Net) -> Vec<(String, Option<String>, String)> {
    let name = |tunnel: &TunnelId| tunnel.to_string();
    net.effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Activated {
                tunnel,
                previous,
                cause,
            } => Some((name(tunnel), previous.as_ref().map(name), cause.clone())),
            Effect::Push { .. }
            | Effect::Burst { .. }
            | Effect::Disconnect { .. }
            | Effect::Reconnect { .. }
            | Effect::Flapping { .. }
            | Effect::Steady { .. }
            | Effect::Role { .. }
            | Effect::Suspect { .. }
            | Effect::Recovering { .. }
            | Effect::Online { .. }
            | Effect::Offline { .. }
            | Effect::SiteOffline { .. } => None,
        })
        .collect()
}

#[test]
fn after_a_controller_restart_every_tunnel_lands_on_its_canonical_place_without_a_re_push() {
    for tunnels in 1..=8 {
        for seed in 0..20 {
            let mut net = Net::new(tunnels, seed);
            net.run(QUIET_AFTER, |_| {});
            assert_eq!(net.pushes, 0);
            assert_eq!(net.site.active(), Some(&net.order[0]));
        }
    }
}

#[test]
fn a_new_order_waits_for_a_tunnel_that_never_comes_only_until_the_start_grace_ends() {
    let mut net = Net::new(3, 7);
    let [first, second, missing] = [0, 1, 2].map(|rank: usize| net.order[rank].clone());
    net.black_hole(&missing);
    net.run(s(5), |_| {});
    net.reorder(vec![second.clone(), first.clone(), missing]);
    net.run(s(4), |net| assert_eq!(carrying(net), &first));
    time_until(&mut net, s(4), &second);
}

#[test]
fn a_black_holed_primary_loses_its_traffic_to_the_standby() {
    let mut net = settled(3);
    let [primary, backup] = [net.order[0].clone(), net.order[1].clone()];
    net.black_hole(&primary);
    let outage = time_until(&mut net, s(3), &backup);
    assert!(
        outage < Duration::from_millis(450 + 1500 + 300),
        "{outage:?}"
    );
    net.run(s(1), |_| {});
    assert_eq!(net.pushes, 1);
    assert_eq!(net.site.active(), Some(&backup));
    assert_eq!(net.site.role(&primary), Role::Standby);
    assert!(
        net.effects.iter().any(
            |effect| matches!(effect, Effect::Disconnect { tunnel, .. } if *tunnel == primary)
        )
    );
    let cause = "t0 is offline: silent for 0.45 s".into();
    assert_eq!(activations(&net), [("t1".into(), Some("t0".into()), cause)]);
}

#[test]
fn a_suspected_primary_makes_the_standbys_prove_themselves() {
    let mut net = settled(3);
    let primary = net.order[0].clone();
    net.black_hole(&primary);
    net.run(Duration::from_millis(300), |_| {});
    let bursts: Vec<&Effect> = net
        .effects
        .iter()
        .filter(|effect| matches!(effect, Effect::Burst { .. }))
        .collect();
    let [second, third] = [net.order[1].clone(), net.order[2].clone()];
    assert_eq!(
        bursts,
        [
            &Effect::Burst { tunnel: second },
            &Effect::Burst { tunnel: third }
        ]
    );
}

#[test]
fn a_standby_that_fell_silent_with_the_primary_is_not_raised() {
    let mut net = settled(3);
    let [primary, second, third] = [0, 1, 2].map(|rank: usize| net.order[rank].clone());
    net.black_hole(&primary);
    // Not long enough for anybody to suspect the second when the first is found dead.
    net.run(Duration::from_millis(200), |_| {});
    net.black_hole(&second);
    time_until(&mut net, s(3), &third);
    let raised =
        |effect: &Effect| matches!(effect, Effect::Push { tunnel, .. } if *tunnel == second);
    assert!(!net.effects.iter().any(raised));
}

#[test]
fn a_missed_probe_starts_the_hold_anew() {
    let mut net = settled(2);
    let primary = net.order[0].clone();
    net.black_hole(&primary);
    net.run(QUIET_AFTER, |_| {});
    net.mend(&primary);
    let is_recovering = |effect: &Effect| matches!(effect, Effect::Recovering { .. });
    while !net.effects.iter().any(is_recovering) {
        net.run(TICK, |_| {});
    }
    net.run(RETURN_AFTER - s(1), |_| {});
    net.black_hole(&primary);
    net.run(Duration::from_millis(300), |_| {});
    net.mend(&primary);
    let failback = time_until(&mut net, s(10), &primary);
    assert!(failback >= RETURN_AFTER, "{failback:?}");
}

#[test]
fn a_returned_primary_waits_three_clean_seconds_and_costs_one_re_push() {
    let mut net = settled(2);
    let primary = net.order[0].clone();
    net.black_hole(&primary);
    net.run(QUIET_AFTER, |_| {});
    net.pushes = 0;
    net.mend(&primary);
    let failback = time_until(&mut net, s(10), &primary);
    assert!(failback > RETURN_AFTER, "{failback:?}");
    net.run(QUIET_AFTER, |net| assert_eq!(carrying(net), &primary));
    assert_eq!(net.pushes, 1);
    assert_eq!(activations(&net).last().unwrap().2, "priority above t1");
}

#[test]
fn an_unplugged_primary_needs_no_re_push_at_all() {
    let mut net = settled(2);
    let [primary, backup] = [net.order[0].clone(), net.order[1].clone()];
    net.unplug(&primary);
    assert_eq!(carrying(&net), &backup);
    net.run(QUIET_AFTER, |net| assert_eq!(carrying(net), &backup));
    assert_eq!(net.pushes, 0);
    assert_eq!(net.site.active(), Some(&backup));
}

#[test]
fn a_reordered_site_switches_without_touching_the_active_tunnel_first() {
    let mut net = settled(2);
    let [primary, backup] = [net.order[0].clone(), net.order[1].clone()];
    net.reorder(vec![backup.clone(), primary.clone()]);
    let mut moved = false;
    net.run(s(10), |net| {
        moved |= carrying(net) == &backup;
        assert_eq!(carrying(net), if moved { &backup } else { &primary });
    });
    assert!(moved);
    assert_eq!(net.pushes, 1);
    assert_eq!(
        activations(&net),
        [("t1".into(), Some("t0".into()), "priority above t0".into())]
    );
}

#[test]
fn when_every_tunnel_is_silent_nothing_is_moved() {
    let mut net = settled(3);
    for tunnel in net.order.clone() {
        net.black_hole(&tunnel);
    }
    net.run(s(60), |_| {});
    assert_eq!(net.pushes, 0);
    assert_eq!(net.site.active(), None);
    assert!(
        !net.effects
            .iter()
            .any(|effect| matches!(effect, Effect::Disconnect { .. }))
    );
    assert_eq!(
        net.effects
            .iter()
            .filter(|effect| matches!(effect, Effect::SiteOffline { .. }))
            .count(),
        1
    );
    for tunnel in net.order.clone() {
        net.mend(&tunnel);
    }
    net.run(QUIET_AFTER, |_| {});
    assert_eq!(carrying(&net), &net.order[0]);
}

#[test]
fn a_short_blip_moves_nothing() {
    let mut net = settled(2);
    let primary = net.order[0].clone();
    for _ in 0..50 {
        net.black_hole(&primary);
        net.run(Duration::from_millis(400), |net| {
            assert_eq!(carrying(net), &primary)
        });
        net.mend(&primary);
        net.run(s(1), |net| assert_eq!(carrying(net), &primary));
    }
    assert_eq!(net.pushes, 0);
    assert_eq!(activations(&net), []);
}

#[test]
fn a_week_of_flapping_ends_where_it_began() {
    let mut net = settled(3);
    let week = net.now + s(7 * 24 * 60 * 60);
    let mut round = 0u64;
    while net.now < week {
        // Uneven times, so that faults meet every phase of a recovery; all three lines flap in turn.
        let line = net.order[(round % 5).min(2) as usize].clone();
        net.black_hole(&line);
        net.run(Duration::from_millis(300 + round * 7919 % 9000), |_| {});
        net.mend(&line);
        net.run(
            Duration::from_millis(500 + round * 104_729 % 20_000),
            |_| {},
        );
        round += 1;
        if round.is_multiple_of(3) {
            net.run(QUIET_AFTER, |_| {});
            assert_eq!(carrying(&net), &net.order[0]);
            assert_eq!(net.site.active(), Some(&net.order[0]));
            net.skip(s(90 * 60));
        }
        assert!(
            net.pushes as u64 <= 6 * round,
            "{} re-pushes in {round} rounds",
            net.pushes
        );
    }
}

/// What happens to a site, and for how many milliseconds it is then left alone.
#[derive(Debug, Clone)]
enum Happening {
    BlackHole(Index, u64),
    Unplug(Index, u64),
    Mend(Index, u64),
    Reorder(Index, Index, u64),
}

fn happenings() -> impl Strategy<Value = Vec<Happening>> {
    let line = any::<Index>;
    let time = || 0..12_000u64;
    let one = prop_oneof![
        2 => (line(), time()).prop_map(|(line, time)| Happening::BlackHole(line, time)),
        1 => (line(), time()).prop_map(|(line, time)| Happening::Unplug(line, time)),
        3 => (line(), time()).prop_map(|(line, time)| Happening::Mend(line, time)),
        1 => (line(), line(), time()).prop_map(|(from, to, time)| Happening::Reorder(from, to, time)),
    ];
    vec(one, 1..16)
}

fn happen(net: &mut Net, happening: &Happening) {
    let line = |which: &Index| which.get(&net.order).clone();
    let time = match happening {
        Happening::BlackHole(which, time) => {
            net.black_hole(&line(which));
            time
        }
        Happening::Unplug(which, time) => {
            net.unplug(&line(which));
            time
        }
        Happening::Mend(which, time) => {
            net.mend(&line(which));
            time
        }
        Happening::Reorder(from, to, time) => {
            let mut order = net.order.clone();
            let moved = order.remove(from.index(order.len()));
            order.insert(to.index(order.len() + 1), moved);
            net.reorder(order);
            time
        }
    };
    net.run(Duration::from_millis(*time), |_| {});
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn once_quiet_the_best_working_tunnel_has_the_traffic(
        tunnels in 1usize..=6,
        seed in any::<u64>(),
        story in happenings(),
    ) {
        let mut net = Net::new(tunnels, seed);
        net.run(s(5), |_| {});
        for happening in &story {
            happen(&mut net, happening);
        }
        net.run(2 * QUIET_AFTER, |_| {});
        prop_assert_eq!(net.router.carrying(), net.best_working());
        prop_assert_eq!(net.site.active(), net.best_working());
        prop_assert!(net.pushes <= 2 * tunnels * (story.len() + 1), "{} re-pushes", net.pushes);
        for tunnel in net.order.iter().filter(|tunnel| net.works(tunnel)) {
            prop_assert_eq!(net.site.place(tunnel), net.router.places().get(tunnel).copied());
        }
        net.pushes = 0;
        net.run(s(30), |_| {});
        prop_assert_eq!(net.pushes, 0, "never at rest");
    }
}
