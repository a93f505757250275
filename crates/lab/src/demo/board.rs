//! How every line is, in a row each.

use std::time::{Duration, Instant};

use holdfast_api_types::{Health, LinkEventKind};

use crate::{bed::Lab, meter::Samples};

/// What is known of each line, gathered from the controller's events, the router's routes and the meter.
pub(super) struct Board {
    tunnels: Vec<Tunnel>,
    /// Events taken in so far.
    seen: usize,
}

/// One line as it is shown.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Line {
    pub(super) isp: String,
    pub(super) state: &'static str,
    pub(super) active: bool,
    pub(super) rung: Option<u8>,
    pub(super) health: Option<Health>,
    /// Datagrams it carried in the last second.
    pub(super) carried: usize,
    pub(super) cause: String,
}

struct Tunnel {
    name: String,
    state: &'static str,
    health: Option<Health>,
    cause: String,
}

const ONLINE: &str = "online";
const OFFLINE: &str = "offline";
/// No controller reports it.
const UNKNOWN: &str = "unknown";

impl Board {
    pub(super) fn new(lab: &Lab) -> Self {
        let tunnel = |name: &str| Tunnel {
            name: name.into(),
            state: "never-seen",
            health: None,
            cause: String::new(),
        };
        Self {
            tunnels: lab.isps().into_iter().map(tunnel).collect(),
            seen: 0,
        }
    }

    pub(super) fn look(&mut self, lab: &Lab, samples: &Samples) -> Vec<Line> {
        let events = lab.events().after(self.seen);
        self.seen += events.len();
        for event in events {
            if let Some(line) = lab.line_of(&event.tunnel) {
                self.tunnels[line].handle_event(event.kind);
            }
        }
        // The youngest datagrams are still under way.
        let until = Instant::now() - Duration::from_millis(150);
        let carried = samples.tally(until - Duration::from_secs(1), until);
        let active = lab.active();
        let reported = lab.has_controller();
        let lines = self.tunnels.iter().enumerate();
        lines
            .map(|(i, tunnel)| {
                let rung = lab.prefix(i);
                Line {
                    isp: tunnel.name.clone(),
                    state: match (reported, self.seen, rung) {
                        (false, ..) => UNKNOWN,
                        // A stock server reports nothing: then the routes tell.
                        (true, 0, Some(_)) => ONLINE,
                        (true, 0, None) => OFFLINE,
                        (true, 1.., _) => tunnel.state,
                    },
                    active: active == Some(i),
                    rung,
                    health: tunnel.health,
                    carried: carried[i],
                    cause: tunnel.cause.clone(),
                }
            })
            .collect()
    }
}

impl Tunnel {
    fn handle_event(&mut self, event: LinkEventKind) {
        match event {
            LinkEventKind::LinkOnline => self.enter(ONLINE, String::new()),
            LinkEventKind::LinkOffline { cause } => self.enter(OFFLINE, cause),
            LinkEventKind::LinkSuspect { cause } => self.cause = cause,
            LinkEventKind::LinkRecovering { hold_s } => {
                self.enter(
                    "recovering",
                    format!("{hold_s:.0} s of clean probes wanted"),
                );
            }
            LinkEventKind::TunnelDown {
                cause,
                planned: false,
            } => self.enter(OFFLINE, cause),
            LinkEventKind::TunnelHealth(health) => self.health = Some(health),
            LinkEventKind::TunnelUp { .. }
            | LinkEventKind::TunnelDown { planned: true, .. }
            | LinkEventKind::RoutesPushed { .. }
            | LinkEventKind::LinkFlapping { .. }
            | LinkEventKind::LinkSteady
            | LinkEventKind::TunnelActive { .. }
            | LinkEventKind::SiteOffline => {}
        }
        if self.state == OFFLINE {
            self.health = None;
        }
    }

    fn enter(&mut self, state: &'static str, cause: String) {
        self.state = state;
        self.cause = cause;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tunnel() -> Tunnel {
        Tunnel {
            name: "fibre".into(),
            state: "never-seen",
            health: None,
            cause: String::new(),
        }
    }

    #[test]
    fn a_planned_reconnect_does_not_make_a_line_look_offline() {
        let mut tunnel = tunnel();
        tunnel.handle_event(LinkEventKind::LinkOnline);
        tunnel.handle_event(LinkEventKind::TunnelDown {
            cause: "new routes".into(),
            planned: true,
        });
        assert_eq!(tunnel.state, ONLINE);
    }

    #[test]
    fn an_offline_line_shows_its_cause_and_no_old_measurements() {
        let mut tunnel = tunnel();
        let health = Health {
            rtt_ms: Some(10.0),
            jitter_ms: None,
            loss: 0.0,
            probes: 5,
        };
        tunnel.handle_event(LinkEventKind::TunnelHealth(health));
        tunnel.handle_event(LinkEventKind::LinkOffline {
            cause: "4 of 4 probes lost".into(),
        });
        assert_eq!((tunnel.state, tunnel.health), (OFFLINE, None));
        assert_eq!(tunnel.cause, "4 of 4 probes lost");
    }
}
