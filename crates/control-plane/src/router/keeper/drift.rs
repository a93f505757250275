//! Whether a router is as it should be, and what follows if it is not.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use holdfast_api_types::{
    Repair, RouteMode, RouterState, SiteId,
    api::{FieldFault, LiveEvent},
};
use holdfast_routeros_plan::{Desired, Observed, plan};
use holdfast_store::{
    WriteTransaction,
    router::{self, Facts, Findings, Mode, Router},
};

use jiff::Timestamp;

use super::{Household, Snag, household::is_at_work, pushed};
use crate::router::{
    book::RouterError,
    desired::desired,
    fault,
    observe::observe,
    presence::{heard_of, tell},
    reads::faults,
    request,
};

/// A repair that did not help is tried again after this, and after twice as long each time.
const FIRST_PAUSE: Duration = Duration::from_secs(600);
const LAST_PAUSE: Duration = Duration::from_secs(6 * 3600);

/// What became of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Looked {
    /// It was made, and what follows from it was done.
    Done,
    /// The router is between two states.
    TooEarly,
}

/// What was found at a router.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Found {
    /// Steps to what it should be, each in words.
    steps: Vec<String>,
    /// What is configured and cannot work there.
    refused: Vec<String>,
    /// What a person should know.
    warnings: Vec<String>,
}

/// What follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Course {
    fault: Fault,
    repair: bool,
}

/// What becomes of the fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    Open,
    /// A repair is to show.
    Leave,
    Close,
}

/// Compares routers with what is configured.
#[derive(Debug, Default)]
pub(super) struct Drift {
    repairs: Mutex<Repairs>,
}

/// The repairs that were tried and have not helped yet.
#[derive(Debug, Default)]
struct Repairs(HashMap<SiteId, Tried>);

#[derive(Debug)]
struct Tried {
    again_at: Instant,
    pause: Duration,
}

impl Drift {
    /// Reads the router of a site and compares.
    pub(super) async fn look(&self, house: &Household, site: &SiteId) -> Result<Looked, Snag> {
        let Some(row) = house.router(site).await? else {
            return Ok(Looked::Done);
        };
        if is_at_work(&mut *house.app.store().read().await?, &row).await? {
            return Ok(Looked::TooEarly);
        }
        let router = house.reach(site).await?;
        let observed = observe(&router).await?;
        if observed.dead_man_is_armed() {
            return Ok(Looked::TooEarly);
        }
        let (mut found, desired) = compare(house, &row, &observed).await?;
        if let Some(desired) = desired.filter(|_| found.is_right()) {
            let lost = pushed::lost(house, site, &router, &desired).await?;
            if pushed::bring_back(house, site, &router, &lost).await? {
                return Ok(Looked::TooEarly);
            }
            found.steps = lost.into_iter().map(|wrong| wrong.reason).collect();
        }
        let version = observed.version().to_string();
        self.conclude(house, site, version, &found).await
    }

    /// Writes what was found, and does what follows, unless somebody has begun to change the router meanwhile.
    async fn conclude(
        &self,
        house: &Household,
        site: &SiteId,
        version: String,
        found: &Found,
    ) -> Result<Looked, Snag> {
        let app = &house.app;
        let mut write = app.store().write().await?;
        let Some(row) = router::of_site(&mut write, site).await? else {
            return Ok(Looked::Done);
        };
        if !row.configured || is_at_work(&mut write, &row).await? {
            return Ok(Looked::TooEarly);
        }
        let now = app.clock().now();
        forget_mode(&mut write, &row, &version).await?;
        router::set_findings(&mut write, site, &found.to_findings(now)).await?;
        let course = self
            .repairs()
            .course(site, found, row.repair, app.clock().instant());
        let mut news = Vec::new();
        let right = "it is as it should be again";
        news.extend(match course.fault {
            Fault::Open => fault::open(&mut write, &row, &found.cause(), now).await?,
            Fault::Leave => None,
            Fault::Close => fault::close(&mut write, site, right, now).await?,
        });
        if course.repair {
            news.push(request::repair(&mut write, &row, now).await?);
        }
        let said = Facts {
            version: Some(version),
            ..Facts::default()
        };
        heard_of(app, write, &row, Some(&said)).await?;
        for change in news {
            app.bus()
                .publish(&row.organization_id, LiveEvent { at: now, change });
        }
        if found.differs_from(row.findings.as_ref()) {
            tell(app, &row.organization_id, site, RouterState::Online);
        }
        if course.repair {
            tracing::info!(site.id = %site, steps = found.steps.len(), "a router is repaired");
            app.job_queued().notify_one();
        }
        Ok(Looked::Done)
    }

    fn repairs(&self) -> MutexGuard<'_, Repairs> {
        self.repairs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What differs, and what is wanted if it can be.
async fn compare(
    house: &Household,
    row: &Router,
    observed: &Observed,
) -> Result<(Found, Option<Desired>), Snag> {
    let site = &row.site_id;
    let desired = match desired(&house.app, site, observed.version(), None).await {
        Ok(desired) => desired,
        Err(RouterError::Invalid(fields)) => return Ok((Found::refused(fields), None)),
        Err(err) => return Err(err.into()),
    };
    // Only we write it; what cannot be read is as good as nothing.
    let memory = serde_json::from_str(&row.memory).unwrap_or_default();
    match plan(&desired, observed, &memory) {
        Ok(plan) => {
            let found = Found {
                steps: plan.steps.into_iter().map(|step| step.summary).collect(),
                refused: Vec::new(),
                warnings: plan.warnings,
            };
            Ok((found, Some(desired)))
        }
        Err(refusals) => {
            let fields = faults(&refusals, &house.tunnels(site).await?);
            Ok((Found::refused(fields), None))
        }
    }
}

/// Where routes come from was found out with another version of RouterOS: the better way is tried again.
async fn forget_mode(
    write: &mut WriteTransaction,
    row: &Router,
    version: &str,
) -> Result<(), Snag> {
    if row.mode.mode == RouteMode::Local && row.mode.version.as_deref() != Some(version) {
        let untried = Mode {
            mode: RouteMode::Pushed,
            version: None,
            reason: None,
        };
        router::set_mode(write, &row.site_id, &untried).await?;
    }
    Ok(())
}

impl Found {
    fn refused(fields: Vec<FieldFault>) -> Self {
        Self {
            refused: fields.into_iter().map(|fault| fault.message).collect(),
            ..Self::default()
        }
    }

