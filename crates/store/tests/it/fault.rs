//! Faults, their comments, and the history of link states.

use futures_util::TryStreamExt;
use holdfast_api_types::{
    CommentId, FaultId, FaultState, FaultType, LinkState, Severity, SiteId, TunnelId, TunnelRole,
};
use holdfast_store::{
    Connection, Seek, StoreError,
    fault::{self, Comment, End, FaultFilter, NewFault},
    link_state::{self, NewLinkChange},
    site, tunnel,
};

use crate::fixture::{TestStore, add_organization, add_site, add_tunnel, at, tunnel_id};

pub(crate) fn fault_id(number: u32) -> FaultId {
    format!("fault-{number:04}").parse().unwrap()
}

pub(crate) fn new_fault(number: u32, site: &SiteId, tunnel: Option<&TunnelId>) -> NewFault {
    let kind = match tunnel {
        Some(_) => FaultType::LinkOffline,
        None => FaultType::SiteOffline,
    };
    NewFault {
        id: fault_id(number),
        site_id: site.clone(),
        tunnel_id: tunnel.cloned(),
        kind,
        severity: kind.severity(),
        cause: "4 of 4 probes lost".into(),
        started_at: at(number.into()),
    }
}

fn end(seconds: i64) -> End<'static> {
    End {
        at: at(seconds),
        cause: "probes are answered again",
        closed_by: None,
    }
}

async fn numbers(
    conn: &mut Connection,
    organization: &holdfast_api_types::OrganizationId,
    filter: &FaultFilter,
) -> Vec<FaultId> {
    let page = fault::list(conn, organization, filter, &Seek::first(50))
        .await
        .unwrap();
    page.items.into_iter().map(|fault| fault.id).collect()
}

#[tokio::test]
async fn one_fault_of_a_kind_goes_on_and_another_may_begin_after_it() {
    let store = TestStore::new().await;
    let acme = add_organization(&store, "acme").await;
    let site = add_site(&store, "head-office", &acme).await;
    let id = add_tunnel(&store, "fibre", &acme, &site).await.id;
    let mut tx = store.write().await.unwrap();

    assert!(
        fault::open(&mut tx, &new_fault(1, &site, Some(&id)))
            .await
            .unwrap()
    );
    assert!(
        !fault::open(&mut tx, &new_fault(2, &site, Some(&id)))
            .await
            .unwrap()
    );
    assert!(
        fault::open(&mut tx, &new_fault(3, &site, None))
            .await
            .unwrap()
    );
    assert!(
        !fault::open(&mut tx, &new_fault(4, &site, None))
            .await
            .unwrap()
    );
    assert!(fault::close(&mut tx, &fault_id(1), &end(9)).await.unwrap());
    assert!(!fault::close(&mut tx, &fault_id(1), &end(10)).await.unwrap());
    assert!(
        fault::open(&mut tx, &new_fault(5, &site, Some(&id)))
            .await
            .unwrap()
    );

    let first = fault::get(&mut tx, &acme, &fault_id(1))
        .await
        .unwrap()
        .unwrap();
    assert_eq!((first.started_at, first.ended_at), (at(1), Some(at(9))));
    assert_eq!(
        first.end_cause.as_deref(),
        Some("probes are answered again")
    );
    assert_eq!(first.tunnel_name.as_deref(), Some("fibre"));
    assert_eq!(first.site_name, "head-office");
    let open = fault::open_of_site(&mut tx, &site).await.unwrap();
    let open: Vec<_> = open.into_iter().map(|fault| fault.id).collect();
    assert_eq!(open, [fault_id(3), fault_id(5)]);
}

#[tokio::test]
async fn the_fault_that_goes_on_is_found_by_its_kind_and_can_get_worse() {
    let store = TestStore::new().await;
    let acme = add_organization(&store, "acme").await;
    let site = add_site(&store, "head-office", &acme).await;
    let id = add_tunnel(&store, "fibre", &acme, &site).await.id;
    let mut tx = store.write().await.unwrap();
    fault::open(&mut tx, &new_fault(1, &site, Some(&id)))
        .await
        .unwrap();

    assert!(
        fault::update(&mut tx, &fault_id(1), Severity::Critical, "reset")
            .await
            .unwrap()
    );

    let found = fault::find_open(&mut tx, &site, Some(&id), FaultType::LinkOffline).await;
    let found = found.unwrap().unwrap();
    assert_eq!(
        (found.severity, found.cause.as_str()),
        (Severity::Critical, "reset")
    );
    let of_site = fault::find_open(&mut tx, &site, None, FaultType::LinkOffline).await;
    assert_eq!(of_site.unwrap(), None);
    fault::close(&mut tx, &fault_id(1), &end(2)).await.unwrap();
    assert!(
        !fault::update(&mut tx, &fault_id(1), Severity::Minor, "late")
            .await
            .unwrap()
    );
}

