use axum::{extract::State, http::StatusCode, response::Response};
use holdfast_api_types::{JobId, JobKind, api::Job};
use holdfast_store::job;
use serde_json::json;

use super::{subject, tell, with_steps};
use crate::{
    App,
    http::{
        auth::Operator,
        error::ApiError,
        extract::Id,
        idempotency::{Command, Nothing},
    },
};

/// Cancel a job
///
/// One that waits ends at once, one that runs soon. What it has done stays done: a cancelled priority job leaves the
/// order as it was set. A deactivation is not stopped half-way.
#[utoipa::path(
    post,
    path = "/jobs/{id}/cancellation",
    operation_id = "cancel_job",
    tag = "jobs",
    params(("id" = JobId, Path, description = "The job")),
    responses(
        (status = 202, description = "The job as it is now", body = Job),
        (status = 409, description = "It has finished, or cannot be stopped half-way")
    ),
    security(("token" = ["operator"]))
)]
pub(in crate::http) async fn cancel(
    State(app): State<App>,
    Operator(caller): Operator,
    Id(id): Id<JobId>,
    command: Command<Nothing>,
) -> Result<Response, ApiError> {
    let mut write = app.write_once(&caller, command.key).await?;
    let row = job::get(&mut write, &caller.organization, &id).await?;
    let row = row.ok_or_else(|| ApiError::not_found("job"))?;
    if row.state.is_finished() {
        let message = format!("this job has finished already: it {}", row.state);
        return Err(ApiError::conflict(message));
    }
    if row.kind == JobKind::Deactivation {
        return Err(ApiError::conflict(
            "a deactivation is not stopped half-way: wait until it has finished, and enable failover again",
        ));
    }
    let now = write.now();
    let row = job::cancel(&mut write, &caller.organization, &id, now).await?;
    let row = row.ok_or_else(|| ApiError::not_found("job"))?;
    write
        .audit("job.cancel", subject(&id), json!({ "kind": row.kind }))
        .await?;
    let answer = with_steps(&mut write, row).await?;
    let step = format!("cancelled by {}", caller.actor.name);
    tell(&mut write, &answer, Some(step));
    write.answer(StatusCode::ACCEPTED, &answer).await
}
