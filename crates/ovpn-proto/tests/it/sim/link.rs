//! One direction of a TCP connection: bytes in order, in segments of any size, after any delay.

use std::{
    collections::VecDeque,
    ops::RangeInclusive,
    time::{Duration, Instant},
};

use holdfast_ovpn_proto::wire::{Deframer, Packet, write_frame};
use rand_chacha::{ChaCha12Rng, rand_core::Rng};

/// How a link treats what is sent over it.
#[derive(Debug, Clone)]
pub(crate) struct Weather {
    /// Sizes of the segments that arrive, in bytes.
    pub(crate) segment: RangeInclusive<usize>,
    /// How long each takes, in microseconds.
    pub(crate) delay: RangeInclusive<u64>,
    /// Of 100 control packets, how many arrive twice, as a stock peer's retransmissions do.
    pub(crate) duplicated: u32,
}

impl Weather {
    /// Whatever was sent arrives at once and whole.
    pub(crate) const CALM: Self = Self {
        segment: usize::MAX..=usize::MAX,
        delay: 0..=0,
        duplicated: 0,
    };

    /// Single bytes up to several packets, 5 to 50 ms, every fifth control packet twice.
    pub(crate) const ROUGH: Self = Self {
        segment: 1..=3000,
        delay: 5_000..=50_000,
        duplicated: 20,
    };
}

pub(crate) struct Link {
    weather: Weather,
    rng: ChaCha12Rng,
    cut: Deframer,
    segments: VecDeque<(Instant, Vec<u8>)>,
    /// Every packet that was sent, without its length.
    pub(crate) sent: Vec<Vec<u8>>,
    /// No more will be sent.
    closed: bool,
    /// The receiver has been told so.
    end_delivered: bool,
}

/// What arrives at the receiver.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Arrival {
    Bytes(Vec<u8>),
    End,
}

impl Link {
    pub(crate) fn new(weather: Weather, rng: ChaCha12Rng) -> Self {
        Self {
            weather,
            rng,
            cut: Deframer::default(),
            segments: VecDeque::new(),
            sent: Vec::new(),
            closed: false,
            end_delivered: false,
        }
    }

    pub(crate) fn send(&mut self, bytes: &[u8], now: Instant) {
        assert!(!self.closed, "bytes after the end");
        let mut stream = Vec::new();
        self.cut.extend(bytes);
        while let Some(packet) = self.cut.next_frame().unwrap() {
            write_frame(&mut stream, &packet);
            let is_control = matches!(Packet::decode(&packet), Ok(Packet::Control(_)));
            if is_control && self.rng.next_u32() % 100 < self.weather.duplicated {
                write_frame(&mut stream, &packet);
            }
            self.sent.push(packet);
        }
        assert_eq!(self.cut.buffered(), 0, "sessions send whole packets");
        self.enqueue(&stream, now);
    }

    pub(crate) fn close(&mut self) {
        self.closed = true;
    }

    /// When the next thing arrives.
    pub(crate) fn next_arrival(&self, now: Instant) -> Option<Instant> {
        match self.segments.front() {
            Some((at, _)) => Some(*at),
            None if self.closed && !self.end_delivered => Some(now),
            None => None,
        }
    }

    pub(crate) fn receive(&mut self, now: Instant) -> Option<Arrival> {
        if self.next_arrival(now)? > now {
            return None;
        }
        if let Some((_, bytes)) = self.segments.pop_front() {
            return Some(Arrival::Bytes(bytes));
        }
        self.end_delivered = true;
        Some(Arrival::End)
    }

    fn enqueue(&mut self, mut stream: &[u8], now: Instant) {
        while !stream.is_empty() {
            let range = self.weather.segment.clone();
            let size = self.pick(*range.start() as u64, *range.end() as u64) as usize;
            let (segment, rest) = stream.split_at(size.min(stream.len()));
            let delay = self.pick(*self.weather.delay.start(), *self.weather.delay.end());
            let due = self.due(now + Duration::from_micros(delay));
            self.segments.push_back((due, segment.to_vec()));
            stream = rest;
        }
    }

    /// TCP keeps the order: nothing arrives before what was sent earlier.
    fn due(&self, at: Instant) -> Instant {
        self.segments.back().map_or(at, |(last, _)| at.max(*last))
    }

    fn pick(&mut self, from: u64, to: u64) -> u64 {
        match to - from {
            0 => from,
            spread => from + self.rng.next_u64() % (spread + 1),
        }
    }
}