#[tokio::test]
async fn a_fault_of_a_site_that_is_gone_is_not_written() {
    let store = TestStore::new().await;
    let nowhere: SiteId = "site-none".parse().unwrap();
    let mut tx = store.write().await.unwrap();
    assert!(
        !fault::open(&mut tx, &new_fault(1, &nowhere, None))
            .await
            .unwrap()
    );
}

#[tokio::test]
async fn a_removed_tunnel_leaves_its_faults_closed_in_the_log() {
    let store = TestStore::new().await;
    let acme = add_organization(&store, "acme").await;
    let site = add_site(&store, "head-office", &acme).await;
    for name in ["fibre", "lte"] {
        add_tunnel(&store, name, &acme, &site).await;
    }
    let mut tx = store.write().await.unwrap();
    for (number, name) in (1..).zip(["fibre", "lte"]) {
        let new = new_fault(number, &site, Some(&tunnel_id(name)));
        fault::open(&mut tx, &new).await.unwrap();
    }

    for name in ["fibre", "lte"] {
        assert!(
            tunnel::delete(&mut tx, &acme, &tunnel_id(name), at(9))
                .await
                .unwrap()
        );
    }

    let left = fault::get(&mut tx, &acme, &fault_id(1))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(left.ended_at, Some(at(9)));
    assert_eq!(left.end_cause.as_deref(), Some("the tunnel was removed"));
    assert_eq!(left.tunnel_id, Some(tunnel_id("fibre")));
    assert_eq!(left.tunnel_name.as_deref(), Some("fibre"));

    assert!(site::delete(&mut tx, &acme, &site).await.unwrap());
    assert_eq!(
        fault::get(&mut tx, &acme, &fault_id(1)).await.unwrap(),
        None
    );
}

#[tokio::test]
async fn the_fault_log_obeys_every_filter_and_their_combinations() {
    let store = TestStore::new().await;
    let acme = add_organization(&store, "acme").await;
    let other = add_organization(&store, "other").await;
    let one = add_site(&store, "one", &acme).await;
    let two = add_site(&store, "two", &acme).await;
    let elsewhere = add_site(&store, "elsewhere", &other).await;
    let fibre = add_tunnel(&store, "fibre", &acme, &one).await.id;
    let mut tx = store.write().await.unwrap();
    for new in [
        new_fault(1, &one, Some(&fibre)),
        new_fault(2, &one, None),
        new_fault(3, &two, None),
        new_fault(4, &elsewhere, None),
    ] {
        fault::open(&mut tx, &new).await.unwrap();
    }
    fault::close(&mut tx, &fault_id(2), &end(20)).await.unwrap();

    let none = FaultFilter::default();
    let site = Some(one);
    let open = Some(FaultState::Open);
    let closed = Some(FaultState::Closed);
    let kind = Some(FaultType::SiteOffline);
    for (filter, expected) in [
        (none.clone(), vec![3, 2, 1]),
        (
            FaultFilter {
                site: site.clone(),
                ..none.clone()
            },
            vec![2, 1],
        ),
        (
            FaultFilter {
                site: site.clone(),
                state: open,
                ..none.clone()
            },
            vec![1],
        ),
        (
            FaultFilter {
                tunnel: Some(fibre),
                ..none.clone()
            },
            vec![1],
        ),
        (
            FaultFilter {
                state: open,
                ..none.clone()
            },
            vec![3, 1],
        ),
        (
            FaultFilter {
                state: open,
                kind,
                ..none.clone()
            },
            vec![3],
        ),
        (
            FaultFilter {
                state: closed,
                ..none.clone()
            },
            vec![2],
        ),
        (
            FaultFilter {
                kind,
                ..none.clone()
            },
            vec![3, 2],
        ),
        (
            FaultFilter {
                severity: Some(Severity::Major),
                ..none.clone()
            },
            vec![1],
        ),
        (
            FaultFilter {
                from: Some(at(21)),
                ..none.clone()
            },
            vec![3, 1],
        ),
        (
            FaultFilter {
                to: Some(at(3)),
                ..none.clone()
            },
            vec![2, 1],
        ),
        (
            FaultFilter {
                text: Some("FIB".into()),
                ..none.clone()
            },
            vec![1],
        ),
        (
            FaultFilter {
                text: Some("tw".into()),
                ..none.clone()
            },
            vec![3],
        ),
    ] {
        let expected: Vec<_> = expected.into_iter().map(fault_id).collect();
        assert_eq!(
            numbers(&mut tx, &acme, &filter).await,
            expected,
            "{filter:?}"
        );
        let streamed: Vec<_> = fault::stream(&mut tx, &acme, &filter)
            .map_ok(|fault| fault.id)
            .try_collect()
            .await
            .unwrap();
        assert_eq!(streamed, expected, "{filter:?}");
    }
}