    fn is_right(&self) -> bool {
        self.steps.is_empty() && self.refused.is_empty()
    }

    fn problems(&self) -> String {
        let problems: Vec<&String> = self.refused.iter().chain(&self.warnings).collect();
        serde_json::json!(problems).to_string()
    }

    fn to_findings(&self, at: Timestamp) -> Findings {
        Findings {
            drift: u32::try_from(self.steps.len()).unwrap_or(u32::MAX),
            problems: self.problems(),
            at,
        }
    }

    /// Whether somebody who shows what was found before shows something else now.
    fn differs_from(&self, before: Option<&Findings>) -> bool {
        let now = self.to_findings(Timestamp::UNIX_EPOCH);
        before.is_none_or(|it| it.drift != now.drift || it.problems != now.problems)
    }

    /// In words a person reads, about the router.
    fn cause(&self) -> String {
        const SHOWN: usize = 3;
        if !self.refused.is_empty() {
            return self.refused.join("; ");
        }
        let shown: Vec<&str> = self.steps.iter().take(SHOWN).map(String::as_str).collect();
        let shown = shown.join("; ");
        match self.steps.len().saturating_sub(SHOWN) {
            0 => format!("to be as configured it lacks: {shown}"),
            more => format!("to be as configured it lacks: {shown}; and {more} more"),
        }
    }
}

impl Repairs {
    fn course(&mut self, site: &SiteId, found: &Found, wish: Repair, now: Instant) -> Course {
        let course = |fault, repair| Course { fault, repair };
        if found.is_right() {
            self.0.remove(site);
            return course(Fault::Close, false);
        }
        if !found.refused.is_empty() || wish == Repair::Ask {
            self.0.remove(site);
            return course(Fault::Open, false);
        }
        let Some(tried) = self.0.get_mut(site) else {
            let tried = Tried {
                again_at: now + FIRST_PAUSE,
                pause: FIRST_PAUSE,
            };
            self.0.insert(site.clone(), tried);
            return course(Fault::Leave, true);
        };
        let repair = now >= tried.again_at;
        if repair {
            tried.pause = (tried.pause * 2).min(LAST_PAUSE);
            tried.again_at = now + tried.pause;
        }
        course(Fault::Open, repair)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(steps: usize) -> Found {
        Found {
            steps: (1..=steps).map(|step| format!("step {step}")).collect(),
            ..Found::default()
        }
    }

    fn course(fault: Fault, repair: bool) -> Course {
        Course { fault, repair }
    }

    #[test]
    fn what_differs_is_a_fault_unless_it_may_be_repaired_and_what_is_right_is_neither() {
        let site: SiteId = "one".parse().unwrap();
        let mut repairs = Repairs::default();
        let now = Instant::now();
        let mut next = |found: &Found, wish| repairs.course(&site, found, wish, now);
        assert_eq!(next(&found(0), Repair::Ask), course(Fault::Close, false));
        assert_eq!(next(&found(2), Repair::Ask), course(Fault::Open, false));
        assert_eq!(
            next(&found(0), Repair::Automatic),
            course(Fault::Close, false)
        );
        assert_eq!(
            next(&found(2), Repair::Automatic),
            course(Fault::Leave, true)
        );
        let refused = Found {
            refused: vec!["there is no ether9".into()],
            ..Found::default()
        };
        assert_eq!(
            next(&refused, Repair::Automatic),
            course(Fault::Open, false)
        );
    }

    #[test]
    fn a_repair_in_vain_is_a_fault_and_is_tried_again_ever_later() {
        let site: SiteId = "one".parse().unwrap();
        let mut repairs = Repairs::default();
        let start = Instant::now();
        let mut repaired = Vec::new();
        for minute in (0..24 * 60).step_by(5) {
            let now = start + Duration::from_secs(minute * 60);
            let course = repairs.course(&site, &found(1), Repair::Automatic, now);
            assert_eq!(course.fault == Fault::Open, minute > 0);
            if course.repair {
                repaired.push(minute);
            }
        }
        assert_eq!(repaired, [0, 10, 30, 70, 150, 310, 630, 990, 1350]);
        let right = repairs.course(&site, &found(0), Repair::Automatic, start);
        assert_eq!(right, course(Fault::Close, false));
        let again = repairs.course(&site, &found(1), Repair::Automatic, start);
        assert_eq!(
            again,
            course(Fault::Leave, true),
            "what helped once begins anew"
        );
    }

    #[test]
    fn a_cause_names_the_first_steps_and_counts_the_others() {
        assert_eq!(found(1).cause(), "to be as configured it lacks: step 1");
        assert_eq!(
            found(5).cause(),
            "to be as configured it lacks: step 1; step 2; step 3; and 2 more"
        );
    }

    #[test]
    fn the_same_found_again_is_no_news() {
        let before = found(2).to_findings(Timestamp::UNIX_EPOCH);
        assert!(!found(2).differs_from(Some(&before)));
        assert!(found(1).differs_from(Some(&before)));
        assert!(found(0).differs_from(None));
    }
}
