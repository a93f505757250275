use axum::{Json, extract::State};
use holdfast_api_types::{
    SiteId,
    api::{GatewayCandidates, InterfaceName},
};
use serde::Deserialize;

use super::found;
use crate::{
    App,
    http::{
        auth::Viewer,
        error::ApiError,
        extract::{Id, Query},
    },
    router::reads,
};

/// Of which interface.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in crate::http) struct Of {
    /// The interface, spelled as the router does.
    interface: InterfaceName,
}

/// Look up the gateways that an interface may have
///
/// Read from the router at this moment, the most certain first.
#[utoipa::path(
    get,
    path = "/sites/{id}/router/gateways",
    operation_id = "list_router_gateways",
    tag = "routers",
    params(("id" = SiteId, Path, description = "The site"), Of),
    responses(
        (status = 200, description = "The gateways", body = GatewayCandidates),
        (status = 409, description = "No router was adopted"),
        (status = 503, description = "The router does not answer (`router-unreachable`)")
    ),
    security(("token" = ["viewer"]))
)]
pub(in crate::http) async fn gateways(
    State(app): State<App>,
    Viewer(caller): Viewer,
    Id(id): Id<SiteId>,
    Query(of): Query<Of>,
) -> Result<Json<GatewayCandidates>, ApiError> {
    found(&mut *app.store().read().await?, &caller.organization, &id).await?;
    Ok(Json(
        reads::gateways(&app, &id, of.interface.as_str()).await?,
    ))
}
