use axum::{Json, extract::State};
use holdfast_api_types::{JobId, api::Job};
use holdfast_store::job;

use super::with_steps;
use crate::{
    App,
    http::{auth::Viewer, error::ApiError, extract::Id},
};

/// A job
#[utoipa::path(
    get,
    path = "/jobs/{id}",
    operation_id = "show_job",
    tag = "jobs",
    params(("id" = JobId, Path, description = "The job")),
    responses((status = 200, description = "The job", body = Job)),
    security(("token" = ["viewer"]))
)]
pub(in crate::http) async fn show(
    State(app): State<App>,
    Viewer(caller): Viewer,
    Id(id): Id<JobId>,
) -> Result<Json<Job>, ApiError> {
    let mut conn = app.store().read().await?;
    let row = job::get(&mut conn, &caller.organization, &id).await?;
    let row = row.ok_or_else(|| ApiError::not_found("job"))?;
    Ok(Json(with_steps(&mut conn, row).await?))
}
