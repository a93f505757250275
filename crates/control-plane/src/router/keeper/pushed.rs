//! Routes that a router was pushed and has no more.

use std::time::Duration;

use holdfast_api_types::SiteId;
use holdfast_routeros_plan::{Desired, Mode};

use super::{Household, Snag, redial};
use crate::router::{
    access::Router,
    pushes::{self, Wrong},
};

/// How long a router may take to install the routes of a tunnel that has just connected.
const INSTALL_WITHIN: Duration = Duration::from_secs(5);

/// Slots whose tunnel is up, and whose pushed routes are not on the router: it forgets them when their interface goes
/// down and up again faster than the keepalive.
pub(super) async fn lost(
    house: &Household,
    site: &SiteId,
    router: &Router,
    desired: &Desired,
) -> Result<Vec<Wrong>, Snag> {
    if desired.mode == Mode::Local {
        return Ok(Vec::new());
    }
    let look = async || pushes::look(router, desired, &house.engine.holds(site)).await;
    if look().await?.wrong.is_empty() {
        return Ok(Vec::new());
    }
    tokio::time::sleep(INSTALL_WITHIN).await;
    Ok(look().await?.wrong)
}

/// Has the clients of slots that lost their routes dial anew, which brings them; false if that was done a moment ago
/// and did not help.
pub(super) async fn bring_back(
    house: &Household,
    site: &SiteId,
    router: &Router,
    lost: &[Wrong],
) -> Result<bool, Snag> {
    let tunnels = house.tunnels(site).await?;
    let mut is_done = false;
    for Wrong { slot, reason } in lost {
        let tunnel = tunnels.iter().find(|it| it.slot + 1 == u32::from(*slot));
        if let Some(tunnel) = tunnel.filter(|it| house.may_redial(&it.id)) {
            tracing::info!(site.id = %site, tunnel.id = %tunnel.id, reason, "a tunnel has lost its routes");
            redial::dial_anew(house, router.clone(), *slot, || true).await?;
            is_done = true;
        }
    }
    Ok(is_done)
}
