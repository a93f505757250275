//! When which router is visited, and what for. Pure: time is an argument.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use holdfast_api_types::{RouterState, SiteId};

/// Counters are read, and a router without check-ins shows that it is there, this often.
pub(super) const CALL_EVERY: Duration = Duration::from_secs(60);

/// A router that may be back, or that nobody hears of but by calling, is called this often.
pub(super) const KNOCK_EVERY: Duration = Duration::from_secs(30);

/// Who does not answer is called ever more seldom, down to this: a log-in that is refused is one more line in its log.
const SELDOM: Duration = Duration::from_secs(240);

/// A router is compared with what is configured this often.
pub(super) const LOOK_EVERY: Duration = Duration::from_secs(300);

/// After something has happened to a router it is compared when that has settled: tunnels dial, leases come.
pub(super) const SETTLE: Duration = Duration::from_secs(5);

/// A comparison that could not be made is made up for after this.
pub(super) const RETRY: Duration = Duration::from_secs(30);

/// What is to be done at a router.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Errand {
    /// Read its counters, or at least see whether it answers.
    Call,
    /// Compare it with what is configured.
    Look,
}

/// What decides whether and when a router is visited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Standing {
    /// What is known of it.
    pub(super) state: RouterState,
    /// Whether what is configured for its site was once brought to it.
    pub(super) configured: bool,
    /// Whether it has an address of its own, and so never checks in.
    pub(super) direct: bool,
    /// Whether there is a way to it at the moment.
    pub(super) reachable: bool,
    /// Its version of RouterOS, as it was last said.
    pub(super) version: Option<String>,
}

impl Standing {
    /// How often it is called, if at all.
    fn call_every(&self) -> Option<Duration> {
        match self.state {
            _ if !self.reachable => None,
            _ if self.direct => Some(KNOCK_EVERY),
            RouterState::Away => Some(KNOCK_EVERY),
            RouterState::Online => self.configured.then_some(CALL_EVERY),
            // Nobody knows its password until its script has run.
            RouterState::Pending | RouterState::None => None,
        }
    }

    fn is_compared(&self) -> bool {
        self.configured && self.reachable && self.state == RouterState::Online
    }
}

/// The routers, and when each is visited next.
#[derive(Debug, Default)]
pub(super) struct Agenda(BTreeMap<SiteId, Diary>);

#[derive(Debug)]
struct Diary {
    standing: Standing,
    call_at: Option<Instant>,
    look_at: Option<Instant>,
    /// Calls without an answer since the last that had one.
    missed: u32,
    /// Somebody is there.
    visited: bool,
}

impl Diary {
    /// When it is called next if it was called now.
    fn next_call(&self, now: Instant) -> Option<Instant> {
        let every = self.standing.call_every()?;
        let wait = match self.standing.state {
            // It is away only after some time without an answer.
            RouterState::Online => every,
            RouterState::Away | RouterState::Pending | RouterState::None => {
                SELDOM.min(every * 2u32.pow(self.missed.min(8)))
            }
        };
        Some(now + wait)
    }
}

impl Agenda {
    /// Takes note of how a router stands.
    pub(super) fn note(&mut self, site: &SiteId, standing: Standing, now: Instant) {
        let Some(diary) = self.0.get_mut(site) else {
            // Spread: after a start all of them are new at once.
            let diary = Diary {
                call_at: standing.call_every().map(|time| now + share(site, time)),
                look_at: standing
                    .is_compared()
                    .then(|| now + share(site, LOOK_EVERY)),
                standing,
                missed: 0,
                visited: false,
            };
            self.0.insert(site.clone(), diary);
            return;
        };
        let before = std::mem::replace(&mut diary.standing, standing);
        let after = &diary.standing;
        if before.call_every() != after.call_every() {
            diary.call_at = after.call_every().map(|_| now);
            diary.missed = 0;
        }
        let came = after.is_compared() && before.state != RouterState::Online;
        let was_upgraded = before.version.is_some() && before.version != after.version;
        diary.look_at = match (after.is_compared(), diary.look_at) {
            (false, _) => None,
            (true, _) if came || was_upgraded => Some(now + SETTLE),
            // A job has just seen to it.
            (true, None) if !before.configured => Some(now + LOOK_EVERY),
            (true, None) => Some(now + RETRY),
            (true, at) => at,
        };
    }

