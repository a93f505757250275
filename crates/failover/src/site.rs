mod admission;
mod decide;
mod departure;
mod effect;
mod tunnel;

use std::{
    collections::{BTreeMap, VecDeque},
    time::{Duration, Instant},
};

use holdfast_api_types::{Place, TunnelId};

pub use self::effect::Effect;
use self::tunnel::{State, Trust, Tunnel};
use crate::{Hold, Role, Verdict};

/// After this process has started, nothing is known against a tunnel that logs in, so it gets its canonical
/// place at once: after a restart all tunnels of a site redial within a second or two, and need no more
/// re-pushes than that.
const START_GRACE: Duration = Duration::from_secs(10);

/// One site: which of its tunnels holds which place, and what is to be done about it.
///
/// Log-ins, losses and verdicts come in, [`Effect`]s come out. Inputs about a tunnel that they do not fit
/// (an answer from a tunnel that is down, say) are ignored: connections close while events are under way.
///
/// A tunnel's life: it logs in ([`tunnel_authorized`](Self::tunnel_authorized)), is up
/// ([`tunnel_up`](Self::tunnel_up)), answers its first probe, is held for the site's [`Hold`] and is then ranked
/// by its priority. The hold delays nothing but that: if no better one lives it carries traffic at once. At most one planned re-push is under way at any time. The dead are not
/// waited for: a standby that has answered since the dead tunnel was first suspected is raised above it.
#[derive(Debug)]
pub struct Site {
    /// Configured, best first.
    order: Vec<TunnelId>,
    hold: Hold,
    /// Boxed: a node of the map has room for eleven, and most sites have two.
    tunnels: BTreeMap<TunnelId, Box<Tunnel>>,
    /// Which tunnel traffic leaves through, as far as is known.
    active: Option<TunnelId>,
    /// The last that did.
    last_active: Option<TunnelId>,
    /// Some tunnel was up and has not been lost.
    is_online: bool,
    /// Until when tunnels get their canonical places at once; none then, and after the first fault.
    grace_until: Option<Instant>,
    effects: VecDeque<Effect>,
}

impl Site {
    /// A site whose tunnels rank in this order, best first. None is connected yet.
    pub fn new(order: Vec<TunnelId>, hold: Hold, now: Instant) -> Self {
        Self {
            hold,
            tunnels: order
                .iter()
                .map(|tunnel| (tunnel.clone(), Box::default()))
                .collect(),
            order,
            active: None,
            last_active: None,
            is_online: false,
            grace_until: Some(now + START_GRACE),
            effects: VecDeque::new(),
        }
    }

    /// The operator changed the order. A tunnel that is no longer in it is forgotten, unless it is being
    /// [withdrawn](Self::withdraw); closing its connection is the caller's affair.
    pub fn set_order(&mut self, order: Vec<TunnelId>, now: Instant) {
        self.tunnels
            .retain(|tunnel, it| order.contains(tunnel) || it.is_leaving());
        for tunnel in &order {
            self.tunnels.entry(tunnel.clone()).or_default().stay();
        }
        self.order = order;
        for tunnel in self.tunnels.keys() {
            if !self.order.contains(tunnel) {
                self.order.push(tunnel.clone());
            }
        }
        self.react(now);
    }

    /// Returns are held for this long from now on; one that is held already goes by the old time.
    pub fn set_hold(&mut self, hold: Hold) {
        self.hold = hold;
    }

    /// A tunnel has logged in: returns the place whose routes belong into the answer.
    ///
    /// If an older connection of the same tunnel is still open, report its end first, as planned. A tunnel
    /// that is not in the order ranks last.
    pub fn tunnel_authorized(&mut self, tunnel: &TunnelId, now: Instant) -> Place {
        if !self.order.contains(tunnel) {
            self.order.push(tunnel.clone());
        }
        self.react(now);
        let (place, trust) = self.admission(tunnel);
        self.tunnels
            .entry(tunnel.clone())
            .or_default()
            .log_in(place, trust);
        self.react(now);
        place
    }

    /// A tunnel has been up for a while, with the routes of `place` on its router, and was not known here. Report
    /// it as up when its router has acknowledged them.
    pub fn tunnel_adopted(&mut self, tunnel: &TunnelId, place: Place, now: Instant) {
        if !self.order.contains(tunnel) {
            self.order.push(tunnel.clone());
        }
        self.tunnels
            .entry(tunnel.clone())
            .or_default()
            .log_in(place, Trust::Unblemished);
        self.react(now);
    }

    /// The tunnel's router has been given its address and its routes. Start its
    /// [`Watch`](crate::Watch) before draining the effects: one of them may be its role.
    pub fn tunnel_up(&mut self, tunnel: &TunnelId, now: Instant) {
        if let Some(it) = self.tunnels.get_mut(tunnel) {
            it.come_up();
        }
        self.is_online |= self.tunnels.values().any(|it| it.is_serving());
        self.react(now);
    }

