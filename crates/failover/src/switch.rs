//! The switch plan: which tunnel is re-pushed next, and to which place.

use std::collections::BTreeMap;

use holdfast_api_types::{Place, TunnelId};

/// One re-push.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The tunnel that gets other routes.
    pub tunnel: TunnelId,
    /// Its new place.
    pub place: Place,
}

/// The next re-push towards `order`.
pub fn next_step(_current: &BTreeMap<TunnelId, Place>, _order: &[TunnelId]) -> Option<Step> {
    None
}

/// The re-push that takes traffic from a dead tunnel at once.
pub fn emergency(_current: &BTreeMap<TunnelId, Place>, _order: &[TunnelId]) -> Option<Step> {
    None
}

/// The place of a tunnel that has just logged in.
pub fn admit(_current: &BTreeMap<TunnelId, Place>, order: &[TunnelId], tunnel: &TunnelId) -> Place {
    let rank = order
        .iter()
        .position(|t| t == tunnel)
        .unwrap_or(order.len());
    crate::ladder::canonical(order.len().max(rank + 1))[rank]
}
