//! What a router makes of pushed routes, and what follows from it.

use std::time::Duration;

use holdfast_api_types::{LogKind, StepState};
use holdfast_routeros_plan::{Desired, Memory, Mode};
use holdfast_routeros_proto::Version;
use holdfast_store::router::Router as Row;

use super::{AtRouter, away};
use crate::{
    jobs::run::JobError,
    router::{
        Goal, Router,
        pushes::{self, Wrong},
        reads,
    },
};

const TITLE: &str = "Check what the router makes of pushed routes";

/// How long tunnels may take to connect, before it is not waited for them.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);

/// How long a router may take to install the routes of a tunnel that has connected.
const INSTALL_WITHIN: Duration = Duration::from_secs(5);

const LOOK_EVERY: Duration = Duration::from_millis(250);

/// What became of the routes that were pushed.
enum Verdict {
    /// They are there.
    Right,
    /// They are not, and why.
    Wrong(String),
    /// Nobody knows, and why.
    Unseen(String),
}

impl AtRouter<'_> {
    /// Looks whether the routes that were pushed are on the router as they were pushed. A router that does something
    /// else with them gets the ladder as routes of its own; that is remembered for its version.
    pub(super) async fn read_back(
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
            if !row.configured {
                self.connected(wish, ordinal).await?;
            }
            let known = row
                .mode
                .reason
                .as_deref()
                .unwrap_or("known to be as it should");
            return self
                .run
                .step(ordinal, TITLE, StepState::Succeeded, known)
                .await;
        }
        match self.pushed_wrongly(router, wish, ordinal).await? {
            Verdict::Unseen(why) => {
                self.run
                    .step(ordinal, TITLE, StepState::Skipped, &why)
                    .await
            }
            Verdict::Right => {
                self.set_mode(Mode::Pushed, version, None).await?;
                let detail = "as they should be";
                self.run
                    .step(ordinal, TITLE, StepState::Succeeded, detail)
                    .await
            }
            Verdict::Wrong(reason) => {
                self.set_mode(Mode::Local, version, Some(reason.clone()))
                    .await?;
                let note = format!("{reason}: the router holds the routes itself from now on");
                self.run.log(LogKind::Note, &note).await?;
                let wish = self.wish(version).await?;
                let goal = Goal::Configure(wish.clone());
                let applied = self.apply(router, &goal, memory).await?;
                self.note_findings(&applied).await?;
                self.run.app().reconciler().site_changed(self.site);
                self.connected(&wish, ordinal).await?;
                self.run
                    .step(ordinal, TITLE, StepState::Succeeded, &note)
                    .await
            }
        }
    }

    /// Waits for the tunnels of a router that has just begun to dial, as long as that may take.
    async fn connected(&self, wish: &Desired, ordinal: u32) -> Result<(), JobError> {
        let enabled = wish.slots.iter().filter(|slot| slot.enabled).count();
        let clock = self.run.app().clock();
        let began = clock.instant();
        let connected = || self.run.app().reconciler().holds(self.site).len();
        while connected() < enabled && clock.instant() < began + CONNECT_WITHIN {
            let detail = "waits for the tunnels to connect";
            self.run
                .step(ordinal, TITLE, StepState::Running, detail)
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
                .step(ordinal, TITLE, StepState::Running, &detail)
                .await?;
            self.run.pause(LOOK_EVERY).await?;
        }
    }
}
