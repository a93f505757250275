//! Jobs: work that goes on after the request that asked for it was answered.
//!
//! A job is a row. A worker claims it for the length of a lease and extends that while it works; when a worker dies,
//! the lease ends and another one claims the job. So a job may be done twice, and its steps must bear that.

mod log;
mod step;

use holdfast_api_types::{JobId, JobKind, JobState, OrganizationId, SiteId};
use jiff::Timestamp;

use crate::{
    Connection, Page, Result, Seek, StoreError, Unique,
    column::{Text, micros},
};

pub use log::{LogLine, add_log, log};
pub use step::{JobStep, set_step, steps};

/// Work that goes on after the request that asked for it was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Its id.
    pub id: JobId,
    /// The organization it belongs to.
    pub organization_id: OrganizationId,
    /// The site it is about; `None` if it is about none, or the site is gone.
    pub site_id: Option<SiteId>,
    /// What it does.
    pub kind: JobKind,
    /// How far it is.
    pub state: JobState,
    /// Who asked for it, by name.
    pub requested_by: String,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When a worker first took it.
    pub started_at: Option<Timestamp>,
    /// When it finished.
    pub ended_at: Option<Timestamp>,
    /// What it is to do, as JSON.
    pub input: String,
    /// What came of it, as JSON.
    pub result: Option<String>,
    /// Why the last attempt failed, in words a person reads.
    pub error: Option<String>,
    /// How often a worker took it.
    pub attempts: u32,
    /// How many of these attempts failed.
    pub failures: u32,
    /// No worker takes it before.
    pub run_after: Timestamp,
    /// Until when its worker has it for itself.
    pub lease_until: Option<Timestamp>,
    /// Since when somebody wants it stopped.
    pub cancel_requested_at: Option<Timestamp>,
    /// What no other unfinished job may have.
    pub dedup: Option<String>,
}

/// A job to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewJob {
    /// Its id.
    pub id: JobId,
    /// The organization it belongs to.
    pub organization_id: OrganizationId,
    /// The site it is about.
    pub site_id: Option<SiteId>,
    /// What it does.
    pub kind: JobKind,
    /// Who asks for it, by name.
    pub requested_by: String,
    /// When it is asked for.
    pub created_at: Timestamp,
    /// What it is to do, as JSON.
    pub input: String,
    /// What no other unfinished job may have; `None` if there may be any number of the kind.
    pub dedup: Option<String>,
}

/// Which jobs of an organization a list shows; those that match all that is given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JobFilter {
    /// Those about one site.
    pub site: Option<SiteId>,
    /// Those of one kind.
    pub kind: Option<JobKind>,
    /// Those in one state.
    pub state: Option<JobState>,
}

