use axum::{Json, extract::State};
use holdfast_api_types::{SiteId, api::RouterInterfaces};

use super::found;
use crate::{
    App,
    http::{auth::Viewer, error::ApiError, extract::Id},
    router::reads,
};

/// List the interfaces of the router of a site
///
/// Read from the router at this moment, those that can be a WAN first.
#[utoipa::path(
    get,
    path = "/sites/{id}/router/interfaces",
    operation_id = "list_router_interfaces",
    tag = "routers",
    params(("id" = SiteId, Path, description = "The site")),
    responses(
        (status = 200, description = "The interfaces", body = RouterInterfaces),
        (status = 409, description = "No router was adopted"),
        (status = 503, description = "The router does not answer (`router-unreachable`)")
    ),
    security(("token" = ["viewer"]))
)]
pub(in crate::http) async fn interfaces(
    State(app): State<App>,
    Viewer(caller): Viewer,
    Id(id): Id<SiteId>,
) -> Result<Json<RouterInterfaces>, ApiError> {
    found(&mut *app.store().read().await?, &caller.organization, &id).await?;
    Ok(Json(reads::interfaces(&app, &id).await?))
}
