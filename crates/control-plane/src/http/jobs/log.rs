use axum::{Json, extract::State};
use holdfast_api_types::{
    JobId,
    api::{LogLine, Page},
};
use holdfast_store::job;

use crate::{
    App,
    http::{
        auth::Viewer,
        error::ApiError,
        extract::Id,
        page::{List, PageParams, page},
    },
};

/// Read the log of a job
///
/// What it told a router, and what that answered, from the beginning. Secrets are masked.
#[utoipa::path(
    get,
    path = "/jobs/{id}/log",
    operation_id = "read_job_log",
    tag = "jobs",
    params(("id" = JobId, Path, description = "The job"), PageParams),
    responses((status = 200, description = "A page of lines", body = Page<LogLine>)),
    security(("token" = ["viewer"]))
)]
pub(in crate::http) async fn log(
    State(app): State<App>,
    Viewer(caller): Viewer,
    Id(id): Id<JobId>,
    list: List,
) -> Result<Json<Page<LogLine>>, ApiError> {
    let seek = list.seek::<u32>()?;
    let mut conn = app.store().read().await?;
    let row = job::get(&mut conn, &caller.organization, &id).await?;
    row.ok_or_else(|| ApiError::not_found("job"))?;
    let rows = job::log(&mut conn, &id, &seek).await?;
    Ok(page(rows, |line| line.ordinal.to_string(), view))
}

fn view(row: job::LogLine) -> LogLine {
    LogLine {
        ordinal: row.ordinal,
        at: row.at,
        kind: row.kind,
        text: row.text,
    }
}
