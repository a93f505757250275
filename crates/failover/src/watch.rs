use std::time::{Duration, Instant};

use holdfast_api_types::Health;

use crate::{ProbeProfile, Role, stats::Stats};

/// What a [`Watch`] wants done, or has found out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Send an echo request with this sequence number into the tunnel, and report it with
    /// [`Watch::handle_probe_sent`].
    SendProbe(u16),
    /// Something about the tunnel's life; hand it to [`Site::handle_verdict`](crate::Site::handle_verdict).
    Verdict(Verdict),
}

/// What probes say about a tunnel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// A probe was answered.
    Answered,
    /// A probe has waited longer for its answer than is usual on this path.
    Missed,
    /// The tunnel is silent; nothing is decided yet.
    Suspect {
        /// In words a person reads.
        cause: String,
    },
    /// A suspected tunnel gave a sign of life.
    Cleared,
    /// The tunnel does not carry packets any more.
    Dead {
        /// In words a person reads.
        cause: String,
    },
}

/// Watches over one tunnel for the life of one connection.
pub struct Watch {
    profile: ProbeProfile,
    role: Role,
    stats: Stats,
}
impl Watch {
    /// Starts watching a tunnel that came up at `now`. The first probe is due at once.
    pub fn new(profile: ProbeProfile, now: Instant) -> Self {
        let _ = now;
        Self {
            profile,
            role: Role::Standby,
            stats: Stats::default(),
        }
    }
    /// A probe was handed to the tunnel.
    pub fn handle_probe_sent(&mut self, _seq: u16, _now: Instant) {}
    /// A probe's answer came in.
    pub fn handle_reply(&mut self, _seq: u16, _now: Instant) {}
    /// Any other authenticated packet came in from the peer.
    pub fn handle_traffic(&mut self, _now: Instant) {}
    /// The instant of [`Self::poll_timeout`] has come. Read what the sockets hold first.
    pub fn handle_timeout(&mut self, _now: Instant) {}
    /// Probe at the pace of `role` from now on.
    pub fn set_role(&mut self, role: Role, _now: Instant) {
        self.role = role;
    }
    /// Send a few probes quickly.
    pub fn burst(&mut self, _now: Instant) {}
    /// The next thing to do or to tell.
    pub fn poll_event(&mut self) -> Option<Event> {
        None
    }
    /// When to call [`Self::handle_timeout`], and why.
    pub fn poll_timeout(&self) -> Option<(Instant, &'static str)> {
        None
    }
    /// Smoothed round-trip time.
    pub fn rtt(&self) -> Option<Duration> {
        self.stats.rtt()
    }
    /// The profile in use.
    pub fn profile(&self) -> &ProbeProfile {
        &self.profile
    }
    /// Measurements since the last call.
    pub fn take_health(&mut self) -> Health {
        self.stats.take_window()
    }
}
