//! What a site knows of one tunnel.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use holdfast_api_types::{Place, TunnelId};

use super::{Effect, departure::Departure};
use crate::damping::{Damping, Hold, RETURN_AFTER};

/// Between the first answer after a log-in and the moment from which its routes are relied on: clients
/// install routes shortly after their interface works.
const SETTLE: Duration = Duration::from_millis(500);

/// The same after an update in place: stock clients take their interface down for a second.
const SETTLE_IN_PLACE: Duration = Duration::from_millis(1500);

#[derive(Debug)]
pub(super) struct Tunnel {
    pub(super) state: State,
    /// The place whose routes its router has, is about to get, or may still have.
    pub(super) held: Option<Place>,
    pub(super) push: Option<Push>,
    /// The last answered probe of this connection.
    pub(super) answered_at: Option<Instant>,
    /// When it fell silent, while it is suspect or dead.
    pub(super) suspected_at: Option<Instant>,
    pub(super) settled: Settled,
    pub(super) offline_cause: String,
    pub(super) damping: Damping,
    pub(super) departure: Option<Box<Departure>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Not connected; its router has none of its routes.
    Down,
    /// Not connected; its router may keep its routes until then.
    Lost {
        withdrawn_at: Instant,
    },
    /// Closed by us, so that it comes back for the routes of its push.
    Redialing,
    LoggingIn(Trust),
    /// Up, but has not answered a probe yet.
    Proving(Trust),
    /// Answers, but is not ranked by its priority before then, and not before it has answered every probe for
    /// a while.
    Recovering {
        held_until: Instant,
        clean_since: Option<Instant>,
    },
    Online,
    /// Connected, but does not answer. Its router may use its routes until `withdrawn_at`; none when that
    /// has passed.
    Dead {
        withdrawn_at: Option<Instant>,
        disconnecting: bool,
    },
}

/// What becomes of a tunnel that logs in, when it answers its first probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trust {
    /// It is held.
    Held,
    /// It is online: this process has just started and knows nothing against it.
    Unblemished,
    /// It is online still: it was away only because it was asked to be.
    Kept,
}

/// A re-push under way.
#[derive(Debug)]
pub(super) struct Push {
    pub(super) place: Place,
    pub(super) asked_at: Instant,
    pub(super) deadline: Instant,
    pub(super) trust: Trust,
    /// The router has been given the routes.
    pub(super) installed: bool,
}

/// Whether the routes of the last push can be relied on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Settled {
    /// Not before a probe was answered, and this much later.
    AfterAnswer(Duration),
    At(Instant),
    Yes,
}

impl Default for Tunnel {
    fn default() -> Self {
        Self {
            state: State::Down,
            held: None,
            push: None,
            answered_at: None,
            suspected_at: None,
            settled: Settled::AfterAnswer(SETTLE),
            offline_cause: String::new(),
            damping: Damping::default(),
            departure: None,
        }
    }
}

impl Tunnel {
    pub(super) fn log_in(&mut self, place: Place, trust: Trust) {
        let push = self.push.take();
        self.forget();
        self.state = State::LoggingIn(trust);
        self.held = Some(place);
        self.push = push;
    }

    pub(super) fn come_up(&mut self) {
        if let State::LoggingIn(trust) = self.state {
            self.state = State::Proving(trust);
            if let Some(push) = &mut self.push {
                push.installed = true;
            }
        }
    }

    /// Returns whether this is a fault.
    pub(super) fn go_down(&mut self, planned: bool) -> bool {
        let was_serving = self.is_serving();
        match self.state {
            State::Down | State::Lost { .. } | State::Redialing => {}
            State::Dead {
                withdrawn_at: Some(withdrawn_at),
                ..
            } => self.state = State::Lost { withdrawn_at },
            State::LoggingIn(_) if self.push.is_some() => self.redial(),
            State::Proving(_) | State::Recovering { .. } | State::Online
                if planned && self.is_push_awaited() =>
            {
                self.redial();
            }
            State::LoggingIn(_)
            | State::Proving(_)
            | State::Recovering { .. }
            | State::Online
            | State::Dead {
                withdrawn_at: None, ..
            } => self.forget(),
        }
        was_serving && !planned
    }

