//! Random stories, told to the monitor and to a model of its rules.

use std::time::Instant;

use holdfast_api_types::{FaultType, LinkEventKind, LinkState, OverrideKind, TunnelRole};
use holdfast_failover::{Admission, Configured, FaultKey, Monitor, Stored};
use proptest::{collection::vec, prelude::*};

use super::desk::*;

/// What may happen to a site of three.
#[derive(Debug, Clone)]
enum Happening {
    Up(usize),
    Down(usize),
    Planned(usize),
    Offline(usize),
    Recovering(usize),
    Online(usize),
    Flapping(usize),
    Steady(usize),
    Active(usize),
    Health(usize, bool),
    Lost,
    Back,
    Force(usize, Option<OverrideKind>),
    Restart,
    Wait(u64),
}

fn happenings() -> impl Strategy<Value = Vec<Happening>> {
    let line = || 0usize..3;
    let forced = prop_oneof![
        Just(None),
        Just(Some(OverrideKind::Prefer)),
        Just(Some(OverrideKind::Avoid)),
        Just(Some(OverrideKind::Off)),
    ];
    let one = prop_oneof![
        3 => line().prop_map(Happening::Up),
        1 => line().prop_map(Happening::Down),
        2 => line().prop_map(Happening::Planned),
        3 => line().prop_map(Happening::Offline),
        3 => line().prop_map(Happening::Recovering),
        4 => line().prop_map(Happening::Online),
        1 => line().prop_map(Happening::Flapping),
        1 => line().prop_map(Happening::Steady),
        4 => line().prop_map(Happening::Active),
        3 => (line(), any::<bool>()).prop_map(|(line, good)| Happening::Health(line, good)),
        1 => Just(Happening::Lost),
        1 => Just(Happening::Back),
        2 => (line(), forced).prop_map(|(line, forced)| Happening::Force(line, forced)),
        1 => Just(Happening::Restart),
        // Up to a week: a clock that jumps.
        4 => prop_oneof![0u64..45, 0u64..604_800].prop_map(Happening::Wait),
    ];
    vec(one, 1..60)
}

/// The rules for one tunnel, in the words of the people who read the states.
#[derive(Debug, Clone, Default)]
struct Rule {
    up: bool,
    recovering: bool,
    offline: bool,
    seen: bool,
    /// It was asked to go, or may have been up before a restart: it is waited for until then.
    awaited_until: Option<Instant>,
    /// What it is taken for meanwhile; unknown if nothing.
    away_as: Option<bool>,
    off: bool,
    unseen: bool,
    flapping: bool,
}

impl Rule {
    fn state(&self) -> Option<LinkState> {
        if self.off {
            return Some(LinkState::Off);
        }
        if self.unseen {
            return Some(LinkState::Unknown);
        }
        if self.offline {
            return Some(LinkState::Offline);
        }
        if self.awaited_until.is_some() && self.away_as.is_none() {
            return Some(LinkState::Unknown);
        }
        if self.recovering {
            return Some(LinkState::Recovering);
        }
        if !self.up {
            return Some(LinkState::NeverSeen);
        }
        // Online or degraded: how good it is the quality tests judge.
        None
    }

    fn is_alive(&self) -> bool {
        !self.off && !self.offline && self.up
    }

    fn lose(&mut self) {
        *self = Self {
            offline: true,
            seen: self.seen,
            flapping: self.flapping,
            ..Self::default()
        };
    }
}

struct Model {
    rules: [Rule; 3],
}

