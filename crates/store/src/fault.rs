//! Faults: what was, or is, wrong with sites and tunnels.

mod comment;
mod list;

use holdfast_api_types::{FaultId, FaultType, OrganizationId, Severity, SiteId, TunnelId};
use jiff::Timestamp;

use crate::{Connection, Result, column::micros};

pub use comment::{Comment, comment, comments};
pub use list::{FaultFilter, list, stream};

/// Something that was, or is, wrong with a site or with one of its tunnels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Its id.
    pub id: FaultId,
    /// The organization of the site.
    pub organization_id: OrganizationId,
    /// The site.
    pub site_id: SiteId,
    /// What the site is called now.
    pub site_name: String,
    /// The tunnel, which may be gone; `None` if it is of the site as a whole.
    pub tunnel_id: Option<TunnelId>,
    /// What the tunnel was called when the fault began.
    pub tunnel_name: Option<String>,
    /// What is wrong.
    pub kind: FaultType,
    /// How bad it is.
    pub severity: Severity,
    /// Why, in words a person reads.
    pub cause: String,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended; `None` while it goes on.
    pub ended_at: Option<Timestamp>,
    /// Why it ended, in words a person reads.
    pub end_cause: Option<String>,
    /// Who closed it by hand, by name; `None` where it ended by itself.
    pub closed_by: Option<String>,
}

/// A fault that begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewFault {
    /// Its id.
    pub id: FaultId,
    /// The site.
    pub site_id: SiteId,
    /// The tunnel; `None` if it is of the site as a whole.
    pub tunnel_id: Option<TunnelId>,
    /// What is wrong.
    pub kind: FaultType,
    /// How bad it is.
    pub severity: Severity,
    /// Why, in words a person reads.
    pub cause: String,
    /// When it began.
    pub started_at: Timestamp,
}

/// How a fault ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End<'a> {
    /// When.
    pub at: Timestamp,
    /// Why, in words a person reads.
    pub cause: &'a str,
    /// Who closed it, by name; `None` if it ended by itself.
    pub closed_by: Option<&'a str>,
}

/// Every select of whole faults: the columns in one place.
macro_rules! faults {
    ($tail:literal $(+ $more:literal)* $(, $arg:expr)* $(,)?) => {
        sqlx::query_as!(
            $crate::fault::Fault,
            r#"select f.id, f.organization_id, f.site_id, s.name as site_name, f.tunnel_id as "tunnel_id!",
                f.tunnel_name, f.type as kind, f.severity, f.cause, f.started_at, f.ended_at as "ended_at!",
                f.end_cause, f.closed_by
                from fault f join site s on s.id = f.site_id "# + $tail $(+ $more)*
            $(, $arg)*
        )
    };
}
use faults;

/// Writes that a fault began, and says whether it is new: false if one of the kind goes on already, or if the site
/// is gone.
pub async fn open(conn: &mut Connection, new: &NewFault) -> Result<bool> {
    let (id, site) = (new.id.as_str(), new.site_id.as_str());
    let tunnel = new.tunnel_id.as_ref().map(TunnelId::as_str);
    let (kind, severity) = (new.kind.as_str(), new.severity.as_str());
    let started_at = micros(new.started_at);
    let done = sqlx::query!(
        "insert into fault
                (id, organization_id, site_id, tunnel_id, tunnel_name, type, severity, cause, started_at)
            select $1, s.organization_id, s.id, $3, t.name, $4, $5, $6, $7
            from site s left join tunnel t on t.id = $3
            where s.id = $2
            on conflict (site_id, coalesce(tunnel_id, ''), type) where ended_at is null do nothing",
        id,
        site,
        tunnel,
        kind,
        severity,
        new.cause,
        started_at,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Writes a better known cause or severity of a fault that goes on; false if it does not.
pub async fn update(
    conn: &mut Connection,
    id: &FaultId,
    severity: Severity,
    cause: &str,
) -> Result<bool> {
    let (id, severity) = (id.as_str(), severity.as_str());
    let done = sqlx::query!(
        "update fault set severity = $2, cause = $3 where id = $1 and ended_at is null",
        id,
        severity,
        cause,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Writes that a fault ended; false if it had ended before.
pub async fn close(conn: &mut Connection, id: &FaultId, end: &End<'_>) -> Result<bool> {
    let (id, at) = (id.as_str(), micros(end.at));
    let done = sqlx::query!(
        "update fault set ended_at = $2, end_cause = $3, closed_by = $4 where id = $1 and ended_at is null",
        id,
        at,
        end.cause,
        end.closed_by,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Ends whatever goes on with a tunnel, as when it is removed, and says how many faults those were.
pub async fn close_of_tunnel(
    conn: &mut Connection,
    site: &SiteId,
    tunnel: &TunnelId,
    end: &End<'_>,
) -> Result<u64> {
    let (site, tunnel, at) = (site.as_str(), tunnel.as_str(), micros(end.at));
    let done = sqlx::query!(
        "update fault set ended_at = $3, end_cause = $4, closed_by = $5
            where site_id = $1 and tunnel_id = $2 and ended_at is null",
        site,
        tunnel,
        at,
        end.cause,
        end.closed_by,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// The fault of an organization with this id.
pub async fn get(
    conn: &mut Connection,
    organization: &OrganizationId,
    id: &FaultId,
) -> Result<Option<Fault>> {
    let (organization, id) = (organization.as_str(), id.as_str());
    Ok(faults!(
        "where f.id = $2 and f.organization_id = $1",
        organization,
        id
    )
    .fetch_optional(conn)
    .await?)
}

/// The fault of this kind that goes on, if one does. A `tunnel` of `None` asks for that of the site as a whole.
pub async fn find_open(
    conn: &mut Connection,
    site: &SiteId,
    tunnel: Option<&TunnelId>,
    kind: FaultType,
) -> Result<Option<Fault>> {
    let (site, kind) = (site.as_str(), kind.as_str());
    let tunnel = tunnel.map_or("", TunnelId::as_str);
    Ok(faults!(
        "where f.site_id = $1 and coalesce(f.tunnel_id, '') = $2 and f.type = $3 and f.ended_at is null",
        site,
        tunnel,
        kind,
    )
    .fetch_optional(conn)
    .await?)
}

/// What goes on at a site, the oldest first: for the engine, which takes up from there when it starts.
pub async fn open_of_site(conn: &mut Connection, site: &SiteId) -> Result<Vec<Fault>> {
    let site = site.as_str();
    Ok(faults!(
        "where f.site_id = $1 and f.ended_at is null order by f.started_at, f.id",
        site,
    )
    .fetch_all(conn)
    .await?)
}
