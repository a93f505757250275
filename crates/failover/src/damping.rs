use std::time::{Duration, Instant};

/// Clean probing that every hold ends with, at least.
pub const RETURN_AFTER: Duration = Duration::from_secs(3);

/// This many drops ...
const MANY: usize = 3;

/// ... within this time make a tunnel a flapping one.
const WINDOW: Duration = Duration::from_secs(10 * 60);

/// The hold of a tunnel that flaps; it doubles with every further drop ...
const FIRST_HOLD: Duration = Duration::from_secs(60);

/// ... up to this.
const LONGEST_HOLD: Duration = Duration::from_secs(60 * 60);

/// How long a tunnel that returns is held before it is ranked by its priority again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hold {
    usual: Duration,
    grows: bool,
}

impl Hold {
    /// Always as long.
    pub const fn fixed(usual: Duration) -> Self {
        let grows = false;
        Self { usual, grows }
    }

    /// Longer for a tunnel that comes and goes: after three drops within ten minutes a minute, then doubling
    /// with every further drop up to an hour, until such a hold has passed without a drop.
    pub const fn growing(usual: Duration) -> Self {
        let grows = true;
        Self { usual, grows }
    }
}

/// How often one tunnel has dropped lately, and what follows from it for its next return.
///
/// It delays a return to the traffic, and nothing else.
#[derive(Debug, Default)]
pub(crate) struct Damping {
    /// The last drops, oldest first.
    earlier: [Option<Instant>; MANY - 1],
    /// Drops since it began to flap, the one included that made it so.
    streak: u32,
    flapping: bool,
    /// It has answered since its last drop: what never came back cannot drop again.
    answered: bool,
}

impl Damping {
    pub(crate) fn answered(&mut self) {
        self.answered = true;
    }

    /// The tunnel was lost. Returns whether it flaps, be it since now or since earlier.
    pub(crate) fn dropped(&mut self, hold: Hold, now: Instant) -> bool {
        if !hold.grows || !std::mem::take(&mut self.answered) {
            return false;
        }
        let oldest = self.earlier[0];
        self.earlier.rotate_left(1);
        self.earlier[MANY - 2] = Some(now);
        self.flapping |= oldest.is_some_and(|at| now < at + WINDOW);
        self.streak = if self.flapping {
            self.streak.saturating_add(1)
        } else {
            0
        };
        self.flapping
    }

    /// The hold at its next return.
    pub(crate) fn hold(&self, hold: Hold) -> Duration {
        if !self.flapping {
            return hold.usual;
        }
        let doublings = self.streak.saturating_sub(1).min(16);
        let grown = (FIRST_HOLD * (1 << doublings)).min(LONGEST_HOLD);
        grown.max(hold.usual)
    }

    /// A hold has passed without a drop. Returns whether the tunnel flapped until now.
    pub(crate) fn held(&mut self) -> bool {
        std::mem::take(&mut self.flapping)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOLD: Hold = Hold::growing(Duration::from_secs(30));

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn drop_at(damping: &mut Damping, at: Instant) -> Duration {
        damping.answered();
        damping.dropped(HOLD, at);
        damping.hold(HOLD)
    }

    #[test]
    fn the_third_drop_in_ten_minutes_makes_a_minute_and_every_further_one_doubles_it() {
        let start = Instant::now();
        let mut damping = Damping::default();
        let holds: Vec<u64> = (0..11)
            .map(|n| drop_at(&mut damping, start + s(100 * n)).as_secs())
            .collect();
        assert_eq!(
            holds,
            [30, 30, 60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]
        );
    }

    #[test]
    fn rare_drops_are_held_as_usual() {
        let start = Instant::now();
        let mut damping = Damping::default();
        for n in 0..100 {
            assert_eq!(drop_at(&mut damping, start + s(301 * n)), s(30));
        }
    }

    #[test]
    fn a_tunnel_that_never_answered_in_between_has_dropped_once() {
        let start = Instant::now();
        let mut damping = Damping::default();
        assert_eq!(drop_at(&mut damping, start), s(30));
        for n in 1..10 {
            assert!(!damping.dropped(HOLD, start + s(n)));
        }
        assert_eq!(drop_at(&mut damping, start + s(20)), s(30));
    }

    #[test]
    fn flapping_ends_with_a_hold_and_resumes_where_it_was_if_it_goes_on() {
        let start = Instant::now();
        let mut damping = Damping::default();
        for n in 0..4 {
            drop_at(&mut damping, start + s(100 * n));
        }
        assert_eq!(damping.hold(HOLD), s(120));
        assert!(damping.held());
        assert!(!damping.held());
        assert_eq!(damping.hold(HOLD), s(30));
        assert_eq!(drop_at(&mut damping, start + s(500)), s(240));
        damping.held();
        assert_eq!(drop_at(&mut damping, start + s(5000)), s(30));
    }

    #[test]
    fn a_fixed_hold_never_grows() {
        let start = Instant::now();
        let hold = Hold::fixed(RETURN_AFTER);
        let mut damping = Damping::default();
        for n in 0..10 {
            damping.answered();
            assert!(!damping.dropped(hold, start + s(n)));
            assert_eq!(damping.hold(hold), RETURN_AFTER);
        }
    }

    #[test]
    fn a_long_usual_hold_is_never_made_shorter() {
        let hold = Hold::growing(s(300));
        let start = Instant::now();
        let mut damping = Damping::default();
        for n in 0..3 {
            damping.answered();
            damping.dropped(hold, start + s(n));
        }
        assert_eq!(damping.hold(hold), s(300));
    }
}
