//! Look, plan, send; and again, until there is nothing to do.

use std::time::Duration;

use holdfast_routeros_plan::{Change, Memory, Menu, Observed, Plan, Step};
use tokio::time::Instant;

use super::{
    Applied, ApplyError, Goal, Line, Witness,
    guard::{Guard, go_back},
    send,
};
use crate::router::{
    access::{AccessError, Router},
    observe::{ObserveError, observe},
    session::{Answer, CommandError},
};

/// A plan that is not empty after so many rounds never will be.
const ROUNDS: usize = 12;

/// How long a router that nothing was sent to may be away before we give up for now.
const PATIENCE: Duration = Duration::from_secs(10);

const LOOK_AGAIN: Duration = Duration::from_millis(500);

pub(super) struct Rounds<'a, W: Witness> {
    router: &'a Router,
    goal: &'a Goal,
    memory: &'a mut Memory,
    witness: &'a W,
    guard: Option<Guard>,
    steps: usize,
    /// Whether something was sent that nothing can undo.
    is_committed: bool,
}

/// How a round ended that did not bring the whole to an end.
enum Interruption<S> {
    /// The connection was lost, and with it the knowledge of what was done.
    Lost,
    /// The router refused a step.
    Refused(String),
    /// There is no time left for more.
    TooLate,
    Stopped(S),
}

type Outcome<T, W> = Result<T, ApplyError<<W as Witness>::Stop>>;

impl<'a, W: Witness> Rounds<'a, W> {
    pub(super) fn new(
        router: &'a Router,
        goal: &'a Goal,
        memory: &'a mut Memory,
        witness: &'a W,
    ) -> Self {
        Self {
            router,
            goal,
            memory,
            witness,
            guard: None,
            steps: 0,
            is_committed: false,
        }
    }

    pub(super) async fn run(mut self) -> Outcome<Applied, W> {
        let mut text = String::new();
        for _ in 0..ROUNDS {
            let observed = self.look().await?;
            let plan = match self.goal.plan(&observed, self.memory) {
                Ok(plan) => plan,
                Err(refusals) if self.steps == 0 && self.guard.is_none() => {
                    return Err(ApplyError::Unfit(refusals));
                }
                // Somebody else has changed the router under our hands.
                Err(refusals) => {
                    let why = Interruption::Refused(listed(&refusals));
                    return self.back_out(why).await;
                }
            };
            self.notice_going_back(&observed, &plan)?;
            if plan.is_empty() && self.guard.is_none() {
                return Ok(self.finished(observed, plan));
            }
            match self.carry_out(&observed, &plan).await {
                Ok(()) | Err(Interruption::Lost) => {}
                Err(other) => return self.back_out(other).await,
            }
            text = plan.to_text();
        }
        let why = format!("after {ROUNDS} rounds it still wants: {text}");
        self.back_out(Interruption::Refused(why)).await
    }

    fn finished(&self, observed: Observed, plan: Plan) -> Applied {
        Applied {
            steps: self.steps,
            observed,
            warnings: plan.warnings,
        }
    }

    /// Reads the router, as long as it may be back in time. A dead man of an earlier attempt goes back first: what is
    /// read then is a whole state.
    async fn look(&mut self) -> Outcome<Observed, W> {
        let give_up = match &self.guard {
            Some(guard) => guard.over_at(),
            None => Instant::now() + PATIENCE,
        };
        let mut went_back = false;
        loop {
            let why = match observe(self.router).await {
                Ok(observed) if self.guard.is_none() && observed.dead_man_is_armed() => {
                    if went_back {
                        let why = "the dead man of an earlier attempt does not go away";
                        return Err(ApplyError::Strange(why.into()));
                    }
                    let note = "an earlier attempt was not finished: the router goes back first";
                    self.tell(Line::Note(note.into())).await?;
                    match go_back(self.router).await {
                        Ok(()) => went_back = true,
                        Err(AccessError::Command(CommandError::Refused(trap))) => {
                            let why = format!("its dead man cannot be run: {trap}");
                            return Err(ApplyError::Strange(why));
                        }
                        Err(_) => {}
                    }
                    continue;
                }
                Ok(observed) => return Ok(observed),
                Err(ObserveError::Access(AccessError::Command(CommandError::Refused(trap)))) => {
                    return Err(ApplyError::Strange(format!("it cannot be read: {trap}")));
                }
                Err(err @ ObserveError::Version { .. }) => {
                    return Err(ApplyError::Strange(err.to_string()));
                }
                Err(ObserveError::Access(err)) => err.to_string(),
            };
            if Instant::now() >= give_up {
                return Err(ApplyError::Away(why));
            }
            tokio::time::sleep(LOOK_AGAIN).await;
            self.tell(Line::Note(why)).await?;
        }
    }

    /// A dead man that is gone although nobody has called him off has put the old state back.
    fn notice_going_back(&mut self, observed: &Observed, plan: &Plan) -> Outcome<(), W> {
        let Some(guard) = self.guard.as_mut() else {
            return Ok(());
        };
        let is_there = observed.dead_man_is_armed();
        if is_there || !guard.is_armed {
            guard.is_armed = is_there;
            return Ok(());
        }
        guard.is_armed = false;
        if plan.is_empty() || plan.commit_point() == 0 {
            // Called off by us, and the answer was lost: the rest of him goes now.
            return Ok(());
        }
        // Ids differ: what was removed is there again as another item.
        let wishes = |plan: &Plan| -> Vec<String> {
            plan.steps.iter().map(|step| step.summary.clone()).collect()
        };
        let same = wishes(plan) == wishes(&guard.before);
        let state = if same {
            "the router has its old configuration"
        } else {
            "the router is not as it was; its plan shows what differs"
        };
        let why = format!("the change was not confirmed in time, so it was taken back: {state}");
        Err(ApplyError::Reverted(why))
    }

