use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{LinkState, TunnelId, TunnelRole};

/// A change of what is known of a tunnel's connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StateChange {
    /// When.
    pub at: Timestamp,
    /// The state from then on.
    pub state: LinkState,
    /// The role from then on; null while it is not connected.
    pub role: Option<TunnelRole>,
    /// Why, in words.
    #[cfg_attr(
        feature = "openapi",
        schema(example = "4 of 5 probes lost since 10:32:07Z")
    )]
    pub cause: String,
}

/// Measurements of a tunnel over some time, as columns of one length. Each point stands for `step_s` seconds from its
/// time on. Where nothing was measured a column has null: a gap, and no zero.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HealthSeries {
    /// The tunnel.
    pub tunnel_id: TunnelId,
    /// How exactly the tunnel was measured then.
    pub resolution: Resolution,
    /// Seconds from point to point: a whole number of what `resolution` says.
    #[cfg_attr(feature = "openapi", schema(example = 60))]
    pub step_s: u64,
    /// When each point begins.
    pub at: Vec<Timestamp>,
    /// Probes sent.
    pub probes: Vec<Option<u64>>,
    /// Lost probes in percent of those sent.
    pub loss_percent: Vec<Option<f64>>,
    /// Shortest round trip in milliseconds.
    pub rtt_min_ms: Vec<Option<f64>>,
    /// Mean round trip in milliseconds.
    pub rtt_avg_ms: Vec<Option<f64>>,
    /// Longest round trip in milliseconds.
    pub rtt_max_ms: Vec<Option<f64>>,
    /// Jitter in milliseconds.
    pub jitter_ms: Vec<Option<f64>>,
    /// Bits per second that the router received through the WAN interface; null where it was not asked.
    pub rx_bits_per_s: Vec<Option<u64>>,
    /// Bits per second that it sent.
    pub tx_bits_per_s: Vec<Option<u64>>,
}

/// How exactly measurements were kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Resolution {
    /// Second by second: the last two days.
    Second,
    /// Minute by minute: the last 90 days.
    Minute,
    /// Hour by hour: the last three years.
    Hour,
}
