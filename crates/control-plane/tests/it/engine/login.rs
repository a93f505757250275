use std::net::Ipv4Addr;

use holdfast_api_types::{
    LinkState, OverrideKind, Place, ProfileName,
    api::Gateway,
    controller::{LoginVerdict, StillGood},
};
use holdfast_store::router;

use super::bed::{Bed, until};

#[tokio::test]
async fn a_tunnel_with_the_right_password_gets_routes_through_its_own_gateway() {
    let mut bed = Bed::new().await;
    let (_, fibre) = bed.connect("fibre").await;
    let place = fibre.place.unwrap();
    assert_eq!(place, Place { rung: 1, step: 10 });
    assert_eq!(fibre.routes.len(), 2);
    assert!(
        fibre
            .routes
            .iter()
            .all(|route| route.gateway == Ipv4Addr::new(192, 0, 2, 1))
    );
    assert_eq!(fibre.profile, ProfileName::Fast);
    let (_, lte) = bed.connect("lte").await;
    assert!(place.better_than(lte.place.unwrap()));
    assert_ne!(fibre.address, lte.address);

    let holds = bed.engine.holds(&bed.site);
    let places: Vec<Place> = holds.iter().map(|it| it.place).collect();
    assert_eq!(places, [place, lte.place.unwrap()]);
    let tunnel = bed.until_state("fibre", LinkState::Online).await;
    assert_eq!(tunnel.last_login.unwrap().cipher, "AES-256-GCM");
}

#[tokio::test]
async fn a_wrong_name_and_a_wrong_password_are_refused_in_the_same_words() {
    let mut bed = Bed::new().await;
    let (_, wrong_password) = bed.log_in("fibre", "guess").await;
    let (_, wrong_name) = bed.log_in("satellite", "satellite").await;
    assert!(matches!(wrong_password, LoginVerdict::Refused(_)));
    assert_eq!(wrong_password, wrong_name);
}

async fn check_kept_out(bed: &mut Bed, words: &str) {
    let (_, verdict) = bed.log_in("fibre", "fibre").await;
    match verdict {
        LoginVerdict::Unavailable(reason) => assert!(reason.contains(words), "{reason}"),
        LoginVerdict::Granted(_) | LoginVerdict::Refused(_) => panic!("{verdict:?}"),
    }
    match bed.engine.reauthorize(bed.login("fibre", "fibre")).await {
        StillGood::No(reason) => assert!(reason.contains(words), "{reason}"),
        StillGood::Yes => panic!("it may not stay: {words}"),
    }
}

#[tokio::test]
async fn a_tunnel_that_may_not_connect_is_told_why_and_to_come_back() {
    let mut bed = Bed::new().await;
    bed.configure("fibre", |settings| settings.gateway = None)
        .await;
    check_kept_out(&mut bed, "not configured").await;
    bed.configure("fibre", |settings| {
        settings.gateway = Some(Gateway::Address(Ipv4Addr::new(192, 0, 2, 1)));
        settings.enabled = false;
    })
    .await;
    check_kept_out(&mut bed, "disabled").await;
    bed.configure("fibre", |settings| settings.enabled = true)
        .await;
    bed.change_site(|site| site.failover_enabled = false).await;
    check_kept_out(&mut bed, "failover is off").await;
    bed.change_site(|site| site.failover_enabled = true).await;
    bed.force("fibre", OverrideKind::Off, None).await;
    check_kept_out(&mut bed, "switched off by Ada: works on the mast").await;
}

#[tokio::test]
async fn what_was_committed_before_a_log_in_counts_for_it_whatever_the_engine_knew() {
    let mut bed = Bed::new().await;
    for last in 10..60 {
        let gateway = Ipv4Addr::new(192, 0, 2, last);
        bed.configure("fibre", |settings| {
            settings.gateway = Some(Gateway::Address(gateway))
        })
        .await;
        let (_, grant) = bed.connect("fibre").await;
        assert_eq!(grant.routes[0].gateway, gateway);
    }
}

#[tokio::test]
async fn behind_a_router_that_we_configured_routes_lead_to_the_next_hop_of_the_slot() {
    let mut bed = Bed::new().await;
    bed.add_router("management").await;
    let (_, grant) = bed.connect("fibre").await;
    assert_eq!(grant.routes[0].gateway, Ipv4Addr::new(192, 0, 2, 1));

    let mut write = bed.store.write().await.unwrap();
    router::set_configured(&mut write, &bed.site, true)
        .await
        .unwrap();
    write.commit().await.unwrap();

    let (_, grant) = bed.connect("fibre").await;
    assert_eq!(grant.routes[0].gateway, Ipv4Addr::new(100, 127, 255, 1));
}

#[tokio::test]
async fn a_later_log_in_ends_the_earlier_connection() {
    let mut bed = Bed::new().await;
    let (first, _) = bed.connect("fibre").await;
    bed.engine.take_commands(bed.controller);
    bed.connect("fibre").await;
    assert_eq!(bed.disconnects(), [first]);
}

#[tokio::test]
async fn credentials_are_good_until_they_are_changed() {
    let mut bed = Bed::new().await;
    bed.connect("fibre").await;
    let still_good = bed.engine.reauthorize(bed.login("fibre", "fibre")).await;
    assert_eq!(still_good, StillGood::Yes);
    bed.set_password("fibre", "new").await;
    let old = bed.engine.reauthorize(bed.login("fibre", "fibre")).await;
    assert!(matches!(old, StillGood::No(_)), "{old:?}");
    let new = bed.engine.reauthorize(bed.login("fibre", "new")).await;
    assert_eq!(new, StillGood::Yes);
}

#[tokio::test]
async fn after_a_start_a_backup_waits_for_its_primary() {
    let mut bed = Bed::new().await;
    bed.restart().await;
    let waiting = {
        let engine = bed.engine.clone();
        let (controller, mut login) = (bed.controller, bed.login("lte", "lte"));
        login.connection = 1000;
        tokio::spawn(async move { engine.authorize(controller, login).await })
    };
    bed.pass(1, &[]).await;
    assert!(!waiting.is_finished());
    bed.connect("fibre").await;
    let verdict = waiting.await.unwrap();
    let LoginVerdict::Granted(grant) = verdict else {
        panic!("{verdict:?}");
    };
    assert_eq!(grant.place, Some(Place { rung: 0, step: 10 }));
    until("the primary to have the traffic", async || {
        bed.engine.active(&bed.site)
    })
    .await;
}
