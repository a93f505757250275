//! The history of link states: what a tunnel was, when, and why.

use holdfast_api_types::{LinkState, OrganizationId, SiteId, TunnelId, TunnelRole};
use jiff::Timestamp;

use crate::{Connection, Page, Result, Seek, column::micros};

/// One change of a tunnel's link state or role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkChange {
    /// Grows with every change written.
    pub id: i64,
    /// The tunnel.
    pub tunnel_id: TunnelId,
    /// Its site.
    pub site_id: SiteId,
    /// When it was decided.
    pub at: Timestamp,
    /// The state from then on.
    pub state: LinkState,
    /// What it is for from then on; `None` while it is not connected.
    pub role: Option<TunnelRole>,
    /// Why, in words a person reads.
    pub cause: String,
}

/// A change to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewLinkChange<'a> {
    /// The tunnel.
    pub tunnel_id: &'a TunnelId,
    /// Its site.
    pub site_id: &'a SiteId,
    /// When it was decided.
    pub at: Timestamp,
    /// The state from then on.
    pub state: LinkState,
    /// What it is for from then on; `None` while it is not connected.
    pub role: Option<TunnelRole>,
    /// Why, in words a person reads.
    pub cause: &'a str,
}

/// Adds a change, and answers its id.
pub async fn insert(conn: &mut Connection, new: &NewLinkChange<'_>) -> Result<i64> {
    let (tunnel, site) = (new.tunnel_id.as_str(), new.site_id.as_str());
    let (at, state) = (micros(new.at), new.state.as_str());
    let role = new.role.map(TunnelRole::as_str);
    Ok(sqlx::query_scalar!(
        r#"insert into link_state (tunnel_id, site_id, at, state, role, cause)
            values ($1, $2, $3, $4, $5, $6) returning id as "id!: i64""#,
        tunnel,
        site,
        at,
        state,
        role,
        new.cause,
    )
    .fetch_one(conn)
    .await?)
}

/// Whether there is a history of a tunnel of this organization, which may be gone.
pub async fn is_known(
    conn: &mut Connection,
    organization: &OrganizationId,
    tunnel: &TunnelId,
) -> Result<bool> {
    let (organization, tunnel) = (organization.as_str(), tunnel.as_str());
    Ok(sqlx::query_scalar!(
        r#"select exists (
            select 1 from link_state l join site s on s.id = l.site_id
            where l.tunnel_id = $2 and s.organization_id = $1
        ) as "known!: bool""#,
        organization,
        tunnel,
    )
    .fetch_one(conn)
    .await?)
}

/// The history of a tunnel, the latest change first.
pub async fn of_tunnel(
    conn: &mut Connection,
    tunnel: &TunnelId,
    seek: &Seek<i64>,
) -> Result<Page<LinkChange>> {
    let (tunnel, after, rows) = (tunnel.as_str(), seek.after, seek.rows());
    let changes = sqlx::query_as!(
        LinkChange,
        r#"select id, tunnel_id, site_id, at, state, role as "role!", cause from link_state
            where tunnel_id = $1 and id < coalesce($2, 9223372036854775807) order by id desc limit $3"#,
        tunnel,
        after,
        rows,
    )
    .fetch_all(conn)
    .await?;
    Ok(Page::of(seek, changes))
}
