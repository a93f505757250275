use std::time::Duration;

use holdfast_api_types::Health;

/// Round-trip times kept for the median of one report; older ones make room.
const SAMPLES: usize = 64;

/// What the probes of one tunnel have measured: a smoothed estimate for the verdict, and a window for
/// the next health report.
#[derive(Debug, Default)]
pub(crate) struct Stats {
    estimate: Option<Estimate>,
    window: Window,
}

/// Smoothed round-trip time and mean deviation, as TCP computes them (RFC 6298, section 2).
#[derive(Debug, Clone, Copy)]
struct Estimate {
    rtt: Duration,
    deviation: Duration,
}

#[derive(Debug, Default)]
struct Window {
    probes: u32,
    answered: u32,
    lost: u32,
    /// The newest round-trip times in microseconds, as a ring; `answered` tells where it stands.
    samples: Vec<u32>,
    previous: Option<Duration>,
    variation: Duration,
    variations: u32,
}

impl Stats {
    pub(crate) fn probe_sent(&mut self) {
        self.window.probes = self.window.probes.saturating_add(1);
    }

    pub(crate) fn probe_answered(&mut self, rtt: Duration) {
        self.estimate = Some(match self.estimate {
            Some(estimate) => estimate.updated(rtt),
            None => Estimate {
                rtt,
                deviation: rtt / 2,
            },
        });
        self.window.answered(rtt);
    }

    pub(crate) fn probe_lost(&mut self) {
        self.window.lost = self.window.lost.saturating_add(1);
    }

    /// The smoothed round-trip time.
    pub(crate) fn rtt(&self) -> Option<Duration> {
        self.estimate.map(|estimate| estimate.rtt)
    }

    /// How long an answer may take on this path before it is unusual; zero while nothing is known.
    pub(crate) fn usual_answer(&self) -> Duration {
        self.estimate.map_or(Duration::ZERO, |estimate| {
            estimate.rtt + 4 * estimate.deviation
        })
    }

    /// The measurements since the last call.
    pub(crate) fn take_window(&mut self) -> Health {
        std::mem::take(&mut self.window).into_health()
    }
}

impl Estimate {
    fn updated(self, rtt: Duration) -> Self {
        Self {
            rtt: (self.rtt * 7 + rtt) / 8,
            deviation: (self.deviation * 3 + self.rtt.abs_diff(rtt)) / 4,
        }
    }
}

impl Window {
    fn answered(&mut self, rtt: Duration) {
        let sample = u32::try_from(rtt.as_micros()).unwrap_or(u32::MAX);
        if self.samples.len() < SAMPLES {
            self.samples.push(sample);
        } else {
            self.samples[self.answered as usize % SAMPLES] = sample;
        }
        self.answered = self.answered.saturating_add(1);
        if let Some(previous) = self.previous.replace(rtt) {
            self.variation += previous.abs_diff(rtt);
            self.variations = self.variations.saturating_add(1);
        }
    }

    fn into_health(mut self) -> Health {
        let resolved = self.answered + self.lost;
        self.samples.sort_unstable();
        Health {
            rtt_ms: self
                .samples
                .get(self.samples.len() / 2)
                .map(|&micros| f64::from(micros) / 1e3),
            jitter_ms: (self.variations > 0)
                .then(|| self.variation.as_secs_f64() * 1e3 / f64::from(self.variations)),
            loss: if resolved == 0 {
                0.0
            } else {
                f64::from(self.lost) / f64::from(resolved)
            },
            probes: self.probes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn a_window_reports_median_jitter_and_loss_and_then_starts_anew() {
        let mut stats = Stats::default();
        for rtt in [10, 30, 20] {
            stats.probe_sent();
            stats.probe_answered(ms(rtt));
        }
        stats.probe_sent();
        stats.probe_lost();
        let expected = Health {
            rtt_ms: Some(20.0),
            jitter_ms: Some(15.0),
            loss: 0.25,
            probes: 4,
        };
        assert_eq!(stats.take_window(), expected);
        let empty = Health {
            rtt_ms: None,
            jitter_ms: None,
            loss: 0.0,
            probes: 0,
        };
        assert_eq!(stats.take_window(), empty);
    }

    #[test]
    fn the_median_follows_the_newest_answers_of_a_long_window() {
        let mut stats = Stats::default();
        for _ in 0..SAMPLES {
            stats.probe_answered(ms(10));
        }
        for _ in 0..SAMPLES {
            stats.probe_answered(ms(50));
        }
        assert_eq!(stats.take_window().rtt_ms, Some(50.0));
    }

    #[test]
    fn the_estimate_settles_on_a_steady_path() {
        let mut stats = Stats::default();
        for _ in 0..100 {
            stats.probe_answered(ms(600));
        }
        assert_eq!(stats.rtt(), Some(ms(600)));
        assert!(stats.usual_answer() < ms(610));
    }
}
