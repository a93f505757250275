//! Fills a store with a whole fleet at once, for benchmarks and tests of size.

use holdfast_api_types::{
    ConnectionType, LinkState, OrganizationId, SessionPolicy, SiteId, TunnelId, api::Gateway,
};
use jiff::Timestamp;

use crate::{
    Result, Sha256, Store,
    organization::{self, Organization},
    site::{self, Site},
    tunnel::{self, Credentials, Link, NewTunnel, Seat, Settings},
};

/// Sites written in one transaction: enough to make its fixed cost small.
const BATCH: u32 = 500;

/// How large a fleet, and what all of it shares.
#[derive(Debug, Clone)]
pub struct Fleet {
    /// Sites, all of one organization.
    pub sites: u32,
    /// Tunnels of each site.
    pub tunnels_per_site: u32,
    /// When everything was made.
    pub created_at: Timestamp,
    /// Digest of the password of every tunnel.
    pub password_sha256: Sha256,
}

/// Writes a fleet into a store that has none yet, and answers its organization. Every tunnel of it may log in.
pub async fn fill(store: &Store, fleet: &Fleet) -> Result<OrganizationId> {
    let organization = add_organization(store, fleet).await?;
    for first in (0..fleet.sites).step_by(BATCH as usize) {
        let mut tx = store.write().await?;
        for number in first..fleet.sites.min(first.saturating_add(BATCH)) {
            site::insert(&mut tx, &site(number, &organization, fleet)).await?;
            for rank in 0..fleet.tunnels_per_site {
                let new = tunnel(number, rank, &organization, fleet);
                let seat = Seat {
                    rank,
                    slot: rank,
                    address_index: number * fleet.tunnels_per_site + rank,
                };
                tunnel::insert_at(&mut tx, new, seat).await?;
            }
        }
        tx.commit().await?;
    }
    Ok(organization)
}

/// The id of a site of the fleet, counted from 0.
pub fn site_id(number: u32) -> SiteId {
    id(format!("SEED-SITE-{number:016}"))
}

/// The id of a tunnel of the fleet, by the number of its site and its rank.
pub fn tunnel_id(site: u32, rank: u32) -> TunnelId {
    id(format!("SEED-TUNNEL-{site:010}-{rank:03}"))
}

async fn add_organization(store: &Store, fleet: &Fleet) -> Result<OrganizationId> {
    let new = Organization {
        id: id("SEED-ORGANIZATION".into()),
        name: "Seed".into(),
        created_at: fleet.created_at,
    };
    let mut tx = store.write().await?;
    organization::insert(&mut tx, &new).await?;
    tx.commit().await?;
    Ok(new.id)
}

fn site(number: u32, organization: &OrganizationId, fleet: &Fleet) -> Site {
    Site {
        id: site_id(number),
        organization_id: organization.clone(),
        name: format!("Site {number}"),
        note: String::new(),
        failover_enabled: true,
        priority_version: 1,
        hold_s: 30,
        created_at: fleet.created_at,
    }
}

fn tunnel(site: u32, rank: u32, organization: &OrganizationId, fleet: &Fleet) -> NewTunnel {
    NewTunnel {
        id: tunnel_id(site, rank),
        organization_id: organization.clone(),
        site_id: site_id(site),
        settings: Settings {
            name: format!("WAN {}", rank + 1),
            interface: Some(format!("ether{}", rank + 1)),
            gateway: Some(Gateway::Address([192, 0, 2, 1].into())),
            connection_type: Some(connection_type(rank)),
            metered: false,
            enabled: true,
            provider: Some(format!("Provider {}", (site + rank) % 50)),
            sla_latency_ms: None,
            sla_jitter_ms: None,
            sla_loss_ppm: None,
            probe_profile: None,
            policy_failover: SessionPolicy::Usual,
            policy_failback: SessionPolicy::Usual,
            drain_min: 30,
        },
        credentials: Credentials {
            sealed: Vec::new(),
            sha256: fleet.password_sha256,
        },
        created_at: fleet.created_at,
        link: Link {
            state: LinkState::NeverSeen,
            cause: "it never connected".into(),
            since: fleet.created_at,
            role: None,
        },
    }
}

/// As at many sites: a line in the ground, and mobile networks behind it.
fn connection_type(rank: u32) -> ConnectionType {
    match rank {
        0 => ConnectionType::Fibre,
        _ => ConnectionType::FourG,
    }
}

fn id<T: std::str::FromStr>(text: String) -> T {
    text.parse()
        .unwrap_or_else(|_| unreachable!("{text} has only letters, digits and '-'"))
}
