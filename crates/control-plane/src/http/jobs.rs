//! `/jobs`: work that goes on after the request that asked for it was answered.

use holdfast_api_types::{
    JobId,
    api::{Change, Job, JobStep, Subject},
};
use holdfast_store::{Connection, job};

use super::{error::ApiError, write::Write};

pub(super) mod cancel;
pub(super) mod list;
pub(super) mod log;
pub(super) mod retry;
pub(super) mod show;

/// Queues a job in the transaction of the change that needs it, and tells of it.
pub(super) async fn enqueue(write: &mut Write<'_>, new: &job::NewJob) -> Result<Job, ApiError> {
    job::insert(write, new).await?;
    let queued = known(write, &new.id).await?;
    tell(write, &queued, None);
    Ok(queued)
}

/// Ends the unfinished job with this `dedup`, if there is one: a newer job knows better.
pub(super) async fn supersede(
    write: &mut Write<'_>,
    dedup: &str,
    why: &str,
) -> Result<(), ApiError> {
    let now = write.now();
    let Some(old) = job::supersede(write, dedup, now, why).await? else {
        return Ok(());
    };
    let ended = known(write, &old).await?;
    tell(write, &ended, Some(why.into()));
    Ok(())
}

/// Tells how far a job is.
fn tell(write: &mut Write<'_>, job: &Job, step: Option<String>) {
    write.tell(Change::Job {
        job: job.id.clone(),
        site: job.site_id.clone(),
        job_kind: job.kind,
        state: job.state,
        step,
    });
}

/// A job that is there, as the client gets it.
pub(super) async fn known(conn: &mut Connection, id: &JobId) -> Result<Job, ApiError> {
    let row = job::find(conn, id).await?;
    let row = row.ok_or_else(|| ApiError::not_found("job"))?;
    with_steps(conn, row).await
}

async fn with_steps(conn: &mut Connection, row: job::Job) -> Result<Job, ApiError> {
    let steps = job::steps(conn, &row.id).await?;
    // Only we write results; one that cannot be read is as good as none.
    let result = row.result.and_then(|text| serde_json::from_str(&text).ok());
    Ok(Job {
        id: row.id,
        kind: row.kind,
        state: row.state,
        site_id: row.site_id,
        requested_by: row.requested_by,
        created_at: row.created_at,
        started_at: row.started_at,
        ended_at: row.ended_at,
        steps: steps.into_iter().map(view_step).collect(),
        result,
        error: row.error,
    })
}

fn view_step(row: job::JobStep) -> JobStep {
    JobStep {
        title: row.title,
        state: row.state,
        detail: row.detail,
        at: row.at,
    }
}

/// A job as the audit log names it.
fn subject(id: &JobId) -> Subject {
    Subject {
        kind: "job".into(),
        id: id.to_string(),
    }
}