impl Model {
    fn happen(&mut self, happening: &Happening, now: Instant) {
        match happening {
            Happening::Force(line, forced) => {
                let rule = &mut self.rules[*line];
                let off = *forced == Some(OverrideKind::Off);
                if off && !rule.off {
                    *rule = Rule {
                        off: true,
                        seen: rule.seen,
                        ..Rule::default()
                    };
                } else if !off && rule.off {
                    *rule = Rule {
                        seen: rule.seen,
                        awaited_until: rule.seen.then_some(now + s(30)),
                        ..Rule::default()
                    };
                }
            }
            Happening::Lost => {
                for rule in self.rules.iter_mut().filter(|rule| rule.is_alive()) {
                    rule.unseen = true;
                }
            }
            Happening::Back => {
                for rule in &mut self.rules {
                    rule.unseen = false;
                    if rule.up && rule.awaited_until.is_some() {
                        rule.awaited_until = Some(now + s(30));
                    }
                }
            }
            Happening::Restart => {
                for rule in &mut self.rules {
                    let awaited = rule.up && !rule.offline || rule.awaited_until.is_some();
                    *rule = Rule {
                        off: rule.off,
                        seen: rule.seen,
                        offline: rule.offline,
                        awaited_until: (awaited && !rule.off).then_some(now + s(30)),
                        flapping: rule.flapping,
                        ..Rule::default()
                    };
                }
            }
            Happening::Wait(_) => {
                for rule in &mut self.rules {
                    if !rule.unseen && rule.awaited_until.is_some_and(|at| at <= now) {
                        rule.lose();
                    }
                }
            }
            Happening::Up(line) => self.event(*line, |rule| {
                rule.seen = true;
                rule.unseen = false;
                if rule.away_as == Some(true) {
                    rule.awaited_until = None;
                    rule.away_as = None;
                }
            }),
            Happening::Down(line) | Happening::Offline(line) => self.event(*line, Rule::lose),
            Happening::Planned(line) => self.event(*line, |rule| {
                rule.unseen = false;
                if rule.is_alive() && rule.awaited_until.is_none() {
                    rule.awaited_until = Some(now + s(30));
                    rule.away_as = Some(!rule.recovering);
                }
            }),
            Happening::Recovering(line) => self.event(*line, |rule| {
                *rule = Rule {
                    up: true,
                    recovering: true,
                    seen: rule.seen,
                    unseen: rule.unseen,
                    flapping: rule.flapping,
                    ..Rule::default()
                };
            }),
            Happening::Online(line) => self.event(*line, |rule| {
                *rule = Rule {
                    up: true,
                    seen: rule.seen,
                    unseen: rule.unseen,
                    ..Rule::default()
                };
            }),
            Happening::Flapping(line) => self.event(*line, |rule| rule.flapping = true),
            Happening::Steady(line) => self.event(*line, |rule| rule.flapping = false),
            Happening::Active(_) | Happening::Health(..) => {}
        }
    }

    fn event(&mut self, line: usize, change: impl FnOnce(&mut Rule)) {
        let rule = &mut self.rules[line];
        if !rule.off {
            change(rule);
        }
    }
}

fn play(desk: &mut Desk, forced: &mut [Option<OverrideKind>; 3], model: &Model, it: &Happening) {
    let all = [0, 1, 2].map(id);
    match it {
        Happening::Up(line) => desk.tell(*line, &up()),
        Happening::Down(line) => desk.tell(*line, &down(false)),
        Happening::Planned(line) => desk.tell(*line, &down(true)),
        Happening::Offline(line) => desk.tell(*line, &offline()),
        Happening::Recovering(line) => desk.tell(*line, &recovering()),
        Happening::Online(line) => desk.tell(*line, &LinkEventKind::LinkOnline),
        Happening::Flapping(line) => {
            desk.tell(*line, &LinkEventKind::LinkFlapping { hold_s: 60.0 });
        }
        Happening::Steady(line) => desk.tell(*line, &LinkEventKind::LinkSteady),
        Happening::Active(line) => desk.tell(*line, &active()),
        Happening::Health(line, good) => {
            for _ in 0..15 {
                desk.tell(*line, &health(if *good { 0.0 } else { 0.5 }));
            }
        }
        Happening::Lost => {
            desk.monitor.controller_lost(&all, "controller a is silent");
            desk.drain();
        }
        Happening::Back => {
            desk.monitor.controller_back(&all, desk.now);
            desk.drain();
        }
        Happening::Force(line, kind) => {
            forced[*line] = *kind;
            desk.configure(with(forced));
        }
        Happening::Restart => {
            let stored: Vec<Stored> = desk
                .monitor
                .links()
                .enumerate()
                .map(|(index, (tunnel, state, role, cause))| Stored {
                    tunnel: tunnel.clone(),
                    state,
                    role,
                    cause: cause.into(),
                    seen: model.rules[index].seen,
                })
                .collect();
            let open: Vec<(FaultKey, String)> = desk.open.clone().into_iter().collect();
            desk.monitor = Monitor::restore(stored, open, desk.now);
            desk.configure(with(forced));
        }
        Happening::Wait(seconds) => desk.wait(s(*seconds)),
    }
}

