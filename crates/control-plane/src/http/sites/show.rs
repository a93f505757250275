use axum::{Json, extract::State};
use holdfast_api_types::{SiteId, api::Site};

use super::{found, status::view_one};
use crate::{
    App,
    http::{auth::Viewer, error::ApiError, extract::Id},
};

/// A site
#[utoipa::path(
    get,
    path = "/sites/{id}",
    operation_id = "show_site",
    tag = "sites",
    params(("id" = SiteId, Path, description = "The site")),
    responses((status = 200, description = "The site", body = Site)),
    security(("token" = ["viewer"]))
)]
pub(in crate::http) async fn show(
    State(app): State<App>,
    Viewer(caller): Viewer,
    Id(id): Id<SiteId>,
) -> Result<Json<Site>, ApiError> {
    let mut conn = app.store().read().await?;
    let row = found(&mut conn, &caller.organization, &id).await?;
    Ok(Json(view_one(&mut conn, row).await?))
}