    /// The tunnel's connection is gone. `planned`: this side closed it, and not because the tunnel was dead.
    pub fn tunnel_down(&mut self, tunnel: &TunnelId, planned: bool, cause: &str, now: Instant) {
        if let Some(it) = self.tunnels.get_mut(tunnel)
            && it.go_down(planned)
        {
            self.offline(tunnel, cause.to_owned(), now);
        }
        self.react(now);
    }

    /// The update in place that [`Effect::Push`] asked for has been sent.
    pub fn routes_applied(&mut self, tunnel: &TunnelId, now: Instant) {
        if let Some(it) = self.tunnels.get_mut(tunnel) {
            it.install_push();
        }
        self.react(now);
    }

    /// The tunnel's [`Watch`](crate::Watch) has found out something.
    pub fn handle_verdict(&mut self, tunnel: &TunnelId, verdict: Verdict, now: Instant) {
        let Some(it) = self.tunnels.get_mut(tunnel).filter(|it| it.is_up()) else {
            return;
        };
        match verdict {
            Verdict::Answered => {
                let was_settled = it.is_settled();
                let effect = it.answered(tunnel, self.hold, now);
                if matches!(effect, Some(Effect::Recovering { .. })) {
                    // At a standby's pace a saving profile would send no probe at all during the hold.
                    let tunnel = tunnel.clone();
                    self.effects.push_back(Effect::Burst { tunnel });
                }
                self.effects.extend(effect);
                // By far the most frequent input; it matters only while a dead tunnel is in the way.
                if was_settled && !self.tunnels.values().any(|it| it.lingers()) {
                    return;
                }
            }
            Verdict::Missed => it.missed(),
            Verdict::Suspect { cause } => {
                it.suspected(now);
                self.suspect(tunnel, cause);
            }
            Verdict::Cleared => {
                let effect = it.cleared(tunnel);
                self.effects.extend(effect);
            }
            Verdict::Dead { cause, lingers } => {
                it.die(now, lingers);
                self.offline(tunnel, cause, now);
            }
        }
        self.react(now);
    }

    /// The instant of [`Self::poll_timeout`] has come.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.react(now);
    }

    /// The next thing to do or to tell.
    pub fn poll_effect(&mut self) -> Option<Effect> {
        self.effects.pop_front()
    }

    /// When to call [`Self::handle_timeout`], and why.
    pub fn poll_timeout(&self) -> Option<(Instant, &'static str)> {
        let grace = self.grace_until.map(|until| (until, "start grace ends"));
        let tunnels = self.tunnels.values().filter_map(|it| it.timeout());
        tunnels.chain(grace).chain(self.departure_timeout()).min()
    }

    /// The tunnels that are known, by their ids.
    pub fn tunnels(&self) -> impl Iterator<Item = &TunnelId> {
        self.tunnels.keys()
    }

    /// Which tunnel the site's traffic belongs to; none while no live tunnel can have it.
    pub fn active(&self) -> Option<&TunnelId> {
        self.active.as_ref()
    }

    /// What the tunnel is for at the moment.
    pub fn role(&self, tunnel: &TunnelId) -> Role {
        if self.active() == Some(tunnel) {
            Role::Active
        } else {
            Role::Standby
        }
    }

    /// Where the tunnel stands, while it is connected.
    pub fn place(&self, tunnel: &TunnelId) -> Option<Place> {
        self.tunnels
            .get(tunnel)
            .filter(|it| it.is_up())
            .and_then(|it| it.held)
    }

    fn suspect(&mut self, tunnel: &TunnelId, cause: String) {
        self.effects.push_back(Effect::Suspect {
            tunnel: tunnel.clone(),
            cause,
        });
        if self.active.as_ref() != Some(tunnel) {
            return;
        }
        // Only a standby that answers from now on will count as live.
        let standbys = self
            .tunnels
            .iter()
            .filter(|(other, it)| *other != tunnel && it.is_serving());
        self.effects
            .extend(standbys.map(|(other, _)| Effect::Burst {
                tunnel: other.clone(),
            }));
    }

    fn offline(&mut self, tunnel: &TunnelId, cause: String, now: Instant) {
        self.grace_until = None;
        self.effects.push_back(Effect::Offline {
            tunnel: tunnel.clone(),
            cause: cause.clone(),
        });
        if let Some(it) = self.tunnels.get_mut(tunnel) {
            it.offline_cause = cause;
            if it.damping.dropped(self.hold, now) {
                self.effects.push_back(Effect::Flapping {
                    tunnel: tunnel.clone(),
                    hold: it.damping.hold(self.hold),
                });
            }
        }
        let any_left = self
            .tunnels
            .values()
            .any(|it| it.is_serving() || it.push.is_some());
        if self.is_online && !any_left {
            self.is_online = false;
            self.effects.push_back(Effect::SiteOffline {
                tunnel: tunnel.clone(),
            });
        }
    }
}
