//! What a tunnel is in Rust.

use std::net::SocketAddr;

use holdfast_api_types::{
    ConnectionType, LinkState, OrganizationId, OverrideKind, ProfileName, SessionPolicy, SiteId,
    TunnelId, TunnelRole, api::Gateway,
};
use jiff::Timestamp;

use crate::Sha256;

/// One internet connection of a site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tunnel {
    /// Its id, which is also the user name its router logs in with.
    pub id: TunnelId,
    /// The organization of its site.
    pub organization_id: OrganizationId,
    /// The site.
    pub site_id: SiteId,
    /// Its place in the order of the site: 0 is the primary, and there are no gaps.
    pub rank: u32,
    /// Which of the controller's addresses it dials, from 0; no other tunnel of its site has the same.
    pub slot: u32,
    /// Which of the tunnel networks is its own.
    pub address_index: u32,
    /// Counts up with every change of `settings`.
    pub version: u32,
    /// When it was made.
    pub created_at: Timestamp,
    /// What operators configure.
    pub settings: Settings,
    /// What an operator forces upon it.
    pub forced: Option<Override>,
    /// What is known of its connection.
    pub link: Link,
    /// Its last log-in.
    pub last_login: Option<Login>,
}

/// What operators configure of a tunnel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// What people call it.
    pub name: String,
    /// The router's interface it leaves through.
    pub interface: Option<String>,
    /// The ISP's gateway, as the router sees it.
    pub gateway: Option<Gateway>,
    /// How the connection reaches the site.
    pub connection_type: Option<ConnectionType>,
    /// Whether its traffic costs money.
    pub metered: bool,
    /// Whether it may connect.
    pub enabled: bool,
    /// The ISP.
    pub provider: Option<String>,
    /// Target: the round trip at most, in milliseconds.
    pub sla_latency_ms: Option<u32>,
    /// Target: the jitter at most, in milliseconds.
    pub sla_jitter_ms: Option<u32>,
    /// Target: lost probes at most, in parts per million.
    pub sla_loss_ppm: Option<u32>,
    /// How it is probed; `None` follows from the connection type and from `metered`.
    pub probe_profile: Option<ProfileName>,
    /// What happens to live connections when traffic leaves it.
    pub policy_failover: SessionPolicy,
    /// What happens to live connections when traffic returns to it.
    pub policy_failback: SessionPolicy,
    /// Minutes of [`SessionPolicy::Drain`].
    pub drain_min: u32,
}

impl Settings {
    /// What a tunnel lacks before it may connect, in words; `None` when it has all.
    pub fn missing(&self) -> Option<&'static str> {
        match (&self.gateway, self.connection_type) {
            (None, None) => Some("gateway and no connection type"),
            (None, Some(_)) => Some("gateway"),
            (Some(_), None) => Some("connection type"),
            (Some(_), Some(_)) => None,
        }
    }
}

/// What an operator forces upon a tunnel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Override {
    /// What.
    pub kind: OverrideKind,
    /// Why, in the operator's words.
    pub reason: String,
    /// Who, by name.
    pub by: String,
    /// Since when.
    pub at: Timestamp,
    /// Until when; `None` until it is taken back.
    pub expires_at: Option<Timestamp>,
}

/// What is known of a tunnel's connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The state.
    pub state: LinkState,
    /// Why, in words a person reads.
    pub cause: String,
    /// Since when.
    pub since: Timestamp,
    /// What it is for; `None` while it is not connected.
    pub role: Option<TunnelRole>,
}

/// A log-in of a tunnel's router.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// When.
    pub at: Timestamp,
    /// The router's address as the controller saw it.
    pub remote: SocketAddr,
    /// Data channel cipher, in OpenVPN's spelling.
    pub cipher: String,
}

/// The password of a tunnel, in the two forms we keep.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// Encrypted, for the profile download.
    pub sealed: Vec<u8>,
    /// Its digest, for log-ins.
    pub sha256: Sha256,
}

/// A tunnel to be made.
#[derive(Clone, PartialEq, Eq)]
pub struct NewTunnel {
    /// Its id.
    pub id: TunnelId,
    /// The organization of its site.
    pub organization_id: OrganizationId,
    /// The site.
    pub site_id: SiteId,
    /// What operators configure.
    pub settings: Settings,
    /// Its password.
    pub credentials: Credentials,
    /// When it is made.
    pub created_at: Timestamp,
    /// What is known of its connection at first.
    pub link: Link,
}

/// All that a log-in depends on besides the tunnels of the site.
#[derive(Clone, PartialEq, Eq)]
pub struct LoginCheck {
    /// The site.
    pub site_id: SiteId,
    /// Digest of the password.
    pub password_sha256: Sha256,
    /// Whether tunnels of the site may connect.
    pub failover_enabled: bool,
    /// Seconds a tunnel must be steady before it may carry traffic again.
    pub hold_s: u32,
}

/// All columns of an override are set, or none is.
pub(super) fn forced(
    kind: Option<OverrideKind>,
    reason: Option<String>,
    by: Option<String>,
    at: Option<Timestamp>,
    expires_at: Option<Timestamp>,
) -> Option<Override> {
    Some(Override {
        kind: kind?,
        reason: reason?,
        by: by?,
        at: at?,
        expires_at,
    })
}

pub(super) fn last_login(
    at: Option<Timestamp>,
    remote: Option<SocketAddr>,
    cipher: Option<String>,
) -> Option<Login> {
    Some(Login {
        at: at?,
        remote: remote?,
        cipher: cipher?,
    })
}
