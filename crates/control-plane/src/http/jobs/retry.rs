use axum::{extract::State, http::StatusCode, response::Response};
use holdfast_api_types::{JobId, JobState, api::Accepted};
use holdfast_store::job::{self, NewJob};
use serde_json::json;

use super::{enqueue, subject};
use crate::{
    App,
    http::{
        auth::Operator,
        error::ApiError,
        extract::Id,
        idempotency::{Command, Nothing},
    },
    ids::new_id,
};

/// Try a job again
///
/// Another job does what this one should have done.
#[utoipa::path(
    post,
    path = "/jobs/{id}/retry",
    operation_id = "retry_job",
    tag = "jobs",
    params(("id" = JobId, Path, description = "The job")),
    responses(
        (status = 202, description = "The new job", body = Accepted),
        (status = 409, description = "It has not failed, or the same is being done already")
    ),
    security(("token" = ["operator"]))
)]
pub(in crate::http) async fn retry(
    State(app): State<App>,
    Operator(caller): Operator,
    Id(id): Id<JobId>,
    command: Command<Nothing>,
) -> Result<Response, ApiError> {
    let mut write = app.write_once(&caller, command.key).await?;
    let row = job::get(&mut write, &caller.organization, &id).await?;
    let row = row.ok_or_else(|| ApiError::not_found("job"))?;
    if !matches!(row.state, JobState::Failed | JobState::Reverted) {
        let message = format!(
            "this job {}: only one that failed is tried again",
            row.state
        );
        return Err(ApiError::conflict(message));
    }
    if row.site_id.is_none() {
        return Err(ApiError::conflict("the site of this job is gone"));
    }
    if let Some(dedup) = &row.dedup
        && let Some(other) = job::unfinished(&mut write, dedup).await?
    {
        let message = format!("job {} does the same already: wait for it", other.id);
        return Err(ApiError::conflict(message));
    }
    let new = NewJob {
        id: new_id(write.now()),
        organization_id: row.organization_id,
        site_id: row.site_id,
        kind: row.kind,
        requested_by: caller.actor.name.clone(),
        created_at: write.now(),
        input: row.input,
        dedup: row.dedup,
    };
    let job = enqueue(&mut write, &new).await?;
    let detail = json!({ "kind": row.kind, "job": job.id });
    write.audit("job.retry", subject(&id), detail).await?;
    write.answer(StatusCode::ACCEPTED, &Accepted { job }).await
}
