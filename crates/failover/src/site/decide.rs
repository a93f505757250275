//! What a site does, given what it knows: one pass after every input.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use holdfast_api_types::{Place, TunnelId};

use super::{Effect, Site, State, Tunnel};
use crate::{Role, Step, switch};

/// How long a tunnel may take to come back from a planned re-push before it counts as lost.
pub(super) const PUSH_DEADLINE: Duration = Duration::from_secs(15);

/// The same in an emergency, where another standby may be waiting.
const EMERGENCY_DEADLINE: Duration = Duration::from_secs(5);

impl Site {
    pub(super) fn react(&mut self, now: Instant) {
        self.expire(now);
        if let Some(step) = self.emergency() {
            self.push(step, now, EMERGENCY_DEADLINE);
        } else if let Some(step) = self.planned() {
            self.push(step, now, PUSH_DEADLINE);
        }
        self.see_off(now);
        self.disconnect_dead();
        self.announce();
    }

    fn expire(&mut self, now: Instant) {
        self.grace_until.take_if(|until| *until <= now);
        let mut overdue = Vec::new();
        for (tunnel, it) in &mut self.tunnels {
            it.expire(tunnel, now, &mut self.effects);
            overdue.extend(it.give_up_push(now).map(|cause| (tunnel.clone(), cause)));
        }
        for (tunnel, cause) in overdue {
            self.offline(&tunnel, cause, now);
        }
    }

    fn push(&mut self, step: Step, now: Instant, patience: Duration) {
        if let Some(it) = self.tunnels.get_mut(&step.tunnel) {
            it.push(step.place, now, now + patience);
            self.effects.push_back(Effect::Push {
                tunnel: step.tunnel,
                place: step.place,
            });
        }
    }

    /// The re-push that takes traffic from the dead, if it is needed and a standby is live.
    fn emergency(&self) -> Option<Step> {
        let lingering = || self.tunnels.iter().filter(|(_, it)| it.lingers());
        let worst = lingering().filter_map(|(_, it)| it.held).max()?;
        let best = self
            .tunnels
            .values()
            .filter(|it| it.may_carry())
            .filter_map(|it| it.claim())
            .max();
        if best.is_some_and(|best| best.better_than(worst)) {
            return None;
        }

        let silent_since = lingering().filter_map(|(_, it)| it.suspected_at).max();
        let is_live = |it: &Tunnel| {
            it.suspected_at.is_none()
                && it.answered_at > silent_since
                && it.push.as_ref().is_none_or(|push| push.installed)
        };
        let in_state = |wanted: fn(&State) -> bool| {
            self.order.iter().filter(move |tunnel| {
                self.tunnels
                    .get(*tunnel)
                    .is_some_and(|it| wanted(&it.state) && is_live(it))
            })
        };
        let online = in_state(|state| *state == State::Online);
        let recovering = in_state(|state| matches!(state, State::Recovering { .. }));
        let candidates: Vec<TunnelId> = online.chain(recovering).cloned().collect();

        let in_question =
            |(tunnel, it): &(&TunnelId, &Tunnel)| it.lingers() || candidates.contains(tunnel);
        switch::emergency(&self.places(in_question), &candidates)
    }

    /// The next re-push towards the configured order, if everything is quiet.
    fn planned(&self) -> Option<Step> {
        let is_quiet = |it: &Tunnel| {
            it.push.is_none()
                && (!it.is_serving() || it.suspected_at.is_none())
                && (it.state != State::Online || it.is_settled())
        };
        let all_online = self.tunnels.values().all(|it| it.state == State::Online);
        // Until the last has logged in after a start, a gap in the ladder is one that is about to be filled.
        if !self.tunnels.values().all(|it| is_quiet(it))
            || self.grace_until.is_some() && !all_online
        {
            return None;
        }
        if self.online(|_, it| !it.is_leaving()).is_empty() {
            return None;
        }
        // Of those that leave only the one with the traffic may be moved: it may have to make way.
        let is_active = |tunnel: &TunnelId| self.active.as_ref() == Some(tunnel);
        let order = self.online(|tunnel, it| !it.is_leaving() || is_active(tunnel));
        switch::next_step(&self.places(|_| true), &order)
    }