    /// One part of a plan: what can be undone, under a guard; or, after that was confirmed, the rest.
    async fn carry_out(
        &mut self,
        observed: &Observed,
        plan: &Plan,
    ) -> Result<(), Interruption<W::Stop>> {
        let commit = plan.commit_point();
        if commit == 0 {
            self.call_off().await?;
            self.is_committed = true;
            return self.send_steps(plan, plan.steps.len()).await;
        }
        self.arm(observed, plan).await?;
        self.send_steps(plan, commit).await?;
        // Whether it can be reached after the change shows in a session that begins after it.
        self.router.hang_up().await;
        Ok(())
    }

    async fn send_steps(&mut self, plan: &Plan, count: usize) -> Result<(), Interruption<W::Stop>> {
        for (position, step) in plan.steps.iter().take(count).enumerate() {
            if self.guard.as_ref().is_some_and(|guard| !guard.is_fresh()) {
                return Err(Interruption::TooLate);
            }
            let of = plan.steps.len();
            let progress = self.witness.progress(position, of, &step.summary);
            progress.await.map_err(Interruption::Stopped)?;
            self.do_step(step).await?;
        }
        Ok(())
    }

    async fn do_step(&mut self, step: &Step) -> Result<(), Interruption<W::Stop>> {
        self.memory.sending(step);
        if step.remembers.is_some() {
            self.remember().await?;
        }
        self.send_change(&step.change)
            .await?
            .map_err(|err| interruption(&step.summary, err))?;
        self.steps += 1;
        self.memory.sent(step);
        if step.remembers.is_some() {
            self.remember().await?;
        }
        Ok(())
    }

    /// A file of ours that is there already is from an attempt that was cut off after it: it makes room.
    async fn send_change(
        &self,
        change: &Change,
    ) -> Result<Result<Answer, AccessError>, Interruption<W::Stop>> {
        let send = async |change| {
            let sent = send(self.router, change, self.witness).await;
            sent.map_err(Interruption::Stopped)
        };
        let answer = send(change).await?;
        if let Err(AccessError::Command(CommandError::Refused(trap))) = &answer
            && trap.is_duplicate()
            && let Some(removal) = removal_of_file(change)
            && send(&removal).await?.is_ok()
        {
            return send(change).await;
        }
        Ok(answer)
    }

    async fn remember(&self) -> Result<(), Interruption<W::Stop>> {
        let kept = self.witness.remember(self.memory).await;
        kept.map_err(Interruption::Stopped)
    }

    async fn arm(&mut self, observed: &Observed, plan: &Plan) -> Result<(), Interruption<W::Stop>> {
        if self.guard.as_ref().is_some_and(|guard| guard.is_armed) {
            return Ok(());
        }
        let guard = self.guard.insert(Guard::new(observed, plan));
        let armed = guard.arm(self.router, self.witness).await;
        let armed = armed.map_err(Interruption::Stopped)?;
        armed.map_err(|err| interruption("guard the change", err))
    }

    async fn call_off(&mut self) -> Result<(), Interruption<W::Stop>> {
        let Some(guard) = &self.guard else {
            return Ok(());
        };
        let done = guard.disarm(self.router, self.witness).await;
        let done = done.map_err(Interruption::Stopped)?;
        done.map_err(|err| interruption("call off the guard", err))?;
        self.guard = None;
        Ok(())
    }

    /// Ends without success, with the old state on the router.
    async fn back_out<T>(mut self, why: Interruption<W::Stop>) -> Outcome<T, W> {
        let is_guarded = self.guard.take().is_some_and(|guard| guard.is_armed);
        let gone_back = if is_guarded {
            go_back(self.router).await
        } else {
            Ok(())
        };
        let after = match gone_back {
            Ok(()) if self.is_committed => {
                "what was done before stays, and the rest is found by the next attempt".into()
            }
            Ok(()) => "the router has its old configuration".into(),
            Err(err) => format!("the router goes back by itself within three minutes ({err})"),
        };
        match why {
            Interruption::Stopped(stop) => Err(ApplyError::Stopped(stop)),
            Interruption::Refused(why) => Err(ApplyError::Rejected(format!("{why}; {after}"))),
            Interruption::TooLate => Err(ApplyError::Reverted(format!(
                "the router answered too slowly to be sure of it; {after}"
            ))),
            Interruption::Lost => Err(ApplyError::Away(after)),
        }
    }

    async fn tell(&self, line: Line) -> Outcome<(), W> {
        self.witness.tell(line).await.map_err(ApplyError::Stopped)
    }
}

fn interruption<S>(what: &str, err: AccessError) -> Interruption<S> {
    match err {
        AccessError::Command(CommandError::Refused(trap)) => {
            Interruption::Refused(format!("{what}: {trap}"))
        }
        AccessError::Away(_)
        | AccessError::Command(CommandError::Lost(_) | CommandError::Late(_)) => Interruption::Lost,
    }
}

/// What removes the file that a change writes.
fn removal_of_file(change: &Change) -> Option<Change> {
    let (Change::Add { attributes, .. } | Change::Call { attributes, .. }) = change else {
        return None;
    };
    (change.command() == "/file/add").then(|| {
        Some(Change::Remove {
            menu: Menu::File,
            id: attributes.value("name")?.into(),
        })
    })?
}

fn listed(refusals: &[impl ToString]) -> String {
    let each: Vec<_> = refusals.iter().map(ToString::to_string).collect();
    each.join("; ")
}
