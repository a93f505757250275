//! Sites, tunnels and the order of a site's tunnels.

use holdfast_api_types::{ConnectionType, LinkState, OverrideKind, ProfileName, TunnelRole};
use holdfast_store::{
    Seek, StoreError, Unique,
    priority::{self, Replaced},
    site,
    tunnel::{self, Credentials, Link, Login, Override, Settings, TunnelFilter},
};

use crate::fixture::{
    TestStore, add_organization, add_site, add_tunnel, at, digest, new_tunnel, settings,
    site as new_site, site_id, tunnel_id,
};

#[tokio::test]
async fn a_site_reads_back_as_it_was_written() {
    let store = TestStore::new().await;
    let acme = add_organization(&store, "acme").await;
    let other = add_organization(&store, "other").await;
    let id = add_site(&store, "head-office", &acme).await;

    let mut tx = store.write().await.unwrap();
    let mut site = site::get(&mut tx, &acme, &id).await.unwrap().unwrap();
    assert_eq!(site, new_site("head-office", &acme));
    assert_eq!(site::get(&mut tx, &other, &id).await.unwrap(), None);

    site.name = "Head office".into();
    site.note = "behind the bakery".into();
    site.hold_s = 60;
    site.failover_enabled = false;
    assert!(site::update(&mut tx, &site).await.unwrap());
    assert_eq!(site::find(&mut tx, &id).await.unwrap(), Some(site));

    assert!(!site::delete(&mut tx, &other, &id).await.unwrap());
    assert!(site::delete(&mut tx, &acme, &id).await.unwrap());
    assert_eq!(site::find(&mut tx, &id).await.unwrap(), None);
}

#[tokio::test]
async fn a_sites_name_is_unique_within_its_organization_only() {
    let store = TestStore::new().await;
    let acme = add_organization(&store, "acme").await;
    let other = add_organization(&store, "other").await;
    add_site(&store, "head-office", &acme).await;

    let mut tx = store.write().await.unwrap();
    let mut twin = new_site("twin", &acme);
    twin.name = "head-office".into();
    let err = site::insert(&mut tx, &twin).await.unwrap_err();
    assert!(matches!(
        err,
        StoreError::Duplicate {
            what: Unique::SiteName
        }
    ));
    twin.organization_id = other;
    site::insert(&mut tx, &twin).await.unwrap();
}

#[tokio::test]
async fn sites_are_searched_by_name_and_note() {
    let store = TestStore::new().await;
    let acme = add_organization(&store, "acme").await;
    for name in ["100%", "1000", "Depot"] {
        add_site(&store, name.replace('%', "-percent").as_str(), &acme).await;
    }
    let mut tx = store.write().await.unwrap();
    let mut percent = site::find(&mut tx, &site_id("100-percent"))
        .await
        .unwrap()
        .unwrap();
    percent.name = "100%".into();
    percent.note = "near the DEPOT".into();
    site::update(&mut tx, &percent).await.unwrap();

    let mut names = async |text| {
        let page = site::list(&mut tx, &acme, text, &Seek::first(10))
            .await
            .unwrap();
        page.items
            .into_iter()
            .map(|site| site.name)
            .collect::<Vec<_>>()
    };
    assert_eq!(names(Some("0%")).await, ["100%"]);
    assert_eq!(names(Some("depot")).await, ["100%", "Depot"]);
    assert_eq!(names(None).await.len(), 3);
}

