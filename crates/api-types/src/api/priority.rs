use serde::{Deserialize, Serialize};

use super::Job;
use crate::{Place, Route, SiteId, TunnelId};

/// The order of a site's tunnels.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Priority {
    /// The site.
    pub site_id: SiteId,
    /// Counts up with every change; also the ETag of the order.
    pub version: u32,
    /// The tunnels, the primary first.
    pub tunnels: Vec<TunnelId>,
}

/// A whole new order.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SetPriority {
    /// Every tunnel of the site once, the primary first.
    #[cfg_attr(feature = "openapi", schema(max_items = 64))]
    pub tunnels: Vec<TunnelId>,
}

/// The job that carries a change out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Accepted {
    /// The job; `GET /jobs/{id}` follows it, and so do live events.
    pub job: Job,
}

/// What came of a priority job: its result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PriorityResult {
    /// The version of the order that was carried out.
    pub version: u32,
    /// The tunnels in that order.
    pub tunnels: Vec<TunnelResult>,
}

/// What a tunnel got by a priority job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TunnelResult {
    /// The tunnel.
    pub id: TunnelId,
    /// What people call it.
    pub name: String,
    /// Where it stands on the ladder, as its router acknowledged; null when it is not connected.
    pub place: Option<Place>,
    /// The routes that its router acknowledged.
    pub routes: Vec<Route>,
    /// Why it has none, or does not stand where its rank would put it; absent when all is as ordered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(example = "offline: closed by the router"))]
    pub reason: Option<String>,
}
