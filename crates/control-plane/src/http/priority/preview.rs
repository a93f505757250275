use axum::{Json, extract::State};
use holdfast_api_types::{
    RouteMode, SiteId,
    api::{Gateway, PreviewRoutes, PriorityPreview, SetPriority},
};
use holdfast_failover::{addresses, ladder};
use holdfast_store::{router, tunnel};

use super::replace::check;
use crate::{
    App,
    http::{
        auth::Operator, error::ApiError, extract, extract::Id, failover::must_be_enabled, sites,
    },
    router::{RouterError, reads},
};

/// Show what an order of a site's tunnels would mean
///
/// The routes that each tunnel would have once the order is in force, and what would be changed on the router for it.
/// Nothing is changed.
#[utoipa::path(
    post,
    path = "/sites/{id}/priority/preview",
    operation_id = "preview_priority",
    tag = "priority",
    params(("id" = SiteId, Path, description = "The site")),
    request_body = SetPriority,
    responses(
        (status = 200, description = "What it would mean", body = PriorityPreview),
        (status = 409, description = "Failover is not enabled"),
        (status = 422, description = "The order does not name every tunnel of the site once")
    ),
    security(("token" = ["operator"]))
)]
pub(in crate::http) async fn preview(
    State(app): State<App>,
    Operator(caller): Operator,
    Id(id): Id<SiteId>,
    extract::Json(wish): extract::Json<SetPriority>,
) -> Result<Json<PriorityPreview>, ApiError> {
    let mut conn = app.store().read().await?;
    let site = sites::found(&mut conn, &caller.organization, &id).await?;
    must_be_enabled(&site)?;
    let tunnels = tunnel::of_site(&mut conn, &id).await?;
    let ids: Vec<_> = tunnels.iter().map(|row| row.id.clone()).collect();
    check(&wish.tunnels, &ids)?;
    let router = router::of_site(&mut conn, &id).await?;
    drop(conn);

    let mode = router
        .as_ref()
        .and_then(|row| row.configured.then_some(row.mode.mode));
    let mut warnings = Vec::new();
    let mut routes = Vec::new();
    for (wanted, place) in wish.tunnels.iter().zip(ladder::canonical(ids.len())) {
        let Some(row) = tunnels.iter().find(|row| row.id == *wanted) else {
            continue;
        };
        if let Some(missing) = row.settings.missing() {
            let name = &row.settings.name;
            warnings.push(format!("{name} has no {missing} yet, and carries nothing"));
        }
        let hop = next_hop(row, mode);
        routes.push(PreviewRoutes {
            tunnel: row.id.clone(),
            rung: place.rung,
            routes: hop.map_or_else(Vec::new, |hop| ladder::routes(place, hop)),
        });
    }
    let mut plan = None;
    if router.is_some() {
        match reads::plan(&app, &id, Some(&wish.tunnels)).await {
            Ok(found) => plan = Some(found),
            Err(RouterError::Unreachable(why)) => {
                warnings.push(format!("the router cannot be asked: {why}"));
            }
            Err(err) => return Err(err.into()),
        }
    }
    Ok(Json(PriorityPreview {
        routes,
        router: plan,
        warnings,
    }))
}

/// Where the routes of a tunnel lead: to its ISP, or to what its router has in place of that.
fn next_hop(row: &tunnel::Tunnel, mode: Option<RouteMode>) -> Option<std::net::Ipv4Addr> {
    let gateway = row.settings.gateway.as_ref()?;
    match mode {
        Some(RouteMode::Pushed | RouteMode::Local) => u8::try_from(row.slot + 1)
            .ok()
            .map(addresses::virtual_next_hop),
        None => Gateway::address(gateway),
    }
}