    /// Starts a re-push.
    pub(super) fn push(&mut self, place: Place, asked_at: Instant, deadline: Instant) {
        let trust = if self.state == State::Online {
            Trust::Kept
        } else {
            Trust::Held
        };
        self.push = Some(Push {
            place,
            asked_at,
            deadline,
            trust,
            installed: false,
        });
    }

    /// The push has been installed in place.
    pub(super) fn install_push(&mut self) {
        if !self.is_up() {
            return;
        }
        if let Some(push) = self.push.as_mut().filter(|push| !push.installed) {
            push.installed = true;
            self.held = Some(push.place);
            self.settled = Settled::AfterAnswer(SETTLE_IN_PLACE);
        }
    }

    pub(super) fn answered(
        &mut self,
        tunnel: &TunnelId,
        hold: Hold,
        now: Instant,
    ) -> Option<Effect> {
        self.answered_at = Some(now);
        self.damping.answered();
        if let Settled::AfterAnswer(delay) = self.settled {
            self.settled = Settled::At(now + delay);
        }
        match self.state {
            State::Proving(Trust::Kept) => {
                self.state = State::Online;
                None
            }
            State::Proving(Trust::Unblemished) => {
                self.state = State::Online;
                Some(Effect::Online {
                    tunnel: tunnel.clone(),
                })
            }
            State::Proving(Trust::Held) | State::Dead { .. } => {
                self.suspected_at = None;
                let hold = self.damping.hold(hold).max(RETURN_AFTER);
                self.state = State::Recovering {
                    held_until: now + hold,
                    clean_since: Some(now),
                };
                Some(Effect::Recovering {
                    tunnel: tunnel.clone(),
                    hold,
                })
            }
            State::Recovering {
                held_until,
                clean_since,
            } => {
                self.state = State::Recovering {
                    held_until,
                    clean_since: clean_since.or(Some(now)),
                };
                None
            }
            State::Online
            | State::Down
            | State::Lost { .. }
            | State::Redialing
            | State::LoggingIn(_) => None,
        }
    }

    pub(super) fn missed(&mut self) {
        if let State::Recovering { clean_since, .. } = &mut self.state {
            *clean_since = None;
        }
    }

    pub(super) fn suspected(&mut self, now: Instant) {
        self.suspected_at.get_or_insert(now);
    }

    pub(super) fn cleared(&mut self, tunnel: &TunnelId) -> Option<Effect> {
        self.suspected_at = None;
        (self.state == State::Online).then(|| Effect::Online {
            tunnel: tunnel.clone(),
        })
    }

    pub(super) fn die(&mut self, now: Instant, lingers: Duration) {
        self.state = State::Dead {
            withdrawn_at: Some(now + lingers),
            disconnecting: false,
        };
        self.suspected_at.get_or_insert(now);
        self.push = None;
    }

    /// Brings about what time alone brings about.
    pub(super) fn expire(
        &mut self,
        tunnel: &TunnelId,
        now: Instant,
        effects: &mut VecDeque<Effect>,
    ) {
        self.expire_departure(now);
        if matches!(self.settled, Settled::At(at) if at <= now) {
            self.settled = Settled::Yes;
            if self.push.as_ref().is_some_and(|push| push.installed) {
                self.push = None;
            }
        }
        match self.state {
            State::Recovering {
                held_until,
                clean_since: Some(since),
            } if returns_at(held_until, since) <= now => {
                self.state = State::Online;
                let tunnel = tunnel.clone();
                if self.damping.held() {
                    effects.push_back(Effect::Steady {
                        tunnel: tunnel.clone(),
                    });
                }
                effects.push_back(Effect::Online { tunnel });
            }
            State::Lost { withdrawn_at } if withdrawn_at <= now => self.forget(),
            State::Dead {
                withdrawn_at: Some(at),
                disconnecting,
            } if at <= now => {
                self.state = State::Dead {
                    withdrawn_at: None,
                    disconnecting,
                };
            }
            State::Down
            | State::Lost { .. }
            | State::Redialing
            | State::LoggingIn(_)
            | State::Proving(_)
            | State::Recovering { .. }
            | State::Online
            | State::Dead { .. } => {}
        }
    }

