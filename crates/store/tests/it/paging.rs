//! Pages neither lose nor repeat a row, whatever is written between them.

use std::collections::BTreeSet;

use holdfast_api_types::{OrganizationId, SiteId, UserId};
use holdfast_store::{
    Connection, Seek,
    fault::{self, FaultFilter},
    user::{self, User},
};
use proptest::{prelude::*, test_runner::Config};

use crate::{
    fault::{fault_id, new_fault},
    fixture::{TestStore, add_organization, add_site, at, user as new_user},
};

/// Rows that are there from the beginning, rows that come after each page, and the length of a page.
fn story() -> impl Strategy<Value = (BTreeSet<u32>, Vec<BTreeSet<u32>>, u32)> {
    let numbers = || prop::collection::btree_set(0u32..400, 0..25);
    (numbers(), prop::collection::vec(numbers(), 0..6), 1u32..8)
}

proptest! {
    #![proptest_config(Config::with_cases(24))]

    #[test]
    fn a_list_that_grows_upwards((first, later, limit) in story()) {
        run(async {
            let store = TestStore::new().await;
            let acme = add_organization(&store, "acme").await;
            let mut tx = store.write().await.unwrap();
            add_users(&mut tx, &acme, &first).await;

            let mut later = later.into_iter();
            let mut seen: Vec<UserId> = Vec::new();
            loop {
                let seek = Seek { after: seen.last().cloned(), limit };
                let page = user::list(&mut tx, &acme, &seek).await.unwrap();
                seen.extend(page.items.into_iter().map(|user| user.id));
                if !page.more {
                    break;
                }
                add_users(&mut tx, &acme, &later.next().unwrap_or_default()).await;
            }
            assert!(seen.is_sorted_by(|a, b| a < b), "{seen:?}");
            for number in first {
                assert!(seen.contains(&user_id(number)), "{number} is missing in {seen:?}");
            }
        });
    }

    #[test]
    fn a_list_that_grows_downwards((first, later, limit) in story()) {
        run(async {
            let store = TestStore::new().await;
            let acme = add_organization(&store, "acme").await;
            let site = add_site(&store, "head-office", &acme).await;
            let mut tx = store.write().await.unwrap();
            add_faults(&mut tx, &site, &first).await;

            let mut later = later.into_iter();
            let mut seen = Vec::new();
            loop {
                let seek = Seek { after: seen.last().cloned(), limit };
                let filter = FaultFilter::default();
                let page = fault::list(&mut tx, &acme, &filter, &seek).await.unwrap();
                seen.extend(page.items.into_iter().map(|fault| fault.id));
                if !page.more {
                    break;
                }
                add_faults(&mut tx, &site, &later.next().unwrap_or_default()).await;
            }
            assert!(seen.is_sorted_by(|a, b| a > b), "{seen:?}");
            for number in first {
                assert!(seen.contains(&fault_id(number)), "{number} is missing in {seen:?}");
            }
        });
    }
}

fn run(test: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(test);
}

fn user_id(number: u32) -> UserId {
    format!("user-{number:04}").parse().unwrap()
}

async fn add_users(conn: &mut Connection, organization: &OrganizationId, numbers: &BTreeSet<u32>) {
    for &number in numbers {
        let id = user_id(number);
        if user::find(conn, &id).await.unwrap().is_none() {
            let user = User {
                id,
                ..new_user(&number.to_string(), organization)
            };
            user::insert(conn, &user).await.unwrap();
        }
    }
}

async fn add_faults(conn: &mut Connection, site: &SiteId, numbers: &BTreeSet<u32>) {
    let end = fault::End {
        at: at(1000),
        cause: "over",
        closed_by: None,
    };
    for &number in numbers {
        let exists: bool = sqlx::query_scalar("select count(*) > 0 from fault where id = $1")
            .bind(fault_id(number).as_str())
            .fetch_one(&mut *conn)
            .await
            .unwrap();
        if !exists {
            assert!(
                fault::open(conn, &new_fault(number, site, None))
                    .await
                    .unwrap()
            );
            fault::close(conn, &fault_id(number), &end).await.unwrap();
        }
    }
}
