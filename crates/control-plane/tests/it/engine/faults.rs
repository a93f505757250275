use std::time::{Duration, Instant};

use holdfast_api_types::{LinkState, TunnelRole, api::Change};
use holdfast_control_plane::{clock::Clock, events::Message};
use holdfast_store::health;

use super::bed::{Bed, id, until};

#[tokio::test]
async fn a_lost_primary_is_written_within_a_second_and_told_after_it_was_written() {
    let mut bed = Bed::new().await;
    let (fibre, _) = bed.both_up().await;
    let mut listener = bed.bus.subscribe(&bed.organization, None).unwrap();
    listener.next().await.unwrap();
    let decided = Instant::now();
    bed.die("fibre", fibre);
    bed.until_faults(&["link-offline"]).await;
    assert!(decided.elapsed() < Duration::from_secs(1));

    let fault = bed.open_faults().await.remove(0);
    assert_eq!(fault.tunnel_id, Some(id("fibre")));
    assert_eq!(fault.cause, "4 of 4 probes lost");
    let told = until("the fault to be told", async || {
        let messages = listener.next().await.unwrap();
        messages.into_iter().find_map(|message| match message {
            Message::Event { event, .. } => {
                let Change::FaultOpened(news) = &event.change else {
                    return None;
                };
                Some(news.clone())
            }
            Message::Snapshot(_) | Message::Reset(_) => None,
        })
    })
    .await;
    assert_eq!(told.fault, fault.id);
    let tunnel = bed.until_state("fibre", LinkState::Offline).await;
    assert_eq!(tunnel.link.role, None);
}

#[tokio::test]
async fn a_failover_and_its_way_back_are_in_the_history_and_leave_no_fault_open() {
    let mut bed = Bed::new().await;
    let (fibre, lte) = bed.both_up().await;
    bed.die("fibre", fibre);
    until("the backup to be raised", async || {
        bed.pass(1, &[("lte", lte)]).await;
        let pushed = bed.engine.take_commands(bed.controller);
        pushed.into_iter().find(|command| command.connection == lte)
    })
    .await;
    bed.go_down("lte", lte, true);
    let (lte, _) = bed.connect("lte").await;
    bed.go_down("fibre", fibre, false);
    bed.pass(5, &[("lte", lte)]).await;
    assert_eq!(bed.engine.active(&bed.site), Some(id("lte")));
    bed.until_faults(&["link-offline", "running-on-backup"])
        .await;

    let (fibre, _) = bed.connect("fibre").await;
    bed.until_faults(&["running-on-backup"]).await;
    bed.pass(29, &[("fibre", fibre), ("lte", lte)]).await;
    assert_eq!(bed.engine.active(&bed.site), Some(id("lte")));
    // Whoever is pushed redials, until the primary has its traffic back.
    let (mut fibre, mut lte) = (fibre, lte);
    for _ in 0..60 {
        bed.pass(1, &[("fibre", fibre), ("lte", lte)]).await;
        for command in bed.engine.take_commands(bed.controller) {
            if !matches!(
                command.order,
                holdfast_api_types::controller::Order::Push { .. }
            ) {
                continue;
            }
            if command.connection == fibre {
                bed.go_down("fibre", fibre, true);
                fibre = bed.connect("fibre").await.0;
            } else if command.connection == lte {
                bed.go_down("lte", lte, true);
                lte = bed.connect("lte").await.0;
            }
        }
    }
    assert_eq!(bed.engine.active(&bed.site), Some(id("fibre")));
    bed.until_faults(&[]).await;

    until("the primary's new role to be written", async || {
        let role = bed.tunnel("fibre").await.link.role;
        (role == Some(TunnelRole::Active)).then_some(())
    })
    .await;
    let states: Vec<LinkState> = bed
        .history("fibre")
        .await
        .iter()
        .map(|change| change.state)
        .skip_while(|state| *state != LinkState::Offline)
        .collect();
    assert_eq!(states[..2], [LinkState::Offline, LinkState::Recovering]);
    assert_eq!(states.last(), Some(&LinkState::Online));
}

#[tokio::test]
async fn nothing_is_lost_and_nothing_reordered_while_the_database_is_locked() {
    let mut bed = Bed::new().await;
    let (_, lte) = bed.both_up().await;
    let other = bed.second_store().await;
    let locked = other.write().await.unwrap();
    let begun = Instant::now();
    let mut lte = lte;
    for _ in 0..5 {
        bed.go_down("lte", lte, false);
        // Logging in only reads.
        lte = bed.connect("lte").await.0;
    }
    assert!(
        begun.elapsed() < Duration::from_secs(2),
        "whoever decides waits"
    );
    // Longer than the store waits for a lock, so that a write fails and has to be repeated.
    tokio::time::sleep(Duration::from_millis(5600).saturating_sub(begun.elapsed())).await;
    drop(locked);
    bed.until_faults(&["link-flapping"]).await;
    let states: Vec<LinkState> = until("the whole history", async || {
        let history = bed.history("lte").await;
        let states: Vec<LinkState> = history.iter().map(|change| change.state).collect();
        let offline = states.iter().filter(|it| **it == LinkState::Offline);
        (offline.count() == 5).then_some(states)
    })
    .await;
    let last: Vec<LinkState> = states.into_iter().rev().take(10).collect();
    for pair in last.chunks(2) {
        assert_eq!(pair, [LinkState::Recovering, LinkState::Offline]);
    }
}

#[tokio::test]
async fn a_lossy_link_is_degraded_and_the_order_follows() {
    let mut bed = Bed::new().await;
    let (fibre, lte) = bed.both_up().await;
    for _ in 0..15 {
        bed.measure("fibre", fibre, 0.3);
        bed.pass(1, &[("fibre", fibre), ("lte", lte)]).await;
    }
    bed.until_faults(&["link-degraded"]).await;
    assert_eq!(bed.engine.order(&bed.site), [id("lte"), id("fibre")]);
    let tunnel = bed.until_state("fibre", LinkState::Degraded).await;
    assert!(tunnel.link.cause.contains("packet loss was"));
}

#[tokio::test]
async fn measurements_become_minutes_and_a_second_without_a_report_is_a_gap() {
    let mut bed = Bed::new().await;
    let (fibre, lte) = bed.both_up().await;
    let from = bed.clock.now();
    for second in 0..150 {
        if !(60..70).contains(&second) {
            bed.measure("fibre", fibre, 0.1);
        }
        bed.pass(1, &[("fibre", fibre), ("lte", lte)]).await;
    }
    bed.engine.stop(Duration::from_secs(10)).await;
    let to = bed.clock.now();
    let mut conn = bed.store.read().await.unwrap();
    let series = health::series(&mut conn, &id("fibre"), from, to, 1000, to)
        .await
        .unwrap();
    assert_eq!(series.step_s, 1);
    let missing = series.points.iter().filter(|point| point.is_none()).count();
    assert!((10..=12).contains(&missing), "{missing} gaps");
    let point = series.points.iter().flatten().next().unwrap();
    assert_eq!(
        (point.probes, point.lost, point.rtt_avg_us),
        (10, 1, Some(20_000))
    );
}
