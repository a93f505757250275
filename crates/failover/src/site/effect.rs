use std::time::Duration;

use holdfast_api_types::{Place, TunnelId};

use crate::Role;

/// What a [`Site`](crate::Site) wants done, or has to tell.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Give the tunnel the routes of `place`. A client that understands PUSH_UPDATE is updated in place
    /// (then call [`Site::routes_applied`](crate::Site::routes_applied)). Any other has its connection closed (then call
    /// [`Site::tunnel_down`](crate::Site::tunnel_down) as planned) and gets the place from [`Site::tunnel_authorized`](crate::Site::tunnel_authorized) when it redials.
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
    /// Close the connection of a living tunnel, as planned.
    Reconnect {
        /// The tunnel.
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
        /// How long it is held, if all stays well.
        hold: Duration,
    },
    /// The tunnel has dropped so often lately that its returns are held longer and longer.
    Flapping {
        /// The tunnel.
        tunnel: TunnelId,
        /// For how long its next return will be held.
        hold: Duration,
    },
    /// The tunnel has stayed for the whole of such a hold.
    Steady {
        /// The tunnel.
        tunnel: TunnelId,
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
