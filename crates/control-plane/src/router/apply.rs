//! Carries out a plan, and leaves the router in the old or in the new state, whatever happens on the way.
//!
//! Nothing is decided here: what is to be done is what the planner says of what is observed, again and again, until it
//! says nothing. So a connection that is lost in the middle of a command needs no memory of it. Before the first step a
//! dead man is set up on the router, which puts the old state back unless it is called off in time; it is called off
//! after the router was reached anew through a session of its own, and only then follow steps that cannot be undone.

mod guard;
mod round;

use std::{future::Future, time::Duration};

use holdfast_routeros_plan::{
    Change, Desired, Memory, Observed, Plan, Refusal, plan, release, removal,
};

use super::{
    access::{AccessError, Router},
    session::{Answer, CommandError},
};

/// How long the router may take for one command. Importing a certificate takes seconds on small ones.
const COMMAND_WITHIN: Duration = Duration::from_secs(15);

/// What a router is to be brought to.
#[derive(Debug, Clone)]
pub enum Goal {
    /// What is configured.
    Configure(Desired),
    /// No failover: what slots have brought goes, what is not ours is as it was.
    Remove,
    /// Nothing of ours.
    Release,
}

impl Goal {
    /// What is left to do.
    ///
    /// # Errors
    /// What cannot work on this router.
    pub fn plan(&self, observed: &Observed, memory: &Memory) -> Result<Plan, Vec<Refusal>> {
        match self {
            Self::Configure(desired) => plan(desired, observed, memory),
            Self::Remove => Ok(removal(observed, memory)),
            Self::Release => Ok(release(observed, memory)),
        }
    }
}

/// What goes on, for the log of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// A command, secrets masked.
    Command(String),
    /// What the router answered.
    Answer(String),
    /// What we make of it.
    Note(String),
}

/// Whoever wants a plan carried out: keeps the log and the memory, and may end it.
pub trait Witness: Send + Sync {
    /// Why it is to end.
    type Stop: Send;

    /// Something was sent, answered or found out.
    fn tell(&self, line: Line) -> impl Future<Output = Result<(), Self::Stop>> + Send;

    /// A step is about to be done: which of how many, and what it does.
    fn progress(
        &self,
        done: usize,
        of: usize,
        summary: &str,
    ) -> impl Future<Output = Result<(), Self::Stop>> + Send;

    /// The memory has changed, and must be kept before anything else is sent.
    fn remember(&self, memory: &Memory) -> impl Future<Output = Result<(), Self::Stop>> + Send;
}

/// What came of it.
#[derive(Debug)]
pub struct Applied {
    /// Commands that changed something.
    pub steps: usize,
    /// The router as it was read back.
    pub observed: Observed,
    /// What a person should know about the router.
    pub warnings: Vec<String>,
}

/// Why a router is not what it should be.
#[derive(Debug)]
pub enum ApplyError<S> {
    /// It cannot work there. Nothing was sent.
    Unfit(Vec<Refusal>),
    /// The router refused a command, and has its old configuration.
    Rejected(String),
    /// It could not be finished, and the router has gone back to its old configuration by itself.
    Reverted(String),
    /// The router is away. What it was sent is undone by itself, or was finished, or it was sent nothing.
    Away(String),
    /// The router answers strangely.
    Strange(String),
    /// It was stopped, and the router has its old configuration, unless it went away meanwhile.
    Stopped(S),
}

/// Brings a router to its goal. Nobody else may change it meanwhile.
///
/// # Errors
/// See [`ApplyError`]; each says in which state the router is.
pub async fn apply<W: Witness>(
    router: &Router,
    goal: &Goal,
    memory: &mut Memory,
    witness: &W,
) -> Result<Applied, ApplyError<W::Stop>> {
    let _pen = router.pen().await;
    round::Rounds::new(router, goal, memory, witness)
        .run()
        .await
}

/// Sends one command and tells of it.
async fn send<W: Witness>(
    router: &Router,
    change: &Change,
    witness: &W,
) -> Result<Result<Answer, AccessError>, W::Stop> {
    witness.tell(Line::Command(change.to_string())).await?;
    let answer = router.send(change.to_command(), COMMAND_WITHIN).await;
    let line = match &answer {
        Ok(Answer { ret: Some(id), .. }) => Line::Answer(format!("done, {id}")),
        Ok(_) => Line::Answer("done".into()),
        Err(AccessError::Command(CommandError::Refused(trap))) => {
            Line::Answer(format!("refused: {trap}"))
        }
        Err(err) => Line::Note(format!("{err}; whether it was done is looked up")),
    };
    witness.tell(line).await?;
    Ok(answer)
}