    /// Those of the tunnels that are online, in order.
    fn online(&self, wanted: impl Fn(&TunnelId, &Tunnel) -> bool) -> Vec<TunnelId> {
        let is_wanted = |tunnel: &&TunnelId| {
            let it = self.tunnels.get(*tunnel);
            it.is_some_and(|it| it.state == State::Online && wanted(tunnel, it))
        };
        self.order.iter().filter(is_wanted).cloned().collect()
    }

    fn places(&self, wanted: impl Fn(&(&TunnelId, &Tunnel)) -> bool) -> BTreeMap<TunnelId, Place> {
        self.tunnels
            .iter()
            .map(|(tunnel, it)| (tunnel, it.as_ref()))
            .filter(wanted)
            .filter_map(|(tunnel, it)| Some((tunnel.clone(), it.held?)))
            .collect()
    }

    /// Closes what is dead, so that it redials as soon as it can. Not before another tunnel has its traffic:
    /// if all are silent, their connections may outlive whatever has silenced them.
    fn disconnect_dead(&mut self) {
        let Some(best) = self.best_serving().and_then(|best| self.tunnels[best].held) else {
            return;
        };
        for (tunnel, it) in &mut self.tunnels {
            if let State::Dead {
                withdrawn_at,
                disconnecting: false,
            } = it.state
                && (withdrawn_at.is_none() || it.held < Some(best))
            {
                it.state = State::Dead {
                    withdrawn_at,
                    disconnecting: true,
                };
                let cause = it.offline_cause.clone();
                self.effects.push_back(Effect::Disconnect {
                    tunnel: tunnel.clone(),
                    cause,
                });
            }
        }
    }

    /// Tells who has the traffic now, if that has changed.
    fn announce(&mut self) {
        let active = self.carrying().cloned();
        if active == self.active {
            return;
        }
        let was_active = std::mem::replace(&mut self.active, active.clone());
        if let Some(tunnel) = was_active.filter(|tunnel| self.tunnels.contains_key(tunnel)) {
            self.effects.push_back(Effect::Role {
                tunnel,
                role: Role::Standby,
            });
        }
        if let Some(tunnel) = active {
            let cause = self.reason_for(&tunnel);
            let previous = self
                .last_active
                .replace(tunnel.clone())
                .filter(|previous| *previous != tunnel);
            self.effects.push_back(Effect::Role {
                tunnel: tunnel.clone(),
                role: Role::Active,
            });
            self.effects.push_back(Effect::Activated {
                tunnel,
                previous,
                cause,
            });
        }
    }

    /// Which tunnel the router sends traffic into: the best of those that serve, unless a dead one's routes
    /// are still in its way.
    fn carrying(&self) -> Option<&TunnelId> {
        let best = self.best_serving()?;
        let lingering = self
            .tunnels
            .values()
            .filter(|it| it.lingers())
            .filter_map(|it| it.held)
            .max();
        (self.tunnels[best].held > lingering).then_some(best)
    }

    fn best_serving(&self) -> Option<&TunnelId> {
        let serving = self.tunnels.iter().filter(|(_, it)| it.is_serving());
        serving
            .max_by_key(|(_, it)| it.held)
            .map(|(tunnel, _)| tunnel)
    }

    /// Why `tunnel` has the traffic, in words a person reads.
    fn reason_for(&self, tunnel: &TunnelId) -> String {
        let Some(previous) = &self.last_active else {
            return "first tunnel up".into();
        };
        if previous == tunnel {
            return "carries packets again".into();
        }
        match self.tunnels.get(previous) {
            Some(it) if it.is_serving() || it.push.is_some() => {
                format!("priority above {previous}")
            }
            Some(it) if !it.offline_cause.is_empty() => {
                format!("{previous} is offline: {}", it.offline_cause)
            }
            Some(_) | None => format!("{previous} is gone"),
        }
    }
}
