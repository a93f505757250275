//! What a job told a router, and what that answered, line by line.

use holdfast_api_types::{JobId, LogKind};
use jiff::Timestamp;

use crate::{Connection, Page, Result, Seek, column::micros};

/// One line of a job's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// Its place in the log, from 0.
    pub ordinal: u32,
    /// When it was written.
    pub at: Timestamp,
    /// What it is.
    pub kind: LogKind,
    /// The line, without secrets.
    pub text: String,
}

/// Adds a line at the end of a job's log.
pub async fn add_log(
    conn: &mut Connection,
    job: &JobId,
    at: Timestamp,
    kind: LogKind,
    text: &str,
) -> Result<()> {
    let (job, at, kind) = (job.as_str(), micros(at), kind.as_str());
    sqlx::query!(
        "insert into job_log (job_id, ordinal, at, kind, text)
            values ($1, (select coalesce(max(ordinal) + 1, 0) from job_log where job_id = $1), $2, $3, $4)",
        job,
        at,
        kind,
        text,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The log of a job, from its beginning.
pub async fn log(conn: &mut Connection, job: &JobId, seek: &Seek<u32>) -> Result<Page<LogLine>> {
    let (job, after, rows) = (job.as_str(), seek.after, seek.rows());
    let lines = sqlx::query_as!(
        LogLine,
        "select ordinal, at, kind, text from job_log
            where job_id = $1 and ordinal > coalesce($2, -1) order by ordinal limit $3",
        job,
        after,
        rows,
    )
    .fetch_all(conn)
    .await?;
    Ok(Page::of(seek, lines))
}
