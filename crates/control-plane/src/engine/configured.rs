//! What the rows of a site mean for the fleet and for its monitor.

use std::{net::Ipv4Addr, time::Duration};

use holdfast_api_types::{
    OrganizationId, OverrideKind, ProfileName, SiteId, TunnelId, api::Gateway,
};
use holdfast_failover::{Admission, Configured, Hold, ProbeProfile, Targets, addresses};
use holdfast_store::{
    Connection, Sha256, StoreError, router,
    site::Site,
    tunnel::{self, LoginCheck, Override, Tunnel},
};

/// What a tunnel gets besides its place. When the store says something else it has to log in again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Details {
    pub(super) gateway: Ipv4Addr,
    pub(super) profile: ProfileName,
    pub(super) address_index: u32,
}

/// What a connected tunnel has logged in with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LoggedIn {
    pub(super) details: Details,
    pub(super) password_sha256: Sha256,
}

/// A site as the store says it is to be.
#[derive(Debug, Clone)]
pub(super) struct Desired {
    pub(super) organization: OrganizationId,
    pub(super) hold: Hold,
    /// In configured order.
    pub(super) tunnels: Vec<DesiredTunnel>,
}

#[derive(Debug, Clone)]
pub(super) struct DesiredTunnel {
    pub(super) configured: Configured,
    /// None while it may not connect.
    pub(super) details: Option<Details>,
}

/// The tunnels of a site in its order. Once its router is configured by us, each has the virtual next hop of its slot for
/// a gateway: the router knows where that leads.
pub(super) async fn tunnels_of(
    conn: &mut Connection,
    site: &SiteId,
) -> Result<Vec<Tunnel>, StoreError> {
    let mut tunnels = tunnel::of_site(conn, site).await?;
    let router = router::of_site(conn, site).await?;
    if router.is_some_and(|router| router.configured) {
        for tunnel in &mut tunnels {
            let slot = u8::try_from(tunnel.slot + 1).unwrap_or(u8::MAX);
            let next_hop = Gateway::Address(addresses::virtual_next_hop(slot));
            tunnel.settings.gateway = tunnel.settings.gateway.take().map(|_| next_hop);
        }
    }
    Ok(tunnels)
}

impl Desired {
    pub(super) fn of(organization: OrganizationId, site: SiteTerms, tunnels: Vec<Tunnel>) -> Self {
        Self {
            organization,
            hold: Hold::growing(Duration::from_secs(site.hold_s.into())),
            tunnels: tunnels
                .into_iter()
                .map(|tunnel| DesiredTunnel::of(site, tunnel))
                .collect(),
        }
    }

    pub(super) fn tunnel(&self, id: &TunnelId) -> Option<&DesiredTunnel> {
        self.tunnels
            .iter()
            .find(|tunnel| tunnel.configured.tunnel == *id)
    }
}

/// What counts of a site besides its tunnels.
#[derive(Debug, Clone, Copy)]
pub(super) struct SiteTerms {
    pub(super) failover_enabled: bool,
    pub(super) hold_s: u32,
}

impl From<&Site> for SiteTerms {
    fn from(site: &Site) -> Self {
        Self {
            failover_enabled: site.failover_enabled,
            hold_s: site.hold_s,
        }
    }
}

impl From<&LoginCheck> for SiteTerms {
    fn from(check: &LoginCheck) -> Self {
        Self {
            failover_enabled: check.failover_enabled,
            hold_s: check.hold_s,
        }
    }
}

impl DesiredTunnel {
    fn of(site: SiteTerms, tunnel: Tunnel) -> Self {
        let settings = &tunnel.settings;
        let admission = admission(site, &tunnel);
        let details = settings
            .gateway
            .as_ref()
            .and_then(Gateway::address)
            .filter(|_| admission == Admission::Open)
            .map(|gateway| Details {
                gateway,
                profile: settings.probe_profile.unwrap_or(ProbeProfile::usual(
                    settings.connection_type,
                    settings.metered,
                )),
                address_index: tunnel.address_index,
            });
        let configured = Configured {
            admission,
            forced: tunnel
                .forced
                .as_ref()
                .map(|forced| forced.kind)
                .filter(|kind| *kind != OverrideKind::Off),
            targets: Targets {
                latency_ms: settings.sla_latency_ms.map(f64::from),
                jitter_ms: settings.sla_jitter_ms.map(f64::from),
                loss: settings.sla_loss_ppm.map(|ppm| f64::from(ppm) / 1e6),
            },
            name: tunnel.settings.name,
            tunnel: tunnel.id,
        };
        Self {
            configured,
            details,
        }
    }
}

fn admission(site: SiteTerms, tunnel: &Tunnel) -> Admission {
    let settings = &tunnel.settings;
    if settings.missing().is_some() {
        return Admission::Unconfigured;
    }
    if !site.failover_enabled {
        return Admission::Off("failover is off for its site".into());
    }
    if !settings.enabled {
        return Admission::Off("it is disabled".into());
    }
    match &tunnel.forced {
        Some(Override {
            kind: OverrideKind::Off,
            by,
            reason,
            ..
        }) => Admission::Off(format!("switched off by {by}: {reason}")),
        Some(_) | None => Admission::Open,
    }
}
