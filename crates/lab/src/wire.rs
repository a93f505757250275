//! A cable as a state machine: frames go in, and come out later, or never.
//!
//! Pure: time and chance are arguments, so the tests run in virtual time. The emulator drives it
//! between two TAP devices.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

/// A sender that finds this much already waiting loses its frame (tail drop), as in a real modem.
const DEEPEST_QUEUE: Duration = Duration::from_millis(200);

/// One of the two ends of a wire. `A` is the end nearer to the site.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The end nearer to the site.
    A,
    /// The end nearer to the internet.
    B,
}

impl End {
    /// The opposite end.
    pub fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }
}

/// Which frames a setting concerns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From the site to the internet.
    Up,
    /// From the internet to the site.
    Down,
    /// Both.
    Both,
}

impl Direction {
    fn covers(self, from: End) -> bool {
        match self {
            Self::Up => from == End::A,
            Self::Down => from == End::B,
            Self::Both => true,
        }
    }
}

/// What a wire does to the frames of one direction.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Conditions {
    /// Time every frame takes.
    pub delay: Duration,
    /// Most that is added to `delay`, evenly distributed. Frames never overtake each other.
    pub jitter: Duration,
    /// Share of frames that vanish, 0 to 1.
    pub loss: f64,
    /// Bits per second; unlimited when absent.
    pub rate: Option<u64>,
}

/// One Ethernet frame.
pub type Frame = Box<[u8]>;

/// A wire between two ends.
#[derive(Debug, Default)]
pub struct Wire {
    from_a: Lane,
    from_b: Lane,
}

impl Wire {
    /// A wire with the same conditions in both directions.
    pub fn new(conditions: Conditions) -> Self {
        let mut wire = Self::default();
        wire.set(Direction::Both, conditions);
        wire
    }

    /// Replaces the conditions; frames already under way keep their time of arrival.
    pub fn set(&mut self, direction: Direction, conditions: Conditions) {
        self.each(direction, |lane| lane.conditions = conditions);
    }

    /// Changes some of the conditions in place.
    pub fn adjust(&mut self, direction: Direction, change: impl Fn(&mut Conditions)) {
        self.each(direction, |lane| change(&mut lane.conditions));
    }

    /// Swallows everything from now on, what is under way included.
    pub fn cut(&mut self, direction: Direction) {
        self.each(direction, |lane| lane.cut(Cut::Open));
    }

    /// Like [`cut`](Self::cut), but heals by itself at `until`.
    pub fn cut_until(&mut self, direction: Direction, until: Instant) {
        self.each(direction, |lane| lane.cut(Cut::Until(until)));
    }

    /// Undoes a cut.
    pub fn restore(&mut self, direction: Direction) {
        self.each(direction, |lane| lane.cut = None);
    }

    /// Whether it swallows everything, both ways.
    pub fn is_cut(&self, now: Instant) -> bool {
        self.from_a.is_cut(now) && self.from_b.is_cut(now)
    }

    /// A frame was sent at `from`. `dice` yields numbers from 0 to 1.
    pub fn handle_frame(
        &mut self,
        now: Instant,
        from: End,
        frame: Frame,
        dice: &mut dyn FnMut() -> f64,
    ) {
        self.lane(from).handle_frame(now, frame, dice);
    }

    /// The next frame whose time has come, and the end it leaves by.
    pub fn poll_frame(&mut self, now: Instant) -> Option<(End, Frame)> {
        [End::A, End::B]
            .into_iter()
            .find_map(|from| Some((from.other(), self.lane(from).poll_frame(now)?)))
    }

