//! The arithmetic of the meter: from samples to outage, gaps and carriers.

use std::{
    collections::BTreeMap,
    net::Ipv4Addr,
    sync::Mutex,
    time::{Duration, Instant},
};

use serde::Serialize;

use crate::process::lock;

/// An ISP by the source address its packets have on the internet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Carrier {
    /// Its name in the topology.
    pub isp: String,
    /// The router's address there.
    pub address: Ipv4Addr,
}

/// Which samples count, and where zero is on the time axis.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Window {
    /// Samples sent earlier do not count.
    pub(crate) from: Instant,
    /// Nor do samples sent at this moment or later, if there is one.
    pub(crate) until: Option<Instant>,
    /// Times in the report are relative to this: the moment of the fault.
    pub(crate) zero: Instant,
}

impl Window {
    fn holds(&self, sent: Instant) -> bool {
        sent >= self.from && self.until.is_none_or(|until| sent < until)
    }
}

/// What became of the datagrams. Every time is the time of sending.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PulseReport {
    /// Datagrams sent.
    pub sent: usize,
    /// Datagrams never answered.
    pub lost: usize,
    /// Longest time from a lost datagram to the next answered one.
    pub outage_ms: f64,
    /// How often the carrying ISP changed.
    pub switches: usize,
    /// Answered datagrams per ISP.
    pub carriers: BTreeMap<String, usize>,
    /// Median round-trip time, if anything was answered.
    pub rtt_ms: Option<f64>,
    /// Every change of the carrying ISP.
    pub changes: Vec<Change>,
    /// Every run of lost datagrams.
    pub gaps: Vec<Gap>,
}

/// The first datagram that another ISP carried.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Change {
    /// Milliseconds after the fault (or since the start of a run without one).
    pub at_ms: f64,
    /// Who carried the datagrams before.
    pub from: String,
    /// Who carries them now.
    pub to: String,
}

/// A run of lost datagrams.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Gap {
    /// When the first was sent: milliseconds after the fault (or since the start of a run without one).
    pub at_ms: f64,
    /// How many.
    pub lost: usize,
    /// Until the next answered one was sent.
    pub length_ms: f64,
}

/// One datagram.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sample {
    pub(super) sent: Instant,
    pub(super) answer: Option<Answer>,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Answer {
    pub(super) rtt: Duration,
    /// Source address the server saw.
    pub(super) source: Ipv4Addr,
}

/// All datagrams so far, in the order of sending.
#[derive(Debug)]
pub(crate) struct Samples {
    carriers: Vec<Carrier>,
    all: Mutex<Vec<Sample>>,
}

impl Samples {
    pub(super) fn new(carriers: Vec<Carrier>) -> Self {
        Self {
            carriers,
            all: Mutex::default(),
        }
    }

    pub(super) fn handle_sent(&self, sent: Instant) {
        lock(&self.all).push(Sample { sent, answer: None });
    }

    pub(super) fn handle_answer(&self, sequence: usize, now: Instant, source: Ipv4Addr) {
        if let Some(sample) = lock(&self.all).get_mut(sequence) {
            let rtt = now - sample.sent;
            sample.answer.get_or_insert(Answer { rtt, source });
        }
    }

    /// Datagrams answered so far.
    pub(crate) fn answered(&self) -> usize {
        lock(&self.all)
            .iter()
            .filter(|s| s.answer.is_some())
            .count()
    }

    /// Index of the ISP that carried the latest answered datagram.
    pub(crate) fn carrier(&self) -> Option<usize> {
        let all = lock(&self.all);
        let answer = all.iter().rev().find_map(|sample| sample.answer)?;
        self.index(answer.source)
    }

    /// How many of the datagrams sent between two moments each ISP carried.
    pub(crate) fn tally(&self, from: Instant, until: Instant) -> Vec<usize> {
        let mut per_isp = vec![0; self.carriers.len()];
        let all = lock(&self.all);
        let recent = all.iter().rev().take_while(|s| s.sent >= from);
        for answer in recent.filter(|s| s.sent < until).filter_map(|s| s.answer) {
            if let Some(isp) = self.index(answer.source) {
                per_isp[isp] += 1;
            }
        }
        per_isp
    }

    pub(crate) fn report(&self, window: Window) -> PulseReport {
        let all = lock(&self.all);
        let samples: Vec<_> = all
            .iter()
            .filter(|s| window.holds(s.sent))
            .copied()
            .collect();
        let gaps = gaps(&samples, window.zero);
        let changes = self.changes(&samples, window.zero);
        PulseReport {
            sent: samples.len(),
            lost: samples.iter().filter(|s| s.answer.is_none()).count(),
            outage_ms: gaps.iter().map(|gap| gap.length_ms).fold(0.0, f64::max),
            switches: changes.len(),
            carriers: self.counts(&samples),
            rtt_ms: median_rtt(&samples),
            changes,
            gaps,
        }
    }

    fn counts(&self, samples: &[Sample]) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for answer in samples.iter().filter_map(|s| s.answer) {
            *counts.entry(self.name(answer.source)).or_default() += 1;
        }
        counts
    }

    fn changes(&self, samples: &[Sample], zero: Instant) -> Vec<Change> {
        let carried: Vec<_> = samples
            .iter()
            .filter_map(|s| Some((s.sent, s.answer?.source)))
            .collect();
        carried
            .windows(2)
            .filter(|pair| pair[0].1 != pair[1].1)
            .map(|pair| Change {
                at_ms: signed_ms(pair[1].0, zero),
                from: self.name(pair[0].1),
                to: self.name(pair[1].1),
            })
            .collect()
    }

    fn index(&self, source: Ipv4Addr) -> Option<usize> {
        self.carriers.iter().position(|c| c.address == source)
    }

    fn name(&self, source: Ipv4Addr) -> String {
        self.index(source)
            .map_or_else(|| source.to_string(), |i| self.carriers[i].isp.clone())
    }
}