    /// Gives up a push whose deadline has passed. Returns why, if the tunnel is lost by that.
    pub(super) fn give_up_push(&mut self, now: Instant) -> Option<String> {
        let push = self.push.take_if(|push| push.deadline <= now)?;
        if !matches!(self.state, State::Redialing | State::LoggingIn(_)) {
            return None;
        }
        self.forget();
        let waited = now.saturating_duration_since(push.asked_at).as_secs();
        Some(format!(
            "did not come back within {waited} s of being asked to reconnect"
        ))
    }

    pub(super) fn timeout(&self) -> Option<(Instant, &'static str)> {
        let settled = match self.settled {
            Settled::At(at) => Some((at, "routes settle")),
            Settled::AfterAnswer(_) | Settled::Yes => None,
        };
        let push = self
            .push
            .as_ref()
            .map(|push| (push.deadline, "re-push is overdue"));
        let state = match self.state {
            State::Recovering {
                held_until,
                clean_since,
            } => clean_since.map(|since| (returns_at(held_until, since), "hold ends")),
            State::Lost { withdrawn_at } => Some((withdrawn_at, "lost routes are withdrawn")),
            State::Dead { withdrawn_at, .. } => {
                withdrawn_at.map(|at| (at, "dead routes are withdrawn"))
            }
            State::Down
            | State::Redialing
            | State::LoggingIn(_)
            | State::Proving(_)
            | State::Online => None,
        };
        [settled, push, state].into_iter().flatten().min()
    }

    /// Connected, alive for all that is known, and its router has its routes.
    pub(super) fn is_serving(&self) -> bool {
        matches!(
            self.state,
            State::Proving(_) | State::Recovering { .. } | State::Online
        )
    }

    /// Carries traffic, or will as soon as its log-in is complete.
    pub(super) fn may_carry(&self) -> bool {
        self.is_serving() || matches!(self.state, State::LoggingIn(_) | State::Redialing)
    }

    /// Connected, its log-in complete.
    pub(super) fn is_up(&self) -> bool {
        self.is_serving() || matches!(self.state, State::Dead { .. })
    }

    /// It carries nothing, but its router may go on using its routes.
    pub(super) fn lingers(&self) -> bool {
        matches!(
            self.state,
            State::Lost { .. }
                | State::Dead {
                    withdrawn_at: Some(_),
                    ..
                }
        )
    }

    /// Online, and its routes can be relied on.
    pub(super) fn is_settled(&self) -> bool {
        self.state == State::Online && self.settled == Settled::Yes
    }

    /// The place that is not free for others: the one that a push is on its way to, or the one held.
    pub(super) fn claim(&self) -> Option<Place> {
        self.push.as_ref().map(|push| push.place).or(self.held)
    }

    fn is_push_awaited(&self) -> bool {
        self.push.as_ref().is_some_and(|push| !push.installed)
    }

    fn redial(&mut self) {
        self.state = State::Redialing;
        self.held = None;
        self.departure = self.remaining_departure();
    }

    fn forget(&mut self) {
        *self = Self {
            offline_cause: std::mem::take(&mut self.offline_cause),
            damping: std::mem::take(&mut self.damping),
            departure: self.remaining_departure(),
            ..Self::default()
        };
    }
}

/// Every hold ends with some time of clean probing. A long one need not be clean throughout: on a line that
/// loses a packet now and then it would never end.
fn returns_at(held_until: Instant, clean_since: Instant) -> Instant {
    held_until.max(clean_since + RETURN_AFTER)
}