#[tokio::test]
async fn tunnels_get_the_next_rank_and_the_first_free_slot_and_network() {
    let store = TestStore::new().await;
    let acme = add_organization(&store, "acme").await;
    let one = add_site(&store, "one", &acme).await;
    let two = add_site(&store, "two", &acme).await;
    let mut got = Vec::new();
    for (name, site) in [("a", &one), ("b", &one), ("c", &two)] {
        let tunnel = add_tunnel(&store, name, &acme, site).await;
        got.push((tunnel.rank, tunnel.slot, tunnel.address_index));
    }
    assert_eq!(got, [(0, 0, 0), (1, 1, 1), (0, 0, 2)]);

    let mut tx = store.write().await.unwrap();
    assert!(
        tunnel::delete(&mut tx, &acme, &tunnel_id("a"), at(9))
            .await
            .unwrap()
    );
    let d = tunnel::insert(&mut tx, new_tunnel("d", &acme, &one))
        .await
        .unwrap();

    assert_eq!((d.rank, d.slot, d.address_index), (1, 0, 0));
    let ranks: Vec<_> = tunnel::of_site(&mut tx, &one)
        .await
        .unwrap()
        .into_iter()
        .map(|tunnel| (tunnel.id, tunnel.rank))
        .collect();
    assert_eq!(ranks, [(tunnel_id("b"), 0), (tunnel_id("d"), 1)]);
}

#[tokio::test]
async fn a_tunnel_reads_back_with_everything_that_happened_to_it() {
    let store = TestStore::new().await;
    let acme = add_organization(&store, "acme").await;
    let site = add_site(&store, "head-office", &acme).await;
    let mut tunnel = add_tunnel(&store, "fibre", &acme, &site).await;
    let id = tunnel.id.clone();
    let mut tx = store.write().await.unwrap();
    assert_eq!(
        tunnel::find(&mut tx, &id).await.unwrap().as_ref(),
        Some(&tunnel)
    );

    tunnel.settings = Settings {
        interface: Some("ether1".into()),
        gateway: Some("192.0.2.1".parse().unwrap()),
        connection_type: Some(ConnectionType::Fibre),
        metered: true,
        provider: Some("Example Net".into()),
        sla_latency_ms: Some(50),
        sla_jitter_ms: Some(10),
        sla_loss_ppm: Some(5000),
        probe_profile: Some(ProfileName::Fast),
        ..settings("Fibre")
    };
    tunnel.forced = Some(Override {
        kind: OverrideKind::Avoid,
        reason: "works on the mast".into(),
        by: "ada".into(),
        at: at(1),
        expires_at: Some(at(100)),
    });
    tunnel.link = Link {
        state: LinkState::Online,
        cause: "its router logged in".into(),
        since: at(2),
        role: Some(TunnelRole::Active),
    };
    tunnel.last_login = Some(Login {
        at: at(2),
        remote: "198.51.100.7:41000".parse().unwrap(),
        cipher: "AES-256-GCM".into(),
    });
    tunnel.version = 2;

    let configured = tunnel::configure(&mut tx, &id, 1, &tunnel.settings).await;
    assert_eq!(configured.unwrap(), Some(2));
    let forced = tunnel.forced.as_ref().unwrap();
    assert!(tunnel::set_override(&mut tx, &id, forced).await.unwrap());
    assert!(tunnel::set_link(&mut tx, &id, &tunnel.link).await.unwrap());
    let login = tunnel.last_login.as_ref().unwrap();
    assert!(tunnel::connected(&mut tx, &id, login).await.unwrap());

    assert_eq!(
        tunnel::get(&mut tx, &acme, &id).await.unwrap(),
        Some(tunnel)
    );
}

#[tokio::test]
async fn settings_seen_in_an_older_version_are_not_written() {
    let store = TestStore::new().await;
    let acme = add_organization(&store, "acme").await;
    let site = add_site(&store, "head-office", &acme).await;
    let id = add_tunnel(&store, "fibre", &acme, &site).await.id;
    let mut tx = store.write().await.unwrap();
    tunnel::configure(&mut tx, &id, 1, &settings("first"))
        .await
        .unwrap();

    let late = tunnel::configure(&mut tx, &id, 1, &settings("late"))
        .await
        .unwrap();

    assert_eq!(late, None);
    let tunnel = tunnel::find(&mut tx, &id).await.unwrap().unwrap();
    assert_eq!(tunnel.settings.name, "first");
}

