//! Set-up links: with one, somebody makes the first owner of a new installation.

use jiff::Timestamp;

use crate::{Connection, Result, Sha256, Unique, column::micros, error::OrDuplicate};

/// A set-up link, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetupLink {
    /// Digest of the secret.
    pub hash: Sha256,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// Adds one, in place of every one before.
pub async fn replace(conn: &mut Connection, new: &SetupLink) -> Result<()> {
    clear(conn).await?;
    let hash = &new.hash[..];
    let (created_at, expires_at) = (micros(new.created_at), micros(new.expires_at));
    sqlx::query!(
        "insert into setup_link (hash, created_at, expires_at) values ($1, $2, $3)",
        hash,
        created_at,
        expires_at,
    )
    .execute(conn)
    .await
    .or_duplicate(Unique::Id)?;
    Ok(())
}

/// The link of a secret, expired or not: the caller has the clock.
pub async fn find(conn: &mut Connection, hash: &Sha256) -> Result<Option<SetupLink>> {
    let hash = &hash[..];
    Ok(sqlx::query_as!(
        SetupLink,
        "select hash, created_at, expires_at from setup_link where hash = $1",
        hash,
    )
    .fetch_optional(conn)
    .await?)
}

/// Removes every link: the installation is set up.
pub async fn clear(conn: &mut Connection) -> Result<()> {
    sqlx::query!("delete from setup_link").execute(conn).await?;
    Ok(())
}
