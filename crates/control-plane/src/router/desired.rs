//! What the router of a site should look like, from what is configured for the site.

use std::net::{SocketAddr, SocketAddrV4};

use holdfast_api_types::{OverrideKind, Place, RouteMode, SiteId, TunnelId, api};
use holdfast_failover::{
    addresses, ladder,
    order::{self, Standing},
};
use holdfast_routeros_plan::{Desired, Gateway, Management, Mode, Slot};
use holdfast_routeros_proto::Version;
use holdfast_store::{
    Connection, router, site,
    tunnel::{self, Tunnel},
};

use super::book::RouterError;
use crate::{
    App,
    vault::{management_password, tunnel_password},
};

/// What the router of a site, of this version of RouterOS, should look like; `order` stands in for the configured one.
/// Tunnels that lack something are left out.
///
/// # Errors
/// The site has no router, or something that is configured fits none: then with the fields.
pub(crate) async fn desired(
    app: &App,
    site: &SiteId,
    version: &Version,
    order: Option<&[TunnelId]>,
) -> Result<Desired, RouterError> {
    let mut conn = app.store().read().await?;
    let tunnels = configured(&mut conn, site, order).await?;
    with_tunnels(app, &mut conn, site, version, &tunnels).await
}

/// The same as if these were its tunnels.
pub(super) async fn with_tunnels(
    app: &App,
    conn: &mut Connection,
    site: &SiteId,
    version: &Version,
    tunnels: &[Tunnel],
) -> Result<Desired, RouterError> {
    let row = router::of_site(conn, site).await?;
    let row = row.ok_or_else(|| RouterError::Unreachable("no router was adopted".into()))?;
    let authority = app.config().authority().ok_or_else(|| {
        let why = "this installation has no certificate authority for routers";
        RouterError::Unreachable(why.into())
    })?;
    let places = places(tunnels);
    let mut slots = Vec::new();
    for (tunnel, place) in tunnels.iter().zip(places) {
        if tunnel.settings.missing().is_none() {
            slots.push(slot(app, conn, tunnel, place).await?);
        }
    }
    let management = match row.direct {
        None => Some(management(app, conn, site).await?),
        Some(_) => None,
    };
    Ok(Desired {
        slots,
        mode: mode(&row.mode, version),
        authority,
        management,
        // Whether a router heeds the keepalive that it is pushed differs from release to release.
        watchdog: true,
    })
}

/// The tunnels of a site in its order; none while failover is off.
pub(super) async fn configured(
    conn: &mut Connection,
    site: &SiteId,
    order: Option<&[TunnelId]>,
) -> Result<Vec<Tunnel>, RouterError> {
    let is_on = site::find(conn, site)
        .await?
        .is_some_and(|site| site.failover_enabled);
    if !is_on {
        return Ok(Vec::new());
    }
    let mut tunnels = tunnel::of_site(conn, site).await?;
    if let Some(order) = order {
        let rank = |tunnel: &Tunnel| order.iter().position(|id| *id == tunnel.id);
        tunnels.sort_by_key(rank);
    }
    Ok(tunnels)
}

/// A mode that was found out with another version may be wrong now: the better one is tried again.
pub(super) fn mode(row: &router::Mode, version: &Version) -> Mode {
    let of_this = row.version.as_deref() == Some(&version.to_string());
    match row.mode {
        RouteMode::Local if of_this => Mode::Local,
        RouteMode::Local | RouteMode::Pushed => Mode::Pushed,
    }
}

/// The place of each tunnel, overrides heeded. One that is switched off has the last: it is not connected.
fn places(tunnels: &[Tunnel]) -> Vec<Place> {
    let standing = |tunnel: &Tunnel| Standing {
        forced: tunnel.forced.as_ref().map(|forced| forced.kind),
        degraded: false,
    };
    let order = order::effective(tunnels.iter().map(|it| (it.id.clone(), standing(it))));
    let ladder = ladder::canonical(tunnels.len());
    let place = |tunnel: &Tunnel| {
        let at = order.iter().position(|id| *id == tunnel.id);
        ladder[at.unwrap_or(ladder.len() - 1)]
    };
    tunnels.iter().map(place).collect()
}

