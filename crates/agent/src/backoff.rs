//! Pauses between attempts.

use std::time::Duration;

use rand::{Rng, RngExt};

/// The longest pause, whatever the first one.
const LONGEST: Duration = Duration::from_secs(5);

/// Doubles the pause with every failure, and spreads it so that a fleet does not dial in step.
#[derive(Debug)]
pub(crate) struct Backoff {
    first: Duration,
    next: Duration,
}

impl Backoff {
    pub(crate) fn new(first: Duration) -> Self {
        Self { first, next: first }
    }

    /// The pause after another failure: a random one from the upper half of what is due.
    pub(crate) fn pause(&mut self, rng: &mut impl Rng) -> Duration {
        let due = self.next.min(LONGEST);
        self.next = due * 2;
        due.mul_f64(rng.random_range(0.5..=1.0))
    }

    /// After a success.
    pub(crate) fn reset(&mut self) {
        self.next = self.first;
    }
}

#[cfg(test)]
mod tests {
    use rand::{SeedableRng, rngs::StdRng};

    use super::*;

    #[test]
    fn pauses_double_up_to_five_seconds_and_start_over_after_a_success() {
        let mut rng = StdRng::seed_from_u64(1);
        let mut backoff = Backoff::new(Duration::from_millis(250));
        for due in [250, 500, 1000, 2000, 4000, 5000, 5000].map(Duration::from_millis) {
            let pause = backoff.pause(&mut rng);
            assert!(pause >= due / 2 && pause <= due, "{pause:?} of {due:?}");
        }
        backoff.reset();
        assert!(backoff.pause(&mut rng) <= Duration::from_millis(250));
    }
}
