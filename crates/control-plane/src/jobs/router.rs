//! The part of a job that is done at the router of its site.
//!
//! | module | does |
//! |---|---|
//! | `read_back` | finds out what the router makes of pushed routes |
//! | `notes` | writes what was found, sent and answered |

mod notes;
mod read_back;

use holdfast_api_types::{
    JobId, JobKind, OrganizationId, RouterState, SiteId, StepState,
    api::{Change, Edit, FieldFault, LiveEvent},
};
use holdfast_routeros_plan::{Desired, Memory};
use holdfast_routeros_proto::Version;
use holdfast_store::{
    StoreError, WriteTransaction, job,
    router::{self, Router as Row},
};
use jiff::Timestamp;
use serde_json::json;

use super::run::{JobError, Run};
use crate::router::{
    Applied, ApplyError, Goal, Router, RouterError, apply, desired, reach, request,
};

const CONFIGURE: &str = "Configure the router";
const REMOVE: &str = "Take failover off the router";
const RELEASE: &str = "Take Holdfast off the router";

/// Changes that are made while a configuration is carried out are carried out as well, so often.
const FOLLOW: usize = 4;

/// Steps of a job that configuring takes.
pub(super) const STEPS: u32 = 2;

/// The router of the job's site, unless there is none that ever came.
pub(super) async fn of_site(run: &Run, site: &SiteId) -> Result<Option<Row>, JobError> {
    let row = router::of_site(&mut *run.app().store().read().await?, site).await?;
    Ok(row.filter(|row| row.direct.is_some() || row.state != RouterState::Pending))
}

/// Brings the router to what is configured for its site, in the job's first steps.
pub(super) async fn configure(run: &Run, site: &SiteId) -> Result<(), JobError> {
    let at = AtRouter::new(run, site, 0, CONFIGURE);
    let outcome = at.configure().await;
    at.finish(outcome).await
}

/// Queues a job of its own for what the router cannot be told now.
pub(super) async fn configure_later(run: &Run, site: &SiteId) -> Result<(), JobError> {
    let job = run.job();
    let mut write = run.app().store().write().await?;
    run.hold(&mut write).await?;
    let now = run.app().clock().now();
    queue(
        &mut write,
        &job.organization_id,
        site,
        &job.requested_by,
        now,
    )
    .await?;
    write.commit().await?;
    let detail = "the router is away; another job brings it the rest when it returns";
    run.step(0, CONFIGURE, StepState::Skipped, detail).await
}

/// Queues a job that brings the router of a site to what is configured; none if one waits or runs already, which will.
pub(crate) async fn queue(
    write: &mut WriteTransaction,
    organization: &OrganizationId,
    site: &SiteId,
    requested_by: &str,
    now: Timestamp,
) -> Result<Option<JobId>, StoreError> {
    let kind = JobKind::Configuration;
    let dedup = format!("{kind}:{site}");
    if job::unfinished(write, &dedup).await?.is_some() {
        return Ok(None);
    }
    let (organization, asks) = (organization.clone(), requested_by.into());
    let new = request::job(kind, organization, site.clone(), asks, &json!({}), now);
    job::insert(write, &new).await?;
    Ok(Some(new.id))
}

/// Takes failover off the router.
pub(super) async fn remove(run: &Run, site: &SiteId, ordinal: u32) -> Result<(), JobError> {
    let at = AtRouter::new(run, site, ordinal, REMOVE);
    let outcome = at.take_off(&Goal::Remove).await;
    at.finish(outcome).await
}

/// Takes everything of ours off the router.
pub(super) async fn release(run: &Run, site: &SiteId, ordinal: u32) -> Result<(), JobError> {
    let at = AtRouter::new(run, site, ordinal, RELEASE);
    let outcome = at.take_off(&Goal::Release).await;
    at.finish(outcome).await
}

/// One step of a job, done at the router.
struct AtRouter<'a> {
    run: &'a Run,
    site: &'a SiteId,
    ordinal: u32,
    title: &'static str,
}

impl<'a> AtRouter<'a> {
    fn new(run: &'a Run, site: &'a SiteId, ordinal: u32, title: &'static str) -> Self {
        Self {
            run,
            site,
            ordinal,
            title,
        }
    }

    async fn configure(&self) -> Result<String, JobError> {
        let row = self.row().await?;
        let router = self.reach().await?;
        let version = self.note_facts(&router, &row).await?;
        let mut wish = self.wish(&version).await?;
        if !row.configured {
            // Before its tunnels connect: from then on they are given routes that only a router of ours understands.
            self.set_configured(true).await?;
        }
        let mut memory = memory_of(&row);
        let outcome = self.follow(&router, &version, &mut wish, &mut memory).await;
        if !row.configured
            && matches!(
                outcome,
                Err(JobError::Failed(_) | JobError::Reverted(_) | JobError::Cancelled)
            )
        {
            self.set_configured(false).await?;
        }
        let steps = outcome?;
        self.read_back(&router, &row, &version, &wish, &mut memory)
            .await?;
        Ok(match steps {
            0 => "nothing to do".into(),
            1 => "1 command".into(),
            steps => format!("{steps} commands"),
        })
    }

