use axum::{
    Json,
    extract::State,
    http::{HeaderName, HeaderValue},
};
use holdfast_api_types::{SiteId, api::Priority};
use holdfast_store::priority;

use crate::{
    App,
    http::{auth::Viewer, error::ApiError, etag::etag, extract::Id, sites},
};

/// The order of a site's tunnels
#[utoipa::path(
    get,
    path = "/sites/{id}/priority",
    operation_id = "show_priority",
    tag = "priority",
    params(("id" = SiteId, Path, description = "The site")),
    responses((
        status = 200,
        description = "The order",
        body = Priority,
        headers(("ETag" = String, description = "Version of the order, for If-Match"))
    )),
    security(("token" = ["viewer"]))
)]
pub(in crate::http) async fn show(
    State(app): State<App>,
    Viewer(caller): Viewer,
    Id(id): Id<SiteId>,
) -> Result<([(HeaderName, HeaderValue); 1], Json<Priority>), ApiError> {
    let mut conn = app.store().read().await?;
    // Twice the version: an order that is read while it changes is read again.
    loop {
        let site = sites::found(&mut conn, &caller.organization, &id).await?;
        let tunnels = priority::order(&mut conn, &id).await?;
        let version = priority::version(&mut conn, &id).await?;
        if version != Some(site.priority_version) {
            continue;
        }
        let order = Priority {
            site_id: id,
            version: site.priority_version,
            tunnels,
        };
        return Ok(([etag(order.version.into())], Json(order)));
    }
}
