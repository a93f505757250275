//! `/faults`: what was, or is, wrong with sites and tunnels.

use holdfast_api_types::{
    FaultId, FaultState, FaultType, OrganizationId, Severity, SiteId, TunnelId,
    api::{Comment, Fault, FaultDetail, FaultNews, Moment, Subject},
};
use holdfast_store::{Connection, Seek, fault};
use serde::Deserialize;

use super::error::ApiError;

pub(super) mod close;
pub(super) mod comment;
pub(super) mod csv;
pub(super) mod list;
pub(super) mod show;

/// Comments that an answer shows at most.
const COMMENTS: u32 = 1_000;

/// Which faults are wanted; all conditions must hold.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct FaultFilter {
    /// Those of one site.
    site: Option<SiteId>,
    /// Those of one tunnel, which may be gone.
    tunnel: Option<TunnelId>,
    /// Those of one type.
    #[serde(rename = "type")]
    #[param(rename = "type")]
    fault_type: Option<FaultType>,
    /// Those of one severity.
    severity: Option<Severity>,
    /// Those that go on, or those that have ended.
    state: Option<FaultState>,
    /// Those that did not end before this time.
    from: Option<Moment>,
    /// Those that began before this time.
    to: Option<Moment>,
    /// Those with this text in the cause or in the name of the site or the tunnel.
    text: Option<String>,
}

impl From<FaultFilter> for fault::FaultFilter {
    fn from(filter: FaultFilter) -> Self {
        Self {
            site: filter.site,
            tunnel: filter.tunnel,
            kind: filter.fault_type,
            severity: filter.severity,
            state: filter.state,
            from: filter.from.map(Moment::get),
            to: filter.to.map(Moment::get),
            text: filter.text,
        }
    }
}

fn view(row: fault::Fault) -> Fault {
    let duration = row.ended_at.map(|end| end.duration_since(row.started_at));
    Fault {
        id: row.id,
        site_id: row.site_id,
        site_name: row.site_name,
        tunnel_id: row.tunnel_id,
        tunnel_name: row.tunnel_name,
        fault_type: row.kind,
        severity: row.severity,
        state: match row.ended_at {
            None => FaultState::Open,
            Some(_) => FaultState::Closed,
        },
        cause: row.cause,
        started_at: row.started_at,
        ended_at: row.ended_at,
        duration_s: duration.map(|duration| duration.as_millis() as f64 / 1000.0),
        end_cause: row.end_cause,
        closed_by: row.closed_by,
    }
}

async fn found(
    conn: &mut Connection,
    organization: &OrganizationId,
    id: &FaultId,
) -> Result<fault::Fault, ApiError> {
    let row = fault::get(conn, organization, id).await?;
    row.ok_or_else(|| ApiError::not_found("fault"))
}

async fn with_comments(conn: &mut Connection, row: fault::Fault) -> Result<FaultDetail, ApiError> {
    let comments = fault::comments(conn, &row.id, &Seek::first(COMMENTS)).await?;
    Ok(FaultDetail {
        fault: view(row),
        comments: comments.items.into_iter().map(view_comment).collect(),
    })
}

fn view_comment(row: fault::Comment) -> Comment {
    Comment {
        id: row.id,
        author: row.author,
        at: row.at,
        text: row.text,
    }
}

/// A fault as the audit log names it.
fn subject(id: &FaultId) -> Subject {
    Subject {
        kind: "fault".into(),
        id: id.to_string(),
    }
}

/// A fault as an event tells it.
fn news(row: &fault::Fault) -> FaultNews {
    FaultNews {
        fault: row.id.clone(),
        site: row.site_id.clone(),
        tunnel: row.tunnel_id.clone(),
        fault_type: row.kind,
        severity: row.severity,
        cause: row.end_cause.clone().unwrap_or_else(|| row.cause.clone()),
    }
}
