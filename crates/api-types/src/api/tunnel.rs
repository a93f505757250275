use std::net::{Ipv4Addr, SocketAddr};

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};

use super::{Gateway, InterfaceName, Label, LossPercent, Moment, Number, Patch, Secret, Words};
use crate::{
    ConnectionType, LinkState, OverrideKind, ProfileName, SessionPolicy, SiteId, TunnelId,
    TunnelRole,
};

/// A target in milliseconds.
pub type TargetMillis = Number<1, 60_000>;

/// Minutes of the policy `drain`: up to a day.
pub type DrainMinutes = Number<1, 1_440>;

/// Longest reason of an override in characters.
pub const REASON_MAX: usize = 500;

/// Fewest and most tunnels of a site on which failover is enabled.
pub const TUNNELS_OF_A_SITE: std::ops::RangeInclusive<usize> = 2..=8;

/// A WAN tunnel: one internet connection of a site.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Tunnel {
    /// Its id, which is also the user name its router logs in with.
    pub id: TunnelId,
    /// The site.
    pub site_id: SiteId,
    /// What people call it; no other tunnel of the site has the name.
    #[cfg_attr(feature = "openapi", schema(example = "Fibre"))]
    pub name: String,
    /// Its place in the configured order: 0 is the primary.
    pub rank: u32,
    /// Which of the controller's addresses it dials: 1 is the first. It stays when the order changes.
    #[cfg_attr(feature = "openapi", schema(minimum = 1, example = 1))]
    pub slot: u32,
    /// The router's interface it leaves through.
    #[cfg_attr(feature = "openapi", schema(example = "ether1"))]
    pub interface: Option<String>,
    /// The ISP's gateway as the router sees it: an address, or the name of an interface with one far end.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, example = "192.0.2.1"))]
    pub gateway: Option<Gateway>,
    /// How the connection reaches the site.
    pub connection_type: Option<ConnectionType>,
    /// Whether its traffic costs money.
    pub metered: bool,
    /// Whether it may connect.
    pub enabled: bool,
    /// The ISP.
    #[cfg_attr(feature = "openapi", schema(example = "Example Telecom"))]
    pub provider: Option<String>,
    /// Target: the round trip at most, in milliseconds.
    pub sla_latency_ms: Option<u32>,
    /// Target: the jitter at most, in milliseconds.
    pub sla_jitter_ms: Option<u32>,
    /// Target: lost probes at most, in percent.
    pub sla_loss_percent: Option<LossPercent>,
    /// How it is probed, as configured; null follows from `connection_type` and `metered`.
    pub probe_profile: Option<ProfileName>,
    /// How it is probed, and what that costs.
    pub probing: Probing,
    /// What happens to live connections when traffic leaves it because it failed.
    pub policy_failover: SessionPolicy,
    /// What happens to live connections when traffic returns to it.
    pub policy_failback: SessionPolicy,
    /// Minutes of the policy `drain`; null while no policy is `drain`.
    pub drain_min: Option<u32>,
    /// What an operator forces upon it.
    #[serde(rename = "override")]
    pub forced: Option<Override>,
    /// What is known of its connection.
    pub state: LinkState,
    /// Why, in words.
    #[cfg_attr(
        feature = "openapi",
        schema(example = "answers every probe since 10:32:07Z")
    )]
    pub cause: String,
    /// Since when.
    pub since: Timestamp,
    /// What it is for; null while it is not connected.
    pub role: Option<TunnelRole>,
    /// The last log-in of its router.
    pub last_login: Option<LastLogin>,
    /// The router's address inside the tunnel.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = "ipv4", example = "198.18.0.2"))]
    pub address: Ipv4Addr,
    /// Counts up with every change of the configuration; also the ETag of the tunnel.
    pub version: u32,
    /// When it was made.
    pub created_at: Timestamp,
}

