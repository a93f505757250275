//! What SQLite wants to be told, and another database would want differently.

use std::{path::Path, time::Duration};

use sqlx::{
    Sqlite, SqliteConnection,
    pool::PoolOptions,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};

/// A connection to the database, inside a transaction or not.
pub type Connection = SqliteConnection;

pub(crate) type Db = Sqlite;
pub(crate) type Pool = sqlx::Pool<Db>;

/// Takes the write lock at once. A transaction that began by reading could not wait for it: what it has read might be
/// stale by then, so SQLite would fail it.
pub(crate) const BEGIN_WRITE: &str = "BEGIN IMMEDIATE";

/// The schema, oldest change first.
pub(crate) static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("migrations/sqlite");

/// How long a statement waits for a lock that another process holds.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// How long somebody waits for the writer or a reader before it is too much.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);

/// Statements a connection keeps prepared; there are fewer queries than that.
const STATEMENTS: usize = 300;

pub(crate) fn writer(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(SqliteJournalMode::Wal)
        // In WAL mode NORMAL would lose the last commits in a power cut. Ours are acknowledged.
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT)
        .statement_cache_capacity(STATEMENTS)
}

pub(crate) fn reader(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .read_only(true)
        .busy_timeout(BUSY_TIMEOUT)
        .statement_cache_capacity(STATEMENTS)
}

/// Connections are to a file: they do not die, so they are neither tested nor replaced.
pub(crate) fn pool(connections: u32) -> PoolOptions<Db> {
    PoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
}

/// Writes a copy of the database, as it is at this moment, to a file that does not exist yet.
pub(crate) async fn copy_to(conn: &mut Connection, path: &str) -> sqlx::Result<()> {
    sqlx::query("VACUUM INTO $1")
        .bind(path)
        .execute(conn)
        .await?;
    Ok(())
}

/// What is wrong with the file or with its references, one sentence each.
pub(crate) async fn problems(conn: &mut Connection) -> sqlx::Result<Vec<String>> {
    let mut problems: Vec<String> = sqlx::query_scalar("PRAGMA integrity_check")
        .fetch_all(&mut *conn)
        .await?;
    problems.retain(|line| line != "ok");

    let dangling: Vec<(String, Option<i64>, String, i64)> =
        sqlx::query_as("PRAGMA foreign_key_check")
            .fetch_all(conn)
            .await?;
    problems.extend(dangling.into_iter().map(|(table, _, parent, _)| {
        format!("a row of {table} refers to a row of {parent} that is not there")
    }));
    Ok(problems)
}

/// Whether the error says that somebody else held a lock for too long.
pub(crate) fn is_busy(err: &dyn sqlx::error::DatabaseError) -> bool {
    // Primary result codes SQLITE_BUSY and SQLITE_LOCKED; the bits above them tell why.
    primary_code(err).is_some_and(|code| code == 5 || code == 6)
}

/// Whether the error says that there is no room on the disk.
pub(crate) fn is_full(err: &dyn sqlx::error::DatabaseError) -> bool {
    primary_code(err) == Some(13)
}

fn primary_code(err: &dyn sqlx::error::DatabaseError) -> Option<u32> {
    let extended: u32 = err.code()?.parse().ok()?;
    Some(extended & 0xff)
}