    /// Carries out what is wished, and then what was changed about it meanwhile.
    async fn follow(
        &self,
        router: &Router,
        version: &Version,
        wish: &mut Desired,
        memory: &mut Memory,
    ) -> Result<usize, JobError> {
        let mut steps = 0;
        for _ in 0..FOLLOW {
            let applied = self
                .apply(router, &Goal::Configure(wish.clone()), memory)
                .await?;
            self.note_findings(&applied).await?;
            steps += applied.steps;
            let latest = self.wish(version).await?;
            let left = Goal::Configure(latest.clone()).plan(&applied.observed, memory);
            *wish = latest;
            if left.is_ok_and(|plan| plan.is_empty()) {
                break;
            }
        }
        Ok(steps)
    }

    async fn take_off(&self, goal: &Goal) -> Result<String, JobError> {
        let row = self.row().await?;
        let router = self.reach().await?;
        self.note_facts(&router, &row).await?;
        let applied = self.apply(&router, goal, &mut memory_of(&row)).await?;
        self.set_configured(false).await?;
        Ok(format!("{} commands", applied.steps))
    }

    async fn apply(
        &self,
        router: &Router,
        goal: &Goal,
        memory: &mut Memory,
    ) -> Result<Applied, JobError> {
        apply(router, goal, memory, self)
            .await
            .map_err(|err| match err {
                ApplyError::Unfit(refusals) => {
                    let each: Vec<_> = refusals.iter().map(ToString::to_string).collect();
                    JobError::Failed(each.join("; "))
                }
                ApplyError::Rejected(why) | ApplyError::Strange(why) => JobError::Failed(why),
                ApplyError::Reverted(why) => JobError::Reverted(why),
                ApplyError::Away(why) => JobError::Waits(why),
                ApplyError::Stopped(stop) => stop,
            })
    }

    /// Says how the step ended, before the job does.
    async fn finish(&self, outcome: Result<String, JobError>) -> Result<(), JobError> {
        let (state, detail) = match &outcome {
            Ok(detail) => (StepState::Succeeded, detail.clone()),
            Err(JobError::Waits(why)) => (StepState::Pending, why.clone()),
            Err(JobError::Failed(why) | JobError::Reverted(why) | JobError::Again(why)) => {
                (StepState::Failed, why.clone())
            }
            Err(JobError::Cancelled | JobError::Lost) => return outcome.map(drop),
        };
        self.run
            .step(self.ordinal, self.title, state, &detail)
            .await?;
        outcome.map(drop)
    }

    async fn row(&self) -> Result<Row, JobError> {
        let row = router::of_site(&mut *self.run.app().store().read().await?, self.site).await?;
        row.ok_or_else(|| JobError::Failed("the router was released".into()))
    }

    async fn reach(&self) -> Result<Router, JobError> {
        reach(self.run.app(), self.site).await.map_err(refused)
    }

    async fn wish(&self, version: &Version) -> Result<Desired, JobError> {
        let wish = desired(self.run.app(), self.site, version, None).await;
        wish.map_err(refused)
    }
}

/// Tells dashboards what became of a router.
pub(super) fn tell(run: &Run, row: &Row, edit: Edit) {
    let event = LiveEvent {
        at: run.app().clock().now(),
        change: Change::Router {
            site: row.site_id.clone(),
            edit,
            state: row.state,
        },
    };
    run.app().bus().publish(&row.organization_id, event);
}

fn memory_of(row: &Row) -> Memory {
    // Only we write it.
    serde_json::from_str(&row.memory).unwrap_or_default()
}

fn refused(err: RouterError) -> JobError {
    match err {
        RouterError::Unreachable(why) => JobError::Waits(why),
        RouterError::Invalid(faults) => JobError::Failed(listed(&faults)),
        RouterError::Internal(err) => JobError::Again(err.to_string()),
    }
}

fn away(err: impl std::fmt::Display) -> JobError {
    JobError::Waits(err.to_string())
}

fn listed(faults: &[FieldFault]) -> String {
    let each: Vec<_> = faults
        .iter()
        .map(|it| match &it.value {
            Some(value) => format!("{} {value:?}: {}", it.field, it.message),
            None => format!("{}: {}", it.field, it.message),
        })
        .collect();
    each.join("; ")
}