async fn slot(
    app: &App,
    conn: &mut Connection,
    tunnel: &Tunnel,
    place: Place,
) -> Result<Slot, RouterError> {
    let settings = &tunnel.settings;
    let number = u8::try_from(tunnel.slot + 1).unwrap_or(u8::MAX);
    let (interface, gateway) = way_out(tunnel)?;
    let credentials = tunnel::credentials(conn, &tunnel.id).await?;
    let credentials = credentials.ok_or_else(|| gone(tunnel))?;
    let is_off = tunnel
        .forced
        .as_ref()
        .is_some_and(|forced| forced.kind == OverrideKind::Off);
    Ok(Slot {
        number,
        interface,
        gateway,
        controller: controller(app, tunnel)?,
        username: tunnel.id.to_string(),
        password: app
            .vault()
            .open_text(&tunnel_password(&tunnel.id), &credentials.sealed)?,
        server: addresses::of_network(tunnel.address_index).server,
        metered: settings.metered,
        enabled: settings.enabled && !is_off,
        place,
        rank: u8::try_from(tunnel.rank).unwrap_or(u8::MAX),
    })
}

/// The interface of a tunnel, and the gateway behind it.
fn way_out(tunnel: &Tunnel) -> Result<(String, Gateway), RouterError> {
    let settings = &tunnel.settings;
    let invalid = |field: &str, value: Option<&str>, message: String| {
        let message = format!("{} {message}", settings.name);
        RouterError::Invalid(vec![api::FieldFault {
            field: field.into(),
            value: value.map(Into::into),
            message,
        }])
    };
    match (settings.interface.clone(), &settings.gateway) {
        (Some(interface), Some(api::Gateway::Address(address))) => {
            Ok((interface, Gateway::Address(*address)))
        }
        (interface, Some(api::Gateway::Interface(name))) => match interface {
            Some(other) if other != name.as_str() => {
                let message = format!(
                    "leaves through {other}, and {} is another interface: write {other}, or the gateway's address",
                    name.as_str()
                );
                Err(invalid("gateway", Some(name.as_str()), message))
            }
            Some(_) | None => Ok((name.as_str().into(), Gateway::Interface)),
        },
        (None, _) => {
            let message = "has no interface: choose the one that its ISP is connected to";
            Err(invalid("interface", None, message.into()))
        }
        (Some(_), None) => Err(gone(tunnel)),
    }
}

fn controller(app: &App, tunnel: &Tunnel) -> Result<SocketAddrV4, RouterError> {
    let slot = app.config().slots.get(tunnel.slot as usize);
    let message = match slot {
        Some(SocketAddr::V4(address)) => return Ok(*address),
        Some(SocketAddr::V6(address)) => {
            format!("which is {address}, and RouterOS dials IPv4 only: give it an IPv4 address")
        }
        None => "which is not configured: add a [[controller.slots]]".into(),
    };
    let number = tunnel.slot + 1;
    Err(RouterError::Invalid(vec![api::FieldFault {
        field: "slot".into(),
        value: Some(number.to_string()),
        message: format!("{} dials slot {number}, {message}", tunnel.settings.name),
    }]))
}

async fn management(
    app: &App,
    conn: &mut Connection,
    site: &SiteId,
) -> Result<Management, RouterError> {
    let endpoint = app.config().management_endpoint().ok_or_else(|| {
        let why = "no slot has an IPv4 address, and RouterOS dials no other";
        RouterError::Unreachable(why.into())
    })?;
    let credentials = router::management_credentials(conn, site).await?;
    let credentials =
        credentials.ok_or_else(|| RouterError::Unreachable("no router was adopted".into()))?;
    let password = app
        .vault()
        .open_text(&management_password(site), &credentials.password_sealed)?;
    Ok(Management {
        endpoint,
        username: credentials.username.to_string(),
        password,
    })
}

/// It was removed while we looked.
fn gone(tunnel: &Tunnel) -> RouterError {
    RouterError::Unreachable(format!("{} was changed meanwhile", tunnel.settings.name))
}