fn with(forced: &[Option<OverrideKind>; 3]) -> Vec<Configured> {
    (0..3)
        .map(|index| {
            let off = forced[index] == Some(OverrideKind::Off);
            Configured {
                admission: if off {
                    Admission::Off("switched off".into())
                } else {
                    Admission::Open
                },
                forced: forced[index].filter(|_| !off),
                ..configured(index)
            }
        })
        .collect()
}

/// Compares what was told with the rules.
fn compare(desk: &Desk, model: &Model) {
    for (index, rule) in model.rules.iter().enumerate() {
        let state = desk.state(index);
        match rule.state() {
            Some(expected) => assert_eq!(state, expected, "t{index}: {rule:?}"),
            None => assert!(
                matches!(state, LinkState::Online | LinkState::Degraded),
                "t{index} is {state}: {rule:?}"
            ),
        }
        let is_open = |kind| {
            let tunnel = Some(id(index));
            desk.open.contains_key(&FaultKey { tunnel, kind })
        };
        assert_eq!(is_open(FaultType::LinkOffline), state == LinkState::Offline);
        assert_eq!(is_open(FaultType::LinkFlapping), rule.flapping && !rule.off);
    }
    let is_open = |kind| desk.open.contains_key(&FaultKey { tunnel: None, kind });
    let is_any = |state| (0..3).any(|index| desk.state(index) == state);
    let may_carry = [
        LinkState::Online,
        LinkState::Degraded,
        LinkState::Recovering,
        LinkState::Unknown,
    ];
    assert_eq!(
        is_open(FaultType::SiteOffline),
        is_any(LinkState::Offline) && !may_carry.into_iter().any(is_any)
    );
    assert_eq!(
        is_open(FaultType::ControllerLost),
        model.rules.iter().any(|rule| rule.unseen)
    );
}

/// Where traffic on the backup became a fault, the first in the order must be to blame.
fn check_backup(desk: &Desk, forced: &[Option<OverrideKind>; 3]) {
    let key = FaultKey {
        tunnel: None,
        kind: FaultType::RunningOnBackup,
    };
    if !desk.opened.contains(&key) {
        return;
    }
    let rank = |index: &usize| match forced[*index] {
        Some(OverrideKind::Prefer) => 0,
        None => 1,
        Some(OverrideKind::Avoid) => 2,
        Some(OverrideKind::Off) => 3,
    };
    let first = (0..3).min_by_key(rank).unwrap();
    let (state, role, _) = &desk.states[&id(first)];
    assert_eq!(*role, TunnelRole::Standby);
    assert!(
        matches!(
            state,
            LinkState::Offline | LinkState::Recovering | LinkState::Degraded | LinkState::Unknown
        ),
        "t{first} is {state}"
    );
}

/// Whether this may break something.
fn may_be_a_fault(happening: &Happening) -> bool {
    match happening {
        Happening::Planned(_)
        | Happening::Up(_)
        | Happening::Restart
        | Happening::Back
        | Happening::Steady(_)
        | Happening::Online(_) => false,
        Happening::Down(_)
        | Happening::Offline(_)
        | Happening::Recovering(_)
        | Happening::Flapping(_)
        | Happening::Active(_)
        | Happening::Health(..)
        | Happening::Lost
        | Happening::Force(..)
        | Happening::Wait(_) => true,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn a_random_story_is_told_by_the_rules(story in happenings()) {
        let mut desk = Desk::new(3);
        let mut model = Model { rules: Default::default() };
        let mut forced = [None; 3];
        for happening in &story {
            desk.opened.clear();
            play(&mut desk, &mut forced, &model, happening);
            model.happen(happening, desk.now);
            compare(&desk, &model);
            check_backup(&desk, &forced);
            // One that is degraded still when it comes back leaves the traffic on the backup.
            let is_degraded = (0..3).any(|index| desk.state(index) == LinkState::Degraded);
            let excused = |fault: &FaultKey| is_degraded && fault.kind == FaultType::RunningOnBackup;
            prop_assert!(
                may_be_a_fault(happening) || desk.opened.iter().all(excused),
                "{:?} opened {:?}", happening, desk.opened
            );
        }
    }
}
