use axum::{Json, extract::State};
use holdfast_api_types::{
    AuditId,
    api::{Actor, AuditEntry, Moment, Page, Subject},
};
use holdfast_store::audit;
use serde::Deserialize;

use crate::{
    App,
    http::{
        auth::Viewer,
        error::ApiError,
        page::{List, PageParams, page},
    },
};

/// Which entries of the audit log are wanted; all conditions must hold.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in crate::http) struct AuditFilter {
    /// Id of the user or token who did it.
    actor: Option<String>,
    /// What was done, as `user.create`.
    #[param(example = "user.create")]
    action: Option<String>,
    /// What kind of thing it was done to, as `user`.
    #[param(example = "user")]
    subject_kind: Option<String>,
    /// Id of what it was done to.
    subject: Option<String>,
    /// Not before this time.
    from: Option<Moment>,
    /// Before this time.
    to: Option<Moment>,
}

/// List the audit log
///
/// Every write, the latest first.
#[utoipa::path(
    get,
    path = "/audit",
    operation_id = "list_audit",
    tag = "audit",
    params(PageParams, AuditFilter),
    responses((status = 200, description = "A page of entries", body = Page<AuditEntry>)),
    security(("token" = ["viewer"]))
)]
pub(in crate::http) async fn list(
    State(app): State<App>,
    Viewer(caller): Viewer,
    list: List<AuditFilter>,
) -> Result<Json<Page<AuditEntry>>, ApiError> {
    let seek = list.seek::<AuditId>()?;
    let AuditFilter {
        actor,
        action,
        subject_kind,
        subject,
        from,
        to,
    } = list.filter;
    let filter = audit::AuditFilter {
        actor,
        action,
        subject_kind,
        subject,
        from: from.map(Moment::get),
        to: to.map(Moment::get),
    };
    let mut conn = app.store().read().await?;
    let rows = audit::list(&mut conn, &caller.organization, &filter, &seek).await?;
    Ok(page(rows, |entry| entry.id.to_string(), view))
}

fn view(row: audit::AuditEntry) -> AuditEntry {
    AuditEntry {
        id: row.id,
        at: row.at,
        actor: Actor {
            kind: row.actor_kind,
            id: row.actor_id,
            name: row.actor_name,
        },
        action: row.action,
        subject: Subject {
            kind: row.subject_kind,
            id: row.subject_id,
        },
        // Only we write it; what could not be read would still be shown.
        detail: serde_json::from_str(&row.detail).unwrap_or(row.detail.into()),
        remote: row.remote,
    }
}
