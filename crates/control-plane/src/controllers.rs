//! Route controllers in other processes: which are there, and how far their events are applied.
//!
//! A controller has *lives*: from the first request with a new run id to the first with the next. Each life is one
//! [`Source`] of the engine. Nothing of this is remembered over a restart of ours but the cursor of events, which is
//! stored together with what they caused; controllers say by themselves what they hold.

mod carried;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use holdfast_api_types::{
    ControllerId, RunId,
    controller::http::{ControllerEvent, SequencedEvent},
};
use holdfast_store::{StoreError, controller};
use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

pub(crate) use self::carried::Carried;
use crate::{
    App,
    engine::{Cursor, Engine, Source},
};

/// A controller says something every 5 s. After so much silence it counts as lost.
const SILENT_AFTER: Duration = Duration::from_secs(20);

const LOOK_EVERY: Duration = Duration::from_secs(1);

/// If a look comes so much too late, then it is we who stood still.
const STALLED_AFTER: Duration = Duration::from_secs(3);

/// How exactly it is known when a controller was last heard of: one write in this time.
const SEEN_NOTED_EVERY: SignedDuration = SignedDuration::from_mins(1);

/// How long a receipt waits for the database. Events are applied by then, and controllers have others to tell.
const WRITTEN_WITHIN: Duration = Duration::from_millis(250);

/// The stream number of a life that is over.
const OVER: u64 = u64::MAX;

/// All controllers that have been heard of since the start. Clones are the same.
#[derive(Debug, Clone)]
pub struct Controllers(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    app: App,
    engine: Engine,
    lives: Mutex<HashMap<ControllerId, Arc<Life>>>,
}

/// One life of a controller's process.
#[derive(Debug)]
pub(crate) struct Life {
    name: String,
    run: RunId,
    pub(crate) source: Source,
    /// One batch at a time.
    progress: tokio::sync::Mutex<Progress>,
    heard: Mutex<Heard>,
    /// The number of its latest stream of commands: an older one must not take what is meant for that.
    stream: watch::Sender<u64>,
}

/// How far its events have come, by their numbers.
#[derive(Debug)]
struct Progress {
    applied: u64,
    written: u64,
}

#[derive(Debug)]
struct Heard {
    at: Instant,
    noted: Option<Timestamp>,
    is_lost: bool,
}

impl Controllers {
    /// None has been heard of yet. [`Self::watch`] has to run as well.
    pub fn new(app: App, engine: Engine) -> Self {
        Self(Arc::new(Shared {
            app,
            engine,
            lives: Mutex::default(),
        }))
    }

