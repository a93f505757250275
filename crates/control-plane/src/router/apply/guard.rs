//! The dead man of one attempt.

use std::time::Duration;

use holdfast_routeros_plan::{DeadMan, Observed, Plan, dead_man, names};
use holdfast_routeros_proto::Command;
use tokio::time::Instant;

use super::{COMMAND_WITHIN, Witness, send};
use crate::router::{
    access::{AccessError, Router},
    session::CommandError,
};

/// How long the router waits for us before it goes back.
const GUARD: Duration = Duration::from_secs(180);

/// No step is sent when less is left: one that arrives after the dead man has gone would be between two states.
const LAST_STEP: Duration = Duration::from_secs(60);

/// How long after its time the dead man is sure to have finished.
const MARGIN: Duration = Duration::from_secs(30);

/// A dead man that is set up, or may be.
#[derive(Debug)]
pub(super) struct Guard {
    dead_man: DeadMan,
    /// What was to be done when it was set up. What it goes back to wants the same.
    pub(super) before: Plan,
    armed_at: Instant,
    /// Whether it is known to be there; its last command may have been lost.
    pub(super) is_armed: bool,
}

impl Guard {
    pub(super) fn new(observed: &Observed, plan: &Plan) -> Self {
        let seconds = u32::try_from(GUARD.as_secs()).unwrap_or(u32::MAX);
        Self {
            dead_man: dead_man(observed, plan, seconds),
            before: plan.clone(),
            armed_at: Instant::now(),
            is_armed: false,
        }
    }

    /// Whether there is time for another step.
    pub(super) fn is_fresh(&self) -> bool {
        self.armed_at.elapsed() + LAST_STEP < GUARD
    }

    /// When the router has gone back for sure.
    pub(super) fn over_at(&self) -> Instant {
        self.armed_at + GUARD + MARGIN
    }

    pub(super) async fn arm<W: Witness>(
        &mut self,
        router: &Router,
        witness: &W,
    ) -> Result<Result<(), AccessError>, W::Stop> {
        for change in &self.dead_man.arm {
            if let Err(err) = send(router, change, witness).await? {
                return Ok(Err(err));
            }
        }
        self.is_armed = true;
        Ok(Ok(()))
    }

    /// Calls it off. What is not there any more needs no removal.
    pub(super) async fn disarm<W: Witness>(
        &self,
        router: &Router,
        witness: &W,
    ) -> Result<Result<(), AccessError>, W::Stop> {
        for change in &self.dead_man.disarm {
            match send(router, change, witness).await? {
                Err(AccessError::Command(CommandError::Refused(trap)))
                    if trap.is_no_such_item() => {}
                Err(err) => return Ok(Err(err)),
                Ok(_) => {}
            }
        }
        Ok(Ok(()))
    }
}

/// Lets the dead man do now what he would do later.
pub(super) async fn go_back(router: &Router) -> Result<(), AccessError> {
    let run = Command::new("/system/script/run").with("number", names::DEAD_MAN);
    router.send(run, COMMAND_WITHIN).await.map(|_| ())
}
