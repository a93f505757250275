//! Sessions: log-ins of browsers.

use holdfast_api_types::UserId;
use jiff::Timestamp;

use crate::{Connection, Result, Sha256, Unique, column::micros, error::OrDuplicate};

/// A log-in of a browser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Digest of the secret in the cookie.
    pub hash: Sha256,
    /// Who logged in.
    pub user_id: UserId,
    /// When.
    pub created_at: Timestamp,
    /// When it ends at the latest.
    pub expires_at: Timestamp,
    /// About when it was last used.
    pub last_seen_at: Timestamp,
    /// The address the log-in came from.
    pub remote: String,
    /// The browser, as it called itself.
    pub user_agent: String,
}

macro_rules! sessions {
    ($tail:literal $(, $arg:expr)* $(,)?) => {
        sqlx::query_as!(
            Session,
            "select hash, user_id, created_at, expires_at, last_seen_at, remote, user_agent from session " + $tail
            $(, $arg)*
        )
    };
}

/// Adds one.
pub async fn insert(conn: &mut Connection, new: &Session) -> Result<()> {
    let (hash, user) = (&new.hash[..], new.user_id.as_str());
    let (created_at, expires_at) = (micros(new.created_at), micros(new.expires_at));
    let last_seen_at = micros(new.last_seen_at);
    sqlx::query!(
        "insert into session (hash, user_id, created_at, expires_at, last_seen_at, remote, user_agent)
            values ($1, $2, $3, $4, $5, $6, $7)",
        hash,
        user,
        created_at,
        expires_at,
        last_seen_at,
        new.remote,
        new.user_agent,
    )
    .execute(conn)
    .await
    .or_duplicate(Unique::Id)?;
    Ok(())
}

/// The session of a secret, expired or not: the caller has the clock.
pub async fn find(conn: &mut Connection, hash: &Sha256) -> Result<Option<Session>> {
    let hash = &hash[..];
    Ok(sessions!("where hash = $1", hash)
        .fetch_optional(conn)
        .await?)
}

/// The sessions of a user, the one used last first.
pub async fn of_user(conn: &mut Connection, user: &UserId) -> Result<Vec<Session>> {
    let user = user.as_str();
    Ok(
        sessions!("where user_id = $1 order by last_seen_at desc, hash", user)
            .fetch_all(conn)
            .await?,
    )
}

/// Notes that a session is in use.
pub async fn touch(conn: &mut Connection, hash: &Sha256, at: Timestamp) -> Result<()> {
    let (hash, at) = (&hash[..], micros(at));
    sqlx::query!(
        "update session set last_seen_at = $2 where hash = $1",
        hash,
        at
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Ends a session; false if there is none.
pub async fn delete(conn: &mut Connection, hash: &Sha256) -> Result<bool> {
    let hash = &hash[..];
    let done = sqlx::query!("delete from session where hash = $1", hash)
        .execute(conn)
        .await?;
    Ok(done.rows_affected() > 0)
}

/// Ends the sessions of a user but for `except`, and says how many those were.
pub async fn delete_of_user(
    conn: &mut Connection,
    user: &UserId,
    except: Option<&Sha256>,
) -> Result<u64> {
    let (user, except) = (user.as_str(), except.map(|hash| &hash[..]));
    let done = sqlx::query!(
        "delete from session where user_id = $1 and ($2 is null or hash <> $2)",
        user,
        except,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// Removes the sessions that expired before `now` or were last used before `idle_since`, and says how many.
pub async fn prune(conn: &mut Connection, now: Timestamp, idle_since: Timestamp) -> Result<u64> {
    let (now, idle_since) = (micros(now), micros(idle_since));
    let done = sqlx::query!(
        "delete from session where expires_at < $1 or last_seen_at < $2",
        now,
        idle_since,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}
