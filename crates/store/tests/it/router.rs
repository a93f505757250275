//! Routers, how they are adopted, what they carry, and what jobs tell them.

use holdfast_api_types::{JobState, LogKind, Repair, RouteMode, RouterAccess, RouterState, SiteId};
use holdfast_store::{
    Connection, Seek, StoreError, Unique,
    adoption::{self, Adoption},
    health,
    job::{self, Outcome},
    router::{self, ApiLogin, Direct, Facts, Findings, Handed, Mode},
    site,
    traffic::{self, Rate, Traffic},
    tunnel,
};

use crate::{
    fixture::{
        TestStore, add_organization, add_site, add_tunnel, at, digest, new_tunnel, site_id,
        tunnel_id,
    },
    job::{job_id, new_job},
};

fn handed(name: &str, number: u8) -> Handed {
    Handed {
        api_user: "holdfast".into(),
        api_password_sealed: vec![number],
        management_username: tunnel_id(name),
        management_password_sealed: vec![number, number],
        management_password_sha256: digest(number),
        check_in_token_hash: Some(digest(number + 100)),
    }
}

async fn get(conn: &mut Connection, site: &SiteId) -> router::Router {
    router::of_site(conn, site).await.unwrap().unwrap()
}

#[tokio::test]
async fn a_router_reads_back_with_everything_that_became_of_it() {
    let store = TestStore::new().await;
    let acme = add_organization(&store, "acme").await;
    let site = add_site(&store, "head-office", &acme).await;
    let mut tx = store.write().await.unwrap();
    assert_eq!(router::of_site(&mut tx, &site).await.unwrap(), None);
    let handed = handed("management", 1);
    router::insert(&mut tx, &acme, &site, &handed, at(1))
        .await
        .unwrap();
    let new = get(&mut tx, &site).await;
    assert_eq!((new.state, new.state_since), (RouterState::Pending, at(1)));
    assert_eq!((new.access(), new.findings), (RouterAccess::Tunnel, None));
    assert!(!new.configured);

    let direct = Direct {
        address: "198.51.100.7".into(),
        port: 8729,
        tls: true,
        fingerprint: Some(digest(9)),
    };
    let login = ApiLogin {
        user: "admin".into(),
        password_sealed: vec![4],
    };
    let findings = Findings {
        drift: 2,
        problems: r#"["rp-filter is strict"]"#.into(),
        at: at(5),
    };
    let mode = Mode {
        mode: RouteMode::Local,
        version: Some("7.20.8".into()),
        reason: Some("pushed routes have another gateway".into()),
    };
    let facts = Facts {
        identity: Some("edge".into()),
        ..Facts::default()
    };
    assert!(
        router::set_access(&mut tx, &site, Some(&direct), Some(&login))
            .await
            .unwrap()
    );
    assert!(router::set_facts(&mut tx, &site, &facts).await.unwrap());
    assert!(
        router::set_facts(&mut tx, &site, &Facts::default())
            .await
            .unwrap()
    );
    assert!(router::set_mode(&mut tx, &site, &mode).await.unwrap());
    assert!(
        router::set_repair(&mut tx, &site, Repair::Automatic)
            .await
            .unwrap()
    );
    assert!(
        router::set_memory(&mut tx, &site, r#"{"a":1}"#)
            .await
            .unwrap()
    );
    assert!(router::set_configured(&mut tx, &site, true).await.unwrap());
    assert!(
        router::set_findings(&mut tx, &site, &findings)
            .await
            .unwrap()
    );

    let row = get(&mut tx, &site).await;
    assert_eq!(
        (row.access(), row.direct),
        (RouterAccess::Direct, Some(direct))
    );
    assert_eq!((row.facts, row.mode), (facts, mode));
    assert_eq!((row.repair, row.configured), (Repair::Automatic, true));
    assert_eq!(
        (row.memory.as_str(), row.findings),
        (r#"{"a":1}"#, Some(findings))
    );
    let read = router::api_login(&mut tx, &site).await.unwrap();
    assert!(read == Some(login));
    let all = router::all(&mut tx, &Seek::first(9)).await.unwrap();
    assert_eq!(all.items.len(), 1);

    assert!(site::delete(&mut tx, &acme, &site).await.unwrap());
    assert_eq!(router::of_site(&mut tx, &site).await.unwrap(), None);
}

#[tokio::test]
async fn no_tunnel_and_no_router_share_a_network() {
    let store = TestStore::new().await;
    let acme = add_organization(&store, "acme").await;
    let one = add_site(&store, "one", &acme).await;
    let two = add_site(&store, "two", &acme).await;
    let first = add_tunnel(&store, "a", &acme, &one).await;
    let mut tx = store.write().await.unwrap();
    router::insert(&mut tx, &acme, &one, &handed("m1", 1), at(0))
        .await
        .unwrap();
    let b = tunnel::insert(&mut tx, new_tunnel("b", &acme, &one))
        .await
        .unwrap();
    router::insert(&mut tx, &acme, &two, &handed("m2", 2), at(0))
        .await
        .unwrap();
    let indexes = [
        first.address_index,
        get(&mut tx, &one).await.address_index,
        b.address_index,
        get(&mut tx, &two).await.address_index,
    ];
    assert_eq!(indexes, [0, 1, 2, 3]);

    assert!(router::delete(&mut tx, &one).await.unwrap());
    let c = tunnel::insert(&mut tx, new_tunnel("c", &acme, &two))
        .await
        .unwrap();
    assert_eq!(c.address_index, 1);
}

#[tokio::test]
async fn adopting_anew_ends_the_old_credentials() {
    let store = TestStore::new().await;
    let acme = add_organization(&store, "acme").await;
    let site = add_site(&store, "head-office", &acme).await;
    let mut tx = store.write().await.unwrap();
    let (old, new) = (handed("old", 1), handed("new", 2));
    router::insert(&mut tx, &acme, &site, &old, at(0))
        .await
        .unwrap();
    let twice = router::insert(&mut tx, &acme, &site, &new, at(0)).await;
    assert!(matches!(
        twice,
        Err(StoreError::Duplicate { what: Unique::Id })
    ));
    assert_eq!(
        router::seen(&mut tx, &site, at(5)).await.unwrap(),
        Some(true)
    );
    assert!(router::set_configured(&mut tx, &site, true).await.unwrap());

    assert!(
        router::hand_over(&mut tx, &site, &new, at(9))
            .await
            .unwrap()
    );

    let login = router::management_login(&mut tx, &tunnel_id("old"))
        .await
        .unwrap();
    assert!(login.is_none());
    let login = router::management_login(&mut tx, &tunnel_id("new"))
        .await
        .unwrap()
        .unwrap();
    assert!(login.site_id == site && login.password_sha256 == digest(2));
    let told = router::management_credentials(&mut tx, &site)
        .await
        .unwrap()
        .unwrap();
    assert!(told.username == tunnel_id("new") && told.password_sealed == [2, 2]);
    let hash = old.check_in_token_hash.unwrap();
    assert_eq!(router::checking_in(&mut tx, &hash).await.unwrap(), None);
    let hash = new.check_in_token_hash.unwrap();
    let row = router::checking_in(&mut tx, &hash).await.unwrap().unwrap();
    assert_eq!((row.state, row.adopted_at), (RouterState::Pending, None));
    assert!(!row.configured);
}

#[tokio::test]
async fn a_router_that_was_not_heard_of_is_away_until_it_is() {
    let store = TestStore::new().await;
    let acme = add_organization(&store, "acme").await;
    let site = add_site(&store, "head-office", &acme).await;
    let mut tx = store.write().await.unwrap();
    assert_eq!(router::seen(&mut tx, &site, at(1)).await.unwrap(), None);
    router::insert(&mut tx, &acme, &site, &handed("m", 1), at(0))
        .await
        .unwrap();

    assert_eq!(
        router::seen(&mut tx, &site, at(10)).await.unwrap(),
        Some(true)
    );
    assert_eq!(
        router::seen(&mut tx, &site, at(20)).await.unwrap(),
        Some(false)
    );
    assert!(
        router::missed_since(&mut tx, at(20))
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(
        router::missed_since(&mut tx, at(21)).await.unwrap(),
        std::slice::from_ref(&site)
    );
    assert!(
        !router::take_away(&mut tx, &site, at(20), at(50))
            .await
            .unwrap()
    );
    assert!(
        router::take_away(&mut tx, &site, at(21), at(50))
            .await
            .unwrap()
    );
    let row = get(&mut tx, &site).await;
    assert_eq!((row.state, row.state_since), (RouterState::Away, at(50)));

    assert_eq!(
        router::seen(&mut tx, &site, at(60)).await.unwrap(),
        Some(true)
    );
    let row = get(&mut tx, &site).await;
    assert_eq!(
        (row.state, row.adopted_at),
        (RouterState::Online, Some(at(10)))
    );
}

#[tokio::test]
async fn a_line_to_paste_is_good_once_and_ends_the_one_before() {
    let store = TestStore::new().await;
    let acme = add_organization(&store, "acme").await;
    let site = add_site(&store, "head-office", &acme).await;
    let line = |number| Adoption {
        token_hash: digest(number),
        site_id: site_id("head-office"),
        requested_by: "ada".into(),
        created_at: at(0),
        expires_at: at(100),
        used_at: None,
        progress: "[]".into(),
    };
    let mut tx = store.write().await.unwrap();
    adoption::insert(&mut tx, &line(1)).await.unwrap();
    adoption::insert(&mut tx, &line(2)).await.unwrap();
    assert_eq!(adoption::find(&mut tx, &digest(1)).await.unwrap(), None);
    assert_eq!(
        adoption::of_site(&mut tx, &site).await.unwrap(),
        Some(line(2))
    );

    assert!(!adoption::take(&mut tx, &digest(2), at(100)).await.unwrap());
    assert!(adoption::take(&mut tx, &digest(2), at(99)).await.unwrap());
    assert!(!adoption::take(&mut tx, &digest(2), at(99)).await.unwrap());
    adoption::set_progress(&mut tx, &digest(2), "[1]")
        .await
        .unwrap();
    let used = adoption::find(&mut tx, &digest(2)).await.unwrap().unwrap();
    assert_eq!(
        (used.used_at, used.progress.as_str()),
        (Some(at(99)), "[1]")
    );
}

#[tokio::test]
async fn the_log_of_a_job_is_read_in_pages() {
    let store = TestStore::new().await;
    let acme = add_organization(&store, "acme").await;
    let mut tx = store.write().await.unwrap();
    job::insert(&mut tx, &new_job(1, &acme)).await.unwrap();
    for (kind, text) in [
        (LogKind::Command, "/ip/route/add"),
        (LogKind::Answer, "!done"),
        (LogKind::Note, "1 of 1"),
    ] {
        job::add_log(&mut tx, &job_id(1), at(1), kind, text)
            .await
            .unwrap();
    }
    let first = job::log(&mut tx, &job_id(1), &Seek::first(2))
        .await
        .unwrap();
    assert!(first.more);
    let kinds: Vec<_> = first.items.iter().map(|line| line.kind).collect();
    assert_eq!(kinds, [LogKind::Command, LogKind::Answer]);
    let seek = Seek {
        after: Some(first.items[1].ordinal),
        limit: 2,
    };
    let rest = job::log(&mut tx, &job_id(1), &seek).await.unwrap();
    assert_eq!((rest.items[0].text.as_str(), rest.more), ("1 of 1", false));

    job::claim(&mut tx, at(10), at(40)).await.unwrap();
    let end = Outcome::Reverted("the router went away");
    assert!(
        job::finish(&mut tx, &job_id(1), 1, at(11), end)
            .await
            .unwrap()
    );
    let row = job::find(&mut tx, &job_id(1)).await.unwrap().unwrap();
    assert_eq!(row.state, JobState::Reverted);
    assert_eq!(row.error.as_deref(), Some("the router went away"));
}

#[tokio::test]
async fn traffic_is_a_rate_in_every_resolution_and_a_gap_where_nobody_asked() {
    let store = TestStore::new().await;
    let acme = add_organization(&store, "acme").await;
    let site = add_site(&store, "head-office", &acme).await;
    let tunnel = add_tunnel(&store, "fibre", &acme, &site).await.id;
    let mut tx = store.write().await.unwrap();
    let hour = health::minute_of(at(0)) / 60;
    let half = Traffic {
        rx_bytes: 30_000,
        tx_bytes: 3_000,
        measured_s: 30,
    };
    for _ in 0..2 {
        traffic::add(&mut tx, &tunnel, hour * 60 + 1, half)
            .await
            .unwrap();
    }
    let begin = |minute: i64| jiff::Timestamp::from_second((hour * 60 + minute) * 60).unwrap();
    let rate = Some(Rate { rx: 8_000, tx: 800 });

    let now = begin(10);
    let minutes = health::series(&mut tx, &tunnel, begin(0), begin(3), 4, now)
        .await
        .unwrap();
    let rates = traffic::rates(&mut tx, &tunnel, &minutes).await.unwrap();
    assert_eq!(rates, [None, rate, None]);
    let seconds = health::series(&mut tx, &tunnel, begin(1), begin(2), 61, now)
        .await
        .unwrap();
    let rates = traffic::rates(&mut tx, &tunnel, &seconds).await.unwrap();
    assert_eq!(rates, vec![rate; 60]);

    let later = begin(60 * 24 * 100);
    health::maintain(&mut tx, &tunnel, later).await.unwrap();
    let hours = health::series(&mut tx, &tunnel, begin(0), begin(60), 2, later)
        .await
        .unwrap();
    let rates = traffic::rates(&mut tx, &tunnel, &hours).await.unwrap();
    assert_eq!(rates, [rate]);
}
