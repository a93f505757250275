//! The part of a job that is done at the router of its site.

use std::time::Duration;

use holdfast_api_types::{
    JobId, JobKind, LogKind, OrganizationId, RouterState, SiteId, StepState,
    api::{Change, Edit, FieldFault, LiveEvent},
};
use holdfast_routeros_plan::{Desired, Memory, Mode};
use holdfast_routeros_proto::Version;
use holdfast_store::{
    StoreError, WriteTransaction, job,
    router::{self, Findings, Router as Row},
};
use jiff::Timestamp;
use serde_json::json;

use super::run::{JobError, Run};
use crate::router::{
    Applied, ApplyError, Goal, Line, Router, RouterError, Witness, apply, desired, fault, live,
    presence,
    pushes::{self, Wrong},
    reach, reads, request,
};

const CONFIGURE: &str = "Configure the router";
const READ_BACK: &str = "Check what the router makes of pushed routes";
const REMOVE: &str = "Take failover off the router";
const RELEASE: &str = "Take Holdfast off the router";

/// Changes that are made while a configuration is carried out are carried out as well, so often.
const FOLLOW: usize = 4;

/// How long tunnels may take to connect, before it is not waited for them.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);

/// How long a router may take to install the routes of a tunnel that has connected.
const INSTALL_WITHIN: Duration = Duration::from_secs(5);

