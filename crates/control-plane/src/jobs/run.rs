//! One attempt at a job: its lease, its steps, its end.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use holdfast_api_types::{
    JobState, LogKind, SiteId, StepState,
    api::{Change, LiveEvent},
};
use holdfast_store::{
    StoreError, WriteTransaction,
    job::{self, Job, JobStep, Lease, Outcome, Requeue},
};
use jiff::{SignedDuration, Timestamp};
use serde::de::DeserializeOwned;

use super::{ATTEMPTS, LEASE, LOOK_AGAIN};
use crate::App;

/// Why an attempt ends without success.
#[derive(Debug)]
pub(super) enum JobError {
    /// It cannot succeed; why, in words a person reads.
    Failed(String),
    /// It cannot succeed, and what it had changed was taken back.
    Reverted(String),
    /// It may succeed another time.
    Again(String),
    /// What it needs is not there: it goes on when that comes back.
    Waits(String),
    /// Somebody cancelled it.
    Cancelled,
    /// It is somebody else's by now, or was superseded.
    Lost,
}

impl From<StoreError> for JobError {
    fn from(err: StoreError) -> Self {
        Self::Again(err.to_string())
    }
}

/// An attempt at a job. Clones are the same.
#[derive(Debug, Clone)]
pub(super) struct Run(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    app: App,
    job: Job,
    lease: Mutex<Timestamp>,
    steps: Mutex<Vec<JobStep>>,
}

impl Run {
    pub(super) fn new(app: App, job: Job) -> Self {
        let lease = job.lease_until.unwrap_or_else(|| app.clock().now());
        Self(Arc::new(Shared {
            app,
            job,
            lease: Mutex::new(lease),
            steps: Mutex::default(),
        }))
    }

    pub(super) fn app(&self) -> &App {
        &self.0.app
    }

    pub(super) fn job(&self) -> &Job {
        &self.0.job
    }

    /// The site that the job is about.
    pub(super) fn site(&self) -> Result<&SiteId, JobError> {
        let site = self.0.job.site_id.as_ref();
        site.ok_or_else(|| JobError::Failed("the site was removed".into()))
    }

    /// What the job is to do.
    pub(super) fn input<T: DeserializeOwned>(&self) -> Result<T, JobError> {
        serde_json::from_str(&self.0.job.input)
            .map_err(|err| JobError::Failed(format!("the job cannot be read: {err}")))
    }

    /// Whether an earlier attempt has done a step.
    pub(super) async fn has_done(&self, ordinal: u32) -> Result<bool, JobError> {
        let mut conn = self.0.app.store().read().await?;
        let steps = job::steps(&mut conn, &self.0.job.id).await?;
        Ok(steps
            .iter()
            .any(|step| step.ordinal == ordinal && step.state == StepState::Succeeded))
    }

    /// Adds a line to the log of the job. It holds no secrets.
    pub(super) async fn log(&self, kind: LogKind, text: &str) -> Result<(), JobError> {
        let mut write = self.0.app.store().write().await?;
        self.hold(&mut write).await?;
        let now = self.0.app.clock().now();
        job::add_log(&mut write, &self.0.job.id, now, kind, text).await?;
        Ok(write.commit().await?)
    }

    /// Writes how far a step is, and tells of it. A step that stands as it stood is not written again.
    pub(super) async fn step(
        &self,
        ordinal: u32,
        title: &str,
        state: StepState,
        detail: &str,
    ) -> Result<(), JobError> {
        let same = |step: &JobStep| {
            step.ordinal == ordinal && step.state == state && step.detail == detail
        };
        if self.steps().iter().any(same) {
            return Ok(());
        }
        let step = JobStep {
            ordinal,
            title: title.into(),
            state,
            detail: detail.into(),
            at: self.0.app.clock().now(),
        };
        let mut write = self.0.app.store().write().await?;
        self.hold(&mut write).await?;
        job::set_step(&mut write, &self.0.job.id, &step).await?;
        write.commit().await?;
        {
            let mut steps = self.steps();
            steps.retain(|old| old.ordinal != ordinal);
            steps.push(step);
        }
        let said = if detail.is_empty() {
            title.to_owned()
        } else {
            format!("{title}: {detail}")
        };
        self.tell(JobState::Running, Some(said));
        Ok(())
    }

