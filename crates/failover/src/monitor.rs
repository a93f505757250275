mod faults;
mod link;
mod quality;

use std::{
    collections::{BTreeMap, VecDeque},
    time::Instant,
};

use holdfast_api_types::{FaultType, LinkEventKind, LinkState, OverrideKind, TunnelId, TunnelRole};

use self::link::{Life, Link};
pub use self::{faults::FaultKey, quality::Targets};
use crate::order::{self, Standing};

/// Turns what happens to the tunnels of one site into link states with causes, and into faults.
///
/// It decides nothing: what a [`Site`](crate::Site) has decided comes in as [`LinkEventKind`]s, and what people are
/// to know comes out as [`MonitorEffect`]s. A fault is open as long as its condition holds, and one only; planned
/// closes, re-pushes and restarts open none, unless the tunnel stays away.
#[derive(Debug, Default)]
pub struct Monitor {
    /// In configured order.
    links: Vec<Link>,
    /// Which tunnel the site's traffic belongs to, as last told.
    active: Option<TunnelId>,
    open: BTreeMap<FaultKey, String>,
    effects: VecDeque<MonitorEffect>,
}

/// What people are to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MonitorEffect {
    /// A tunnel has another state or role.
    Link {
        /// The tunnel.
        tunnel: TunnelId,
        /// Its state now.
        state: LinkState,
        /// Its role now.
        role: TunnelRole,
        /// In words a person reads.
        cause: String,
    },
    /// Something is wrong since now.
    FaultOpened {
        /// Which fault.
        fault: FaultKey,
        /// In words a person reads.
        cause: String,
    },
    /// It is still wrong, for another reason.
    FaultUpdated {
        /// Which fault.
        fault: FaultKey,
        /// In words a person reads.
        cause: String,
    },
    /// It is over.
    FaultClosed {
        /// Which fault.
        fault: FaultKey,
        /// How it ended, in words a person reads.
        cause: String,
    },
}

/// One tunnel as configured.
#[derive(Debug, Clone, PartialEq)]
pub struct Configured {
    /// The tunnel.
    pub tunnel: TunnelId,
    /// What people call it.
    pub name: String,
    /// It may connect; otherwise, why not.
    pub admission: Admission,
    /// What an operator forces upon it, other than off.
    pub forced: Option<OverrideKind>,
    /// What it is to be like.
    pub targets: Targets,
}

/// Whether a tunnel may connect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Admission {
    /// It may.
    Open,
    /// It lacks a gateway or a connection type.
    Unconfigured,
    /// It may not, for this reason.
    Off(String),
}

/// What was stored of one tunnel before this process started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// The tunnel.
    pub tunnel: TunnelId,
    /// Its state.
    pub state: LinkState,
    /// Its role.
    pub role: TunnelRole,
    /// The state's cause.
    pub cause: String,
    /// It has been connected at some time.
    pub seen: bool,
}

impl Monitor {
    /// Goes on from what was stored. A tunnel that was up is `unknown` for a while, and offline only if it has not
    /// come back by then; what was broken is broken still. Follow with [`Self::configure`].
    pub fn restore(
        stored: impl IntoIterator<Item = Stored>,
        open: impl IntoIterator<Item = (FaultKey, String)>,
        now: Instant,
    ) -> Self {
        let open: BTreeMap<FaultKey, String> = open.into_iter().collect();
        let links = stored.into_iter().map(|stored| {
            let tunnel = stored.tunnel.clone();
            let was = |kind| {
                let tunnel = Some(tunnel.clone());
                open.contains_key(&FaultKey { tunnel, kind })
            };
            let degraded = was(FaultType::LinkDegraded);
            let flapping = was(FaultType::LinkFlapping);
            Link::restored(stored, degraded, flapping, now)
        });
        Self {
            links: links.collect(),
            open,
            ..Self::default()
        }
    }

    /// The tunnels of the site are these now, in this order. Faults of one that is gone end.
    pub fn configure(&mut self, tunnels: Vec<Configured>, now: Instant) {
        let mut old: BTreeMap<TunnelId, Link> = std::mem::take(&mut self.links)
            .into_iter()
            .map(|link| (link.tunnel().clone(), link))
            .collect();
        for configured in tunnels {
            let link = match old.remove(&configured.tunnel) {
                Some(mut link) => {
                    link.configure(configured, now);
                    link
                }
                None => Link::new(configured),
            };
            self.links.push(link);
        }
        self.active.take_if(|active| old.contains_key(active));
        self.evaluate();
    }