    /// Forgets every router but these.
    pub(super) fn keep(&mut self, sites: &BTreeSet<SiteId>) {
        self.0.retain(|site, _| sites.contains(site));
    }

    /// What is to be done now. Nobody else visits the router until its errand is [done](Self::done).
    pub(super) fn due(&mut self, now: Instant) -> Vec<(SiteId, Errand)> {
        let is_due = |at: Option<Instant>| at.is_some_and(|at| at <= now);
        let mut errands = Vec::new();
        for (site, diary) in self.0.iter_mut().filter(|(_, diary)| !diary.visited) {
            let errand = if is_due(diary.look_at) {
                diary.look_at = Some(now + LOOK_EVERY);
                Errand::Look
            } else if is_due(diary.call_at) {
                diary.call_at = diary.next_call(now);
                Errand::Call
            } else {
                continue;
            };
            diary.visited = true;
            errands.push((site.clone(), errand));
        }
        errands
    }

    /// An errand is over; `is_done` says whether it was of use.
    pub(super) fn done(&mut self, site: &SiteId, errand: Errand, is_done: bool, now: Instant) {
        let Some(diary) = self.0.get_mut(site) else {
            return;
        };
        diary.visited = false;
        match errand {
            Errand::Look if !is_done && diary.look_at.is_some() => {
                diary.look_at = Some(now + RETRY);
            }
            Errand::Look => {}
            Errand::Call if is_done => diary.missed = 0,
            Errand::Call => {
                diary.missed += 1;
                diary.call_at = diary.next_call(now);
            }
        }
    }
}

