//! API tokens: what programs log in with.

use holdfast_api_types::{OrganizationId, TokenId, UserId, UserRole};
use jiff::Timestamp;

use crate::{Connection, Page, Result, Seek, Sha256, Unique, column::micros, error::OrDuplicate};

/// An API token, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiToken {
    /// Its id.
    pub id: TokenId,
    /// The organization it opens.
    pub organization_id: OrganizationId,
    /// What it is for, in the words of whoever made it.
    pub name: String,
    /// What it may do.
    pub role: UserRole,
    /// Digest of the secret.
    pub hash: Sha256,
    /// Who made it; `None` where that was no user, or one who is gone.
    pub created_by: Option<UserId>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends; `None` is never.
    pub expires_at: Option<Timestamp>,
    /// About when it was last used.
    pub last_used_at: Option<Timestamp>,
}

macro_rules! tokens {
    ($tail:literal $(, $arg:expr)* $(,)?) => {
        sqlx::query_as!(
            ApiToken,
            r#"select id, organization_id, name, role, hash, created_by as "created_by!", created_at,
                expires_at as "expires_at!", last_used_at as "last_used_at!" from api_token "# + $tail
            $(, $arg)*
        )
    };
}

/// Adds one.
pub async fn insert(conn: &mut Connection, new: &ApiToken) -> Result<()> {
    let (id, organization) = (new.id.as_str(), new.organization_id.as_str());
    let (role, hash) = (new.role.as_str(), &new.hash[..]);
    let created_by = new.created_by.as_ref().map(UserId::as_str);
    let (created_at, expires_at) = (micros(new.created_at), new.expires_at.map(micros));
    let last_used_at = new.last_used_at.map(micros);
    sqlx::query!(
        "insert into api_token
            (id, organization_id, name, role, hash, created_by, created_at, expires_at, last_used_at)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        id,
        organization,
        new.name,
        role,
        hash,
        created_by,
        created_at,
        expires_at,
        last_used_at,
    )
    .execute(conn)
    .await
    .or_duplicate(Unique::Id)?;
    Ok(())
}

/// The token of a secret, expired or not: the caller has the clock.
pub async fn find(conn: &mut Connection, hash: &Sha256) -> Result<Option<ApiToken>> {
    let hash = &hash[..];
    Ok(tokens!("where hash = $1", hash)
        .fetch_optional(conn)
        .await?)
}

/// The token of an organization with this id.
pub async fn get(
    conn: &mut Connection,
    organization: &OrganizationId,
    id: &TokenId,
) -> Result<Option<ApiToken>> {
    let (organization, id) = (organization.as_str(), id.as_str());
    Ok(
        tokens!("where id = $2 and organization_id = $1", organization, id)
            .fetch_optional(conn)
            .await?,
    )
}

/// The tokens of an organization, the oldest first.
pub async fn list(
    conn: &mut Connection,
    organization: &OrganizationId,
    seek: &Seek<TokenId>,
) -> Result<Page<ApiToken>> {
    let organization = organization.as_str();
    let (after, rows) = (seek.after.as_ref().map(TokenId::as_str), seek.rows());
    let tokens = tokens!(
        "where organization_id = $1 and id > coalesce($2, '') order by id limit $3",
        organization,
        after,
        rows,
    )
    .fetch_all(conn)
    .await?;
    Ok(Page::of(seek, tokens))
}

/// Notes that a token is in use.
pub async fn touch(conn: &mut Connection, id: &TokenId, at: Timestamp) -> Result<()> {
    let (id, at) = (id.as_str(), micros(at));
    sqlx::query!(
        "update api_token set last_used_at = $2 where id = $1",
        id,
        at
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Removes a token, which ends its validity; false if there is none.
pub async fn delete(
    conn: &mut Connection,
    organization: &OrganizationId,
    id: &TokenId,
) -> Result<bool> {
    let (organization, id) = (organization.as_str(), id.as_str());
    let done = sqlx::query!(
        "delete from api_token where id = $2 and organization_id = $1",
        organization,
        id,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}