    /// Something happened to a tunnel of the site.
    pub fn handle_event(&mut self, tunnel: &TunnelId, kind: &LinkEventKind, now: Instant) {
        let Some(link) = self.links.iter_mut().find(|it| it.tunnel() == tunnel) else {
            return;
        };
        if let LinkEventKind::TunnelHealth(health) = kind {
            if !link.measured(health, now) {
                return;
            }
        } else {
            link.handle_event(kind, now);
        }
        if let LinkEventKind::TunnelActive { cause, .. } = kind {
            self.active = Some(tunnel.clone());
            let cause = self.named(cause);
            if let Some(link) = self.link_mut(tunnel) {
                link.activation = cause;
            }
        }
        self.evaluate();
    }

    /// The controller that holds these tunnels does not answer; they may well be up.
    pub fn controller_lost(&mut self, tunnels: &[TunnelId], cause: &str) {
        for link in &mut self.links {
            if tunnels.contains(link.tunnel()) {
                link.lose_sight(cause);
            }
        }
        self.evaluate();
    }

    /// The controller answers again, and still holds these tunnels. Tell of those that it has lost as down.
    pub fn controller_back(&mut self, tunnels: &[TunnelId], now: Instant) {
        for link in &mut self.links {
            if tunnels.contains(link.tunnel()) {
                link.regain_sight(now);
            }
        }
        self.evaluate();
    }

    /// The instant of [`Self::poll_timeout`] has come.
    pub fn handle_timeout(&mut self, now: Instant) {
        let mut changed = false;
        for link in &mut self.links {
            changed |= link.expire(now);
        }
        if changed {
            self.evaluate();
        }
    }

    /// When to call [`Self::handle_timeout`].
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.links.iter().filter_map(Link::timeout).min()
    }

    /// The next thing to tell.
    pub fn poll_effect(&mut self) -> Option<MonitorEffect> {
        self.effects.pop_front()
    }

    /// The order that counts, best first: see [`order::effective`].
    pub fn order(&self) -> Vec<TunnelId> {
        self.ranked(Link::is_degraded)
    }

    /// The state and role of every tunnel, in configured order.
    pub fn links(&self) -> impl Iterator<Item = (&TunnelId, LinkState, TunnelRole, &str)> {
        self.links.iter().map(|link| {
            (
                link.tunnel(),
                link.told.state,
                link.told.role,
                link.told.cause.as_str(),
            )
        })
    }

    /// The faults that are open.
    pub fn open_faults(&self) -> impl Iterator<Item = &FaultKey> {
        self.open.keys()
    }

    fn ranked(&self, degraded: impl Fn(&Link) -> bool) -> Vec<TunnelId> {
        order::effective(
            self.links
                .iter()
                .filter(|link| link.configured.admission == Admission::Open)
                .map(|link| {
                    let standing = Standing {
                        forced: link.configured.forced,
                        degraded: degraded(link),
                    };
                    (link.tunnel().clone(), standing)
                }),
        )
    }

    // --- after every input ------------------------------------------------------------------

    fn evaluate(&mut self) {
        let links = &self.links;
        self.active.take_if(|active| {
            let mut active = links.iter().filter(|it| it.tunnel() == active);
            active.any(Link::has_lost_traffic)
        });
        for link in &mut self.links {
            let is_active = self.active.as_ref() == Some(link.tunnel());
            let role = if is_active && link.may_be_active() {
                TunnelRole::Active
            } else {
                TunnelRole::Standby
            };
            self.effects.extend(link.tell(role));
        }
        self.settle_faults();
    }

    fn link(&self, tunnel: &TunnelId) -> Option<&Link> {
        self.links.iter().find(|link| link.tunnel() == tunnel)
    }

    fn link_mut(&mut self, tunnel: &TunnelId) -> Option<&mut Link> {
        self.links.iter_mut().find(|link| link.tunnel() == tunnel)
    }

    /// What people call a tunnel; none when the site has no such tunnel.
    pub fn name(&self, tunnel: &TunnelId) -> Option<&str> {
        let link = self.links.iter().find(|link| link.tunnel() == tunnel)?;
        Some(&link.configured.name)
    }

    /// People know tunnels by their names; what decides knows their ids.
    fn named(&self, text: &str) -> String {
        self.links.iter().fold(text.to_owned(), |text, link| {
            text.replace(link.tunnel().as_str(), &link.configured.name)
        })
    }

    fn is_offline(&self) -> bool {
        let is_gone =
            |link: &Link| !matches!(link.told.state, LinkState::Unknown) && !link.may_be_active();
        self.links
            .iter()
            .any(|link| link.told.state == LinkState::Offline)
            && self.links.iter().all(is_gone)
    }

    fn first(&self) -> Option<&Link> {
        let first = self.ranked(|_| false).into_iter().next()?;
        self.link(&first)
    }
}

impl Link {
    fn is_degraded(&self) -> bool {
        self.life == Life::Online && self.quality.is_bad()
    }
}
