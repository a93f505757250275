//! From one-second samples to minutes in the store.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use holdfast_api_types::{Health, TunnelId};
use holdfast_store::{
    Seek, StoreError,
    health::{self, Sample, Samples},
    tunnel,
};
use jiff::Timestamp;

use super::Engine;

/// How often minutes that are over are written.
const WRITE_EVERY: Duration = Duration::from_secs(1);

/// Minutes written in one transaction: others who write need not wait for long.
const MINUTES_AT_ONCE: usize = 300;

/// How often old measurements are summed up and removed, and the pause between two tunnels.
const MAINTAIN_EVERY: Duration = Duration::from_secs(60 * 60);
const MAINTAIN_PAUSE: Duration = Duration::from_millis(5);

/// Live measurements are published for each tunnel this often.
const PUBLISH_EVERY_S: i64 = 5;

/// The minutes that are being measured, and those that wait to be written.
#[derive(Default)]
pub(super) struct Recorder(Mutex<Minutes>);

#[derive(Default)]
struct Minutes {
    current: HashMap<TunnelId, Minute>,
    finished: Vec<(TunnelId, Minute)>,
}

#[derive(Clone)]
struct Minute {
    number: i64,
    samples: Box<Samples>,
    published_at: i64,
}

impl Recorder {
    /// Takes a sample. Returns whether it is worth telling dashboards of.
    pub(super) fn record(&self, tunnel: &TunnelId, health: &Health, at: Timestamp) -> bool {
        let mut minutes = self.minutes();
        let Minutes { current, finished } = &mut *minutes;
        let number = health::minute_of(at);
        let minute = current
            .entry(tunnel.clone())
            .or_insert_with(|| Minute::new(number));
        if minute.number != number {
            let published_at = minute.published_at;
            let over = std::mem::replace(minute, Minute::new(number));
            minute.published_at = published_at;
            finished.push((tunnel.clone(), over));
        }
        let second = at.as_second();
        let index = usize::try_from(second.rem_euclid(60)).unwrap_or(0);
        if let Some(slot) = minute.samples.get_mut(index) {
            *slot = Some(match slot.take() {
                Some(earlier) => together(earlier, sample(health)),
                None => sample(health),
            });
        }
        // A wall clock that was set back is no reason to fall silent.
        let is_due = (second - minute.published_at).abs() >= PUBLISH_EVERY_S;
        if is_due {
            minute.published_at = second;
        }
        is_due
    }

    /// Moves minutes that are over, or all of them, to those that wait to be written.
    fn finish(&self, now: Timestamp, all: bool) {
        let mut minutes = self.minutes();
        let Minutes { current, finished } = &mut *minutes;
        let number = health::minute_of(now);
        current.retain(|tunnel, minute| {
            let stays = minute.number == number && !all;
            if !stays {
                finished.push((tunnel.clone(), minute.clone()));
            }
            stays
        });
    }

    fn take_finished(&self) -> Vec<(TunnelId, Minute)> {
        let mut minutes = self.minutes();
        let count = minutes.finished.len().min(MINUTES_AT_ONCE);
        minutes.finished.drain(..count).collect()
    }

    fn put_back(&self, unwritten: Vec<(TunnelId, Minute)>) {
        self.minutes().finished.extend(unwritten);
    }

    fn minutes(&self) -> MutexGuard<'_, Minutes> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Minute {
    fn new(number: i64) -> Self {
        Self {
            number,
            samples: Box::new([None; 60]),
            published_at: i64::MIN / 2,
        }
    }
}

impl Engine {
    pub(super) async fn write_health(self) {
        let mut tick = tokio::time::interval(WRITE_EVERY);
        loop {
            tick.tick().await;
            self.flush_health(false).await;
        }
    }

    /// Writes the minutes that are over, or all of them. What cannot be written now waits for the next time.
    pub(super) async fn flush_health(&self, all: bool) {
        self.0.recorder.finish(self.0.clock.now(), all);
        loop {
            let minutes = self.0.recorder.take_finished();
            if minutes.is_empty() {
                return;
            }
            if let Err(err) = self.write_minutes(&minutes).await {
                tracing::warn!(
                    err = &err as &dyn std::error::Error,
                    "measurements wait to be written"
                );
                self.0.recorder.put_back(minutes);
                return;
            }
        }
    }

    async fn write_minutes(&self, minutes: &[(TunnelId, Minute)]) -> Result<(), StoreError> {
        let mut tx = self.0.store.write().await?;
        for (tunnel, minute) in minutes {
            match health::record(&mut tx, tunnel, minute.number, &minute.samples).await {
                // The tunnel was removed meanwhile.
                Ok(()) | Err(StoreError::Dangling) => {}
                Err(err) => return Err(err),
            }
        }
        tx.commit().await
    }

    /// Sums up hours and removes what is older than it is kept, tunnel by tunnel, all the time and slowly.
    pub(super) async fn maintain_health(self) {
        loop {
            if let Err(err) = self.maintain_all().await {
                tracing::warn!(
                    err = &err as &dyn std::error::Error,
                    "old measurements could not be summed up: next time they are"
                );
            }
            tokio::time::sleep(MAINTAIN_EVERY).await;
        }
    }

    async fn maintain_all(&self) -> Result<(), StoreError> {
        let mut seek: Seek<TunnelId> = Seek::first(200);
        loop {
            let mut conn = self.0.store.read().await?;
            let page = tunnel::all(&mut conn, &seek).await?;
            drop(conn);
            for tunnel in &page.items {
                let mut tx = self.0.store.write().await?;
                health::maintain(&mut tx, &tunnel.id, self.0.clock.now()).await?;
                tx.commit().await?;
                tokio::time::sleep(MAINTAIN_PAUSE).await;
            }
            match page.items.last() {
                Some(last) if page.more => seek.after = Some(last.id.clone()),
                Some(_) | None => return Ok(()),
            }
        }
    }
}

fn sample(health: &Health) -> Sample {
    let lost = (f64::from(health.probes) * health.loss).round();
    Sample {
        probes: u16::try_from(health.probes).unwrap_or(u16::MAX),
        lost: lost as u16,
        rtt_us: health.rtt_ms.map(micros),
        jitter_us: health.jitter_ms.map(micros),
    }
}

/// Two reports that fell into one second, because neither clock is exact.
fn together(one: Sample, other: Sample) -> Sample {
    let mean = |a: Option<u32>, b: Option<u32>| match (a, b) {
        (Some(a), Some(b)) => Some(a.midpoint(b)),
        (a, b) => a.or(b),
    };
    Sample {
        probes: one.probes.saturating_add(other.probes),
        lost: one.lost.saturating_add(other.lost),
        rtt_us: mean(one.rtt_us, other.rtt_us),
        jitter_us: mean(one.jitter_us, other.jitter_us),
    }
}

fn micros(milliseconds: f64) -> u32 {
    (milliseconds * 1e3).round() as u32
}
