use axum::{Json, extract::State};
use holdfast_api_types::{
    JobId, JobKind, JobState, SiteId,
    api::{Job, Page},
};
use holdfast_store::job;
use serde::Deserialize;

use super::with_steps;
use crate::{
    App,
    http::{
        auth::Viewer,
        error::ApiError,
        page::{List, PageParams, page},
    },
};

/// Which jobs are wanted; all conditions must hold.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in crate::http) struct JobFilter {
    /// Those about one site.
    site: Option<SiteId>,
    /// Those of one kind.
    kind: Option<JobKind>,
    /// Those in one state.
    state: Option<JobState>,
}

/// List jobs
///
/// The latest first.
#[utoipa::path(
    get,
    path = "/jobs",
    operation_id = "list_jobs",
    tag = "jobs",
    params(PageParams, JobFilter),
    responses((status = 200, description = "A page of jobs", body = Page<Job>)),
    security(("token" = ["viewer"]))
)]
pub(in crate::http) async fn list(
    State(app): State<App>,
    Viewer(caller): Viewer,
    list: List<JobFilter>,
) -> Result<Json<Page<Job>>, ApiError> {
    let seek = list.seek::<JobId>()?;
    let JobFilter { site, kind, state } = list.filter;
    let filter = job::JobFilter { site, kind, state };
    let mut conn = app.store().read().await?;
    let rows = job::list(&mut conn, &caller.organization, &filter, &seek).await?;
    let mut jobs = Vec::with_capacity(rows.items.len());
    for row in rows.items {
        jobs.push(with_steps(&mut conn, row).await?);
    }
    let rows = holdfast_store::Page {
        items: jobs,
        more: rows.more,
    };
    Ok(page(rows, |job| job.id.to_string(), |job| job))
}
