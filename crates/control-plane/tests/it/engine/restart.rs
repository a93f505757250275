use std::time::Duration;

use holdfast_api_types::{
    ControllerId, LinkState, Place, RunId,
    controller::{Report, ReportKind, Verdict, http::HeldTunnel},
};
use holdfast_control_plane::{clock::Clock, engine::Cursor};
use holdfast_store::controller;

use super::bed::{Bed, id};

fn held(bed: &Bed, name: &str, connection: u64, place: Place) -> HeldTunnel {
    let last = if name == "fibre" { 1 } else { 2 };
    HeldTunnel {
        connection,
        tunnel: id(name),
        site: bed.site.clone(),
        remote: "203.0.113.9:40000".parse().unwrap(),
        slot: 0,
        place: Some(place),
        gateway: [192, 0, 2, last].into(),
        cipher: Some("AES-256-GCM".into()),
        verdict: Some(Verdict::Answered),
    }
}

#[tokio::test]
async fn after_a_restart_tunnels_are_unknown_and_only_who_stays_away_is_a_fault() {
    let mut bed = Bed::new().await;
    bed.both_up().await;
    bed.restart().await;
    bed.until_state("fibre", LinkState::Unknown).await;
    bed.until_state("lte", LinkState::Unknown).await;
    bed.pass(5, &[]).await;
    let (fibre, _) = bed.connect("fibre").await;
    bed.until_state("fibre", LinkState::Online).await;
    assert!(bed.open_faults().await.is_empty());
    bed.pass(30, &[("fibre", fibre)]).await;
    bed.until_faults(&["link-offline"]).await;
}

#[tokio::test]
async fn a_fault_from_before_a_restart_ends_after_it() {
    let mut bed = Bed::new().await;
    let (_, lte) = bed.both_up().await;
    bed.go_down("lte", lte, false);
    bed.until_faults(&["link-offline"]).await;
    let fault = bed.open_faults().await.remove(0);
    bed.restart().await;
    bed.pass(1, &[]).await;
    assert_eq!(bed.open_faults().await[0].id, fault.id);
    bed.connect("fibre").await;
    bed.connect("lte").await;
    bed.until_faults(&[]).await;
}

#[tokio::test]
async fn a_restarted_engine_learns_from_its_controller_who_is_connected() {
    let mut bed = Bed::new().await;
    bed.both_up().await;
    bed.restart().await;
    let (first, second) = (Place { rung: 1, step: 10 }, Place { rung: 0, step: 10 });
    let tunnels = vec![
        held(&bed, "fibre", 71, first),
        held(&bed, "lte", 72, second),
    ];
    bed.engine
        .handle_snapshot(bed.controller, tunnels)
        .await
        .unwrap();
    assert_eq!(bed.engine.active(&bed.site), Some(id("fibre")));
    let places: Vec<Place> = bed
        .engine
        .holds(&bed.site)
        .iter()
        .map(|it| it.place)
        .collect();
    assert_eq!(places, [first, second]);
    bed.until_state("fibre", LinkState::Online).await;
    bed.pass(40, &[("fibre", 71), ("lte", 72)]).await;
    assert!(bed.disconnects().is_empty());
    assert!(bed.open_faults().await.is_empty());
    bed.die("fibre", 71);
    bed.until_faults(&["link-offline"]).await;
}

#[tokio::test]
async fn a_tunnel_that_may_not_connect_any_more_is_not_adopted() {
    let bed = Bed::new().await;
    bed.configure("fibre", |settings| settings.enabled = false)
        .await;
    let tunnels = vec![held(&bed, "fibre", 71, Place { rung: 1, step: 10 })];
    bed.engine
        .handle_snapshot(bed.controller, tunnels)
        .await
        .unwrap();
    assert_eq!(bed.disconnects(), [71]);
    assert_eq!(bed.engine.active(&bed.site), None);
}

#[tokio::test]
async fn what_a_silent_controller_holds_is_unknown_until_it_says_what_it_has() {
    let mut bed = Bed::new().await;
    let (fibre, _) = bed.both_up().await;
    bed.engine
        .controller_lost(bed.controller, "controller fra-1 does not answer");
    bed.until_faults(&["controller-lost"]).await;
    let tunnel = bed.until_state("fibre", LinkState::Unknown).await;
    assert_eq!(tunnel.link.cause, "controller fra-1 does not answer");

    let places: Vec<Place> = bed
        .engine
        .holds(&bed.site)
        .iter()
        .map(|it| it.place)
        .collect();
    let tunnels = vec![held(&bed, "fibre", fibre, places[0])];
    bed.engine
        .handle_snapshot(bed.controller, tunnels)
        .await
        .unwrap();
    bed.until_state("fibre", LinkState::Online).await;
    bed.until_faults(&[]).await;
    bed.pass(31, &[("fibre", fibre)]).await;
    bed.until_faults(&["link-offline"]).await;
}

#[tokio::test]
async fn the_end_of_a_controller_is_no_fault_of_the_links() {
    let mut bed = Bed::new().await;
    bed.both_up().await;
    bed.engine
        .detach(bed.controller, "the controller was stopped");
    bed.controller = bed.engine.attach();
    bed.pass(5, &[]).await;
    bed.connect("fibre").await;
    bed.connect("lte").await;
    assert!(bed.open_faults().await.is_empty());
}

#[tokio::test]
async fn how_far_events_are_applied_is_written_with_what_followed_from_them() {
    let mut bed = Bed::new().await;
    let (_, lte) = bed.both_up().await;
    let (id, run): (ControllerId, RunId) = ("fra-1".parse().unwrap(), "run-7".parse().unwrap());
    let mut tx = bed.store.write().await.unwrap();
    controller::insert(&mut tx, &id, "fra-1", &[1; 32], bed.clock.now())
        .await
        .unwrap();
    tx.commit().await.unwrap();

    let report = Report {
        tunnel: super::bed::id("lte"),
        connection: lte,
        kind: ReportKind::Down {
            cause: "connection closed".into(),
            planned: false,
        },
    };
    let cursor = Cursor {
        controller: id.clone(),
        run,
        sequence: 41,
    };
    bed.engine
        .report_late(bed.controller, report, Duration::ZERO, cursor);
    bed.engine.written().await;
    assert_eq!(bed.open_faults().await.len(), 1);
    let mut conn = bed.store.read().await.unwrap();
    let stored = controller::get(&mut conn, &id).await.unwrap().unwrap();
    assert_eq!(stored.run_id.as_deref(), Some("run-7"));
    assert_eq!(stored.last_sequence, 41);
}
