//! What a job does, step by step, for whoever watches.

use holdfast_api_types::{JobId, StepState};
use jiff::Timestamp;

use crate::{Connection, Result, column::micros};

/// One step of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobStep {
    /// Its place among the steps of the job, from 0.
    pub ordinal: u32,
    /// What is done.
    pub title: String,
    /// How far it is.
    pub state: StepState,
    /// What came of it, in words a person reads.
    pub detail: String,
    /// When it last changed.
    pub at: Timestamp,
}

/// Writes a step, or what became of it.
pub async fn set_step(conn: &mut Connection, job: &JobId, step: &JobStep) -> Result<()> {
    let (job, state, at) = (job.as_str(), step.state.as_str(), micros(step.at));
    sqlx::query!(
        "insert into job_step (job_id, ordinal, title, state, detail, at) values ($1, $2, $3, $4, $5, $6)
            on conflict (job_id, ordinal) do update set title = excluded.title, state = excluded.state,
                detail = excluded.detail, at = excluded.at",
        job,
        step.ordinal,
        step.title,
        state,
        step.detail,
        at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The steps of a job in their order.
pub async fn steps(conn: &mut Connection, job: &JobId) -> Result<Vec<JobStep>> {
    let job = job.as_str();
    Ok(sqlx::query_as!(
        JobStep,
        "select ordinal, title, state, detail, at from job_step where job_id = $1 order by ordinal",
        job,
    )
    .fetch_all(conn)
    .await?)
}
