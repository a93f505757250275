use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Label, Number, Text, Tunnel};
use crate::{LinkState, Place, Route, SiteId, SiteState, TunnelId, TunnelRole};

/// Longest note of a site in characters.
pub const NOTE_MAX: usize = 2_000;

/// Seconds a tunnel must be steady before it may carry traffic again.
pub type HoldSeconds = Number<3, 3_600>;

/// A site: one router with several internet connections.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Site {
    /// Its id.
    pub id: SiteId,
    /// What people call it; no other site of the organization has the name.
    #[cfg_attr(feature = "openapi", schema(example = "Head office"))]
    pub name: String,
    /// What people want to remember of it.
    pub note: String,
    /// Whether failover is enabled: its tunnels may connect.
    pub failover_enabled: bool,
    /// Seconds a tunnel must be steady before it may carry traffic again.
    #[cfg_attr(feature = "openapi", schema(example = 30))]
    pub hold_s: u32,
    /// When it was made.
    pub created_at: Timestamp,
    /// How it is doing now.
    pub status: SiteStatus,
}

/// How a site is doing, in the outline that a list shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SiteStatus {
    /// The site as a whole.
    pub state: SiteState,
    /// The tunnel that carries the traffic; null when none does.
    pub active: Option<TunnelId>,
    /// Since when traffic has left through a backup; null when it does not.
    pub on_backup_since: Option<Timestamp>,
    /// How many faults go on.
    pub open_faults: u32,
    /// The tunnels in the configured order, the primary first.
    pub tunnels: Vec<TunnelOutline>,
}

/// A tunnel in the outline of its site.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TunnelOutline {
    /// The tunnel.
    pub id: TunnelId,
    /// What people call it.
    #[cfg_attr(feature = "openapi", schema(example = "Fibre"))]
    pub name: String,
    /// What is known of its connection.
    pub state: LinkState,
    /// What it is for; null while it is not connected.
    pub role: Option<TunnelRole>,
}

/// A site to make.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NewSite {
    /// What people call it; no other site of the organization has the name.
    pub name: Label,
    /// What people want to remember of it.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = String, max_length = 2000))]
    pub note: Text<NOTE_MAX>,
    /// Seconds a tunnel must be steady before it may carry traffic again. Left out: 30.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<u32>, minimum = 3, maximum = 3600))]
    pub hold_s: Option<HoldSeconds>,
}

/// What to change about a site; what is absent stays.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChangeSite {
    /// What people call it; no other site of the organization has the name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Label>,
    /// What people want to remember of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, max_length = 2000))]
    pub note: Option<Text<NOTE_MAX>>,
    /// Seconds a tunnel must be steady before it may carry traffic again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<u32>, minimum = 3, maximum = 3600))]
    pub hold_s: Option<HoldSeconds>,
}

/// How failover of a site stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FailoverStatus {
    /// The site.
    pub site_id: SiteId,
    /// Whether its tunnels may connect.
    pub enabled: bool,
    /// The tunnel that carries the traffic; null when none does.
    pub active: Option<TunnelId>,
    /// The tunnels in the configured order, the primary first.
    pub tunnels: Vec<TunnelStatus>,
}

/// How one tunnel of a site stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TunnelStatus {
    /// The tunnel.
    pub id: TunnelId,
    /// What people call it.
    #[cfg_attr(feature = "openapi", schema(example = "Fibre"))]
    pub name: String,
    /// Its place in the configured order: 0 is the primary.
    pub rank: u32,
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
    /// Where it stands on the ladder, as its router acknowledged; null while it is not connected.
    pub place: Option<Place>,
    /// The routes that its router was given; empty while it is not connected.
    pub routes: Vec<Route>,
}

/// What deactivating failover of a site would remove, and the confirmation with which it is done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Deactivation {
    /// Send it as `confirmation` to `DELETE /sites/{id}/failover`. It is good for this list only.
    pub confirmation: String,
    /// Until when it is good.
    pub expires_at: Timestamp,
    /// The tunnels that will be disconnected and removed with their passwords and measurements. Their history and
    /// their faults stay.
    pub tunnels: Vec<Tunnel>,
}