/// A part of a time, the same for a router at every start and different from the others'.
fn share(site: &SiteId, of: Duration) -> Duration {
    // FNV-1a, and a last stir: ids that were made one after the other differ in their last letters only.
    let mix = |sum: u32, byte: u8| (sum ^ u32::from(byte)).wrapping_mul(0x0100_0193);
    let hash = site.as_str().bytes().fold(0x811c_9dc5, mix);
    let stirred = (hash ^ (hash >> 15)).wrapping_mul(0x2c1b_3c6d);
    of.mul_f64(f64::from(stirred) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn site(name: &str) -> SiteId {
        name.parse().unwrap()
    }

    fn online() -> Standing {
        Standing {
            state: RouterState::Online,
            configured: true,
            direct: false,
            reachable: true,
            version: Some("7.20.6".into()),
        }
    }

    /// The errands of so many seconds, each done at once, with the second in which it was due.
    fn errands(agenda: &mut Agenda, from: Instant, seconds: u32) -> Vec<(u32, Errand)> {
        let mut errands = Vec::new();
        for second in 0..seconds {
            let now = from + SECOND * second;
            for (site, errand) in agenda.due(now) {
                agenda.done(&site, errand, true, now);
                errands.push((second, errand));
            }
        }
        errands
    }

    fn count(errands: &[(u32, Errand)], of: Errand) -> usize {
        errands.iter().filter(|(_, errand)| *errand == of).count()
    }

    #[test]
    fn every_router_is_called_every_minute_and_compared_every_five_and_not_all_at_once() {
        let start = Instant::now();
        let mut agenda = Agenda::default();
        for number in 0..200 {
            agenda.note(&site(&format!("site-{number}")), online(), start);
        }
        let hour = errands(&mut agenda, start, 3600);
        let looks = count(&hour, Errand::Look);
        assert!((200 * 11..=200 * 12).contains(&looks), "{looks}");
        let calls = count(&hour, Errand::Call);
        assert!((200 * 55..=200 * 60).contains(&calls), "{calls}");
        let looks = hour.iter().filter(|(_, errand)| *errand == Errand::Look);
        let in_first_minute = looks.filter(|(second, _)| *second < 60).count();
        assert!((20..60).contains(&in_first_minute), "{in_first_minute}");
    }

    #[test]
    fn a_router_that_comes_back_or_was_upgraded_is_compared_when_that_has_settled() {
        let start = Instant::now();
        let mut agenda = Agenda::default();
        let one = site("one");
        let away = Standing {
            state: RouterState::Away,
            reachable: false,
            ..online()
        };
        agenda.note(&one, away, start);
        assert_eq!(errands(&mut agenda, start, 600), []);
        let back = start + SECOND * 600;
        agenda.note(&one, online(), back);
        let first = errands(&mut agenda, back, 7);
        assert_eq!(first, [(0, Errand::Call), (5, Errand::Look)]);

        let upgraded = Standing {
            version: Some("7.21".into()),
            ..online()
        };
        let later = back + SECOND * 100;
        agenda.note(&one, upgraded.clone(), later);
        let next = errands(&mut agenda, later, 7);
        assert_eq!(count(&next, Errand::Look), 1, "{next:?}");
        agenda.note(&one, upgraded, later + SECOND * 10);
        let rest = errands(&mut agenda, later + SECOND * 10, 200);
        assert_eq!(count(&rest, Errand::Look), 0, "the same version is no news");
    }

    #[test]
    fn a_comparison_that_failed_is_made_up_for_and_one_that_goes_on_is_not_begun_again() {
        let start = Instant::now();
        let mut agenda = Agenda::default();
        let one = site("one");
        agenda.note(&one, online(), start);
        let (at, first) = (0..=300)
            .find_map(|second| {
                let now = start + SECOND * second;
                let due = agenda.due(now).pop()?;
                if due.1 == Errand::Call {
                    agenda.done(&one, Errand::Call, true, now);
                    return None;
                }
                Some((now, due))
            })
            .unwrap();
        assert_eq!(first, (one.clone(), Errand::Look));
        assert_eq!(agenda.due(at + SECOND * 1000), [], "it is still there");
        agenda.done(&one, Errand::Look, false, at);
        let next = errands(&mut agenda, at, 40);
        let looks: Vec<_> = next.iter().filter(|it| it.1 == Errand::Look).collect();
        assert_eq!(looks, [&(30, Errand::Look)]);
    }

    #[test]
    fn who_never_answers_is_called_ever_more_seldom_and_at_once_when_there_is_another_way() {
        let start = Instant::now();
        let mut agenda = Agenda::default();
        let one = site("one");
        let away = Standing {
            state: RouterState::Away,
            ..online()
        };
        agenda.note(&one, away.clone(), start);
        let mut calls = Vec::new();
        for second in 0..1800 {
            let now = start + SECOND * second;
            for (site, errand) in agenda.due(now) {
                agenda.done(&site, errand, false, now);
                calls.push(second);
            }
        }
        let waits: Vec<u32> = calls.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert!(waits.starts_with(&[60, 120, 240, 240]), "{waits:?}");

        let now = start + SECOND * 1800;
        let unreachable = Standing {
            reachable: false,
            ..away.clone()
        };
        agenda.note(&one, unreachable, now);
        assert_eq!(agenda.due(now), []);
        agenda.note(&one, away, now);
        assert_eq!(agenda.due(now), [(one, Errand::Call)]);
    }

    #[test]
    fn who_checks_in_and_is_not_configured_is_left_alone() {
        let start = Instant::now();
        let mut agenda = Agenda::default();
        let unconfigured = Standing {
            configured: false,
            ..online()
        };
        let pending = Standing {
            state: RouterState::Pending,
            ..unconfigured.clone()
        };
        agenda.note(&site("unconfigured"), unconfigured.clone(), start);
        agenda.note(&site("pending"), pending.clone(), start);
        assert_eq!(errands(&mut agenda, start, 600), []);
        let direct = Standing {
            direct: true,
            ..pending
        };
        agenda.note(&site("direct"), direct, start);
        assert!(count(&errands(&mut agenda, start, 600), Errand::Call) >= 19);
        // What a job has just brought to a router needs no comparison.
        agenda.note(&site("unconfigured"), online(), start);
        agenda.keep(&BTreeSet::from([site("unconfigured")]));
        let then = errands(&mut agenda, start, 299);
        assert_eq!(count(&then, Errand::Look), 0);
    }
}
