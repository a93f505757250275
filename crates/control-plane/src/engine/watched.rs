//! What is known of one site besides its place in the fleet, and who is told of it.

use std::{collections::BTreeMap, time::Instant};

use holdfast_api_types::{
    LinkEventKind, LinkState, OrganizationId, Place, Route, SiteId, TunnelId, TunnelRole,
    api::{Change, LiveEvent},
};
use holdfast_failover::{Monitor, MonitorEffect};
use holdfast_store::tunnel::Login;
use jiff::{SignedDuration, Timestamp};

use super::{
    health::Recorder,
    journal::{Entry, Page},
};
use crate::events::Bus;

/// What a connected tunnel holds, as its controller has reported it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TunnelHolds {
    /// The tunnel.
    pub tunnel: TunnelId,
    /// Its place on the ladder.
    pub place: Place,
    /// The routes of that place.
    pub routes: Vec<Route>,
}

/// Where what comes out of the desk goes.
pub(super) struct Outlets<'a> {
    pub(super) journal: &'a Page,
    pub(super) recorder: &'a Recorder,
    pub(super) bus: &'a Bus,
    pub(super) follower: &'a dyn Fn(&SiteId, &TunnelId, &LinkEventKind),
}

/// A site whose tunnels are watched.
pub(super) struct Watched {
    pub(super) organization: OrganizationId,
    pub(super) monitor: Monitor,
    pub(super) due: Option<Instant>,
    /// The order that the fleet was told.
    pub(super) order: Vec<TunnelId>,
    pub(super) holds: BTreeMap<TunnelId, TunnelHolds>,
    roles: BTreeMap<TunnelId, Option<TunnelRole>>,
    /// The time of what was told last.
    latest: Timestamp,
}

impl Watched {
    pub(super) fn new(organization: OrganizationId) -> Self {
        Self {
            organization,
            monitor: Monitor::default(),
            due: None,
            order: Vec::new(),
            holds: BTreeMap::new(),
            roles: BTreeMap::new(),
            latest: Timestamp::MIN,
        }
    }

    /// The time of something that we hear of so much later: not before what has been told already.
    pub(super) fn time_of(&self, age: SignedDuration, now: Timestamp) -> Timestamp {
        let at = now.checked_sub(age).unwrap_or(now);
        at.max(self.latest).min(now)
    }

    /// Keeps, writes and publishes what the monitor has no use for.
    pub(super) fn note(
        &mut self,
        site: &SiteId,
        tunnel: &TunnelId,
        kind: LinkEventKind,
        wall: Timestamp,
        outlets: &Outlets<'_>,
    ) {
        self.latest = wall;
        match kind {
            LinkEventKind::TunnelUp { remote, cipher, .. } => {
                let tunnel = tunnel.clone();
                let login = Login {
                    at: wall,
                    remote,
                    cipher,
                };
                outlets.journal.add(Entry::LoggedIn { tunnel, login });
            }
            LinkEventKind::TunnelDown { .. } => {
                if self.holds.remove(tunnel).is_some() {
                    self.publish_routes(site, tunnel, None, wall, outlets.journal);
                }
            }
            LinkEventKind::RoutesPushed { place, routes, .. } => {
                let holds = TunnelHolds {
                    tunnel: tunnel.clone(),
                    place,
                    routes,
                };
                self.publish_routes(site, tunnel, Some(&holds), wall, outlets.journal);
                self.holds.insert(tunnel.clone(), holds);
            }
            LinkEventKind::TunnelHealth(health) => {
                if outlets.recorder.record(tunnel, &health, wall) {
                    let change = Change::Health {
                        site: site.clone(),
                        tunnel: tunnel.clone(),
                        rtt_ms: health.rtt_ms,
                        jitter_ms: health.jitter_ms,
                        loss: health.loss,
                    };
                    let event = LiveEvent { at: wall, change };
                    outlets.bus.publish(&self.organization, event);
                }
            }
            LinkEventKind::LinkSuspect { .. }
            | LinkEventKind::LinkOffline { .. }
            | LinkEventKind::LinkRecovering { .. }
            | LinkEventKind::LinkFlapping { .. }
            | LinkEventKind::LinkSteady
            | LinkEventKind::LinkOnline
            | LinkEventKind::TunnelActive { .. }
            | LinkEventKind::SiteOffline => {}
        }
    }

    fn publish_routes(
        &self,
        site: &SiteId,
        tunnel: &TunnelId,
        holds: Option<&TunnelHolds>,
        at: Timestamp,
        journal: &Page,
    ) {
        let change = Change::Routes {
            site: site.clone(),
            tunnel: tunnel.clone(),
            place: holds.map(|it| it.place),
            routes: holds.map_or_else(Vec::new, |it| it.routes.clone()),
        };
        let organization = self.organization.clone();
        let event = LiveEvent { at, change };
        journal.add(Entry::News {
            organization,
            event,
        });
    }

    pub(super) fn tell(
        &mut self,
        site: &SiteId,
        effect: MonitorEffect,
        at: Timestamp,
        journal: &Page,
    ) {
        self.latest = at;
        let organization = self.organization.clone();
        let site = site.clone();
        journal.add(match effect {
            MonitorEffect::Link {
                tunnel,
                state,
                role,
                cause,
            } => {
                let role = Some(role).filter(|_| is_connected(state));
                let before = self.roles.insert(tunnel.clone(), role);
                Entry::Link {
                    organization,
                    site,
                    tunnel,
                    at,
                    state,
                    role,
                    role_changed: before != Some(role),
                    cause,
                }
            }
            MonitorEffect::FaultOpened { fault, cause } => Entry::FaultOpened {
                organization,
                site,
                fault,
                at,
                cause,
            },
            MonitorEffect::FaultUpdated { fault, cause } => Entry::FaultUpdated {
                organization,
                site,
                fault,
                at,
                cause,
            },
            MonitorEffect::FaultClosed { fault, cause } => Entry::FaultClosed {
                organization,
                site,
                fault,
                at,
                cause,
            },
        });
    }
}

fn is_connected(state: LinkState) -> bool {
    match state {
        LinkState::Online | LinkState::Degraded | LinkState::Recovering | LinkState::Unknown => {
            true
        }
        LinkState::Unconfigured | LinkState::NeverSeen | LinkState::Offline | LinkState::Off => {
            false
        }
    }
}