/// How a job finishes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome<'a> {
    /// It is done; with what came of it, as JSON.
    Succeeded(&'a str),
    /// It was given up; with the reason in words a person reads.
    Failed(&'a str),
    /// It was given up, and what it had changed was taken back; with the reason in words a person reads.
    Reverted(&'a str),
    /// It was stopped on request.
    Cancelled,
}

macro_rules! jobs {
    ($tail:literal $(+ $more:literal)* $(, $arg:expr)* $(,)?) => {
        sqlx::query_as!(
            Job,
            r#"select id, organization_id, site_id as "site_id!", kind, state, requested_by, created_at,
                started_at as "started_at!", ended_at as "ended_at!", input, result, error, attempts,
                failures, run_after, lease_until as "lease_until!", cancel_requested_at as "cancel_requested_at!", dedup
                from job "# + $tail $(+ $more)*
            $(, $arg)*
        )
    };
}

/// Queues a job. An unfinished one with the same `dedup` is [`Unique::UnfinishedJob`]; [`unfinished`] finds it.
pub async fn insert(conn: &mut Connection, new: &NewJob) -> Result<()> {
    let (id, organization) = (new.id.as_str(), new.organization_id.as_str());
    let (site, kind) = (new.site_id.as_ref().map(SiteId::as_str), new.kind.as_str());
    let created_at = micros(new.created_at);
    let done = sqlx::query!(
        "insert into job (id, organization_id, site_id, kind, state, requested_by, created_at, input, run_after,
                dedup)
            values ($1, $2, $3, $4, 'queued', $5, $6, $7, $6, $8)
            on conflict (dedup) where state in ('queued', 'running') do nothing",
        id,
        organization,
        site,
        kind,
        new.requested_by,
        created_at,
        new.input,
        new.dedup,
    )
    .execute(conn)
    .await?;
    if done.rows_affected() == 0 {
        let what = Unique::UnfinishedJob;
        return Err(StoreError::Duplicate { what });
    }
    Ok(())
}

/// The unfinished job with this `dedup`.
pub async fn unfinished(conn: &mut Connection, dedup: &str) -> Result<Option<Job>> {
    Ok(
        jobs!("where dedup = $1 and state in ('queued', 'running')", dedup)
            .fetch_optional(conn)
            .await?,
    )
}

/// The job of an organization with this id.
pub async fn get(
    conn: &mut Connection,
    organization: &OrganizationId,
    id: &JobId,
) -> Result<Option<Job>> {
    let (organization, id) = (organization.as_str(), id.as_str());
    Ok(
        jobs!("where id = $2 and organization_id = $1", organization, id)
            .fetch_optional(conn)
            .await?,
    )
}

/// The job with this id, in whatever organization: for its worker.
pub async fn find(conn: &mut Connection, id: &JobId) -> Result<Option<Job>> {
    let id = id.as_str();
    Ok(jobs!("where id = $1", id).fetch_optional(conn).await?)
}

/// The jobs of an organization that match a filter, the latest first.
pub async fn list(
    conn: &mut Connection,
    organization: &OrganizationId,
    filter: &JobFilter,
    seek: &Seek<JobId>,
) -> Result<Page<Job>> {
    let organization = organization.as_str();
    let site = filter.site.as_ref().map(SiteId::as_str);
    let (kind, state) = (
        filter.kind.map(JobKind::as_str),
        filter.state.map(JobState::as_str),
    );
    let (after, rows) = (seek.after.as_ref().map(JobId::as_str), seek.rows());

    // One text for each index: "$n is null or ..." does not use any.
    macro_rules! matching {
        ($site:literal) => {
            jobs!(
                "where organization_id = $1 and id < coalesce($5, '~') and ("
                    + $site
                    + ")
                    and ($3 is null or kind = $3) and ($4 is null or state = $4)
                    order by id desc limit $6",
                organization,
                site,
                kind,
                state,
                after,
                rows,
            )
            .fetch_all(conn)
            .await?
        };
    }
    let jobs = if site.is_some() {
        matching!("site_id = $2")
    } else {
        matching!("$2 is null or site_id = $2")
    };
    Ok(Page::of(seek, jobs))
}

/// Takes the job that waits longest, or one whose worker let its lease end, until `lease_until`.
pub async fn claim(
    conn: &mut Connection,
    now: Timestamp,
    lease_until: Timestamp,
) -> Result<Option<Job>> {
    let (now, lease_until) = (micros(now), micros(lease_until));
    let claimed = sqlx::query_scalar!(
        r#"update job set state = 'running', attempts = attempts + 1, lease_until = $2,
                started_at = coalesce(started_at, $1)
            where id = (
                select id from job
                where state in ('queued', 'running') and run_after <= $1
                    and (state = 'queued' or lease_until <= $1)
                order by run_after, id limit 1
            )
            returning id as "id!: Text<JobId>""#,
        now,
        lease_until,
    )
    .fetch_optional(&mut *conn)
    .await?;
    match claimed {
        Some(id) => find(conn, &id.into()).await,
        None => Ok(None),
    }
}

/// Whether a worker may go on with a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lease {
    /// It may.
    Held,
    /// It may, but somebody wants the job stopped.
    CancelRequested,
    /// It may not: another worker has taken the job over, or it has finished.
    Lost,
}

/// Extends the lease of a worker on the attempt it claimed.
pub async fn extend(
    conn: &mut Connection,
    id: &JobId,
    attempt: u32,
    lease_until: Timestamp,
) -> Result<Lease> {
    let (id, lease_until) = (id.as_str(), micros(lease_until));
    let cancel: Option<bool> = sqlx::query_scalar!(
        r#"update job set lease_until = $3 where id = $1 and attempts = $2 and state = 'running'
            returning cancel_requested_at is not null as "cancel!: bool""#,
        id,
        attempt,
        lease_until,
    )
    .fetch_optional(conn)
    .await?;
    Ok(match cancel {
        None => Lease::Lost,
        Some(true) => Lease::CancelRequested,
        Some(false) => Lease::Held,
    })
}