#[tokio::test]
async fn a_log_in_is_checked_against_password_site_and_hold() {
    let store = TestStore::new().await;
    let acme = add_organization(&store, "acme").await;
    let site = add_site(&store, "head-office", &acme).await;
    let id = add_tunnel(&store, "fibre", &acme, &site).await.id;
    let mut tx = store.write().await.unwrap();
    let new = Credentials {
        sealed: vec![9],
        sha256: digest(9),
    };
    assert!(tunnel::set_credentials(&mut tx, &id, &new).await.unwrap());

    let check = tunnel::login_check(&mut tx, &id).await.unwrap().unwrap();
    assert_eq!(check.site_id, site);
    assert_eq!(check.password_sha256, digest(9));
    assert_eq!((check.failover_enabled, check.hold_s), (true, 30));
    let sealed = tunnel::credentials(&mut tx, &id)
        .await
        .unwrap()
        .unwrap()
        .sealed;
    assert_eq!(sealed, [9]);
    assert!(
        tunnel::login_check(&mut tx, &tunnel_id("none"))
            .await
            .unwrap()
            .is_none()
    );
}

#[tokio::test]
async fn overrides_end_when_their_time_is_over() {
    let store = TestStore::new().await;
    let acme = add_organization(&store, "acme").await;
    let site = add_site(&store, "head-office", &acme).await;
    let mut tx = store.write().await.unwrap();
    for (name, expires_at) in [("a", Some(at(10))), ("b", Some(at(20))), ("c", None)] {
        tunnel::insert(&mut tx, new_tunnel(name, &acme, &site))
            .await
            .unwrap();
        let forced = Override {
            kind: OverrideKind::Prefer,
            reason: "drill".into(),
            by: "ada".into(),
            at: at(0),
            expires_at,
        };
        tunnel::set_override(&mut tx, &tunnel_id(name), &forced)
            .await
            .unwrap();
    }
    assert_eq!(
        tunnel::next_override_expiry(&mut tx).await.unwrap(),
        Some(at(10))
    );

    let expired = tunnel::with_expired_override(&mut tx, at(10))
        .await
        .unwrap();

    let [row] = &expired[..] else {
        panic!("one has expired: {expired:?}")
    };
    assert_eq!((&row.site_id, &row.id), (&site, &tunnel_id("a")));
    for had_one in [true, false] {
        let cleared = tunnel::clear_override(&mut tx, &tunnel_id("a")).await;
        assert_eq!(cleared.unwrap(), had_one);
    }
    assert_eq!(
        tunnel::next_override_expiry(&mut tx).await.unwrap(),
        Some(at(20))
    );
    assert!(
        tunnel::clear_override(&mut tx, &tunnel_id("b"))
            .await
            .unwrap()
    );
    assert!(
        tunnel::clear_override(&mut tx, &tunnel_id("c"))
            .await
            .unwrap()
    );
    assert_eq!(tunnel::next_override_expiry(&mut tx).await.unwrap(), None);
}

