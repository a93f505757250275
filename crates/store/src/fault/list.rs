//! The fault log: pages and whole streams of it.

use futures_util::{Stream, StreamExt, TryStreamExt};
use holdfast_api_types::{
    FaultId, FaultState, FaultType, OrganizationId, Severity, SiteId, TunnelId,
};
use jiff::Timestamp;

use super::{Fault, faults};
use crate::{
    Connection, Page, Result, Seek, StoreError,
    column::{contains, micros},
};

/// Which faults of an organization are wanted; those that match all that is given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FaultFilter {
    /// Those of one site.
    pub site: Option<SiteId>,
    /// Those of one tunnel.
    pub tunnel: Option<TunnelId>,
    /// Those of one kind.
    pub kind: Option<FaultType>,
    /// Those of one severity.
    pub severity: Option<Severity>,
    /// Those that go on, or those that ended.
    pub state: Option<FaultState>,
    /// Those that did not end before.
    pub from: Option<Timestamp>,
    /// Those that began before.
    pub to: Option<Timestamp>,
    /// Those with this text in the cause or in the name of the site or the tunnel.
    pub text: Option<String>,
}

/// The faults that match a filter, the latest first.
pub async fn list(
    conn: &mut Connection,
    organization: &OrganizationId,
    filter: &FaultFilter,
    seek: &Seek<FaultId>,
) -> Result<Page<Fault>> {
    let after = seek.after.as_ref().map(FaultId::as_str);
    let faults = rows(conn, organization, filter, after, seek.rows())
        .try_collect()
        .await?;
    Ok(Page::of(seek, faults))
}

/// All faults that match a filter, the latest first, as they are read: for a download of any length.
pub fn stream<'a>(
    conn: &'a mut Connection,
    organization: &'a OrganizationId,
    filter: &'a FaultFilter,
) -> impl Stream<Item = Result<Fault>> + Send + 'a {
    rows(conn, organization, filter, None, i64::MAX)
}

/// At most `limit` faults with a smaller id than `after`.
fn rows<'a>(
    conn: &'a mut Connection,
    organization: &'a OrganizationId,
    filter: &'a FaultFilter,
    after: Option<&'a str>,
    limit: i64,
) -> impl Stream<Item = Result<Fault>> + Send + 'a {
    let organization = organization.as_str();
    let site = filter.site.as_ref().map(SiteId::as_str);
    let tunnel = filter.tunnel.as_ref().map(TunnelId::as_str);
    let kind = filter.kind.map(FaultType::as_str);
    let severity = filter.severity.map(Severity::as_str);
    let open = filter.state.map(|state| state == FaultState::Open);
    let (from, to) = (filter.from.map(micros), filter.to.map(micros));
    let pattern = filter.text.as_deref().map(contains);

    // One text for each index: "$n is null or ..." does not use any. The filter that leaves fewest rows goes first.
    macro_rules! matching {
        ($site:literal, $tunnel:literal, $open:literal) => {
            faults!(
                "where f.organization_id = $1 and f.id < coalesce($10, '~')
                    and (" + $site + ") and (" + $tunnel + ") and (" + $open + r")
                    and ($4 is null or f.type = $4) and ($5 is null or f.severity = $5)
                    and ($7 is null or f.ended_at is null or f.ended_at >= $7)
                    and ($8 is null or f.started_at < $8)
                    and ($9 is null or lower(f.cause) like $9 escape '\'
                        or lower(f.tunnel_name) like $9 escape '\' or lower(s.name) like $9 escape '\')
                    order by f.id desc limit $11",
                organization,
                site,
                tunnel,
                kind,
                severity,
                open,
                from,
                to,
                pattern,
                after,
                limit,
            )
            .fetch(conn)
        };
    }
    let rows = if tunnel.is_some() {
        matching!(
            "$2 is null or f.site_id = $2",
            "f.tunnel_id = $3",
            "$6 is null or (f.ended_at is null) = $6"
        )
    } else if site.is_some() {
        matching!(
            "f.site_id = $2",
            "$3 is null or f.tunnel_id = $3",
            "$6 is null or (f.ended_at is null) = $6"
        )
    } else if open == Some(true) {
        matching!(
            "$2 is null or f.site_id = $2",
            "$3 is null or f.tunnel_id = $3",
            "f.ended_at is null and $6"
        )
    } else {
        matching!(
            "$2 is null or f.site_id = $2",
            "$3 is null or f.tunnel_id = $3",
            "$6 is null or (f.ended_at is null) = $6"
        )
    };
    rows.map(|row| row.map_err(StoreError::from))
}
