//! Whether a link that works is good enough.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use holdfast_api_types::Health;

/// Measurements are judged together over this long ...
const WINDOW: Duration = Duration::from_secs(10);

/// ... and over at least this many, so that a single lost probe of a tunnel that is rarely probed is no verdict.
const FEWEST: usize = 5;

/// A degraded link must meet its targets for this long before it counts as healthy.
const CLEAN_FOR: Duration = Duration::from_secs(30);

/// What a link is to be like. What is not given is not judged.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Targets {
    /// Highest round-trip time in milliseconds.
    pub latency_ms: Option<f64>,
    /// Highest mean deviation between consecutive round-trip times in milliseconds.
    pub jitter_ms: Option<f64>,
    /// Highest share of lost probes, 0 to 1.
    pub loss: Option<f64>,
}

/// The recent measurements of a link, and the verdict on them.
#[derive(Debug, Default)]
pub(super) struct Quality {
    recent: VecDeque<Sample>,
    /// In words a person reads, while it is worse than its targets.
    bad: Option<String>,
    /// Since when it has met its targets, while it is still held to be bad.
    clean_since: Option<Instant>,
}

#[derive(Debug)]
struct Sample {
    at: Instant,
    health: Health,
}

impl Quality {
    /// As it was before a restart.
    pub(super) fn restored(was_bad: bool) -> Self {
        Self {
            bad: was_bad.then(|| "it was degraded before the restart".into()),
            ..Self::default()
        }
    }

    pub(super) fn is_bad(&self) -> bool {
        self.bad.is_some()
    }

    pub(super) fn cause(&self) -> String {
        self.bad.clone().unwrap_or_default()
    }

    /// What was measured counts for nothing any more: other targets are in force, or the link is away for a
    /// moment as planned.
    pub(super) fn start_anew(&mut self) {
        self.recent.clear();
        self.clean_since = None;
    }

    /// Takes measurements. Returns whether the verdict has changed.
    pub(super) fn measured(&mut self, health: &Health, targets: &Targets, now: Instant) -> bool {
        if health.probes == 0 {
            return false;
        }
        self.recent.push_back(Sample {
            at: now,
            health: *health,
        });
        while self.recent.len() > FEWEST && self.recent[0].at + WINDOW < now {
            self.recent.pop_front();
        }
        if self.recent.len() < FEWEST {
            return false;
        }
        let shortfall = self.shortfall(targets);
        let was_bad = self.is_bad();
        match shortfall {
            Some(cause) => {
                self.clean_since = None;
                // While it is bad the first cause stands: a number that wobbles is no news.
                self.bad.get_or_insert(cause);
            }
            None if was_bad => {
                let since = *self.clean_since.get_or_insert(now);
                if now >= since + CLEAN_FOR {
                    self.bad = None;
                    self.clean_since = None;
                }
            }
            None => {}
        }
        was_bad != self.is_bad()
    }

    /// Which target is missed, and by how much.
    fn shortfall(&self, targets: &Targets) -> Option<String> {
        let first = self.recent.front()?.at;
        let span = self.recent.back()?.at.saturating_duration_since(first);
        let missed = |what: &str, unit: &str, is: Option<f64>, target: Option<f64>| {
            let (is, target) = (is?, target?);
            (is > target).then(|| {
                format!(
                    "{what} was {is:.1} {unit} over {} s, the target is {target:.1} {unit}",
                    span.as_secs() + 1
                )
            })
        };
        let percent = |share: Option<f64>| share.map(|share| share * 100.0);
        missed(
            "packet loss",
            "%",
            percent(self.loss()),
            percent(targets.loss),
        )
        .or_else(|| {
            missed(
                "latency",
                "ms",
                self.mean(|it| it.rtt_ms),
                targets.latency_ms,
            )
        })
        .or_else(|| {
            missed(
                "jitter",
                "ms",
                self.mean(|it| it.jitter_ms),
                targets.jitter_ms,
            )
        })
    }

