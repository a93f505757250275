//! Tunnels that are asked to go: for a moment, to come back with new details, or for good.

use std::time::{Duration, Instant};

use holdfast_api_types::TunnelId;

use super::{
    Effect, Site, Tunnel,
    decide::PUSH_DEADLINE,
    tunnel::{Settled, State},
};

/// How long a tunnel with the traffic that is to go for good waits for another to take it over.
const HANDOVER_WITHIN: Duration = Duration::from_secs(20);

/// How long the end of a connection may take before the next tunnel is asked to go.
const CLOSED_WITHIN: Duration = Duration::from_secs(5);

/// Why a tunnel is to go.
#[derive(Debug)]
pub(super) struct Departure {
    cause: String,
    comes_back: bool,
    since: Instant,
    asked_at: Option<Instant>,
}

impl Site {
    /// What these tunnels logged in with has changed: they are to reconnect. One after the other is asked to, the
    /// active one last.
    pub fn renew(&mut self, tunnels: &[TunnelId], cause: &str, now: Instant) {
        self.ask_to_go(tunnels, cause, true, now);
    }

    /// These tunnels may not stay: they are ranked last, and closed when another has their traffic or none can
    /// take it, one after the other. [`Self::set_order`] with one in the order lets it stay.
    pub fn withdraw(&mut self, tunnels: &[TunnelId], cause: &str, now: Instant) {
        self.ask_to_go(tunnels, cause, false, now);
    }

    /// Whether somebody is still to go.
    pub fn is_changing(&self) -> bool {
        self.tunnels.values().any(|it| it.departure.is_some())
    }

    fn ask_to_go(&mut self, tunnels: &[TunnelId], cause: &str, comes_back: bool, now: Instant) {
        for (tunnel, it) in &mut self.tunnels {
            let is_known = it
                .departure
                .as_ref()
                .is_some_and(|departure| departure.comes_back == comes_back);
            if !is_known && tunnels.contains(tunnel) && it.state != State::Down {
                it.departure = Some(Box::new(Departure {
                    cause: cause.into(),
                    comes_back,
                    since: now,
                    asked_at: None,
                }));
            }
        }
        let tunnels = &self.tunnels;
        self.order
            .sort_by_key(|tunnel| tunnels.get(tunnel).is_some_and(|it| it.is_leaving()));
        self.react(now);
    }

    /// While one goes the others wait for it.
    pub(super) fn departure_timeout(&self) -> Option<(Instant, &'static str)> {
        let departures = || self.tunnels.values().filter_map(|it| it.departure.as_ref());
        let asked = departures().filter_map(|it| it.asked_at).min();
        if let Some(at) = asked {
            return Some((at + CLOSED_WITHIN, "a connection should have ended"));
        }
        self.tunnels
            .values()
            .filter(|it| it.is_connected())
            .filter_map(|it| it.departure.as_ref())
            .map(|it| (it.since + HANDOVER_WITHIN, "a hand-over is overdue"))
            .min()
    }

    /// Asks the next tunnel to go, if its time has come.
    pub(super) fn see_off(&mut self, now: Instant) {
        self.tunnels
            .retain(|_, it| !(it.is_leaving() && it.state == State::Down));
        let tunnels = &self.tunnels;
        self.order.retain(|tunnel| tunnels.contains_key(tunnel));
        if self.tunnels.values().any(|it| it.is_going()) {
            return;
        }
        let Some(tunnel) = self.next_to_go(now).cloned() else {
            return;
        };
        let Some(it) = self.tunnels.get_mut(&tunnel) else {
            return;
        };
        let Some(cause) = it.ask(now) else { return };
        if it.is_serving()
            && it.comes_back()
            && let Some(place) = it.held
        {
            it.push(place, now, now + PUSH_DEADLINE);
        }
        self.effects.push_back(Effect::Reconnect { tunnel, cause });
    }

    fn next_to_go(&self, now: Instant) -> Option<&TunnelId> {
        let waiting = self
            .tunnels
            .iter()
            .filter(|(_, it)| it.is_connected() && it.is_to_be_asked());
        // The worse its place, the less it is missed.
        let (tunnel, it) = waiting.min_by_key(|(_, it)| (it.is_serving(), it.held))?;
        if !it.is_serving() {
            return Some(tunnel);
        }
        let is_quiet = self.tunnels.values().all(|it| it.push.is_none());
        let others = || {
            self.tunnels
                .iter()
                .filter(|(other, it)| *other != tunnel && !it.is_leaving())
        };
        let may_go = if self.active.as_ref() != Some(tunnel) {
            is_quiet
        } else if it.comes_back() {
            is_quiet && others().all(|(_, it)| !it.is_serving() || it.settled == Settled::Yes)
        } else {
            is_quiet && !others().any(|(_, it)| it.state == State::Online)
        };
        (may_go || it.is_overdue(now)).then_some(tunnel)
    }
}

impl Tunnel {
    /// It is to go for good.
    pub(super) fn is_leaving(&self) -> bool {
        self.departure.as_ref().is_some_and(|it| !it.comes_back)
    }

    fn comes_back(&self) -> bool {
        self.departure.as_ref().is_some_and(|it| it.comes_back)
    }

    /// It was asked to go, and has not gone yet.
    fn is_going(&self) -> bool {
        self.departure
            .as_ref()
            .is_some_and(|it| it.asked_at.is_some())
    }

    fn is_to_be_asked(&self) -> bool {
        self.departure
            .as_ref()
            .is_some_and(|it| it.asked_at.is_none())
    }

    fn is_overdue(&self, now: Instant) -> bool {
        let departure = self.departure.as_ref();
        departure.is_some_and(|it| it.since + HANDOVER_WITHIN <= now)
    }

    fn ask(&mut self, now: Instant) -> Option<String> {
        let departure = self.departure.as_mut()?;
        departure.asked_at = Some(now);
        Some(departure.cause.clone())
    }

    /// It may stay after all.
    pub(super) fn stay(&mut self) {
        self.departure.take_if(|it| !it.comes_back);
    }

    /// It has gone, or is about to log in again: what it was to come back for it gets.
    pub(super) fn remaining_departure(&mut self) -> Option<Box<Departure>> {
        self.departure.take().filter(|it| !it.comes_back)
    }

    /// Asks again where a connection has not ended.
    pub(super) fn expire_departure(&mut self, now: Instant) {
        if let Some(departure) = &mut self.departure
            && departure
                .asked_at
                .take_if(|at| *at + CLOSED_WITHIN <= now)
                .is_some()
        {
            departure.since = now;
        }
    }

    fn is_connected(&self) -> bool {
        self.is_up() || matches!(self.state, State::LoggingIn(_))
    }
}