#[tokio::test]
async fn comments_are_read_in_the_order_they_were_made() {
    let store = TestStore::new().await;
    let acme = add_organization(&store, "acme").await;
    let site = add_site(&store, "head-office", &acme).await;
    let mut tx = store.write().await.unwrap();
    fault::open(&mut tx, &new_fault(1, &site, None))
        .await
        .unwrap();
    let comment = |number: u32| Comment {
        id: format!("comment-{number}").parse::<CommentId>().unwrap(),
        fault_id: fault_id(1),
        author: "ada".into(),
        at: at(number.into()),
        text: "the mast fell".into(),
    };
    for number in [1, 2] {
        fault::comment(&mut tx, &comment(number)).await.unwrap();
    }
    let dangling = Comment {
        fault_id: fault_id(9),
        ..comment(3)
    };
    let err = fault::comment(&mut tx, &dangling).await.unwrap_err();
    assert!(matches!(err, StoreError::Dangling));

    let page = fault::comments(&mut tx, &fault_id(1), &Seek::first(1))
        .await
        .unwrap();
    assert_eq!((page.items, page.more), (vec![comment(1)], true));
    let seek = Seek {
        after: Some(comment(1).id),
        limit: 1,
    };
    let page = fault::comments(&mut tx, &fault_id(1), &seek).await.unwrap();
    assert_eq!((page.items, page.more), (vec![comment(2)], false));
}

#[tokio::test]
async fn the_history_of_a_tunnel_is_read_from_its_end() {
    let store = TestStore::new().await;
    let acme = add_organization(&store, "acme").await;
    let site = add_site(&store, "head-office", &acme).await;
    let id = add_tunnel(&store, "fibre", &acme, &site).await.id;
    let mut tx = store.write().await.unwrap();
    let mut written = Vec::new();
    for (second, state, role) in [
        (1, LinkState::Online, Some(TunnelRole::Active)),
        (2, LinkState::Offline, None),
        (3, LinkState::Recovering, Some(TunnelRole::Standby)),
    ] {
        let change = NewLinkChange {
            tunnel_id: &id,
            site_id: &site,
            at: at(second),
            state,
            role,
            cause: "because",
        };
        written.push(link_state::insert(&mut tx, &change).await.unwrap());
    }

    let first = link_state::of_tunnel(&mut tx, &id, &Seek::first(2))
        .await
        .unwrap();
    let seek = Seek {
        after: first.items.last().map(|change| change.id),
        limit: 2,
    };
    let rest = link_state::of_tunnel(&mut tx, &id, &seek).await.unwrap();

    let mut read: Vec<_> = first
        .items
        .iter()
        .chain(&rest.items)
        .map(|change| change.id)
        .collect();
    read.reverse();
    assert_eq!(read, written);
    // It outlives the tunnel, and stays its organization's.
    tunnel::delete(&mut tx, &acme, &id, at(9)).await.unwrap();
    let kept = link_state::of_tunnel(&mut tx, &id, &Seek::first(9)).await;
    assert_eq!(kept.unwrap().items.len(), 3);
    for (organization, known) in [(&acme, true), (&"other".parse().unwrap(), false)] {
        let is_known = link_state::is_known(&mut tx, organization, &id)
            .await
            .unwrap();
        assert_eq!(is_known, known);
    }
    assert_eq!((first.more, rest.more), (true, false));
    assert_eq!(rest.items[0].role, Some(TunnelRole::Active));
    assert_eq!(
        (first.items[1].state, first.items[1].role),
        (LinkState::Offline, None)
    );
}
