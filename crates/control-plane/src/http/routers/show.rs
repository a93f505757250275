use axum::{Json, extract::State};
use holdfast_api_types::{RouterState, SiteId, api::Router};
use holdfast_store::{adoption, router};

use super::{absent, view};
use crate::{
    App,
    http::{auth::Viewer, error::ApiError, extract::Id, sites},
};

/// Show the router of a site
///
/// A site without one has the state `none`, or `pending` while there is a line to paste.
#[utoipa::path(
    get,
    path = "/sites/{id}/router",
    operation_id = "show_router",
    tag = "routers",
    params(("id" = SiteId, Path, description = "The site")),
    responses((status = 200, description = "The router", body = Router)),
    security(("token" = ["viewer"]))
)]
pub(in crate::http) async fn show(
    State(app): State<App>,
    Viewer(caller): Viewer,
    Id(id): Id<SiteId>,
) -> Result<Json<Router>, ApiError> {
    let mut conn = app.store().read().await?;
    sites::found(&mut conn, &caller.organization, &id).await?;
    if let Some(row) = router::of_site(&mut conn, &id).await? {
        return Ok(Json(view(&app, row)));
    }
    let now = app.clock().now();
    let line = adoption::of_site(&mut conn, &id).await?;
    let awaited = line.is_some_and(|line| line.expires_at > now);
    Ok(Json(absent(if awaited {
        RouterState::Pending
    } else {
        RouterState::None
    })))
}
