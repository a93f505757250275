//! Jobs: rows of the store, claimed by a worker for the length of a lease and carried out to their end.
//!
//! A process that dies leaves its jobs to whoever finds their leases over, itself after a restart included. So a body
//! bears being run again from the start: it looks at what is, and does what is still to be done.

mod configuration;
mod deactivation;
mod priority;
mod release;
mod router;
mod run;

use std::{sync::Arc, time::Duration};

use holdfast_api_types::JobKind;
use holdfast_store::{StoreError, job};
use jiff::SignedDuration;
use tokio::{sync::Semaphore, task::JoinSet};

use self::run::{JobError, Run};
pub(crate) use self::{priority::PriorityInput, release::ReleaseInput};
use crate::App;

/// How long a worker has a job for itself before others think it dead.
const LEASE: SignedDuration = SignedDuration::from_secs(30);

/// How often the queue is looked at although nobody said that there is something: for leases that end.
const POLL: Duration = Duration::from_secs(2);

/// How often a job looks whether what it waits for is there, although nobody has said so.
const LOOK_AGAIN: SignedDuration = SignedDuration::from_secs(30);

/// Jobs that run at once.
const AT_ONCE: usize = 16;

/// Attempts that fail, before a job is given up.
const ATTEMPTS: u32 = 5;

/// The worker. Dropped, it ends; what it was at, is taken up after a restart.
#[derive(Debug)]
pub struct Jobs(JoinSet<()>);

impl Jobs {
    /// Starts to carry out the jobs of a control plane.
    pub fn start(app: App) -> Self {
        let mut tasks = JoinSet::new();
        tasks.spawn(work(app));
        Self(tasks)
    }

    /// Ends the worker and what it is at.
    pub async fn stop(mut self) {
        self.0.shutdown().await;
    }
}

async fn work(app: App) {
    let turns = Arc::new(Semaphore::new(AT_ONCE));
    let mut running = JoinSet::new();
    loop {
        let turn = turns.clone().acquire_owned().await;
        let turn = turn.expect("nobody closes the semaphore");
        match claim(&app).await {
            Ok(Some(job)) => {
                let app = app.clone();
                running.spawn(async move {
                    carry_out(&app, job).await;
                    drop(turn);
                });
            }
            Ok(None) => rest(&app).await,
            Err(err) => {
                tracing::warn!(error = %err, "could not look for jobs");
                tokio::time::sleep(POLL).await;
            }
        }
        while running.try_join_next().is_some() {}
    }
}

async fn claim(app: &App) -> Result<Option<job::Job>, StoreError> {
    let now = app.clock().now();
    let due = job::next_due(&mut *app.store().read().await?).await?;
    if due.is_none_or(|due| due > now) {
        return Ok(None);
    }
    let mut write = app.store().write().await?;
    let job = job::claim(&mut write, now, now + LEASE).await?;
    write.commit().await?;
    Ok(job)
}

/// Until somebody queues a job, or it is time to look anyway.
async fn rest(app: &App) {
    let queued = app.job_queued().notified();
    // Whether it was the one or the other makes no difference.
    let _ = tokio::time::timeout(POLL, queued).await;
}

/// Runs one job as a task of its own, so that a panic in it is an attempt that failed and nothing else.
async fn carry_out(app: &App, job: job::Job) {
    let run = Run::new(app.clone(), job);
    let body = run.clone();
    let task = tokio::spawn(async move {
        match body.job().kind {
            JobKind::Priority => priority::run(&body).await,
            JobKind::Deactivation => deactivation::run(&body).await,
            JobKind::Configuration => configuration::run(&body).await,
            JobKind::Release => release::run(&body).await,
        }
    });
    let outcome = match Abort(task).join().await {
        Ok(outcome) => outcome,
        Err(err) => Err(JobError::Again(format!("it panicked: {err}"))),
    };
    if let Err(err) = run.finish(outcome).await {
        // The lease ends, and the job is taken up again.
        tracing::warn!(job.id = %run.job().id, error = %err, "could not write how a job ended");
    }
}

/// Ends the task when the worker ends.
struct Abort<T>(tokio::task::JoinHandle<T>);

impl<T> Abort<T> {
    async fn join(mut self) -> Result<T, tokio::task::JoinError> {
        (&mut self.0).await
    }
}

impl<T> Drop for Abort<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}
