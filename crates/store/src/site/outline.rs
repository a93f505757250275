//! What a list of sites shows of their tunnels and faults, read for a whole page at once.

use holdfast_api_types::{LinkState, OrganizationId, SiteId, TunnelId, TunnelRole};
use jiff::Timestamp;

use crate::{Connection, Result};

/// A tunnel in outline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkOutline {
    /// The tunnel.
    pub id: TunnelId,
    /// Its site.
    pub site_id: SiteId,
    /// What people call it.
    pub name: String,
    /// What is known of its connection.
    pub state: LinkState,
    /// What it is for; `None` while it is not connected.
    pub role: Option<TunnelRole>,
}

/// The faults of a site that go on, in outline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FaultOutline {
    /// The site.
    pub site_id: SiteId,
    /// How many go on.
    pub open: u32,
    /// Since when its traffic has been on a backup; `None` when it is not.
    pub on_backup_since: Option<Timestamp>,
}

/// The tunnels of the sites of an organization from `first` to `last`, both included, in the order of sites and ranks.
pub async fn links(
    conn: &mut Connection,
    organization: &OrganizationId,
    first: &SiteId,
    last: &SiteId,
) -> Result<Vec<LinkOutline>> {
    let (organization, first, last) = (organization.as_str(), first.as_str(), last.as_str());
    Ok(sqlx::query_as!(
        LinkOutline,
        r#"select id, site_id, name, state, role as "role!" from tunnel
            where site_id between $2 and $3 and organization_id = $1
            order by site_id, rank"#,
        organization,
        first,
        last,
    )
    .fetch_all(conn)
    .await?)
}

/// The faults that go on at the sites of an organization from `first` to `last`, both included; nothing for a site
/// without any.
pub async fn open_faults(
    conn: &mut Connection,
    organization: &OrganizationId,
    first: &SiteId,
    last: &SiteId,
) -> Result<Vec<FaultOutline>> {
    let (organization, first, last) = (organization.as_str(), first.as_str(), last.as_str());
    Ok(sqlx::query_as!(
        FaultOutline,
        r#"select site_id as "site_id!", count(*) as "open!: u32",
                min(case when type = 'running-on-backup' then started_at end)
                    as "on_backup_since!: crate::column::MaybeMicros"
            from fault
            where site_id between $2 and $3 and organization_id = $1 and ended_at is null
            group by site_id order by site_id"#,
        organization,
        first,
        last,
    )
    .fetch_all(conn)
    .await?)
}
