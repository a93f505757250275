//! Lines that somebody may paste into a router: what makes the router a site's.

use holdfast_api_types::SiteId;
use jiff::Timestamp;

use crate::{Connection, Result, Sha256, Unique, column::micros, error::OrDuplicate};

/// A line that somebody may paste, without its token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Adoption {
    /// Digest of the token.
    pub token_hash: Sha256,
    /// The site whose router it makes.
    pub site_id: SiteId,
    /// Who asked for it, by name.
    pub requested_by: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// When its script was fetched.
    pub used_at: Option<Timestamp>,
    /// How far the router is, as JSON.
    pub progress: String,
}

macro_rules! adoptions {
    ($tail:literal $(, $arg:expr)* $(,)?) => {
        sqlx::query_as!(
            Adoption,
            r#"select token_hash, site_id, requested_by, created_at, expires_at, used_at as "used_at!", progress
                from adoption "# + $tail
            $(, $arg)*
        )
    };
}

/// Adds one, which ends the one that its site had.
pub async fn insert(conn: &mut Connection, new: &Adoption) -> Result<()> {
    let (token_hash, site) = (&new.token_hash[..], new.site_id.as_str());
    let (created_at, expires_at) = (micros(new.created_at), micros(new.expires_at));
    let used_at = new.used_at.map(micros);
    end(conn, &new.site_id).await?;
    sqlx::query!(
        "insert into adoption (token_hash, site_id, requested_by, created_at, expires_at, used_at, progress)
            values ($1, $2, $3, $4, $5, $6, $7)",
        token_hash,
        site,
        new.requested_by,
        created_at,
        expires_at,
        used_at,
        new.progress,
    )
    .execute(conn)
    .await
    .or_duplicate(Unique::Id)?;
    Ok(())
}

/// The one with this token, over or not: the caller has the clock.
pub async fn find(conn: &mut Connection, token_hash: &Sha256) -> Result<Option<Adoption>> {
    let token_hash = &token_hash[..];
    Ok(adoptions!("where token_hash = $1", token_hash)
        .fetch_optional(conn)
        .await?)
}

/// The latest of a site.
pub async fn of_site(conn: &mut Connection, site: &SiteId) -> Result<Option<Adoption>> {
    let site = site.as_str();
    Ok(adoptions!("where site_id = $1", site)
        .fetch_optional(conn)
        .await?)
}

/// Uses the script of one; false if it was used before, or is over.
pub async fn take(conn: &mut Connection, token_hash: &Sha256, now: Timestamp) -> Result<bool> {
    let (token_hash, now) = (&token_hash[..], micros(now));
    let done = sqlx::query!(
        "update adoption set used_at = $2 where token_hash = $1 and used_at is null and expires_at > $2",
        token_hash,
        now,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Writes how far its router is.
pub async fn set_progress(
    conn: &mut Connection,
    token_hash: &Sha256,
    progress: &str,
) -> Result<()> {
    let token_hash = &token_hash[..];
    sqlx::query!(
        "update adoption set progress = $2 where token_hash = $1",
        token_hash,
        progress,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Ends the one that a site has.
pub async fn end(conn: &mut Connection, site: &SiteId) -> Result<()> {
    let site = site.as_str();
    sqlx::query!("delete from adoption where site_id = $1", site)
        .execute(conn)
        .await?;
    Ok(())
}
