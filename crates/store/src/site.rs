//! Sites: routers with several internet connections.

mod outline;

use holdfast_api_types::{OrganizationId, SiteId};
use jiff::Timestamp;

use crate::{
    Connection, Page, Result, Seek, Unique,
    column::{contains, micros},
    error::OrDuplicate,
};

pub use outline::{FaultOutline, LinkOutline, links, open_faults};

/// A router with two to eight internet connections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// Its id.
    pub id: SiteId,
    /// The organization it belongs to.
    pub organization_id: OrganizationId,
    /// What people call it; no other site of the organization has the name.
    pub name: String,
    /// What people want to remember of it.
    pub note: String,
    /// Whether its tunnels may connect.
    pub failover_enabled: bool,
    /// Counts up with every change of the order of its tunnels, and of which tunnels there are.
    pub priority_version: u32,
    /// Seconds a tunnel must be steady before it may carry traffic again.
    pub hold_s: u32,
    /// When it was made.
    pub created_at: Timestamp,
}

macro_rules! sites {
    ($tail:literal $(, $arg:expr)* $(,)?) => {
        sqlx::query_as!(
            Site,
            "select id, organization_id, name, note, failover_enabled, priority_version, hold_s, created_at
                from site " + $tail
            $(, $arg)*
        )
    };
}

/// Adds one. Another of the organization with its name is [`Unique::SiteName`].
pub async fn insert(conn: &mut Connection, new: &Site) -> Result<()> {
    let (id, organization) = (new.id.as_str(), new.organization_id.as_str());
    let created_at = micros(new.created_at);
    sqlx::query!(
        "insert into site
            (id, organization_id, name, note, failover_enabled, priority_version, hold_s, created_at)
            values ($1, $2, $3, $4, $5, $6, $7, $8)",
        id,
        organization,
        new.name,
        new.note,
        new.failover_enabled,
        new.priority_version,
        new.hold_s,
        created_at,
    )
    .execute(conn)
    .await
    .or_duplicate(Unique::SiteName)?;
    Ok(())
}

/// The site of an organization with this id.
pub async fn get(
    conn: &mut Connection,
    organization: &OrganizationId,
    id: &SiteId,
) -> Result<Option<Site>> {
    let (organization, id) = (organization.as_str(), id.as_str());
    Ok(
        sites!("where id = $2 and organization_id = $1", organization, id)
            .fetch_optional(conn)
            .await?,
    )
}

/// The site with this id, in whatever organization: for the engine, which serves them all.
pub async fn find(conn: &mut Connection, id: &SiteId) -> Result<Option<Site>> {
    let id = id.as_str();
    Ok(sites!("where id = $1", id).fetch_optional(conn).await?)
}

/// The sites of an organization whose name or note contains `text`, the oldest first.
pub async fn list(
    conn: &mut Connection,
    organization: &OrganizationId,
    text: Option<&str>,
    seek: &Seek<SiteId>,
) -> Result<Page<Site>> {
    let (organization, pattern) = (organization.as_str(), text.map(contains));
    let (after, rows) = (seek.after.as_ref().map(SiteId::as_str), seek.rows());
    let sites = sites!(
        r"where organization_id = $1 and id > coalesce($3, '')
            and ($2 is null or lower(name) like $2 escape '\' or lower(note) like $2 escape '\')
            order by id limit $4",
        organization,
        pattern,
        after,
        rows,
    )
    .fetch_all(conn)
    .await?;
    Ok(Page::of(seek, sites))
}

/// The sites of every organization, the oldest first: for the engine, which reads them all when it starts.
pub async fn all(conn: &mut Connection, seek: &Seek<SiteId>) -> Result<Page<Site>> {
    let (after, rows) = (seek.after.as_ref().map(SiteId::as_str), seek.rows());
    let sites = sites!(
        "where id > coalesce($1, '') order by id limit $2",
        after,
        rows
    )
    .fetch_all(conn)
    .await?;
    Ok(Page::of(seek, sites))
}

/// Writes name, note, hold and whether failover is on; false if there is no site with the id of `site`.
pub async fn update(conn: &mut Connection, site: &Site) -> Result<bool> {
    let (id, organization) = (site.id.as_str(), site.organization_id.as_str());
    let done = sqlx::query!(
        "update site set name = $3, note = $4, hold_s = $5, failover_enabled = $6
            where id = $2 and organization_id = $1",
        organization,
        id,
        site.name,
        site.note,
        site.hold_s,
        site.failover_enabled,
    )
    .execute(conn)
    .await
    .or_duplicate(Unique::SiteName)?;
    Ok(done.rows_affected() > 0)
}

/// Removes a site with its tunnels, their history and its faults; false if there is none.
pub async fn delete(
    conn: &mut Connection,
    organization: &OrganizationId,
    id: &SiteId,
) -> Result<bool> {
    let (organization, id) = (organization.as_str(), id.as_str());
    let done = sqlx::query!(
        "delete from site where id = $2 and organization_id = $1",
        organization,
        id,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}
