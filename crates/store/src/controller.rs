//! Route controllers that may ask for grants.

use holdfast_api_types::ControllerId;
use jiff::Timestamp;

use crate::{Connection, Result, Sha256, Unique, column::micros, error::OrDuplicate};

/// A route controller, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Controller {
    /// Its id.
    pub id: ControllerId,
    /// What people call it.
    pub name: String,
    /// Digest of the secret it logs in with.
    pub token_hash: Sha256,
    /// When it was made.
    pub created_at: Timestamp,
    /// About when it was last heard of.
    pub last_seen_at: Option<Timestamp>,
    /// The life of its process that the last applied report came from.
    pub run_id: Option<String>,
    /// The number of the last applied report within that run; 0 before the first.
    pub last_sequence: i64,
}

macro_rules! controllers {
    ($tail:literal $(, $arg:expr)* $(,)?) => {
        sqlx::query_as!(
            Controller,
            r#"select id, name, token_hash, created_at, last_seen_at as "last_seen_at!", run_id, last_sequence
                from controller "# + $tail
            $(, $arg)*
        )
    };
}

/// Adds one that was never heard of. Another with its name is [`Unique::ControllerName`].
pub async fn insert(
    conn: &mut Connection,
    id: &ControllerId,
    name: &str,
    token_hash: &Sha256,
    created_at: Timestamp,
) -> Result<()> {
    let (id, token_hash, created_at) = (id.as_str(), &token_hash[..], micros(created_at));
    sqlx::query!(
        "insert into controller (id, name, token_hash, created_at) values ($1, $2, $3, $4)",
        id,
        name,
        token_hash,
        created_at,
    )
    .execute(conn)
    .await
    .or_duplicate(Unique::ControllerName)?;
    Ok(())
}

/// The one with this id.
pub async fn get(conn: &mut Connection, id: &ControllerId) -> Result<Option<Controller>> {
    let id = id.as_str();
    Ok(controllers!("where id = $1", id)
        .fetch_optional(conn)
        .await?)
}

/// The one that has this secret.
pub async fn find(conn: &mut Connection, token_hash: &Sha256) -> Result<Option<Controller>> {
    let token_hash = &token_hash[..];
    Ok(controllers!("where token_hash = $1", token_hash)
        .fetch_optional(conn)
        .await?)
}

/// All of them by name. An installation has a handful.
pub async fn all(conn: &mut Connection) -> Result<Vec<Controller>> {
    Ok(controllers!("order by name").fetch_all(conn).await?)
}

/// Gives it another secret; the old one is worth nothing from then on. False if there is none with this id.
pub async fn set_token(conn: &mut Connection, id: &ControllerId, hash: &Sha256) -> Result<bool> {
    let (id, hash) = (id.as_str(), &hash[..]);
    let done = sqlx::query!(
        "update controller set token_hash = $2 where id = $1",
        id,
        hash
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Notes that it was heard of.
pub async fn touch(conn: &mut Connection, id: &ControllerId, at: Timestamp) -> Result<()> {
    let (id, at) = (id.as_str(), micros(at));
    sqlx::query!(
        "update controller set last_seen_at = $2 where id = $1",
        id,
        at
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Moves the cursor to a report, and says whether that is new: one that was applied before is not.
///
/// In the transaction that applies the report, this is what makes "at least once" into "exactly once".
pub async fn advance(
    conn: &mut Connection,
    id: &ControllerId,
    run_id: &str,
    sequence: i64,
) -> Result<bool> {
    let id = id.as_str();
    let done = sqlx::query!(
        "update controller set run_id = $2, last_sequence = $3
            where id = $1 and (run_id is null or run_id <> $2 or last_sequence < $3)",
        id,
        run_id,
        sequence,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Removes one, which ends its right to ask; false if there is none.
pub async fn delete(conn: &mut Connection, id: &ControllerId) -> Result<bool> {
    let id = id.as_str();
    let done = sqlx::query!("delete from controller where id = $1", id)
        .execute(conn)
        .await?;
    Ok(done.rows_affected() > 0)
}
