//! Organizations: what separates one operator's sites and people from another's.

use holdfast_api_types::OrganizationId;
use jiff::Timestamp;

use crate::{Connection, Result, Unique, column::micros, error::OrDuplicate};

/// An organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Organization {
    /// Its id.
    pub id: OrganizationId,
    /// What people call it.
    pub name: String,
    /// When it was made.
    pub created_at: Timestamp,
}

/// Adds one.
pub async fn insert(conn: &mut Connection, new: &Organization) -> Result<()> {
    let (id, created_at) = (new.id.as_str(), micros(new.created_at));
    sqlx::query!(
        "insert into organization (id, name, created_at) values ($1, $2, $3)",
        id,
        new.name,
        created_at,
    )
    .execute(conn)
    .await
    .or_duplicate(Unique::Id)?;
    Ok(())
}

/// The one with this id.
pub async fn get(conn: &mut Connection, id: &OrganizationId) -> Result<Option<Organization>> {
    let id = id.as_str();
    Ok(sqlx::query_as!(
        Organization,
        "select id, name, created_at from organization where id = $1",
        id,
    )
    .fetch_optional(conn)
    .await?)
}

/// All of them, the oldest first.
pub async fn all(conn: &mut Connection) -> Result<Vec<Organization>> {
    Ok(sqlx::query_as!(
        Organization,
        "select id, name, created_at from organization order by id",
    )
    .fetch_all(conn)
    .await?)
}

/// Gives it another name; false if there is none with this id.
pub async fn rename(conn: &mut Connection, id: &OrganizationId, name: &str) -> Result<bool> {
    let id = id.as_str();
    let done = sqlx::query!("update organization set name = $2 where id = $1", id, name)
        .execute(conn)
        .await?;
    Ok(done.rows_affected() > 0)
}
