use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use holdfast_api_types::{Place, TunnelId};

use crate::{Role, Verdict};

/// Clean probing that a tunnel must show before it may be ranked by its priority again.
pub const RETURN_AFTER: Duration = Duration::from_secs(3);

/// What a [`Site`] wants done, or has to tell.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Give the tunnel the routes of `place`. A client that understands PUSH_UPDATE is updated in place
    /// (then call [`Site::routes_applied`]). Any other has its connection closed (then call
    /// [`Site::tunnel_down`] as planned) and gets the place from [`Site::tunnel_authorized`] when it redials.
    Push {
        /// The tunnel to re-push.
        tunnel: TunnelId,
        /// Its new place.
        place: Place,
    },
    /// Call [`Watch::burst`](crate::Watch::burst): the tunnel may soon be needed.
    Burst {
        /// The tunnel to probe.
        tunnel: TunnelId,
    },
    /// Close the connection of a dead tunnel, so that its router redials as soon as it can.
    Disconnect {
        /// The dead tunnel.
        tunnel: TunnelId,
        /// In words a person reads.
        cause: String,
    },
    /// Call [`Watch::set_role`](crate::Watch::set_role).
    Role {
        /// The tunnel whose role changed.
        tunnel: TunnelId,
        /// Its role now.
        role: Role,
    },
    /// The site's traffic now belongs to this tunnel.
    Activated {
        /// Which tunnel has it.
        tunnel: TunnelId,
        /// Which tunnel had it before.
        previous: Option<TunnelId>,
        /// In words a person reads.
        cause: String,
    },
    /// Probes are being missed; nothing is decided yet.
    Suspect {
        /// The silent tunnel.
        tunnel: TunnelId,
        /// In words a person reads.
        cause: String,
    },
    /// The tunnel carries packets again, but is held before it is ranked by its priority.
    Recovering {
        /// The returning tunnel.
        tunnel: TunnelId,
        /// Clean probing still wanted.
        hold: Duration,
    },
    /// The tunnel is good to carry traffic.
    Online {
        /// The tunnel.
        tunnel: TunnelId,
    },
    /// The tunnel does not carry packets any more and may not be active.
    Offline {
        /// The tunnel.
        tunnel: TunnelId,
        /// In words a person reads.
        cause: String,
    },
    /// No tunnel of the site is alive.
    SiteOffline {
        /// The last one that was.
        tunnel: TunnelId,
    },
}

/// One site.
pub struct Site {
    order: Vec<TunnelId>,
    effects: VecDeque<Effect>,
}
impl Site {
    /// A site whose tunnels rank in this order, best first. None is connected yet.
    pub fn new(order: Vec<TunnelId>, _now: Instant) -> Self {
        Self {
            order,
            effects: VecDeque::new(),
        }
    }
    /// The operator changed the order; tunnels that are not in it are forgotten.
    pub fn set_order(&mut self, order: Vec<TunnelId>, _now: Instant) {
        self.order = order;
    }
    /// A tunnel has logged in: the place to push in the answer.
    pub fn tunnel_authorized(&mut self, tunnel: &TunnelId, _now: Instant) -> Place {
        crate::switch::admit(&std::collections::BTreeMap::new(), &self.order, tunnel)
    }
    /// The router has been given its routes.
    pub fn tunnel_up(&mut self, _tunnel: &TunnelId, _now: Instant) {}
    /// The tunnel's connection is gone.
    pub fn tunnel_down(&mut self, _tunnel: &TunnelId, _planned: bool, _cause: &str, _now: Instant) {
    }
    /// An in-place update with the place of the last [`Effect::Push`] was sent.
    pub fn routes_applied(&mut self, _tunnel: &TunnelId, _now: Instant) {}
    /// The tunnel's [`Watch`](crate::Watch) has found out something.
    pub fn handle_verdict(&mut self, _tunnel: &TunnelId, _verdict: Verdict, _now: Instant) {}
    /// The instant of [`Self::poll_timeout`] has come.
    pub fn handle_timeout(&mut self, _now: Instant) {}
    /// The next thing to do or to tell.
    pub fn poll_effect(&mut self) -> Option<Effect> {
        self.effects.pop_front()
    }
    /// When to call [`Self::handle_timeout`], and why.
    pub fn poll_timeout(&self) -> Option<(Instant, &'static str)> {
        None
    }
    /// Which tunnel the site's traffic belongs to.
    pub fn active(&self) -> Option<&TunnelId> {
        None
    }
    /// What the tunnel is for at the moment.
    pub fn role(&self, _tunnel: &TunnelId) -> Role {
        Role::Standby
    }
    /// Where the tunnel stands, while it is up.
    pub fn place(&self, _tunnel: &TunnelId) -> Option<Place> {
        None
    }
}
