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
    standing_tx: watch::Sender<Standing>,
}

/// Where the tunnels of a fleet stand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Standing {
    /// How many are up now.
    pub(crate) up: usize,
    /// How many log-ins there were, again after a reconnect included.
    pub(crate) handshakes: usize,
}

#[derive(Default)]
struct Counts {
    handshakes: Vec<Duration>,
    last_handshake: Option<Instant>,
    failures: BTreeMap<String, Cause>,
    disconnects: BTreeMap<String, Cause>,
    probes_answered: u64,
    outages: Vec<Duration>,
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
    /// How long a tunnel that was lost stayed away, in the middle of those that came back.
    pub outage_p50_s: f64,
    /// How long the last of them stayed away.
    pub outage_max_s: f64,
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
            standing_tx: watch::Sender::default(),
        }
    }

    /// Where the tunnels stand, now and later.
    pub(crate) fn standing(&self) -> watch::Receiver<Standing> {
        self.standing_tx.subscribe()
    }

    /// A tunnel is up that was dialled at `dialled` and, if it was up before, lost at `lost`.
    pub(crate) fn take_up(&self, dialled: Instant, lost: Option<Instant>, now: Instant) {
        let mut counts = self.counts();
        counts.handshakes.push(now - dialled);
        counts.last_handshake = Some(now);
        counts.outages.extend(lost.map(|lost| now - lost));
        self.standing_tx.send_modify(|standing| {
            standing.up += 1;
            standing.handshakes += 1;
        });
    }

    pub(crate) fn take_failure(&self, label: &str, example: impl FnOnce() -> String) {
        count(&mut self.counts().failures, label, example);
    }

    pub(crate) fn take_disconnect(&self, label: &str, example: impl FnOnce() -> String) {
        count(&mut self.counts().disconnects, label, example);
        self.standing_tx.send_modify(|standing| standing.up -= 1);
    }

    pub(crate) fn take_probe(&self) {
        self.counts().probes_answered += 1;
    }

    pub(crate) fn report(&self, connections: usize, now: Instant) -> TunnelReport {
        let counts = self.counts();
        let mut handshakes = counts.handshakes.clone();
        handshakes.sort_unstable();
        let mut outages = counts.outages.clone();
        outages.sort_unstable();
        let busy = counts.last_handshake.map(|last| last - self.started);
        TunnelReport {
            connections,
            up: self.standing_tx.borrow().up,
            handshakes: handshakes.len(),
            failures: counts.failures.clone(),
            disconnects: counts.disconnects.clone(),
            handshake_p50_ms: percentile(&handshakes, 50).as_secs_f64() * 1e3,
            handshake_p99_ms: percentile(&handshakes, 99).as_secs_f64() * 1e3,
            handshakes_per_s: busy.map_or(0.0, |busy| handshakes.len() as f64 / busy.as_secs_f64()),
            outage_p50_s: percentile(&outages, 50).as_secs_f64(),
            outage_max_s: percentile(&outages, 100).as_secs_f64(),
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
    fn failures_lost_tunnels_and_outages_are_all_told() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let tally = Tally::new(start);
        tally.take_up(start, None, at(1));
        tally.take_up(start, None, at(2));
        tally.take_disconnect("peer-closed", || "closed".into());
        tally.take_disconnect("peer-closed", || unreachable!("only the first is kept"));
        tally.take_failure("connect", || "refused".into());
        tally.take_up(at(12), Some(at(10)), at(15));
        let standing = Standing {
            up: 1,
            handshakes: 3,
        };
        assert_eq!(*tally.standing().borrow(), standing);

        let report = tally.report(2, at(20));
        assert_eq!((report.up, report.handshakes), (1, 3));
        assert_eq!((report.failed(), report.disconnected()), (1, 2));
        assert_eq!(report.failures["connect"].example, "refused");
        assert_eq!((report.outage_p50_s, report.outage_max_s), (5.0, 5.0));
        assert_eq!(report.handshake_p99_ms, 3000.0);
        assert_eq!(report.handshakes_per_s, 0.2);
    }
}
