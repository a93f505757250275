//! The two conversations that never end: events out, commands in.

use std::time::{Duration, Instant};

use holdfast_api_types::controller::{
    Command,
    http::{EventBatch, EventReceipt},
};
use reqwest::Response;

use super::{Remote, api::CallError, sse::Messages};

/// Events in one request.
const BATCH: usize = 500;

/// How long an answer to events may take. Without one the control plane counts as away.
const RECEIPT_WITHIN: Duration = Duration::from_secs(3);

/// How often we say that we are alive when there is nothing else to say.
const HEARTBEAT_EVERY: Duration = Duration::from_secs(5);

/// The first pause after a failure; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(100);

const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// The pause after our token was refused: only a person can mend that.
const UNWELCOME_PAUSE: Duration = Duration::from_secs(60);

/// How often we look meanwhile whether somebody has.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// A stream of commands that has lasted this long was a good one.
const GOOD_STREAM: Duration = Duration::from_secs(10);

impl Remote {
    /// Sends what waits, in order, each batch until it has arrived.
    pub(super) async fn send_events(&self) {
        let mut pauses = Pauses::default();
        let mut count = BATCH;
        loop {
            let batch = EventBatch {
                run: self.run.clone(),
                events: self.lock().queue.batch(count, Instant::now()),
            };
            let sent = self.api.tell("events", &batch, RECEIPT_WITHIN).await;
            match sent {
                Ok(receipt) => {
                    pauses = Pauses::default();
                    let all = self.arrived(receipt);
                    if is_receipt_of(receipt, &batch) {
                        count = BATCH;
                    } else {
                        // They are applied, and not yet written for good.
                        tokio::time::sleep(FIRST_PAUSE).await;
                    }
                    if all {
                        let waiting = self.events_waiting.notified();
                        let _ = tokio::time::timeout(HEARTBEAT_EVERY, waiting).await;
                    }
                }
                Err(err) => {
                    if matches!(err, CallError::Rejected { .. }) {
                        self.leave_out(&batch, &err);
                        count = 1;
                    }
                    self.failed(&err);
                    self.pause(&err, &mut pauses).await;
                }
            }
        }
    }

    /// Does as the control plane says, whenever it says so.
    pub(super) async fn follow_commands(&self) {
        let mut pauses = Pauses::default();
        loop {
            let began = Instant::now();
            let err = match self.api.listen(&self.run).await {
                Ok(stream) => {
                    self.begin_following();
                    let err = self.read_commands(stream).await;
                    self.lock().is_following = false;
                    self.decide_alone();
                    err
                }
                Err(err) => err,
            };
            tracing::debug!(%err, "the control plane's commands are not followed");
            if began.elapsed() > GOOD_STREAM {
                pauses = Pauses::default();
            }
            self.pause(&err, &mut pauses).await;
        }
    }

    // --- events -----------------------------------------------------------------------------

    /// Whether everything has arrived, so that there is nothing to send.
    fn arrived(&self, receipt: EventReceipt) -> bool {
        let now = Instant::now();
        let mut state = self.lock();
        let was_away = !state.presence.is_deciding();
        state.presence.heard(now);
        let was_gap = state.queue.arrived(receipt.through);
        if was_away || was_gap {
            // It may have given us up; or events were lost, and only this tells how things stand.
            state.tell_snapshot(now);
        }
        let all = state.queue.is_empty();
        if all {
            self.all_told.notify_waiters();
        }
        all
    }

    fn failed(&self, err: &CallError) {
        if self.lock().presence.failed(err, Instant::now()) {
            self.decide_alone();
        }
    }

    /// The control plane does not take a batch. If it is a single event, the others are sent without it: they must not
    /// wait for what will never be taken.
    fn leave_out(&self, batch: &EventBatch, err: &CallError) {
        if let [event] = &batch.events[..] {
            tracing::error!(%err, ?event, "an event is left out");
            self.lock().queue.arrived(event.sequence);
        }
    }

    // --- commands ---------------------------------------------------------------------------

    fn begin_following(&self) {
        let mut state = self.lock();
        state.is_following = true;
        // What it does not know yet, or not any more.
        state.tell_snapshot(Instant::now());
        drop(state);
        self.events_waiting.notify_one();
    }

    /// Reads until the stream ends; why it did.
    async fn read_commands(&self, mut stream: Response) -> CallError {
        let ended = |reason: String| CallError::Away {
            reason,
            may_have_arrived: true,
        };
        let mut messages = Messages::default();
        loop {
            let piece = match stream.chunk().await {
                Ok(Some(piece)) => piece,
                Ok(None) => return ended("the stream has ended".into()),
                Err(err) => return ended(err.to_string()),
            };
            let complete = match messages.take(&piece) {
                Ok(complete) => complete,
                Err(err) => return ended(err.to_string()),
            };
            for message in complete {
                self.obey(commands_in(&message));
            }
        }
    }

    // --- both -------------------------------------------------------------------------------

    async fn pause(&self, err: &CallError, pauses: &mut Pauses) {
        if matches!(err, CallError::Unwelcome) {
            let mended = self.api.token_mended(LOOK_EVERY);
            let _ = tokio::time::timeout(UNWELCOME_PAUSE, mended).await;
        } else {
            tokio::time::sleep(pauses.next()).await;
        }
    }
}

fn is_receipt_of(receipt: EventReceipt, batch: &EventBatch) -> bool {
    let last = batch.events.last();
    last.is_none_or(|last| receipt.through >= last.sequence)
}

/// The commands of a message. One that we do not understand is left out: it comes from a newer control plane.
fn commands_in(message: &str) -> Vec<Command> {
    let list: Vec<serde_json::Value> = match serde_json::from_str(message) {
        Ok(list) => list,
        Err(err) => {
            tracing::error!(%err, "a list of commands cannot be read");
            return Vec::new();
        }
    };
    let understood = list.into_iter().filter_map(|command| {
        serde_json::from_value(command)
            .inspect_err(|err| tracing::error!(%err, "a command cannot be read"))
            .ok()
    });
    understood.collect()
}

/// Longer and longer pauses between attempts.
#[derive(Default)]
struct Pauses {
    last: Option<Duration>,
}

impl Pauses {
    fn next(&mut self) -> Duration {
        let next = self
            .last
            .map_or(FIRST_PAUSE, |last| (2 * last).min(LONGEST_PAUSE));
        self.last = Some(next);
        // Controllers that lost their control plane together come back one by one.
        next.mul_f64(rand::random_range(0.5..1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_bound() {
        let mut pauses = Pauses::default();
        let first = pauses.next();
        assert!(first <= FIRST_PAUSE, "{first:?}");
        let tenth = (0..9).map(|_| pauses.next()).last().unwrap();
        assert!(
            tenth <= LONGEST_PAUSE && tenth >= LONGEST_PAUSE / 2,
            "{tenth:?}"
        );
    }

    #[test]
    fn a_command_that_is_not_known_does_not_spoil_the_others() {
        let commands =
            commands_in(r#"[{"connection":1,"order":"sing"},{"connection":2,"order":"burst"}]"#);
        assert_eq!(commands.len(), 1);
        assert_eq!(commands[0].connection, 2);
        assert!(commands_in("no list").is_empty());
    }
}