    /// When [`poll_frame`](Self::poll_frame) has something next.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let next = |lane: &Lane| lane.under_way.front().map(|(due, _)| *due);
        [next(&self.from_a), next(&self.from_b)]
            .into_iter()
            .flatten()
            .min()
    }

    fn lane(&mut self, from: End) -> &mut Lane {
        match from {
            End::A => &mut self.from_a,
            End::B => &mut self.from_b,
        }
    }

    fn each(&mut self, direction: Direction, mut change: impl FnMut(&mut Lane)) {
        for from in [End::A, End::B] {
            if direction.covers(from) {
                change(self.lane(from));
            }
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum Cut {
    Open,
    Until(Instant),
}

/// One direction of a wire.
#[derive(Debug, Default)]
struct Lane {
    conditions: Conditions,
    cut: Option<Cut>,
    /// When the sender has finished clocking out what it was given, at the current rate.
    clear_at: Option<Instant>,
    /// In order of arrival: a frame never overtakes the one before it.
    under_way: VecDeque<(Instant, Frame)>,
}

impl Lane {
    fn handle_frame(&mut self, now: Instant, frame: Frame, dice: &mut dyn FnMut() -> f64) {
        if self.is_cut(now) || dice() < self.conditions.loss {
            return;
        }
        let Some(sent) = self.clock_out(now, frame.len()) else {
            return;
        };
        let due = sent + self.conditions.delay + self.conditions.jitter.mul_f64(dice());
        let due = self
            .under_way
            .back()
            .map_or(due, |(last, _)| due.max(*last));
        self.under_way.push_back((due, frame));
    }

    fn poll_frame(&mut self, now: Instant) -> Option<Frame> {
        let (due, _) = self.under_way.front()?;
        if *due > now {
            return None;
        }
        self.under_way.pop_front().map(|(_, frame)| frame)
    }

    fn cut(&mut self, cut: Cut) {
        self.cut = Some(cut);
        self.under_way.clear();
        self.clear_at = None;
    }

    fn is_cut(&self, now: Instant) -> bool {
        match self.cut {
            None => false,
            Some(Cut::Open) => true,
            Some(Cut::Until(until)) => now < until,
        }
    }

    /// When the last bit of the frame has left the sender; `None` when its queue is full.
    fn clock_out(&mut self, now: Instant, len: usize) -> Option<Instant> {
        let Some(rate) = self.conditions.rate else {
            return Some(now);
        };
        let start = self.clear_at.map_or(now, |clear| clear.max(now));
        if start - now > DEEPEST_QUEUE {
            return None;
        }
        let end = start + Duration::from_secs_f64(len as f64 * 8.0 / rate as f64);
        self.clear_at = Some(end);
        Some(end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn frame(tag: u8) -> Frame {
        vec![tag; 1000].into()
    }

    /// Dice that always show `value`.
    fn always(value: f64) -> impl FnMut() -> f64 {
        move || value
    }

    fn tags_until(wire: &mut Wire, now: Instant) -> Vec<u8> {
        std::iter::from_fn(|| wire.poll_frame(now))
            .map(|(_, frame)| frame[0])
            .collect()
    }

    #[test]
    fn a_frame_arrives_at_the_other_end_after_the_delay_and_not_before() {
        let now = Instant::now();
        let mut wire = Wire::new(Conditions {
            delay: 5 * MS,
            ..Default::default()
        });
        wire.handle_frame(now, End::A, frame(1), &mut always(0.5));
        assert_eq!(wire.poll_timeout(), Some(now + 5 * MS));
        assert_eq!(wire.poll_frame(now + 4 * MS), None);
        assert_eq!(wire.poll_frame(now + 5 * MS), Some((End::B, frame(1))));
        assert_eq!(wire.poll_timeout(), None);
    }

    #[test]
    fn jitter_never_reorders() {
        let now = Instant::now();
        let mut wire = Wire::new(Conditions {
            jitter: 10 * MS,
            ..Default::default()
        });
        wire.handle_frame(now, End::A, frame(1), &mut always(0.9));
        wire.handle_frame(now + MS, End::A, frame(2), &mut always(0.0));
        assert_eq!(wire.poll_frame(now + 2 * MS), None);
        assert_eq!(tags_until(&mut wire, now + 9 * MS), [1, 2]);
    }

    #[test]
    fn loss_takes_the_frames_whose_dice_fall_below_it() {
        let now = Instant::now();
        let mut wire = Wire::new(Conditions {
            loss: 0.2,
            ..Default::default()
        });
        wire.handle_frame(now, End::A, frame(1), &mut always(0.19));
        wire.handle_frame(now, End::A, frame(2), &mut always(0.2));
        assert_eq!(tags_until(&mut wire, now), [2]);
    }

    #[test]
    fn a_rate_spaces_frames_and_drops_them_when_the_queue_is_full() {
        let now = Instant::now();
        // 1,000 bytes at 800 kbit/s take 10 ms each.
        let mut wire = Wire::new(Conditions {
            rate: Some(800_000),
            ..Default::default()
        });
        for tag in 0..30 {
            wire.handle_frame(now, End::A, frame(tag), &mut always(0.5));
        }
        assert_eq!(tags_until(&mut wire, now + 10 * MS), [0]);
        assert_eq!(tags_until(&mut wire, now + 29 * MS), [1]);
        let rest = tags_until(&mut wire, now + 1000 * MS);
        assert_eq!(rest.len(), 19, "200 ms of queue hold 21 frames: {rest:?}");
    }

    #[test]
    fn a_wire_is_cut_when_nothing_passes_either_way() {
        let now = Instant::now();
        let mut wire = Wire::default();
        wire.cut(Direction::Up);
        assert!(!wire.is_cut(now), "one way is open");
        wire.cut_until(Direction::Down, now + 5 * MS);
        assert!(wire.is_cut(now));
        assert!(!wire.is_cut(now + 5 * MS), "that way has healed by itself");
    }

    #[test]
    fn a_cut_in_one_direction_loses_what_is_under_way_there_and_nothing_else() {
        let now = Instant::now();
        let mut wire = Wire::new(Conditions {
            delay: 5 * MS,
            ..Default::default()
        });
        wire.handle_frame(now, End::A, frame(1), &mut always(0.5));
        wire.handle_frame(now, End::B, frame(2), &mut always(0.5));
        wire.cut(Direction::Up);
        wire.handle_frame(now, End::A, frame(3), &mut always(0.5));
        assert_eq!(wire.poll_frame(now + 5 * MS), Some((End::A, frame(2))));
        assert_eq!(wire.poll_frame(now + 5 * MS), None);
        wire.restore(Direction::Up);
        wire.handle_frame(now + 5 * MS, End::A, frame(4), &mut always(0.5));
        assert_eq!(tags_until(&mut wire, now + 10 * MS), [4]);
    }

    #[test]
    fn a_blip_heals_by_itself() {
        let now = Instant::now();
        let mut wire = Wire::default();
        wire.cut_until(Direction::Both, now + 100 * MS);
        wire.handle_frame(now + 99 * MS, End::A, frame(1), &mut always(0.5));
        wire.handle_frame(now + 100 * MS, End::A, frame(2), &mut always(0.5));
        assert_eq!(tags_until(&mut wire, now + 200 * MS), [2]);
    }
}
