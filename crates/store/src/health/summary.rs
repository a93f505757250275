//! What several samples, minutes or hours come to.

use super::{Point, Sample};

/// Sums up measurements of any length.
#[derive(Debug, Clone, Default)]
pub(super) struct Summary {
    any: bool,
    probes: u64,
    lost: u64,
    rtt_min_us: Option<u32>,
    rtt_max_us: Option<u32>,
    rtt: Mean,
    jitter: Mean,
}

impl Summary {
    pub(super) fn add_sample(&mut self, sample: &Sample) {
        self.add(&Point {
            probes: sample.probes.into(),
            lost: sample.lost.into(),
            rtt_min_us: sample.rtt_us,
            rtt_avg_us: sample.rtt_us,
            rtt_max_us: sample.rtt_us,
            jitter_us: sample.jitter_us,
        });
    }

    pub(super) fn add(&mut self, part: &Point) {
        self.any = true;
        self.probes += u64::from(part.probes);
        self.lost += u64::from(part.lost);
        self.rtt_min_us = self.rtt_min_us.into_iter().chain(part.rtt_min_us).min();
        self.rtt_max_us = self.rtt_max_us.into_iter().chain(part.rtt_max_us).max();
        // An average counts as often as it had answers.
        let answers = u64::from(part.probes.saturating_sub(part.lost).max(1));
        self.rtt.add(part.rtt_avg_us, answers);
        self.jitter.add(part.jitter_us, answers);
    }

    /// `None` if nothing was added.
    pub(super) fn finish(&self) -> Option<Point> {
        self.any.then(|| Point {
            probes: saturated(self.probes),
            lost: saturated(self.lost),
            rtt_min_us: self.rtt_min_us,
            rtt_avg_us: self.rtt.value(),
            rtt_max_us: self.rtt_max_us,
            jitter_us: self.jitter.value(),
        })
    }
}

#[derive(Debug, Clone, Copy, Default)]
struct Mean {
    sum: u64,
    weight: u64,
}

impl Mean {
    fn add(&mut self, value: Option<u32>, weight: u64) {
        if let Some(value) = value {
            self.sum += u64::from(value) * weight;
            self.weight += weight;
        }
    }

    fn value(self) -> Option<u32> {
        self.sum.checked_div(self.weight).map(saturated)
    }
}

fn saturated(value: u64) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}
