//! Events on their way to the control plane. Pure.

use std::{collections::VecDeque, time::Instant};

use holdfast_api_types::controller::http::{ControllerEvent, SequencedEvent};

/// Samples that may wait. Beyond it every second one goes, so that what is left still spans the whole time.
const SAMPLES_AT_MOST: usize = 20_000;

/// Events that may wait, a few hundred bytes each. Beyond it the oldest go, and the control plane is told how
/// many.
const EVENTS_AT_MOST: usize = 100_000;

/// What becomes of an event when there is no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Weight {
    /// One of many measurements, of which some may be missing.
    Sample,
    /// Something that happened.
    Event,
}

/// What is not yet known to have arrived, in order.
#[derive(Debug)]
pub(super) struct Queue {
    waiting: VecDeque<Waiting>,
    samples: usize,
    last_sequence: u64,
    /// What had to go, before everything that waits.
    gap: Option<Gap>,
}

#[derive(Debug)]
struct Waiting {
    sequence: u64,
    at: Instant,
    weight: Weight,
    event: ControllerEvent,
}

#[derive(Debug, Clone, Copy)]
struct Gap {
    /// Number and time of the last event in it.
    sequence: u64,
    at: Instant,
    events: u64,
}

impl Queue {
    pub(super) fn new() -> Self {
        Self {
            waiting: VecDeque::new(),
            samples: 0,
            last_sequence: 0,
            gap: None,
        }
    }

    pub(super) fn push(&mut self, event: ControllerEvent, weight: Weight, now: Instant) {
        if matches!(event, ControllerEvent::Snapshot(_)) {
            // What an older one says is in the newer one, and in the events between.
            self.waiting
                .retain(|it| !matches!(it.event, ControllerEvent::Snapshot(_)));
        }
        self.last_sequence += 1;
        self.waiting.push_back(Waiting {
            sequence: self.last_sequence,
            at: now,
            weight,
            event,
        });
        if weight == Weight::Sample {
            self.samples += 1;
        }
        if self.samples > SAMPLES_AT_MOST {
            self.thin_out();
        }
        while self.waiting.len() - self.samples > EVENTS_AT_MOST {
            self.give_up_oldest();
        }
    }

    /// The first that wait, at most `count`, as they are told at `now`. A snapshot is the last of its batch: it
    /// may be large.
    pub(super) fn batch(&self, count: usize, now: Instant) -> Vec<SequencedEvent> {
        let gap = self.gap.map(
            |Gap {
                 sequence,
                 at,
                 events,
             }| {
                let event = ControllerEvent::Gap { events };
                (sequence, at, event)
            },
        );
        let waiting = self
            .waiting
            .iter()
            .map(|it| (it.sequence, it.at, it.event.clone()));
        let mut batch = Vec::new();
        for (sequence, at, event) in gap.into_iter().chain(waiting).take(count) {
            let is_last = matches!(event, ControllerEvent::Snapshot(_));
            let age = now.saturating_duration_since(at);
            batch.push(SequencedEvent {
                sequence,
                age,
                event,
            });
            if is_last {
                break;
            }
        }
        batch
    }

    /// Everything up to this number has arrived. True when there was a gap in it.
    pub(super) fn arrived(&mut self, through: u64) -> bool {
        while let Some(first) = self.waiting.front()
            && first.sequence <= through
        {
            self.pop();
        }
        self.gap.take_if(|gap| gap.sequence <= through).is_some()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.gap.is_none()
    }

    fn thin_out(&mut self) {
        let mut keep = false;
        self.waiting.retain(|it| {
            if it.weight == Weight::Event {
                return true;
            }
            keep = !keep;
            keep
        });
        self.samples = self.samples.div_ceil(2);
    }

