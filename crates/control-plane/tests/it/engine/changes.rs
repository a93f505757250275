use std::net::Ipv4Addr;

use holdfast_api_types::{ActorKind, LinkState, OverrideKind, api::Gateway, controller::Order};
use holdfast_store::{
    Seek,
    audit::{self, AuditFilter},
    priority,
};

use super::bed::{Bed, id, until};

#[tokio::test]
async fn a_new_order_moves_the_traffic_by_pushing_to_the_standby() {
    let mut bed = Bed::new().await;
    let (fibre, lte) = bed.both_up().await;
    let mut tx = bed.store.write().await.unwrap();
    priority::replace(&mut tx, &bed.site, 3, &[id("lte"), id("fibre")])
        .await
        .unwrap();
    tx.commit().await.unwrap();
    bed.engine.site_changed(&bed.site);
    let pushed = until("routes to be pushed", async || {
        bed.pass(1, &[("fibre", fibre), ("lte", lte)]).await;
        let commands = bed.engine.take_commands(bed.controller);
        commands
            .into_iter()
            .find(|command| matches!(command.order, Order::Push { .. }))
    })
    .await;
    assert_eq!(pushed.connection, lte);
    assert_eq!(bed.engine.order(&bed.site), [id("lte"), id("fibre")]);
    assert!(bed.open_faults().await.is_empty());
}

#[tokio::test]
async fn tunnels_whose_gateway_was_changed_reconnect_one_after_the_other_standby_first() {
    let mut bed = Bed::new().await;
    let (fibre, lte) = bed.both_up().await;
    let new = Ipv4Addr::new(192, 0, 2, 77);
    bed.configure("fibre", |settings| {
        settings.gateway = Some(Gateway::Address(new))
    })
    .await;
    bed.configure("lte", |settings| {
        settings.gateway = Some(Gateway::Address(new))
    })
    .await;
    // Which of the two changes is seen first is left to chance; both go, and never at once.
    let first = bed.planned_disconnect().await;
    assert!(bed.disconnects().is_empty());
    let (name, other) = if first == lte {
        ("lte", fibre)
    } else {
        ("fibre", lte)
    };
    bed.go_down(name, first, true);
    let (back, grant) = bed.connect(name).await;
    assert_eq!(grant.routes[0].gateway, new);
    bed.pass(2, &[(name, back)]).await;
    assert_eq!(bed.planned_disconnect().await, other);
    assert!(bed.open_faults().await.is_empty());
}

#[tokio::test]
async fn a_new_password_makes_its_tunnel_log_in_with_it() {
    let mut bed = Bed::new().await;
    let (fibre, lte) = bed.both_up().await;
    bed.set_password("lte", "new").await;
    assert_eq!(bed.planned_disconnect().await, lte);
    bed.go_down("lte", lte, true);
    let (back, _) = bed.connect_with("lte", "new").await;
    bed.pass(20, &[("fibre", fibre), ("lte", back)]).await;
    assert!(bed.disconnects().is_empty());
}

#[tokio::test]
async fn a_disabled_primary_hands_its_traffic_over_before_it_is_closed() {
    let mut bed = Bed::new().await;
    let (fibre, lte) = bed.both_up().await;
    bed.configure("fibre", |settings| settings.enabled = false)
        .await;
    let pushed = until("the backup to be raised", async || {
        bed.pass(1, &[("fibre", fibre), ("lte", lte)]).await;
        let commands = bed.engine.take_commands(bed.controller);
        assert!(
            !commands
                .iter()
                .any(|it| it.connection == fibre && matches!(it.order, Order::Disconnect { .. }))
        );
        commands
            .into_iter()
            .find(|command| matches!(command.order, Order::Push { .. }))
    })
    .await;
    assert_eq!(pushed.connection, lte);
    bed.go_down("lte", lte, true);
    let (back, _) = bed.connect("lte").await;
    until("the primary to be closed", async || {
        bed.pass(1, &[("fibre", fibre), ("lte", back)]).await;
        bed.disconnects().contains(&fibre).then_some(())
    })
    .await;
    bed.go_down("fibre", fibre, true);
    assert_eq!(bed.engine.active(&bed.site), Some(id("lte")));
    let fibre = bed.until_state("fibre", LinkState::Off).await;
    assert_eq!(fibre.link.cause, "it is disabled");
    assert!(bed.open_faults().await.is_empty());
}

#[tokio::test]
async fn switching_failover_off_closes_the_tunnels_of_the_site_one_after_the_other() {
    let mut bed = Bed::new().await;
    let (fibre, lte) = bed.both_up().await;
    bed.change_site(|site| site.failover_enabled = false).await;
    assert_eq!(bed.planned_disconnect().await, lte);
    assert!(bed.disconnects().is_empty());
    bed.go_down("lte", lte, true);
    assert_eq!(bed.planned_disconnect().await, fibre);
    bed.go_down("fibre", fibre, true);
    bed.until_state("fibre", LinkState::Off).await;
    bed.until_state("lte", LinkState::Off).await;
    assert!(bed.open_faults().await.is_empty());
}

#[tokio::test]
async fn an_override_counts_until_its_time_is_over() {
    let mut bed = Bed::new().await;
    bed.both_up().await;
    bed.force("lte", OverrideKind::Prefer, Some(60)).await;
    until("the override to count", async || {
        (bed.engine.order(&bed.site) == [id("lte"), id("fibre")]).then_some(())
    })
    .await;
    bed.pass(61, &[]).await;
    until("the override to end", async || {
        (bed.engine.order(&bed.site) == [id("fibre"), id("lte")]).then_some(())
    })
    .await;
    assert_eq!(bed.tunnel("lte").await.forced, None);
    let mut conn = bed.store.read().await.unwrap();
    let (all, first) = (AuditFilter::default(), Seek::first(10));
    let log = audit::list(&mut conn, &bed.organization, &all, &first);
    let log = log.await.unwrap().items;
    let ended = log.iter().find(|entry| entry.action == "tunnel.release");
    let ended = ended.expect("the audit log says that it has ended");
    assert_eq!(
        (ended.actor_kind, &*ended.subject_id),
        (ActorKind::System, "tunnel-lte")
    );
    assert!(
        ended.detail.contains(r#""kind":"prefer""#),
        "{}",
        ended.detail
    );
}

#[tokio::test]
async fn a_removed_site_is_forgotten_and_its_tunnels_are_closed() {
    let mut bed = Bed::new().await;
    let (fibre, lte) = bed.both_up().await;
    let mut tx = bed.store.write().await.unwrap();
    holdfast_store::site::delete(&mut tx, &bed.organization, &bed.site)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    bed.engine.site_changed(&bed.site);
    assert_eq!(bed.planned_disconnect().await, lte);
    bed.go_down("lte", lte, true);
    assert_eq!(bed.planned_disconnect().await, fibre);
    bed.go_down("fibre", fibre, true);
    assert_eq!(bed.engine.holds(&bed.site), []);
}
