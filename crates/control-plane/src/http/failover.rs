//! `/sites/{id}/failover`: whether a site has failover, how it stands, and how it is taken away.

use holdfast_api_types::{
    SiteId,
    api::{FailoverStatus, TunnelStatus},
};
use holdfast_store::{Connection, site, tunnel};

use super::error::ApiError;
use crate::{App, engine::TunnelHolds};

pub(super) mod announce;
mod confirmation;
pub(super) mod deactivate;
pub(super) mod enable;
pub(super) mod show;

/// How failover of a site stands: rows of the store, and what controllers report of each tunnel.
async fn status(
    app: &App,
    conn: &mut Connection,
    site: &site::Site,
) -> Result<FailoverStatus, ApiError> {
    let rows = tunnel::of_site(conn, &site.id).await?;
    let mut holds = app.reconciler().holds(&site.id);
    let active = rows
        .iter()
        .find(|row| row.link.role == Some(holdfast_api_types::TunnelRole::Active));
    Ok(FailoverStatus {
        site_id: site.id.clone(),
        enabled: site.failover_enabled,
        active: active.map(|row| row.id.clone()),
        tunnels: rows
            .into_iter()
            .map(|row| tunnel_status(row, &mut holds))
            .collect(),
    })
}

fn tunnel_status(row: tunnel::Tunnel, holds: &mut Vec<TunnelHolds>) -> TunnelStatus {
    let index = holds.iter().position(|hold| hold.tunnel == row.id);
    let held = index.map(|index| holds.swap_remove(index));
    TunnelStatus {
        name: row.settings.name,
        rank: row.rank,
        state: row.link.state,
        cause: row.link.cause,
        since: row.link.since,
        role: row.link.role,
        place: held.as_ref().map(|held| held.place),
        routes: held.map_or_else(Vec::new, |held| held.routes),
        id: row.id,
    }
}

/// Refuses what only makes sense on a site with failover.
pub(super) fn must_be_enabled(site: &site::Site) -> Result<(), ApiError> {
    if site.failover_enabled {
        return Ok(());
    }
    Err(ApiError::conflict(
        "failover is not enabled on this site: POST /sites/{id}/failover enables it",
    ))
}

/// What no two unfinished jobs that take failover away from a site have.
pub(super) fn deactivation_of(site: &SiteId) -> String {
    format!("deactivation:{site}")
}
