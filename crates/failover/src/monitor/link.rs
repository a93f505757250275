//! What is known of one tunnel's connection.

use std::time::{Duration, Instant};

use holdfast_api_types::{Health, LinkEventKind, LinkState, TunnelId, TunnelRole};

use super::{Admission, Configured, MonitorEffect, Stored, quality::Quality};

/// A tunnel that was asked to reconnect, or was up before a restart, may stay away this long before that is a
/// fault.
const AWAY: Duration = Duration::from_secs(30);

#[derive(Debug)]
pub(super) struct Link {
    pub(super) configured: Configured,
    pub(super) life: Life,
    pub(super) quality: Quality,
    pub(super) flapping: bool,
    /// Why its controller cannot be asked, while it cannot.
    pub(super) out_of_sight: Option<String>,
    /// Why it last got the traffic.
    pub(super) activation: String,
    /// It has been connected at some time.
    seen: bool,
    pub(super) told: Told,
    /// Its router has its routes, and neither answer nor loss is known since: it may have the traffic already, but its
    /// state does not say so.
    arriving: bool,
}

/// What was last told of it.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) state: LinkState,
    pub(super) role: TunnelRole,
    pub(super) cause: String,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Life {
    NeverSeen,
    Online,
    /// Answers, and is held. `after_fault`: it was lost before, not asked to go.
    Recovering {
        hold_s: f64,
        after_fault: bool,
    },
    /// Asked to reconnect; as before until then.
    Away {
        until: Instant,
        was_online: bool,
        after_fault: bool,
    },
    /// It should come back soon, after a restart or because it may connect again.
    Awaited {
        until: Instant,
        cause: &'static str,
    },
    Offline {
        cause: String,
    },
}

impl Link {
    pub(super) fn new(configured: Configured) -> Self {
        Self {
            configured,
            life: Life::NeverSeen,
            quality: Quality::default(),
            flapping: false,
            out_of_sight: None,
            activation: String::new(),
            seen: false,
            arriving: false,
            told: Told {
                state: LinkState::Unconfigured,
                role: TunnelRole::Standby,
                cause: String::new(),
            },
        }
    }

    pub(super) fn restored(
        stored: Stored,
        was_degraded: bool,
        flapping: bool,
        now: Instant,
    ) -> Self {
        let life = match stored.state {
            LinkState::Online
            | LinkState::Degraded
            | LinkState::Recovering
            | LinkState::Unknown => Life::Awaited {
                until: now + AWAY,
                cause: "Holdfast was restarted and waits for the tunnel to come back",
            },
            LinkState::Offline => Life::Offline {
                cause: stored.cause.clone(),
            },
            LinkState::Unconfigured | LinkState::NeverSeen | LinkState::Off => Life::NeverSeen,
        };
        let configured = Configured {
            tunnel: stored.tunnel.clone(),
            name: stored.tunnel.to_string(),
            admission: Admission::Unconfigured,
            forced: None,
            targets: super::Targets::default(),
        };
        Self {
            life,
            quality: Quality::restored(was_degraded),
            flapping,
            seen: stored.seen,
            told: Told {
                state: stored.state,
                role: stored.role,
                cause: stored.cause,
            },
            ..Self::new(configured)
        }
    }

    pub(super) fn tunnel(&self) -> &TunnelId {
        &self.configured.tunnel
    }

    pub(super) fn configure(&mut self, configured: Configured, now: Instant) {
        let may_connect_again = self.configured.admission != Admission::Open
            && configured.admission == Admission::Open
            && matches!(self.told.state, LinkState::Off | LinkState::Unconfigured);
        if configured.targets != self.configured.targets {
            self.quality.start_anew();
        }
        self.configured = configured;
        if self.configured.admission != Admission::Open {
            self.arriving = false;
            self.life = Life::NeverSeen;
            self.quality = Quality::default();
            self.flapping = false;
            self.out_of_sight = None;
        } else if may_connect_again && self.seen && self.life == Life::NeverSeen {
            self.life = Life::Awaited {
                until: now + AWAY,
                cause: "it may connect again",
            };
        }
    }

    pub(super) fn handle_event(&mut self, kind: &LinkEventKind, now: Instant) {
        if self.configured.admission != Admission::Open {
            // The last words of a connection that is being closed.
            return;
        }
        match kind {
            LinkEventKind::TunnelUp { .. } => {
                self.seen = true;
                self.arriving = true;
                self.out_of_sight = None;
                if let Life::Away {
                    was_online: true, ..
                } = self.life
                {
                    self.life = Life::Online;
                }
            }
            LinkEventKind::TunnelDown { planned: true, .. } => {
                self.out_of_sight = None;
                self.arriving = false;
                self.go_away(now);
            }
            LinkEventKind::TunnelDown {
                cause,
                planned: false,
            } => self.go_offline(cause),
            LinkEventKind::LinkOffline { cause } => self.go_offline(cause),
            LinkEventKind::LinkRecovering { hold_s } => {
                self.life = Life::Recovering {
                    hold_s: *hold_s,
                    after_fault: self.flapping
                        || matches!(
                            self.life,
                            Life::Offline { .. }
                                | Life::Recovering {
                                    after_fault: true,
                                    ..
                                }
                                | Life::Away {
                                    after_fault: true,
                                    ..
                                }
                        ),
                };
            }
            LinkEventKind::LinkOnline => {
                self.life = Life::Online;
                // Known from before a restart, perhaps: nobody else would end it.
                self.flapping = false;
            }
            LinkEventKind::LinkFlapping { .. } => self.flapping = true,
            LinkEventKind::LinkSteady => self.flapping = false,
            LinkEventKind::RoutesPushed { .. }
            | LinkEventKind::LinkSuspect { .. }
            | LinkEventKind::TunnelActive { .. }
            | LinkEventKind::SiteOffline
            | LinkEventKind::TunnelHealth(_) => {}
        }
    }