    /// Waits a little, and ends the attempt if somebody wants it to end.
    pub(super) async fn pause(&self, time: Duration) -> Result<(), JobError> {
        tokio::time::sleep(time).await;
        let now = self.0.app.clock().now();
        if *self.lease() < now + LEASE / 2 {
            let mut write = self.0.app.store().write().await?;
            self.hold(&mut write).await?;
            return Ok(write.commit().await?);
        }
        let mut conn = self.0.app.store().read().await?;
        let row = job::find(&mut conn, &self.0.job.id).await?;
        match row {
            Some(row) if row.state == JobState::Running && row.attempts == self.0.job.attempts => {
                row.cancel_requested_at
                    .map_or(Ok(()), |_| Err(JobError::Cancelled))
            }
            Some(_) | None => Err(JobError::Lost),
        }
    }

    /// Extends the lease in a transaction of the job: whatever it writes, it writes only while the job is its own.
    pub(super) async fn hold(&self, write: &mut WriteTransaction) -> Result<(), JobError> {
        let until = self.0.app.clock().now() + LEASE;
        let Job { id, attempts, .. } = &self.0.job;
        match job::extend(write, id, *attempts, until).await? {
            Lease::Held => {
                *self.lease() = until;
                Ok(())
            }
            Lease::CancelRequested => Err(JobError::Cancelled),
            Lease::Lost => Err(JobError::Lost),
        }
    }

    /// Writes how the attempt ended, and tells of it.
    pub(super) async fn finish(&self, outcome: Result<String, JobError>) -> Result<(), StoreError> {
        let now = self.0.app.clock().now();
        let Job {
            id,
            attempts,
            failures,
            ..
        } = &self.0.job;
        let mut write = self.0.app.store().write().await?;
        let (written, state, said) = match outcome {
            Ok(result) => {
                let end = Outcome::Succeeded(&result);
                (
                    job::finish(&mut write, id, *attempts, now, end).await?,
                    JobState::Succeeded,
                    None,
                )
            }
            Err(JobError::Again(why)) if *failures + 1 < ATTEMPTS => {
                let after = now + back_off(*failures);
                tracing::warn!(job.id = %id, attempt = attempts, why, "a job will be tried again");
                let said = Some(format!("will be tried again: {why}"));
                let why = Requeue::Failed(&why);
                (
                    job::requeue(&mut write, id, *attempts, after, why).await?,
                    JobState::Queued,
                    said,
                )
            }
            Err(JobError::Waits(why)) => {
                let after = now + LOOK_AGAIN;
                let said = Some(format!("waits: {why}"));
                let why = Requeue::Waits(&why);
                (
                    job::requeue(&mut write, id, *attempts, after, why).await?,
                    JobState::Queued,
                    said,
                )
            }
            Err(JobError::Reverted(why)) => {
                let end = Outcome::Reverted(&why);
                let written = job::finish(&mut write, id, *attempts, now, end).await?;
                (written, JobState::Reverted, Some(why))
            }
            Err(JobError::Again(why) | JobError::Failed(why)) => {
                let end = Outcome::Failed(&why);
                let written = job::finish(&mut write, id, *attempts, now, end).await?;
                (written, JobState::Failed, Some(why))
            }
            Err(JobError::Cancelled) => {
                let written =
                    job::finish(&mut write, id, *attempts, now, Outcome::Cancelled).await?;
                (written, JobState::Cancelled, None)
            }
            Err(JobError::Lost) => return Ok(()),
        };
        write.commit().await?;
        if written {
            self.tell(state, said);
        }
        Ok(())
    }

    fn tell(&self, state: JobState, step: Option<String>) {
        let job = &self.0.job;
        let event = LiveEvent {
            at: self.0.app.clock().now(),
            change: Change::Job {
                job: job.id.clone(),
                site: job.site_id.clone(),
                job_kind: job.kind,
                state,
                step,
            },
        };
        self.0.app.bus().publish(&job.organization_id, event);
    }

    fn lease(&self) -> std::sync::MutexGuard<'_, Timestamp> {
        self.0.lease.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn steps(&self) -> std::sync::MutexGuard<'_, Vec<JobStep>> {
        self.0.steps.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// 1 s after the first failure, then twice as long each time.
fn back_off(failures: u32) -> SignedDuration {
    SignedDuration::from_secs(1 << failures.min(6))
}