    fn loss(&self) -> Option<f64> {
        let probes: f64 = self.health().map(|it| f64::from(it.probes)).sum();
        let lost: f64 = self.health().map(|it| f64::from(it.probes) * it.loss).sum();
        (probes > 0.0).then(|| lost / probes)
    }

    fn mean(&self, of: fn(&Health) -> Option<f64>) -> Option<f64> {
        let values: Vec<f64> = self.health().filter_map(of).collect();
        (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
    }

    fn health(&self) -> impl Iterator<Item = &Health> {
        self.recent.iter().map(|sample| &sample.health)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TARGETS: Targets = Targets {
        latency_ms: Some(100.0),
        jitter_ms: Some(20.0),
        loss: Some(0.02),
    };

    fn health(rtt: f64, loss: f64) -> Health {
        Health {
            rtt_ms: Some(rtt),
            jitter_ms: Some(1.0),
            loss,
            probes: 10,
        }
    }

    struct Line {
        quality: Quality,
        now: Instant,
    }

    impl Line {
        fn new() -> Self {
            Self {
                quality: Quality::default(),
                now: Instant::now(),
            }
        }

        /// Seconds of this health until the verdict changes.
        fn until_change(&mut self, health: Health, limit: u32) -> Option<u32> {
            (1..=limit).find(|_| {
                self.now += Duration::from_secs(1);
                self.quality.measured(&health, &TARGETS, self.now)
            })
        }
    }

    #[test]
    fn a_good_link_stays_good() {
        let mut line = Line::new();
        assert_eq!(line.until_change(health(20.0, 0.0), 600), None);
    }

    #[test]
    fn loss_is_noticed_within_seconds_and_forgiven_after_half_a_minute() {
        let mut line = Line::new();
        line.until_change(health(20.0, 0.0), 60);
        let noticed = line.until_change(health(20.0, 0.1), 60).unwrap();
        assert!((1..=10).contains(&noticed), "{noticed}");
        assert!(line.quality.cause().contains("packet loss"));
        let forgiven = line.until_change(health(20.0, 0.0), 60).unwrap();
        assert!((30..=45).contains(&forgiven), "{forgiven}");
    }

    #[test]
    fn one_bad_second_in_ten_is_judged_with_the_other_nine() {
        let mut line = Line::new();
        line.until_change(health(20.0, 0.0), 60);
        assert_eq!(line.until_change(health(150.0, 0.0), 1), None);
        assert_eq!(line.until_change(health(20.0, 0.0), 60), None);
    }

    #[test]
    fn a_relapse_starts_the_clean_time_anew() {
        let mut line = Line::new();
        line.until_change(health(300.0, 0.0), 60).unwrap();
        assert_eq!(line.until_change(health(20.0, 0.0), 25), None);
        assert_eq!(line.until_change(health(2000.0, 0.0), 1), None);
        let forgiven = line.until_change(health(20.0, 0.0), 90).unwrap();
        assert!(forgiven >= 30, "{forgiven}");
    }

    #[test]
    fn a_rarely_probed_link_is_not_condemned_by_one_lost_probe() {
        let mut line = Line::new();
        let mut probe = |loss| {
            line.now += Duration::from_secs(10);
            let rare = Health {
                rtt_ms: (loss < 1.0).then_some(30.0),
                jitter_ms: None,
                loss,
                probes: 1,
            };
            line.quality.measured(
                &rare,
                &Targets {
                    loss: Some(0.3),
                    ..TARGETS
                },
                line.now,
            )
        };
        for _ in 0..10 {
            assert!(!probe(0.0));
        }
        assert!(!probe(1.0));
        assert!(probe(1.0));
    }

    #[test]
    fn without_targets_nothing_is_judged() {
        let mut quality = Quality::default();
        let start = Instant::now();
        for second in 0..60 {
            let now = start + Duration::from_secs(second);
            assert!(!quality.measured(&health(9999.0, 1.0), &Targets::default(), now));
        }
    }
}
