use axum::{Json, extract::State};
use holdfast_api_types::{SiteId, api::RouterPlan};

use super::found;
use crate::{
    App,
    http::{auth::Viewer, error::ApiError, extract::Id},
    router::reads,
};

/// Show what would be changed on the router of a site
///
/// Nothing is changed.
#[utoipa::path(
    get,
    path = "/sites/{id}/router/plan",
    operation_id = "plan_router",
    tag = "routers",
    params(("id" = SiteId, Path, description = "The site")),
    responses(
        (status = 200, description = "The plan", body = RouterPlan),
        (status = 409, description = "No router was adopted"),
        (status = 503, description = "The router does not answer (`router-unreachable`)")
    ),
    security(("token" = ["viewer"]))
)]
pub(in crate::http) async fn plan(
    State(app): State<App>,
    Viewer(caller): Viewer,
    Id(id): Id<SiteId>,
) -> Result<Json<RouterPlan>, ApiError> {
    found(&mut *app.store().read().await?, &caller.organization, &id).await?;
    Ok(Json(reads::plan(&app, &id, None).await?))
}