/// Writes how a job finished; false if the worker had lost its lease, and nothing is written.
pub async fn finish(
    conn: &mut Connection,
    id: &JobId,
    attempt: u32,
    at: Timestamp,
    outcome: Outcome<'_>,
) -> Result<bool> {
    let (state, result, error) = match outcome {
        Outcome::Succeeded(result) => (JobState::Succeeded, Some(result), None),
        Outcome::Failed(error) => (JobState::Failed, None, Some(error)),
        Outcome::Reverted(error) => (JobState::Reverted, None, Some(error)),
        Outcome::Cancelled => (JobState::Cancelled, None, None),
    };
    let (id, at, state) = (id.as_str(), micros(at), state.as_str());
    let done = sqlx::query!(
        "update job set state = $4, ended_at = $3, result = $5, error = $6, lease_until = null
            where id = $1 and attempts = $2 and state = 'running'",
        id,
        attempt,
        at,
        state,
        result,
        error,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Why a job is put back into the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Requeue<'a> {
    /// The attempt failed; with the reason in words a person reads.
    Failed(&'a str),
    /// What it needs is not there; likewise.
    Waits(&'a str),
}

/// Puts a job back into the queue; false if the worker had lost its lease.
pub async fn requeue(
    conn: &mut Connection,
    id: &JobId,
    attempt: u32,
    run_after: Timestamp,
    why: Requeue<'_>,
) -> Result<bool> {
    let (id, run_after) = (id.as_str(), micros(run_after));
    let (error, failed) = match why {
        Requeue::Failed(error) => (error, 1),
        Requeue::Waits(error) => (error, 0),
    };
    let done = sqlx::query!(
        "update job set state = 'queued', run_after = $3, error = $4, failures = failures + $5, lease_until = null
            where id = $1 and attempts = $2 and state = 'running'",
        id,
        attempt,
        run_after,
        error,
        failed,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Lets the jobs of a site that wait be taken at once: what they wait for may be there.
pub async fn wake(conn: &mut Connection, site: &SiteId, now: Timestamp) -> Result<()> {
    let (site, now) = (site.as_str(), micros(now));
    sqlx::query!(
        "update job set run_after = $2 where site_id = $1 and state = 'queued' and run_after > $2",
        site,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Cancels a job that waits, and asks the worker of one that runs to stop; answers the job as it is then. `None` if
/// there is none. One that has finished stays as it is.
pub async fn cancel(
    conn: &mut Connection,
    organization: &OrganizationId,
    id: &JobId,
    at: Timestamp,
) -> Result<Option<Job>> {
    let (organization_id, job, at) = (organization.as_str(), id.as_str(), micros(at));
    sqlx::query!(
        "update job set cancel_requested_at = coalesce(cancel_requested_at, $3),
                state = case when state = 'queued' then 'cancelled' else state end,
                ended_at = case when state = 'queued' then $3 else ended_at end
            where id = $2 and organization_id = $1 and state in ('queued', 'running')",
        organization_id,
        job,
        at,
    )
    .execute(&mut *conn)
    .await?;
    get(conn, organization, id).await
}

/// Cancels the unfinished job with this `dedup` in favour of a newer one, and answers its id. The worker of one that
/// runs loses its lease at once.
pub async fn supersede(
    conn: &mut Connection,
    dedup: &str,
    at: Timestamp,
    why: &str,
) -> Result<Option<JobId>> {
    let at = micros(at);
    let superseded = sqlx::query_scalar!(
        r#"update job set state = 'cancelled', ended_at = $2, error = $3, lease_until = null
            where dedup = $1 and state in ('queued', 'running')
            returning id as "id!: Text<JobId>""#,
        dedup,
        at,
        why,
    )
    .fetch_optional(conn)
    .await?;
    Ok(superseded.map(Into::into))
}

/// When a worker should look for a job again: when the next one may be taken, or its lease ends.
pub async fn next_due(conn: &mut Connection) -> Result<Option<Timestamp>> {
    let due = sqlx::query_scalar!(
        r#"select min(case when state = 'queued' then run_after else lease_until end) as "due: i64"
            from job where state in ('queued', 'running')"#,
    )
    .fetch_one(conn)
    .await?;
    // It was a time when it was written.
    Ok(due.and_then(|due| Timestamp::from_microsecond(due).ok()))
}
