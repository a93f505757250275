use std::{cmp::Ordering, fmt, net::Ipv4Addr};

use serde::{Deserialize, Serialize};

/// RouterOS since 7.20 hangs when it is given more than about 32 routes; 30 leaves it air.
pub const MAX_ROUTES_PER_PUSH: usize = 30;

/// One route that a tunnel's router installs while the tunnel is up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Route {
    /// Network address, host bits zero.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = "ipv4", example = "128.0.0.0"))]
    pub network: Ipv4Addr,
    /// Prefix length, 0 to 32.
    pub prefix: u8,
    /// The ISP's gateway: user traffic leaves through it, not through the tunnel.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = "ipv4", example = "192.0.2.1"))]
    pub gateway: Ipv4Addr,
    /// Smaller is preferred among equal prefixes, where the router honours it.
    pub metric: u32,
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}/{} via {} metric {}",
            self.network, self.prefix, self.gateway, self.metric
        )
    }
}

/// Where a tunnel stands on the ladder: which routes it holds.
///
/// A higher rung means longer prefixes and wins on every router. Tunnels on one rung are told apart by
/// `step` (smaller is better), which only shows in the metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Place {
    /// 0 to 4: the prefix length of the pushed routes.
    pub rung: u8,
    /// 0 to 19, normally 10: order among tunnels that share a rung. On rung 0, below which there is
    /// nothing to run into, up to 99.
    pub step: u8,
}

impl Place {
    /// The metric of this place's routes: smaller for a better place, different for every two places.
    pub const fn metric(self) -> u32 {
        (5 - self.rung as u32) * 20 + self.step as u32
    }

    /// Whether a router prefers the routes of this place to those of `other`.
    pub fn better_than(self, other: Self) -> bool {
        self > other
    }
}

/// The better place is the greater one.
impl Ord for Place {
    fn cmp(&self, other: &Self) -> Ordering {
        self.rung.cmp(&other.rung).then(other.step.cmp(&self.step))
    }
}

impl PartialOrd for Place {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
