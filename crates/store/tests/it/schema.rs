//! Rules of the schema, read from the catalogue and not remembered by reviewers.

use std::{collections::BTreeMap, fs, path::Path};

use holdfast_store::Connection;
use sqlx::Row;

use crate::fixture::TestStore;

/// Reads of a whole table that are right: it is small, or the query needs all of it.
const WHOLE_TABLE: &[&str] = &[
    "from organization order by id",
    "from controller order by name",
    "delete from setup_link",
    // One row of any, to know whether there is one.
    r#"from "user" limit 1"#,
    // The first free network, when a tunnel is made.
    "max(address_index) + 1, 0)",
    "not exists (select 1 from tunnel t",
    // The unfinished jobs, which are all that is in the index.
    "from job where state in ('queued', 'running')",
];

/// What a list filters by, and the index that finds it. Any other would read all rows of the organization.
const INDEXES: &[(&str, &str)] = &[
    ("(t.site_id = $2)", "tunnel_site"),
    ("(t.state = $3)", "tunnel_state"),
    ("(t.provider = $4)", "tunnel_provider"),
    ("(f.site_id = $2)", "fault_site"),
    ("(f.tunnel_id = $3)", "fault_tunnel"),
    ("(f.ended_at is null and $6)", "fault_open_organization"),
    ("(site_id = $2)", "job_site"),
    ("(subject_id = $5)", "audit_subject"),
    ("(actor_id = $2)", "audit_actor"),
];

async fn tables(conn: &mut Connection) -> Vec<String> {
    sqlx::query_scalar(
        "select name from sqlite_schema where type = 'table' and name not like 'sqlite%'
            and name not like '\\_sqlx%' escape '\\' order by name",
    )
    .fetch_all(conn)
    .await
    .unwrap()
}

/// The columns of every index of a table that holds all its rows.
async fn indexes(conn: &mut Connection, table: &str) -> Vec<Vec<String>> {
    let names: Vec<String> =
        sqlx::query_scalar("select name from pragma_index_list($1) where partial = 0")
            .bind(table)
            .fetch_all(&mut *conn)
            .await
            .unwrap();
    let mut indexes = Vec::new();
    for name in names {
        let columns: Vec<Option<String>> =
            sqlx::query_scalar("select name from pragma_index_info($1) order by seqno")
                .bind(name)
                .fetch_all(&mut *conn)
                .await
                .unwrap();
        indexes.push(columns.into_iter().map(Option::unwrap_or_default).collect());
    }
    indexes
}

#[tokio::test]
async fn every_foreign_key_has_an_index_and_a_rule_for_deletes() {
    let store = TestStore::new().await;
    let mut conn = store.read().await.unwrap();
    let mut keys = 0;
    for table in tables(&mut conn).await {
        let rows = sqlx::query(
            r#"select id, "from", on_delete from pragma_foreign_key_list($1) order by id, seq"#,
        )
        .bind(&table)
        .fetch_all(&mut *conn)
        .await
        .unwrap();
        let mut columns: BTreeMap<i64, Vec<String>> = BTreeMap::new();
        for row in rows {
            let rule: String = row.get("on_delete");
            assert!(
                ["CASCADE", "SET NULL"].contains(&rule.as_str()),
                "{table}: {rule}"
            );
            columns
                .entry(row.get("id"))
                .or_default()
                .push(row.get("from"));
        }
        let indexes = indexes(&mut conn, &table).await;
        for key in columns.into_values() {
            keys += 1;
            assert!(
                indexes.iter().any(|index| index.starts_with(&key)),
                "no index of {table} begins with {key:?}: {indexes:?}"
            );
        }
    }
    assert!(keys >= 17, "found only {keys} foreign keys");
}

#[tokio::test]
async fn columns_have_only_types_that_sqlite_and_postgresql_share() {
    let store = TestStore::new().await;
    let mut conn = store.read().await.unwrap();
    for table in tables(&mut conn).await {
        let columns: Vec<(String, String)> =
            sqlx::query_as("select name, type from pragma_table_info($1)")
                .bind(&table)
                .fetch_all(&mut *conn)
                .await
                .unwrap();
        for (column, kind) in columns {
            // SQLite numbers rows by itself only in a column of this type.
            if (table.as_str(), column.as_str()) == ("link_state", "id") {
                continue;
            }
            let shared = ["TEXT", "BIGINT", "BOOLEAN", "BLOB"];
            assert!(
                shared.contains(&kind.as_str()),
                "{table}.{column} is {kind}"
            );
            let time = column == "at" || column.ends_with("_at");
            assert!(!time || kind == "BIGINT", "{table}.{column} is {kind}");
        }
    }
}

#[test]
fn every_table_is_explained_in_its_migration() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations/sqlite");
    let mut tables = 0;
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        let (time, subject) = name.split_once('_').unwrap();
        assert!(
            time.len() == 14 && time.bytes().all(|b| b.is_ascii_digit()),
            "{name}"
        );
        assert!(subject.ends_with(".sql"), "{name}");

        let text = fs::read_to_string(&path).unwrap();
        let lines: Vec<_> = text.lines().collect();
        for (number, line) in lines.iter().enumerate() {
            if line.starts_with("CREATE TABLE") {
                tables += 1;
                let before = number.checked_sub(1).map(|before| lines[before]);
                let explained = before.is_some_and(|before| before.starts_with("-- "));
                assert!(explained, "{name}: no comment above {line}");
            }
        }
    }
    assert!(tables >= 18, "found only {tables} tables");
}

#[tokio::test]
async fn no_query_reads_a_whole_table_or_sorts_a_list() {
    let store = TestStore::new().await;
    let mut conn = store.read().await.unwrap();
    for query in queries() {
        if WHOLE_TABLE.iter().any(|known| query.contains(known)) {
            continue;
        }
        for step in plan(&mut conn, &query).await {
            let scan = step.starts_with("SCAN ") && !step.starts_with("SCAN CONSTANT");
            let sort = step.contains("TEMP B-TREE FOR ORDER BY") && query.contains(" limit ");
            assert!(!scan && !sort, "{step}: {query}");
        }
    }
}

#[tokio::test]
async fn every_filter_of_a_list_has_its_index() {
    let store = TestStore::new().await;
    let mut conn = store.read().await.unwrap();
    let queries = queries();
    for (filter, index) in INDEXES {
        let query = queries.iter().find(|query| query.contains(filter));
        let query = query.unwrap_or_else(|| panic!("no query has {filter}"));
        let plan = plan(&mut conn, query).await;
        let used = plan
            .iter()
            .any(|step| step.contains(&format!("INDEX {index} (")));
        assert!(used, "{plan:?}: {query}");
    }
}

/// Every query of the store, with single spaces.
fn queries() -> Vec<String> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join(".sqlx");
    let queries: Vec<_> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| {
            let text = fs::read_to_string(entry.unwrap().path()).unwrap();
            let answer: serde_json::Value = serde_json::from_str(&text).unwrap();
            let words = answer["query"].as_str().unwrap().split_whitespace();
            words.collect::<Vec<_>>().join(" ")
        })
        .collect();
    assert!(queries.len() >= 100, "found only {} queries", queries.len());
    queries
}

async fn plan(conn: &mut Connection, query: &str) -> Vec<String> {
    sqlx::query(sqlx::AssertSqlSafe(format!("explain query plan {query}")))
        .fetch_all(conn)
        .await
        .unwrap()
        .iter()
        .map(|row| row.get("detail"))
        .collect()
}