    fn give_up_oldest(&mut self) {
        while let Some(oldest) = self.pop() {
            if oldest.weight == Weight::Event {
                let events = self.gap.map_or(0, |gap| gap.events) + 1;
                self.gap = Some(Gap {
                    sequence: oldest.sequence,
                    at: oldest.at,
                    events,
                });
                return;
            }
        }
    }

    fn pop(&mut self) -> Option<Waiting> {
        let first = self.waiting.pop_front()?;
        if first.weight == Weight::Sample {
            self.samples -= 1;
        }
        Some(first)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use holdfast_api_types::controller::{Report, ReportKind};

    use super::*;

    fn event(connection: u64) -> ControllerEvent {
        ControllerEvent::Report(Report {
            tunnel: "fibre".parse().unwrap(),
            connection,
            kind: ReportKind::RoutesUpdated,
        })
    }

    fn sequences(queue: &Queue, now: Instant) -> Vec<u64> {
        let batch = queue.batch(usize::MAX, now);
        batch.iter().map(|it| it.sequence).collect()
    }

    #[test]
    fn what_has_not_arrived_is_told_again_with_its_age() {
        let start = Instant::now();
        let mut queue = Queue::new();
        for connection in 1..=3 {
            queue.push(event(connection), Weight::Event, start);
        }
        let later = start + Duration::from_secs(9);
        assert_eq!(queue.batch(2, later).len(), 2);
        assert!(!queue.arrived(1));
        let again = queue.batch(2, later);
        let ages = again.iter().map(|it| (it.sequence, it.age.as_secs()));
        assert_eq!(ages.collect::<Vec<_>>(), [(2, 9), (3, 9)]);
        queue.arrived(3);
        assert!(queue.is_empty());
        // A number is never used again.
        queue.push(event(4), Weight::Event, later);
        assert_eq!(sequences(&queue, later), [4]);
    }

    #[test]
    fn samples_are_thinned_out_over_the_whole_time_and_events_are_not() {
        let now = Instant::now();
        let mut queue = Queue::new();
        queue.push(event(1), Weight::Event, now);
        let samples = 5 * SAMPLES_AT_MOST as u64;
        for connection in 0..samples {
            queue.push(event(connection), Weight::Sample, now);
        }
        queue.push(event(2), Weight::Event, now);
        let left = sequences(&queue, now);
        assert!(left.len() <= SAMPLES_AT_MOST + 2, "{}", left.len());
        assert_eq!(left.len(), queue.samples + 2);
        assert_eq!((left[0], left[left.len() - 1]), (1, samples + 2));
        let oldest = left[1];
        assert!(oldest < 100, "the oldest sample left is {oldest}");
        assert!(left.is_sorted());
    }

    #[test]
    fn at_the_bound_the_oldest_events_become_a_gap_that_counts_them() {
        let now = Instant::now();
        let mut queue = Queue::new();
        queue.push(event(0), Weight::Sample, now);
        for connection in 0..EVENTS_AT_MOST as u64 + 7 {
            queue.push(event(connection), Weight::Event, now);
        }
        let batch = queue.batch(2, now);
        // The sample was the first, so the seventh event has number 8.
        assert_eq!(batch[0].sequence, 8);
        assert_eq!(batch[0].event, ControllerEvent::Gap { events: 7 });
        assert_eq!(batch[1].sequence, 9);
        assert!(queue.arrived(9), "the gap is told");
        assert!(!queue.arrived(10), "and only once");
    }

    #[test]
    fn only_the_newest_snapshot_waits_and_it_ends_its_batch() {
        let now = Instant::now();
        let mut queue = Queue::new();
        queue.push(ControllerEvent::Snapshot(Vec::new()), Weight::Event, now);
        queue.push(event(1), Weight::Event, now);
        queue.push(ControllerEvent::Snapshot(Vec::new()), Weight::Event, now);
        queue.push(event(2), Weight::Event, now);
        assert_eq!(sequences(&queue, now), [2, 3]);
        queue.arrived(3);
        assert_eq!(sequences(&queue, now), [4]);
    }
}
