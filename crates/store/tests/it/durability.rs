//! Opening, writing from several sides at once, backing up, checking.

use std::{fs, os::unix::fs::PermissionsExt, sync::Arc};

use holdfast_api_types::OrganizationId;
use holdfast_store::{Connection, Seek, Store, StoreError, audit, job, organization};
use tokio::task::JoinSet;

use crate::{
    audit::entry,
    fixture::{TestStore, add_organization, at, organization_id},
    job::new_job,
};

/// An entry of the audit log and a job with the same number, as a handler writes them.
async fn write_pair(store: &Store, number: u32, organization: &OrganizationId) {
    let mut tx = store.write().await.unwrap();
    audit::insert(&mut tx, &entry(number.into(), organization))
        .await
        .unwrap();
    job::insert(&mut tx, &new_job(number, organization))
        .await
        .unwrap();
    tx.commit().await.unwrap();
}

async fn count_pairs(conn: &mut Connection) -> (i64, i64) {
    sqlx::query_as("select (select count(*) from audit), (select count(*) from job)")
        .fetch_one(conn)
        .await
        .unwrap()
}

#[tokio::test]
async fn a_transaction_that_is_dropped_changes_nothing() {
    let store = TestStore::new().await;
    let acme = add_organization(&store, "acme").await;
    let mut tx = store.write().await.unwrap();
    organization::rename(&mut tx, &acme, "other").await.unwrap();
    drop(tx);

    let mut tx = store.write().await.unwrap();
    let acme = organization::get(&mut tx, &acme).await.unwrap().unwrap();
    assert_eq!(acme.name, "acme");
}

#[tokio::test]
async fn a_reader_sees_what_was_committed_and_cannot_write() {
    let store = TestStore::new().await;
    let acme = add_organization(&store, "acme").await;
    let mut tx = store.write().await.unwrap();
    organization::rename(&mut tx, &acme, "other").await.unwrap();

    let mut conn = store.read().await.unwrap();
    let before = organization::get(&mut conn, &acme).await.unwrap().unwrap();
    assert_eq!(before.name, "acme");
    tx.commit().await.unwrap();
    let after = organization::get(&mut conn, &acme).await.unwrap().unwrap();
    assert_eq!(after.name, "other");
    assert!(organization::rename(&mut conn, &acme, "x").await.is_err());
}

#[tokio::test]
async fn writers_take_turns_and_none_loses_its_change() {
    let store = TestStore::new().await;
    let acme = Arc::new(add_organization(&store, "acme").await);
    let mut writers = JoinSet::new();
    for writer in 0..8 {
        let (store, acme) = (store.clone(), acme.clone());
        writers.spawn(async move {
            for number in 0..20 {
                write_pair(&store, writer * 100 + number, &acme).await;
            }
        });
    }
    writers.join_all().await;

    let mut conn = store.read().await.unwrap();
    assert_eq!(count_pairs(&mut conn).await, (160, 160));
    assert_eq!(store.check().await.unwrap(), [""; 0]);
}

#[tokio::test]
async fn a_database_is_opened_again_with_what_was_in_it() {
    let store = TestStore::new().await;
    let acme = add_organization(&store, "acme").await;
    let path = store.path().to_owned();
    let _directory = store.close().await;

    let again = Store::open(&path).await.unwrap();
    let mut conn = again.read().await.unwrap();
    assert!(organization::get(&mut conn, &acme).await.unwrap().is_some());
}

#[tokio::test]
async fn the_database_and_its_log_belong_to_their_owner_alone() {
    let store = TestStore::new().await;
    add_organization(&store, "acme").await;
    for suffix in ["", "-wal", "-shm"] {
        let mut path = store.path().as_os_str().to_owned();
        path.push(suffix);
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{}", path.display());
    }
}

