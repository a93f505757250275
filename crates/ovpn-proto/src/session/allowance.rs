use std::time::{Duration, Instant};

/// A token bucket: `burst` at once, then one more each `every`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Allowance {
    left: u32,
    burst: u32,
    every: Duration,
    refilled: Instant,
}

impl Allowance {
    pub(super) fn new(burst: u32, every: Duration, now: Instant) -> Self {
        Self {
            left: burst,
            burst,
            every,
            refilled: now,
        }
    }

    /// Takes one; false when none is left.
    pub(super) fn take(&mut self, now: Instant) -> bool {
        let earned = now.duration_since(self.refilled).as_nanos() / self.every.as_nanos().max(1);
        let earned = u32::try_from(earned).unwrap_or(u32::MAX);
        if earned > 0 {
            self.left = self.left.saturating_add(earned).min(self.burst);
            self.refilled = now;
        }
        let granted = self.left > 0;
        self.left = self.left.saturating_sub(1);
        granted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_allowed_and_then_one_each_period() {
        let start = Instant::now();
        let mut allowance = Allowance::new(2, Duration::from_secs(10), start);
        assert!(allowance.take(start));
        assert!(allowance.take(start));
        assert!(!allowance.take(start + Duration::from_secs(9)));
        assert!(allowance.take(start + Duration::from_secs(10)));
        assert!(!allowance.take(start + Duration::from_secs(11)));
    }
}
