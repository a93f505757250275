//! Log lines that anybody on the internet can cause.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Lines at once: a fleet's worth of one mistake is still seen.
const BURST: u32 = 50;

/// Lines beyond the burst.
const EVERY: Duration = Duration::from_secs(1);

/// How much strangers may write into our log: a burst, then a line a second. Without it a flood of
/// connections is also a flood of the disk.
#[derive(Debug)]
pub(crate) struct LogBudget(Mutex<State>);

#[derive(Debug)]
struct State {
    left: u32,
    earned: Instant,
    left_out: u64,
}

impl LogBudget {
    pub(crate) fn new(now: Instant) -> Self {
        Self(Mutex::new(State {
            left: BURST,
            earned: now,
            left_out: 0,
        }))
    }

    /// Whether a line may be written now, and how many were left out before it.
    pub(crate) fn take(&self, now: Instant) -> Option<u64> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let periods = now.saturating_duration_since(state.earned).as_nanos() / EVERY.as_nanos();
        if periods > 0 {
            let earned = u32::try_from(periods).unwrap_or(BURST);
            state.left = state.left.saturating_add(earned).min(BURST);
            state.earned = now;
        }
        if state.left == 0 {
            state.left_out += 1;
            return None;
        }
        state.left -= 1;
        Some(std::mem::take(&mut state.left_out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_written_and_then_a_line_a_second_that_counts_the_others() {
        let start = Instant::now();
        let budget = LogBudget::new(start);
        for _ in 0..BURST {
            assert_eq!(budget.take(start), Some(0));
        }
        for _ in 0..10_000 {
            assert_eq!(budget.take(start + EVERY / 2), None);
        }
        assert_eq!(budget.take(start + EVERY), Some(10_000));
        assert_eq!(budget.take(start + EVERY), None);
        assert_eq!(budget.take(start + EVERY * 2), Some(1));
    }

    #[test]
    fn a_long_silence_earns_no_more_than_the_burst() {
        let start = Instant::now();
        let budget = LogBudget::new(start);
        let later = start + EVERY * 100_000;
        let written = (0..1_000).filter(|_| budget.take(later).is_some()).count();
        assert_eq!(written, BURST as usize);
    }
}