#[tokio::test]
async fn a_database_of_a_newer_version_and_a_file_that_is_none_are_refused_by_name() {
    let store = TestStore::new().await;
    let path = store.path().to_owned();
    let mut tx = store.write().await.unwrap();
    sqlx::query(
        "insert into _sqlx_migrations (version, description, success, checksum, execution_time)
            values (99990101000000, 'of the future', true, x'00', 0)",
    )
    .execute(&mut *tx)
    .await
    .unwrap();
    tx.commit().await.unwrap();
    let err = Store::open(&path).await.unwrap_err();
    assert!(matches!(err, StoreError::Newer { .. }), "{err:?}");
    assert!(err.to_string().contains("newer version"));

    let text = store.directory().join("notes.txt");
    fs::write(
        &text,
        "this is no database, however long it may be".repeat(100),
    )
    .unwrap();
    let err = Store::open(&text).await.unwrap_err();
    assert!(err.to_string().contains("notes.txt"), "{err}");
}

#[tokio::test]
async fn a_backup_made_while_others_write_is_whole() {
    let store = TestStore::new().await;
    let acme = Arc::new(add_organization(&store, "acme").await);
    let writer = {
        let (store, acme) = (store.clone(), acme.clone());
        tokio::spawn(async move {
            for number in 0..400 {
                write_pair(&store, number, &acme).await;
            }
        })
    };
    let mut seen = 0;
    for number in 0..5 {
        let to = store.directory().join(format!("backup-{number}.db"));
        store.backup(&to).await.unwrap();
        assert_eq!(
            fs::metadata(&to).unwrap().permissions().mode() & 0o777,
            0o600
        );

        let copy = Store::open(&to).await.unwrap();
        assert_eq!(copy.check().await.unwrap(), [""; 0]);
        let mut conn = copy.read().await.unwrap();
        let (entries, jobs) = count_pairs(&mut conn).await;
        assert_eq!(entries, jobs);
        assert!(entries >= seen);
        seen = entries;
    }
    writer.await.unwrap();

    let last = store.directory().join("last.db");
    store.backup(&last).await.unwrap();
    let copy = Store::open(&last).await.unwrap();
    let mut conn = copy.read().await.unwrap();
    assert_eq!(count_pairs(&mut conn).await, (400, 400));
    assert!(!store.directory().join("last.db.partial").exists());
}

#[tokio::test]
async fn a_backup_never_replaces_a_file() {
    let store = TestStore::new().await;
    let to = store.directory().join("precious.db");
    fs::write(&to, "precious").unwrap();
    let err = store.backup(&to).await.unwrap_err();
    assert!(err.to_string().contains("precious.db"));
    assert_eq!(fs::read_to_string(&to).unwrap(), "precious");
}

#[tokio::test]
async fn a_check_names_what_refers_to_nothing() {
    let store = TestStore::new().await;
    let mut tx = store.write().await.unwrap();
    // In a transaction the setting would change nothing.
    sqlx::query("commit").execute(&mut *tx).await.unwrap();
    sqlx::query("pragma foreign_keys = off")
        .execute(&mut *tx)
        .await
        .unwrap();
    job::insert(&mut tx, &new_job(1, &organization_id("none")))
        .await
        .unwrap();
    sqlx::query("begin").execute(&mut *tx).await.unwrap();
    drop(tx);

    let problems = store.check().await.unwrap();
    let expected = "a row of job refers to a row of organization that is not there";
    assert_eq!(problems, [expected]);
}

#[tokio::test]
async fn an_audit_entry_without_its_change_does_not_exist() {
    let store = TestStore::new().await;
    let acme = add_organization(&store, "acme").await;
    write_pair(&store, 1, &acme).await;
    let mut tx = store.write().await.unwrap();
    audit::insert(&mut tx, &entry(2, &acme)).await.unwrap();
    let failed = audit::insert(&mut tx, &entry(1, &acme)).await;
    assert!(failed.is_err());
    drop(tx);

    let mut conn = store.read().await.unwrap();
    let filter = audit::AuditFilter {
        from: Some(at(0)),
        ..Default::default()
    };
    let page = audit::list(&mut conn, &acme, &filter, &Seek::first(9))
        .await
        .unwrap();
    assert_eq!(page.items, [entry(1, &acme)]);
}
