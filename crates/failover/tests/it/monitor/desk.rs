//! A monitor under test, and the words to tell it things.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use holdfast_api_types::{Health, LinkEventKind, LinkState, TunnelId, TunnelRole};
use holdfast_failover::{Admission, Configured, FaultKey, Monitor, MonitorEffect, Targets};

pub(super) const fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub(super) fn id(index: usize) -> TunnelId {
    format!("t{index}").parse().unwrap()
}

pub(super) fn configured(index: usize) -> Configured {
    Configured {
        tunnel: id(index),
        name: ["Fibre", "LTE", "Satellite"][index].into(),
        admission: Admission::Open,
        forced: None,
        targets: Targets {
            loss: Some(0.02),
            ..Targets::default()
        },
    }
}

pub(super) fn up() -> LinkEventKind {
    LinkEventKind::TunnelUp {
        remote: "203.0.113.9:40000".parse().unwrap(),
        slot: 0,
        cipher: "AES-256-GCM".into(),
    }
}

pub(super) fn down(planned: bool) -> LinkEventKind {
    let cause = "connection closed".into();
    LinkEventKind::TunnelDown { cause, planned }
}

pub(super) fn offline() -> LinkEventKind {
    LinkEventKind::LinkOffline {
        cause: "4 of 4 probes lost".into(),
    }
}

pub(super) fn recovering() -> LinkEventKind {
    LinkEventKind::LinkRecovering { hold_s: 30.0 }
}

pub(super) fn active() -> LinkEventKind {
    LinkEventKind::TunnelActive {
        previous: None,
        cause: "t0 is offline: 4 of 4 probes lost".into(),
    }
}

pub(super) fn health(loss: f64) -> LinkEventKind {
    LinkEventKind::TunnelHealth(Health {
        rtt_ms: Some(20.0),
        jitter_ms: Some(1.0),
        loss,
        probes: 10,
    })
}

/// A monitor under test, and what it has told so far.
pub(super) struct Desk {
    pub(super) monitor: Monitor,
    pub(super) now: Instant,
    pub(super) states: BTreeMap<TunnelId, (LinkState, TunnelRole, String)>,
    pub(super) open: BTreeMap<FaultKey, String>,
    pub(super) opened: Vec<FaultKey>,
    pub(super) closed: Vec<(FaultKey, String)>,
}

impl Desk {
    pub(super) fn new(tunnels: usize) -> Self {
        Self::with(Monitor::default(), tunnels)
    }

    pub(super) fn with(monitor: Monitor, tunnels: usize) -> Self {
        let mut desk = Self {
            open: monitor
                .open_faults()
                .map(|fault| (fault.clone(), String::new()))
                .collect(),
            monitor,
            now: Instant::now(),
            states: BTreeMap::new(),
            opened: Vec::new(),
            closed: Vec::new(),
        };
        desk.configure((0..tunnels).map(configured).collect());
        desk
    }

    pub(super) fn configure(&mut self, tunnels: Vec<Configured>) {
        self.monitor.configure(tunnels, self.now);
        self.drain();
    }

    pub(super) fn tell(&mut self, tunnel: usize, kind: &LinkEventKind) {
        self.monitor.handle_event(&id(tunnel), kind, self.now);
        self.drain();
    }

    pub(super) fn come_up(&mut self, tunnel: usize) {
        self.tell(tunnel, &up());
        self.tell(tunnel, &LinkEventKind::LinkOnline);
    }

    pub(super) fn wait(&mut self, time: Duration) {
        let until = self.now + time;
        while let Some(at) = self.monitor.poll_timeout().filter(|at| *at <= until) {
            self.now = self.now.max(at);
            self.monitor.handle_timeout(self.now);
            assert_ne!(
                self.monitor.poll_timeout(),
                Some(at),
                "the same deadline comes back"
            );
            self.drain();
        }
        self.now = until;
    }

    /// Takes what is told, and checks what must hold of it whatever happens.
    pub(super) fn drain(&mut self) {
        while let Some(effect) = self.monitor.poll_effect() {
            match effect {
                MonitorEffect::Link {
                    tunnel,
                    state,
                    role,
                    cause,
                } => {
                    assert!(!cause.is_empty(), "{tunnel} is {state} without a cause");
                    self.states.insert(tunnel, (state, role, cause));
                }
                MonitorEffect::FaultOpened { fault, cause } => {
                    assert!(!cause.is_empty());
                    assert!(
                        self.open.insert(fault.clone(), cause).is_none(),
                        "{fault:?} is open already"
                    );
                    self.opened.push(fault);
                }
                MonitorEffect::FaultUpdated { fault, cause } => {
                    assert!(self.open.insert(fault.clone(), cause).is_some());
                }
                MonitorEffect::FaultClosed { fault, cause } => {
                    assert!(!cause.is_empty());
                    assert!(self.open.remove(&fault).is_some(), "{fault:?} was not open");
                    self.closed.push((fault, cause));
                }
            }
        }
        let told: BTreeSet<&FaultKey> = self.open.keys().collect();
        assert_eq!(told, self.monitor.open_faults().collect());
        let active: Vec<&TunnelId> = self
            .states
            .iter()
            .filter(|(_, (_, role, _))| *role == TunnelRole::Active)
            .map(|(tunnel, _)| tunnel)
            .collect();
        assert!(active.len() <= 1, "{active:?} are all active");
        for (tunnel, (state, role, _)) in &self.states {
            let may_be_active = match state {
                LinkState::Online
                | LinkState::Degraded
                | LinkState::Recovering
                | LinkState::Unknown => true,
                LinkState::Unconfigured
                | LinkState::NeverSeen
                | LinkState::Offline
                | LinkState::Off => false,
            };
            assert!(
                may_be_active || *role == TunnelRole::Standby,
                "{tunnel} is {state} and active"
            );
        }
    }

    pub(super) fn state(&self, tunnel: usize) -> LinkState {
        self.states[&id(tunnel)].0
    }

    pub(super) fn cause(&self, tunnel: usize) -> &str {
        &self.states[&id(tunnel)].2
    }

    pub(super) fn open(&self) -> Vec<String> {
        let name = |fault: &FaultKey| match &fault.tunnel {
            Some(tunnel) => format!("{} {tunnel}", fault.kind),
            None => fault.kind.to_string(),
        };
        self.open.keys().map(name).collect()
    }
}

/// Two tunnels online, the first with the traffic.
pub(super) fn settled() -> Desk {
    let mut desk = Desk::new(2);
    desk.come_up(0);
    desk.tell(0, &active());
    desk.come_up(1);
    assert_eq!(desk.open(), Vec::<String>::new());
    desk
}
