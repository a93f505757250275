//! The one place that reads the time.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use jiff::{SignedDuration, Timestamp};

/// What time it is. Passed like the database, so that a test lives through ninety days in a millisecond.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// Wall time, for what is stored and shown. It may jump.
    fn now(&self) -> Timestamp;

    /// Time that only goes forward, for everything that is decided by how long something took.
    fn instant(&self) -> Instant;
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn instant(&self) -> Instant {
        Instant::now()
    }
}

/// A clock that stands still until it is told to go on. Clones are the same clock.
#[derive(Debug, Clone)]
pub struct ManualClock(Arc<Mutex<Reading>>);

#[derive(Debug, Clone, Copy)]
struct Reading {
    wall: Timestamp,
    instant: Instant,
}

impl ManualClock {
    /// A clock that stands at `wall`.
    pub fn at(wall: Timestamp) -> Self {
        Self(Arc::new(Mutex::new(Reading {
            wall,
            instant: Instant::now(),
        })))
    }

    /// Lets time pass.
    pub fn advance(&self, by: Duration) {
        self.change(|reading| {
            reading.instant += by;
            reading.wall += SignedDuration::try_from(by).expect("a test's time fits");
        });
    }

    /// Sets the wall clock, as an administrator or a time server does; no time passes.
    pub fn jump_to(&self, wall: Timestamp) {
        self.change(|reading| reading.wall = wall);
    }

    fn change(&self, change: impl FnOnce(&mut Reading)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn reading(&self) -> Reading {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        self.reading().wall
    }

    fn instant(&self) -> Instant {
        self.reading().instant
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manual_clock_moves_both_times_and_jumps_only_the_wall() {
        let clock = ManualClock::at("2026-11-23T10:00:00Z".parse().unwrap());
        let start = clock.instant();
        clock.advance(Duration::from_secs(90));
        assert_eq!(clock.now().to_string(), "2026-11-23T10:01:30Z");
        assert_eq!(clock.instant() - start, Duration::from_secs(90));

        clock.jump_to("2026-01-01T00:00:00Z".parse().unwrap());
        assert_eq!(clock.now().to_string(), "2026-01-01T00:00:00Z");
        assert_eq!(clock.instant() - start, Duration::from_secs(90));
    }
}