const LOOK_EVERY: Duration = Duration::from_millis(250);

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

    /// Looks whether the routes that were pushed are on the router as they were pushed. A router that does something
    /// else with them gets the ladder as routes of its own; that is remembered for its version.
    async fn read_back(
        &self,
        router: &Router,
        row: &Row,
        version: &Version,
        wish: &Desired,
        memory: &mut Memory,
    ) -> Result<(), JobError> {
        let ordinal = self.ordinal + 1;
        let is_known = row.mode.version.as_deref() == Some(&version.to_string());
        let is_done = is_known && row.mode.mode == reads::show_mode(wish.mode);
        if is_done || wish.mode == Mode::Local {
            let known = row
                .mode
                .reason
                .as_deref()
                .unwrap_or("known to be as it should");
            return self
                .run
                .step(ordinal, READ_BACK, StepState::Succeeded, known)
                .await;
        }
        match self.pushed_wrongly(router, wish, ordinal).await? {
            Verdict::Unseen(why) => {
                self.run
                    .step(ordinal, READ_BACK, StepState::Skipped, &why)
                    .await
            }
            Verdict::Right => {
                self.set_mode(Mode::Pushed, version, None).await?;
                let detail = "as they should be";
                self.run
                    .step(ordinal, READ_BACK, StepState::Succeeded, detail)
                    .await
            }
            Verdict::Wrong(reason) => {
                self.set_mode(Mode::Local, version, Some(reason.clone()))
                    .await?;
                let note = format!("{reason}: the router holds the routes itself from now on");
                self.run.log(LogKind::Note, &note).await?;
                let wish = self.wish(version).await?;
                let enabled = wish.slots.iter().filter(|slot| slot.enabled).count();
                let applied = self.apply(router, &Goal::Configure(wish), memory).await?;
                self.note_findings(&applied).await?;
                self.run.app().reconciler().site_changed(self.site);
                self.reconnected(enabled, ordinal).await?;
                self.run
                    .step(ordinal, READ_BACK, StepState::Succeeded, &note)
                    .await
            }
        }
    }

    /// Waits for the tunnels of a router that had to dial anew, as long as that may take.
    async fn reconnected(&self, enabled: usize, ordinal: u32) -> Result<(), JobError> {
        let clock = self.run.app().clock();
        let began = clock.instant();
        let connected = || self.run.app().reconciler().holds(self.site).len();
        while connected() < enabled && clock.instant() < began + CONNECT_WITHIN {
            let detail = "waits for the tunnels to connect anew";
            self.run
                .step(ordinal, READ_BACK, StepState::Running, detail)
                .await?;
            self.run.pause(LOOK_EVERY).await?;
        }
        Ok(())
    }

    async fn pushed_wrongly(
        &self,
        router: &Router,
        wish: &Desired,
        ordinal: u32,
    ) -> Result<Verdict, JobError> {
        let clock = self.run.app().clock();
        let began = clock.instant();
        let mut wrong_since = None;
        loop {
            let holds = self.run.app().reconciler().holds(self.site);
            let seen = pushes::look(router, wish, &holds).await.map_err(away)?;
            let patient = clock.instant() < began + CONNECT_WITHIN;
            match seen.wrong.into_iter().next() {
                Some(Wrong { reason, .. }) => {
                    let since = *wrong_since.get_or_insert(clock.instant());
                    if clock.instant() >= since + INSTALL_WITHIN {
                        return Ok(Verdict::Wrong(reason));
                    }
                }
                None if seen.absent.is_empty() || !patient => {
                    return Ok(match (seen.right, seen.absent.join(", ")) {
                        (0, absent) if absent.is_empty() => {
                            Verdict::Unseen("no tunnel is enabled".into())
                        }
                        (0, absent) => Verdict::Unseen(format!("not connected: {absent}")),
                        (_, _) => Verdict::Right,
                    });
                }
                None => wrong_since = None,
            }
            let detail = match seen.absent.is_empty() {
                true => "waits for the routes".into(),
                false => format!("waits for slot {}", seen.absent.join(", ")),
            };
            self.run
                .step(ordinal, READ_BACK, StepState::Running, &detail)
                .await?;
            self.run.pause(LOOK_EVERY).await?;
        }
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

    /// Writes what the router says of itself; the version that it runs.
    async fn note_facts(&self, router: &Router, row: &Row) -> Result<Version, JobError> {
        let facts = live::facts(router).await.map_err(away)?;
        let version = facts.version.parse().map_err(|_| {
            JobError::Failed(format!(
                "the router says that its version is {:?}",
                facts.version
            ))
        })?;
        let mut write = self.run.app().store().write().await?;
        self.run.hold(&mut write).await?;
        presence::heard_of(self.run.app(), write, row, Some(&facts.into())).await?;
        Ok(version)
    }

    async fn note_findings(&self, applied: &Applied) -> Result<(), JobError> {
        let problems = serde_json::to_string(&applied.warnings);
        let findings = Findings {
            drift: 0,
            problems: problems.unwrap_or_else(|_| "[]".into()),
            at: self.run.app().clock().now(),
        };
        let mut write = self.run.app().store().write().await?;
        self.run.hold(&mut write).await?;
        router::set_findings(&mut write, self.site, &findings).await?;
        let over = fault::close(&mut write, self.site, "it was configured", findings.at).await?;
        write.commit().await?;
        if let Some(change) = over {
            let at = findings.at;
            let organization = &self.run.job().organization_id;
            let event = LiveEvent { at, change };
            self.run.app().bus().publish(organization, event);
        }
        self.tell().await
    }

    async fn set_configured(&self, configured: bool) -> Result<(), JobError> {
        // Also when the job was cancelled: what is written must be true.
        let mut write = self.run.app().store().write().await?;
        router::set_configured(&mut write, self.site, configured).await?;
        write.commit().await?;
        self.run.app().reconciler().site_changed(self.site);
        self.tell().await
    }

    async fn set_mode(
        &self,
        mode: Mode,
        version: &Version,
        reason: Option<String>,
    ) -> Result<(), JobError> {
        let mode = router::Mode {
            mode: reads::show_mode(mode),
            version: Some(version.to_string()),
            reason,
        };
        let mut write = self.run.app().store().write().await?;
        self.run.hold(&mut write).await?;
        router::set_mode(&mut write, self.site, &mode).await?;
        write.commit().await?;
        self.tell().await
    }

    /// Tells dashboards that something about the router is different.
    async fn tell(&self) -> Result<(), JobError> {
        let row = self.row().await?;
        tell(self.run, &row, Edit::Changed);
        Ok(())
    }
}

/// What became of the routes that were pushed.
enum Verdict {
    /// They are there.
    Right,
    /// They are not, and why.
    Wrong(String),
    /// Nobody knows, and why.
    Unseen(String),
}

impl Witness for AtRouter<'_> {
    type Stop = JobError;

    async fn tell(&self, line: Line) -> Result<(), JobError> {
        let (kind, text) = match &line {
            Line::Command(text) => (LogKind::Command, text),
            Line::Answer(text) => (LogKind::Answer, text),
            Line::Note(text) => (LogKind::Note, text),
        };
        self.run.log(kind, text).await
    }

    async fn progress(&self, done: usize, of: usize, summary: &str) -> Result<(), JobError> {
        let detail = format!("{} of {of}: {summary}", done + 1);
        self.run
            .step(self.ordinal, self.title, StepState::Running, &detail)
            .await
    }

    async fn remember(&self, memory: &Memory) -> Result<(), JobError> {
        let text = serde_json::to_string(memory);
        let text = text.map_err(|err| JobError::Failed(err.to_string()))?;
        let mut write = self.run.app().store().write().await?;
        self.run.hold(&mut write).await?;
        router::set_memory(&mut write, self.site, &text).await?;
        Ok(write.commit().await?)
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