    /// Takes measurements. Returns whether they change anything.
    pub(super) fn measured(&mut self, health: &Health, now: Instant) -> bool {
        self.life == Life::Online && self.quality.measured(health, &self.configured.targets, now)
    }

    fn go_away(&mut self, now: Instant) {
        let (was_online, after_fault) = match self.life {
            Life::Online => (true, false),
            Life::Recovering { after_fault, .. } => (false, after_fault),
            Life::NeverSeen | Life::Away { .. } | Life::Awaited { .. } | Life::Offline { .. } => {
                return;
            }
        };
        self.quality.start_anew();
        self.life = Life::Away {
            until: now + AWAY,
            was_online,
            after_fault,
        };
    }

    fn go_offline(&mut self, cause: &str) {
        self.arriving = false;
        self.out_of_sight = None;
        if matches!(self.life, Life::Offline { .. }) {
            return;
        }
        self.quality = Quality::default();
        self.life = Life::Offline {
            cause: cause.into(),
        };
    }

    pub(super) fn lose_sight(&mut self, cause: &str) {
        if self.may_be_active() {
            self.out_of_sight = Some(cause.into());
        }
    }

    pub(super) fn regain_sight(&mut self, now: Instant) {
        self.out_of_sight = None;
        if let Life::Away { until, .. } = &mut self.life {
            *until = now + AWAY;
        }
    }

    /// Brings about what time alone brings about. Returns whether that is anything.
    pub(super) fn expire(&mut self, now: Instant) -> bool {
        if self.timeout().is_none_or(|at| at > now) {
            return false;
        }
        self.go_offline(match self.life {
            Life::Away { .. } => "it did not come back after a planned reconnect",
            Life::NeverSeen
            | Life::Online
            | Life::Recovering { .. }
            | Life::Awaited { .. }
            | Life::Offline { .. } => "it did not come back in time",
        });
        true
    }

    pub(super) fn timeout(&self) -> Option<Instant> {
        // Nothing is concluded from the silence of a controller.
        if self.out_of_sight.is_some() {
            return None;
        }
        match self.life {
            Life::Away { until, .. } | Life::Awaited { until, .. } => Some(until),
            Life::NeverSeen | Life::Online | Life::Recovering { .. } | Life::Offline { .. } => None,
        }
    }

    /// Whether traffic may leave through it, for all that is known.
    pub(super) fn may_be_active(&self) -> bool {
        self.configured.admission == Admission::Open
            && matches!(
                self.life,
                Life::Online | Life::Recovering { .. } | Life::Away { .. }
            )
    }

    /// Whether the traffic cannot be its any more. What comes up gets it before its first answer.
    pub(super) fn has_lost_traffic(&self) -> bool {
        !self.may_be_active() && !self.arriving
    }

    /// Its state and role, if they are news.
    pub(super) fn tell(&mut self, role: TunnelRole) -> Option<MonitorEffect> {
        let state = self.state();
        if state == self.told.state && role == self.told.role {
            return None;
        }
        let gains_traffic = role == TunnelRole::Active && self.told.role != role;
        let cause = if gains_traffic && state == self.told.state {
            self.activation.clone()
        } else {
            self.cause()
        };
        self.told = Told {
            state,
            role,
            cause: cause.clone(),
        };
        Some(MonitorEffect::Link {
            tunnel: self.tunnel().clone(),
            state,
            role,
            cause,
        })
    }

    fn state(&self) -> LinkState {
        match &self.configured.admission {
            Admission::Unconfigured => return LinkState::Unconfigured,
            Admission::Off(_) => return LinkState::Off,
            Admission::Open => {}
        }
        if self.out_of_sight.is_some() {
            return LinkState::Unknown;
        }
        match self.life {
            Life::NeverSeen => LinkState::NeverSeen,
            Life::Awaited { .. } => LinkState::Unknown,
            Life::Online if self.quality.is_bad() => LinkState::Degraded,
            Life::Online => LinkState::Online,
            Life::Recovering { .. } => LinkState::Recovering,
            // A re-push takes a second or two: nothing to tell people of.
            Life::Away {
                was_online: true, ..
            } if self.quality.is_bad() => LinkState::Degraded,
            Life::Away {
                was_online: true, ..
            } => LinkState::Online,
            Life::Away {
                was_online: false, ..
            } => LinkState::Recovering,
            Life::Offline { .. } => LinkState::Offline,
        }
    }

    /// Why it is in its state, in words a person reads.
    pub(super) fn cause(&self) -> String {
        match &self.configured.admission {
            Admission::Unconfigured => return "it has no gateway or no connection type yet".into(),
            Admission::Off(cause) => return cause.clone(),
            Admission::Open => {}
        }
        if let Some(cause) = &self.out_of_sight {
            return cause.clone();
        }
        match &self.life {
            Life::NeverSeen => "it has never connected".into(),
            Life::Awaited { cause, .. } => (*cause).into(),
            Life::Online
            | Life::Away {
                was_online: true, ..
            } if self.quality.is_bad() => self.quality.cause(),
            Life::Online | Life::Away { .. } => "it carries packets".into(),
            Life::Recovering { hold_s, .. } => {
                format!(
                    "it answers again and is held for {hold_s:.0} s before it may carry traffic"
                )
            }
            Life::Offline { cause } => cause.clone(),
        }
    }
}