    /// Notices controllers that have fallen silent, for ever.
    pub async fn watch(&self) {
        let mut looked = tokio::time::Instant::now();
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            let has_stalled = looked.elapsed() > STALLED_AFTER;
            looked = tokio::time::Instant::now();
            self.look_for_silent(has_stalled);
        }
    }

    pub(crate) fn app(&self) -> &App {
        &self.0.app
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.0.engine
    }

    /// A controller was heard: the life that it speaks of.
    pub(crate) async fn hear(&self, controller: &controller::Controller, run: &RunId) -> Arc<Life> {
        let life = self.life(controller, run);
        let now = self.0.app.clock().now();
        let is_due = {
            let mut heard = life.heard();
            heard.at = self.0.app.clock().instant();
            let is_due = heard.noted.is_none_or(|at| at + SEEN_NOTED_EVERY <= now);
            if is_due {
                heard.noted = Some(now);
            }
            is_due
        };
        if is_due {
            self.note_seen(&controller.id, now).await;
        }
        life
    }

    /// Applies the events that are new. The number up to which all are applied for good.
    ///
    /// # Errors
    /// The store could not be read: the rest is to be told again.
    pub(crate) async fn apply(
        &self,
        controller: &ControllerId,
        life: &Life,
        events: Vec<SequencedEvent>,
    ) -> Result<u64, StoreError> {
        let mut progress = life.progress.lock().await;
        for event in events {
            if event.sequence > progress.applied {
                let sequence = event.sequence;
                self.apply_one(controller, life, event).await?;
                progress.applied = sequence;
            }
        }
        let written = tokio::time::timeout(WRITTEN_WITHIN, self.0.engine.written()).await;
        if written.is_ok() {
            progress.written = progress.applied;
        }
        Ok(progress.written)
    }

    async fn apply_one(
        &self,
        controller: &ControllerId,
        life: &Life,
        told: SequencedEvent,
    ) -> Result<(), StoreError> {
        let engine = &self.0.engine;
        let cursor = Cursor {
            controller: controller.clone(),
            run: life.run.clone(),
            sequence: told.sequence,
        };
        match told.event {
            ControllerEvent::Report(report) => {
                engine.report_late(life.source, report, told.age, cursor);
            }
            ControllerEvent::Readmitted(held) => {
                engine.handle_readmitted(life.source, held).await?;
                engine.move_cursor(cursor);
            }
            ControllerEvent::Snapshot(held) => {
                engine.handle_snapshot(life.source, held).await?;
                engine.move_cursor(cursor);
                life.heard().is_lost = false;
            }
            ControllerEvent::StreamFailed { stream, cause } => {
                engine.stream_failed(life.source, &stream, cause);
                engine.move_cursor(cursor);
            }
            ControllerEvent::Gap { events } => {
                tracing::warn!(
                    controller.name = life.name,
                    events,
                    "a controller had no room for all it had to tell"
                );
                engine.move_cursor(cursor);
            }
        }
        Ok(())
    }

    fn life(&self, controller: &controller::Controller, run: &RunId) -> Arc<Life> {
        let mut lives = self.lives();
        if let Some(life) = lives.get(&controller.id)
            && life.run == *run
        {
            return life.clone();
        }
        let is_known = controller.run_id.as_deref() == Some(run.as_str());
        let last = u64::try_from(controller.last_sequence).unwrap_or(0);
        let applied = if is_known { last } else { 0 };
        let life = Arc::new(Life {
            name: controller.name.clone(),
            run: run.clone(),
            source: self.0.engine.attach(),
            progress: tokio::sync::Mutex::new(Progress {
                applied,
                written: applied,
            }),
            heard: Mutex::new(Heard {
                at: self.0.app.clock().instant(),
                noted: None,
                is_lost: false,
            }),
            stream: watch::Sender::new(0),
        });
        tracing::info!(controller.name = life.name, "a controller is there");
        let before = lives.insert(controller.id.clone(), life.clone());
        if let Some(before) = before {
            before.stream.send_replace(OVER);
            let engine = &self.0.engine;
            engine.detach(before.source, "its controller was started again");
        }
        life
    }

    fn look_for_silent(&self, has_stalled: bool) {
        let now = self.0.app.clock().instant();
        let lives: Vec<_> = self.lives().values().cloned().collect();
        for life in lives {
            let silence = {
                let mut heard = life.heard();
                if has_stalled {
                    heard.at = now;
                }
                let silence = now.saturating_duration_since(heard.at);
                if heard.is_lost || silence < SILENT_AFTER {
                    continue;
                }
                heard.is_lost = true;
                silence
            };
            let cause = format!(
                "the controller {} has said nothing for {} s",
                life.name,
                silence.as_secs()
            );
            tracing::warn!(
                controller.name = life.name,
                "a controller has fallen silent"
            );
            self.0.engine.controller_lost(life.source, &cause);
        }
    }

    /// A database that is busy is no reason to turn a controller away.
    async fn note_seen(&self, controller: &ControllerId, now: Timestamp) {
        let noted = async {
            let mut write = self.0.app.store().write().await?;
            controller::touch(&mut write, controller, now).await?;
            write.commit().await
        };
        if let Err(err) = noted.await {
            tracing::warn!(
                err = &err as &dyn std::error::Error,
                "could not note that a controller was heard of"
            );
        }
    }

    fn lives(&self) -> MutexGuard<'_, HashMap<ControllerId, Arc<Life>>> {
        self.0.lives.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Life {
    /// A stream of its commands begins: the receiver changes when that is over, because there is a newer one or because
    /// the life is.
    pub(crate) fn begin_stream(&self) -> watch::Receiver<u64> {
        self.stream.send_if_modified(|number| {
            let is_alive = *number != OVER;
            *number += u64::from(is_alive);
            is_alive
        });
        let mut begun = self.stream.subscribe();
        // One that comes too late is told at once.
        if *begun.borrow_and_update() == OVER {
            begun.mark_changed();
        }
        begun
    }

    fn heard(&self) -> MutexGuard<'_, Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