#[tokio::test]
async fn the_list_of_tunnels_obeys_every_filter_and_their_combinations() {
    let store = TestStore::new().await;
    let acme = add_organization(&store, "acme").await;
    let other = add_organization(&store, "other").await;
    let one = add_site(&store, "one", &acme).await;
    let two = add_site(&store, "two", &acme).await;
    let elsewhere = add_site(&store, "elsewhere", &other).await;
    for (name, organization, site) in [
        ("a", &acme, &one),
        ("b", &acme, &one),
        ("c", &acme, &two),
        ("d", &other, &elsewhere),
    ] {
        add_tunnel(&store, name, organization, site).await;
    }
    let mut tx = store.write().await.unwrap();
    for name in ["a", "c"] {
        let changed = Settings {
            provider: Some("Example Net".into()),
            ..settings(name)
        };
        tunnel::configure(&mut tx, &tunnel_id(name), 1, &changed)
            .await
            .unwrap();
    }
    let offline = Link {
        state: LinkState::Offline,
        cause: "4 of 4 probes lost".into(),
        since: at(3),
        role: None,
    };
    tunnel::set_link(&mut tx, &tunnel_id("b"), &offline)
        .await
        .unwrap();
    tunnel::set_link(&mut tx, &tunnel_id("c"), &offline)
        .await
        .unwrap();

    let site = Some(one);
    let state = Some(LinkState::Offline);
    let provider = Some("Example Net".to_owned());
    let text = Some("example".to_owned());
    let none = TunnelFilter::default();
    for (filter, expected) in [
        (none.clone(), vec!["a", "b", "c"]),
        (
            TunnelFilter {
                site: site.clone(),
                ..none.clone()
            },
            vec!["a", "b"],
        ),
        (
            TunnelFilter {
                state,
                ..none.clone()
            },
            vec!["b", "c"],
        ),
        (
            TunnelFilter {
                provider: provider.clone(),
                ..none.clone()
            },
            vec!["a", "c"],
        ),
        (
            TunnelFilter {
                text: text.clone(),
                ..none.clone()
            },
            vec!["a", "c"],
        ),
        (
            TunnelFilter {
                site: site.clone(),
                state,
                ..none.clone()
            },
            vec!["b"],
        ),
        (
            TunnelFilter {
                state,
                provider: provider.clone(),
                ..none.clone()
            },
            vec!["c"],
        ),
        (
            TunnelFilter {
                site,
                state,
                provider,
                text,
            },
            vec![],
        ),
    ] {
        let page = tunnel::list(&mut tx, &acme, &filter, &Seek::first(10))
            .await
            .unwrap();
        let names: Vec<_> = page
            .items
            .into_iter()
            .map(|tunnel| tunnel.settings.name)
            .collect();
        assert_eq!(names, expected, "{filter:?}");
    }
}

#[tokio::test]
async fn an_order_is_written_whole_and_only_by_who_saw_the_last_one() {
    let store = TestStore::new().await;
    let acme = add_organization(&store, "acme").await;
    let site = add_site(&store, "head-office", &acme).await;
    for name in ["a", "b", "c"] {
        add_tunnel(&store, name, &acme, &site).await;
    }
    let mut tx = store.write().await.unwrap();
    let order = |names: &[&str]| names.iter().copied().map(tunnel_id).collect::<Vec<_>>();
    let version = priority::version(&mut tx, &site).await.unwrap().unwrap();

    let new = order(&["c", "a", "b"]);
    let done = priority::replace(&mut tx, &site, version, &new)
        .await
        .unwrap();
    assert_eq!(
        done,
        Replaced::Done {
            version: version + 1
        }
    );
    assert_eq!(priority::order(&mut tx, &site).await.unwrap(), new);

    let stale = priority::replace(&mut tx, &site, version, &order(&["a", "b", "c"])).await;
    assert_eq!(
        stale.unwrap(),
        Replaced::Stale {
            version: version + 1
        }
    );
    for wrong in [
        &["a", "b"][..],
        &["a", "b", "x"],
        &["a", "a", "b"],
        &["a", "b", "c", "c"],
    ] {
        let outcome = priority::replace(&mut tx, &site, version + 1, &order(wrong)).await;
        assert_eq!(outcome.unwrap(), Replaced::OtherTunnels, "{wrong:?}");
    }
    let nowhere = priority::replace(&mut tx, &site_id("none"), 1, &[])
        .await
        .unwrap();
    assert_eq!(nowhere, Replaced::NoSite);
    assert_eq!(priority::order(&mut tx, &site).await.unwrap(), new);
}

#[tokio::test]
async fn an_order_seen_before_a_tunnel_came_or_went_is_stale() {
    let store = TestStore::new().await;
    let acme = add_organization(&store, "acme").await;
    let site = add_site(&store, "head-office", &acme).await;
    let mut tx = store.write().await.unwrap();
    let before = priority::version(&mut tx, &site).await.unwrap().unwrap();
    tunnel::insert(&mut tx, new_tunnel("a", &acme, &site))
        .await
        .unwrap();
    let between = priority::version(&mut tx, &site).await.unwrap().unwrap();
    tunnel::delete(&mut tx, &acme, &tunnel_id("a"), at(9))
        .await
        .unwrap();
    let after = priority::version(&mut tx, &site).await.unwrap().unwrap();
    assert!(before < between && between < after);
}
