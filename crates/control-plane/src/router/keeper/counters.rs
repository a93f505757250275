//! What went through WAN interfaces, from counters that routers show now and then. Pure.

use std::collections::HashMap;

use holdfast_api_types::TunnelId;
use holdfast_store::{health::minute_of, traffic::Traffic};
use jiff::Timestamp;

/// Readings further apart say nothing about the minutes between them.
const APART_S: i64 = 300;

/// What the counters of an interface showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reading {
    /// Which interface.
    pub(super) interface: String,
    /// When.
    pub(super) at: Timestamp,
    /// Bytes received since the router began to count.
    pub(super) rx: u64,
    /// Bytes sent.
    pub(super) tx: u64,
}

/// The last readings, by tunnel.
#[derive(Debug, Default)]
pub(super) struct Counters(HashMap<TunnelId, Reading>);

impl Counters {
    /// What went through since the last reading, by the minute.
    pub(super) fn take(&mut self, tunnel: &TunnelId, now: Reading) -> Vec<(i64, Traffic)> {
        let before = self.0.insert(tunnel.clone(), now.clone());
        before.map_or_else(Vec::new, |before| by_minute(&before, &now))
    }

    /// Forgets readings that are too old to be of use.
    pub(super) fn forget_old(&mut self, now: Timestamp) {
        self.0
            .retain(|_, reading| now.as_second() - reading.at.as_second() <= APART_S);
    }
}

/// Spread evenly over the seconds between two readings; nothing if they do not belong together: a router that restarts
/// counts anew, and a clock may be set.
fn by_minute(before: &Reading, now: &Reading) -> Vec<(i64, Traffic)> {
    let (from, to) = (before.at.as_second(), now.at.as_second());
    let counted = |before: u64, now: u64| now.checked_sub(before);
    let (Some(rx), Some(tx)) = (counted(before.rx, now.rx), counted(before.tx, now.tx)) else {
        return Vec::new();
    };
    if before.interface != now.interface || !(1..=APART_S).contains(&(to - from)) {
        return Vec::new();
    }
    // Of what was counted until a second the part before it is due, so that all parts together are the whole.
    let until = |bytes: u64, second: i64| {
        let part = i128::from(bytes) * i128::from(second - from) / i128::from(to - from);
        u64::try_from(part).unwrap_or(0)
    };
    let minutes = minute_of(before.at)..=(to - 1).div_euclid(60);
    minutes
        .map(|minute| {
            let (begin, end) = (from.max(minute * 60), to.min(minute * 60 + 60));
            let traffic = Traffic {
                rx_bytes: until(rx, end) - until(rx, begin),
                tx_bytes: until(tx, end) - until(tx, begin),
                measured_s: u32::try_from(end - begin).unwrap_or(0),
            };
            (minute, traffic)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(second: i64, rx: u64, tx: u64) -> Reading {
        Reading {
            interface: "ether1".into(),
            at: Timestamp::from_second(second).unwrap(),
            rx,
            tx,
        }
    }

    #[test]
    fn bytes_are_spread_over_the_minutes_and_none_is_lost() {
        let parts = by_minute(&reading(6_050, 1_000, 0), &reading(6_125, 1_100, 7));
        let minutes: Vec<_> = parts.iter().map(|(minute, _)| *minute).collect();
        assert_eq!(minutes, [100, 101, 102]);
        let seconds: Vec<_> = parts.iter().map(|(_, it)| it.measured_s).collect();
        assert_eq!(seconds, [10, 60, 5]);
        let rx: Vec<_> = parts.iter().map(|(_, it)| it.rx_bytes).collect();
        assert_eq!(rx, [13, 80, 7]);
        assert_eq!(parts.iter().map(|(_, it)| it.tx_bytes).sum::<u64>(), 7);
    }

    #[test]
    fn a_reading_on_the_minute_leaves_none_without_seconds() {
        let parts = by_minute(&reading(6_000, 0, 0), &reading(6_060, 60, 0));
        assert_eq!(parts.len(), 1);
        assert_eq!((parts[0].0, parts[0].1.measured_s), (100, 60));
    }

    #[test]
    fn readings_that_do_not_belong_together_are_a_gap() {
        let first = reading(6_000, 500, 500);
        for (other, why) in [
            (reading(6_060, 10, 600), "the router has restarted"),
            (reading(6_301, 600, 600), "nobody has read for long"),
            (reading(6_000, 600, 600), "no time has passed"),
            (reading(5_000, 600, 600), "the clock was set back"),
            (
                Reading {
                    interface: "ether2".into(),
                    ..reading(6_060, 600, 600)
                },
                "another interface",
            ),
        ] {
            assert_eq!(by_minute(&first, &other), [], "{why}");
        }
        let mut counters = Counters::default();
        let tunnel: TunnelId = "fibre".parse().unwrap();
        assert_eq!(counters.take(&tunnel, first), [], "there is none before");
        assert_eq!(counters.take(&tunnel, reading(6_060, 10, 600)), []);
        assert_eq!(counters.take(&tunnel, reading(6_120, 20, 660)).len(), 1);
        counters.forget_old(Timestamp::from_second(7_000).unwrap());
        assert_eq!(counters.take(&tunnel, reading(7_001, 30, 700)), []);
    }
}