fn gaps(samples: &[Sample], zero: Instant) -> Vec<Gap> {
    let mut gaps = Vec::new();
    let mut rest = samples;
    while let Some(first) = rest.iter().position(|s| s.answer.is_none()) {
        rest = &rest[first..];
        let lost = rest
            .iter()
            .position(|s| s.answer.is_some())
            .unwrap_or(rest.len());
        // A gap that the end of the run cuts short is at least as long as its own datagrams tell.
        let end = rest.get(lost).unwrap_or(&rest[lost - 1]).sent;
        gaps.push(Gap {
            at_ms: signed_ms(rest[0].sent, zero),
            lost,
            length_ms: signed_ms(end, rest[0].sent),
        });
        rest = &rest[lost..];
    }
    gaps
}

fn median_rtt(samples: &[Sample]) -> Option<f64> {
    let rtts = samples.iter().filter_map(|s| s.answer).map(|a| ms(a.rtt));
    median(rtts)
}

/// The middle value, or the mean of the two in the middle.
pub(crate) fn median(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<_> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    let (lower, upper) = (
        values.get(values.len().checked_sub(1)? / 2)?,
        values.get(values.len() / 2)?,
    );
    Some(tenths((lower + upper) / 2.0))
}

fn signed_ms(at: Instant, zero: Instant) -> f64 {
    match at.checked_duration_since(zero) {
        Some(after) => ms(after),
        None => -ms(zero - at),
    }
}

/// Milliseconds with one decimal: the meter knows no more.
pub(crate) fn ms(duration: Duration) -> f64 {
    tenths(duration.as_secs_f64() * 1000.0)
}

fn tenths(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIBRE: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);
    const LTE: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 2);

    /// One datagram every 10 ms: `f` and `l` are answered through fibre and LTE, `.` is lost.
    fn samples(script: &str) -> (Samples, Instant) {
        let start = Instant::now();
        let carrier = |isp: &str, address| Carrier {
            isp: isp.into(),
            address,
        };
        let samples = Samples::new(vec![carrier("fibre", FIBRE), carrier("lte", LTE)]);
        for (i, what) in script.chars().enumerate() {
            let sent = start + Duration::from_millis(10) * i as u32;
            samples.handle_sent(sent);
            let source = match what {
                'f' => FIBRE,
                'l' => LTE,
                _ => continue,
            };
            samples.handle_answer(i, sent + Duration::from_millis(7), source);
        }
        (samples, start)
    }

    fn report(script: &str) -> PulseReport {
        let (samples, start) = samples(script);
        samples.report(Window {
            from: start,
            until: None,
            zero: start,
        })
    }

    #[test]
    fn a_quiet_run_has_no_outage_and_no_switch() {
        let report = report("ffffffffff");
        assert_eq!((report.sent, report.lost, report.switches), (10, 0, 0));
        assert_eq!((report.outage_ms, report.rtt_ms), (0.0, Some(7.0)));
        assert_eq!(report.carriers, BTreeMap::from([("fibre".into(), 10)]));
    }

    #[test]
    fn the_outage_runs_from_the_first_lost_to_the_next_answered() {
        let report = report("ff...ll.ll");
        assert_eq!(report.lost, 4);
        assert_eq!(report.outage_ms, 30.0);
        assert_eq!(report.gaps.len(), 2);
        assert_eq!(
            report.gaps[1],
            Gap {
                at_ms: 70.0,
                lost: 1,
                length_ms: 10.0
            }
        );
        let change = Change {
            at_ms: 50.0,
            from: "fibre".into(),
            to: "lte".into(),
        };
        assert_eq!(report.changes, [change]);
    }

    #[test]
    fn a_run_that_ends_in_silence_is_an_outage_up_to_its_last_datagram() {
        assert_eq!(report("f....").outage_ms, 30.0);
    }

    #[test]
    fn only_the_window_counts_and_times_are_relative_to_the_fault() {
        let (samples, start) = samples("..ff.l");
        let from = start + Duration::from_millis(20);
        let mut window = Window {
            from,
            until: None,
            zero: start + Duration::from_millis(30),
        };
        let report = samples.report(window);
        assert_eq!((report.sent, report.lost), (4, 1));
        assert_eq!(report.gaps[0].at_ms, 10.0);
        assert_eq!(report.changes[0].at_ms, 20.0);
        window.until = Some(start + Duration::from_millis(40));
        let report = samples.report(window);
        assert_eq!((report.sent, report.lost), (2, 0));
    }

    #[test]
    fn only_the_first_answer_to_a_datagram_counts() {
        let (samples, start) = samples("f");
        samples.handle_answer(0, start + Duration::from_millis(500), LTE);
        assert_eq!(samples.carrier(), Some(0));
    }

    #[test]
    fn a_tally_counts_what_was_sent_in_its_time() {
        let (samples, start) = samples("fffll.");
        let at = |n| start + Duration::from_millis(n);
        assert_eq!(samples.tally(at(20), at(60)), [1, 2]);
        assert_eq!(samples.tally(at(0), at(30)), [3, 0]);
    }

    #[test]
    fn the_median_of_an_even_count_is_between_the_middle_two() {
        assert_eq!(median([4.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(median([3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median([]), None);
    }
}
