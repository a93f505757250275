//! What the connections have been through, counted.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use serde::Serialize;
use tokio::sync::watch;

/// Counts for all connections of a fleet.
pub(crate) struct Tally {
    started: Instant,
    counts: Mutex<Counts>,
    up_tx: watch::Sender<usize>,
}

#[derive(Default)]
struct Counts {
    handshakes: Vec<Duration>,
    last_handshake: Option<Instant>,
    failures: BTreeMap<String, Cause>,
    disconnects: BTreeMap<String, Cause>,
    probes_answered: u64,
    /// Since when not all are up again, after they once were.
    outage_since: Option<Instant>,
    recoveries: Vec<Duration>,
}

/// How often something happened, and what it looked like the first time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Cause {
    /// How often.
    pub count: u64,
    /// The first one, in words.
    pub example: String,
}

/// What the tunnels of a fleet have been through.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TunnelReport {
    /// How many there are to be.
    pub connections: usize,
    /// How many are up now.
    pub up: usize,
    /// Log-ins that ended with a push, again after a reconnect included.
    pub handshakes: usize,
    /// Log-ins that did not, by cause.
    pub failures: BTreeMap<String, Cause>,
    /// Tunnels that were up and are not any more, by cause.
    pub disconnects: BTreeMap<String, Cause>,
    /// From the dial to the push, in the middle.
    pub handshake_p50_ms: f64,
    /// From the dial to the push, for all but the slowest hundredth.
    pub handshake_p99_ms: f64,
    /// Log-ins per second from the start to the last one.
    pub handshakes_per_s: f64,
    /// From the first disconnect to all being up again, for each time that happened.
    pub recoveries_s: Vec<f64>,
    /// Echo requests answered.
    pub probes_answered: u64,
    /// Since the first dial.
    pub elapsed_s: f64,
}

impl TunnelReport {
    /// Log-ins that failed, whatever the cause.
    pub fn failed(&self) -> u64 {
        self.failures.values().map(|cause| cause.count).sum()
    }

    /// Tunnels lost, whatever the cause.
    pub fn disconnected(&self) -> u64 {
        self.disconnects.values().map(|cause| cause.count).sum()
    }
}

impl Tally {
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            started: now,
            counts: Mutex::default(),
            up_tx: watch::Sender::new(0),
        }
    }

    pub(crate) fn take_up(&self, dialled: Instant, now: Instant, connections: usize) {
        let mut counts = self.counts();
        counts.handshakes.push(now - dialled);
        counts.last_handshake = Some(now);
        self.up_tx.send_modify(|up| *up += 1);
        if *self.up_tx.borrow() == connections
            && let Some(since) = counts.outage_since.take()
        {
            counts.recoveries.push(now - since);
        }
    }

    pub(crate) fn take_failure(&self, label: &str, example: impl FnOnce() -> String) {
        count(&mut self.counts().failures, label, example);
    }

    pub(crate) fn take_disconnect(
        &self,
        label: &str,
        example: impl FnOnce() -> String,
        now: Instant,
    ) {
        let mut counts = self.counts();
        count(&mut counts.disconnects, label, example);
        counts.outage_since.get_or_insert(now);
        self.up_tx.send_modify(|up| *up -= 1);
    }

    pub(crate) fn take_probe(&self) {
        self.counts().probes_answered += 1;
    }

    pub(crate) fn report(&self, connections: usize, now: Instant) -> TunnelReport {
        let counts = self.counts();
        let mut handshakes = counts.handshakes.clone();
        handshakes.sort_unstable();
        let busy = counts.last_handshake.map(|last| last - self.started);
        TunnelReport {
            connections,
            up: *self.up_tx.borrow(),
            handshakes: handshakes.len(),
            failures: counts.failures.clone(),
            disconnects: counts.disconnects.clone(),
            handshake_p50_ms: percentile(&handshakes, 50).as_secs_f64() * 1e3,
            handshake_p99_ms: percentile(&handshakes, 99).as_secs_f64() * 1e3,
            handshakes_per_s: busy.map_or(0.0, |busy| handshakes.len() as f64 / busy.as_secs_f64()),
            recoveries_s: counts
                .recoveries
                .iter()
                .map(Duration::as_secs_f64)
                .collect(),
            probes_answered: counts.probes_answered,
            elapsed_s: (now - self.started).as_secs_f64(),
        }
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        // Counts are never left half-changed, so a panic elsewhere does not spoil them.
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn count(causes: &mut BTreeMap<String, Cause>, label: &str, example: impl FnOnce() -> String) {
    if let Some(cause) = causes.get_mut(label) {
        cause.count += 1;
    } else {
        let cause = Cause {
            count: 1,
            example: example(),
        };
        causes.insert(label.to_owned(), cause);
    }
}

/// The value below which `percent` of the sorted values lie; zero when there are none.
pub(crate) fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_occurred() {
        let values: Vec<_> = (1..=200).map(Duration::from_millis).collect();
        assert_eq!(percentile(&values, 50), Duration::from_millis(100));
        assert_eq!(percentile(&values, 99), Duration::from_millis(198));
        assert_eq!(percentile(&values[..1], 99), Duration::from_millis(1));
        assert_eq!(percentile(&[], 50), Duration::ZERO);
    }

    #[test]
    fn a_recovery_lasts_from_the_first_disconnect_until_all_are_up() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let tally = Tally::new(start);
        tally.take_up(start, at(1), 2);
        tally.take_up(start, at(2), 2);
        tally.take_disconnect("peer-closed", || "closed".into(), at(10));
        tally.take_disconnect("peer-closed", || unreachable!(), at(11));
        tally.take_failure("connect", || "refused".into());
        tally.take_up(at(12), at(13), 2);
        assert_eq!(tally.report(2, at(13)).recoveries_s, []);
        tally.take_up(at(12), at(15), 2);

        let report = tally.report(2, at(20));
        assert_eq!(report.recoveries_s, [5.0]);
        assert_eq!((report.up, report.handshakes), (2, 4));
        assert_eq!((report.failed(), report.disconnected()), (1, 2));
        assert_eq!(report.failures["connect"].example, "refused");
        assert_eq!(report.handshake_p99_ms, 3000.0);
    }
}