/// How a tunnel is probed, and what that costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Probing {
    /// The profile that is in force.
    pub profile: ProfileName,
    /// Bytes of its probes in 30 days while it carries the traffic, both directions, as the ISP counts them.
    #[cfg_attr(feature = "openapi", schema(example = 85017600))]
    pub active_bytes_per_month: u64,
    /// The same while it is a standby.
    #[cfg_attr(feature = "openapi", schema(example = 28339200))]
    pub standby_bytes_per_month: u64,
}

/// What an operator forces upon a tunnel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Override {
    /// What.
    pub kind: OverrideKind,
    /// Why.
    #[cfg_attr(
        feature = "openapi",
        schema(example = "the provider works on the line")
    )]
    pub reason: String,
    /// Who, by name.
    #[cfg_attr(feature = "openapi", schema(example = "ann@example.org"))]
    pub by: String,
    /// Since when.
    pub at: Timestamp,
    /// Until when; null until it is taken back.
    pub expires_at: Option<Timestamp>,
}

/// A log-in of a tunnel's router.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LastLogin {
    /// When.
    pub at: Timestamp,
    /// The router's address as the controller saw it.
    #[cfg_attr(feature = "openapi", schema(value_type = String, example = "203.0.113.9:40112"))]
    pub remote: SocketAddr,
    /// Data channel cipher, in OpenVPN's spelling.
    #[cfg_attr(feature = "openapi", schema(example = "AES-256-GCM"))]
    pub cipher: String,
}

/// The configuration of a tunnel, to add one or to change one: what is left out stays, and null clears.
///
/// A tunnel stays `unconfigured` until it has a gateway and a connection type.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ConfigureTunnel {
    /// What people call it; no other tunnel of the site has the name. A new tunnel without one is called `WAN` and a
    /// number.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    pub name: Option<Label>,
    /// The router's interface it leaves through, spelled as the router does.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<InterfaceName>))]
    pub interface: Patch<InterfaceName>,
    /// The ISP's gateway as the router sees it: an address or, on a router that was adopted, the name of an interface
    /// with one far end.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, min_length = 1, max_length = 64, example = "192.0.2.1"))]
    pub gateway: Patch<Gateway>,
    /// How the connection reaches the site.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<ConnectionType>))]
    pub connection_type: Patch<ConnectionType>,
    /// Whether its traffic costs money.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    pub metered: Option<bool>,
    /// Whether it may connect.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    pub enabled: Option<bool>,
    /// The ISP.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Label>))]
    pub provider: Patch<Label>,
    /// Target: the round trip at most, in milliseconds.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<u32>, minimum = 1, maximum = 60000))]
    pub sla_latency_ms: Patch<TargetMillis>,
    /// Target: the jitter at most, in milliseconds.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<u32>, minimum = 1, maximum = 60000))]
    pub sla_jitter_ms: Patch<TargetMillis>,
    /// Target: lost probes at most, in percent.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<LossPercent>))]
    pub sla_loss_percent: Patch<LossPercent>,
    /// How it is probed; null follows from `connection_type` and `metered`.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<ProfileName>))]
    pub probe_profile: Patch<ProfileName>,
    /// What happens to live connections when traffic leaves it because it failed.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    pub policy_failover: Option<SessionPolicy>,
    /// What happens to live connections when traffic returns to it.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    pub policy_failback: Option<SessionPolicy>,
    /// Minutes of the policy `drain`, which needs them.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<u32>, minimum = 1, maximum = 1440))]
    pub drain_min: Patch<DrainMinutes>,
}

/// A value that may be left out and, if it is there, is no null.
fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// What to force upon a tunnel.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SetOverride {
    /// What.
    pub kind: OverrideKind,
    /// Why: whoever finds it later wants to know.
    #[cfg_attr(feature = "openapi", schema(value_type = String, min_length = 1, max_length = 500, example = "the provider works on the line"))]
    pub reason: Words<REASON_MAX>,
    /// Until when, at most 90 days from now. Left out: until it is taken back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Moment>,
}

/// A new password of a tunnel.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Credentials {
    /// The tunnel's id.
    pub username: TunnelId,
    /// The password; the profile shows it as well.
    pub password: Secret,
}
