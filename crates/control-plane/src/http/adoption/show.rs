use axum::{Json, extract::State};
use holdfast_api_types::{SiteId, api::AdoptionProgress};
use holdfast_store::adoption;

use crate::{
    App,
    http::{auth::Viewer, error::ApiError, extract::Id, sites},
};

/// How far the adoption of the router of a site is
#[utoipa::path(
    get,
    path = "/sites/{id}/adoption",
    operation_id = "show_adoption",
    tag = "routers",
    params(("id" = SiteId, Path, description = "The site")),
    responses((status = 200, description = "How far it is", body = AdoptionProgress)),
    security(("token" = ["viewer"]))
)]
pub(in crate::http) async fn show(
    State(app): State<App>,
    Viewer(caller): Viewer,
    Id(id): Id<SiteId>,
) -> Result<Json<AdoptionProgress>, ApiError> {
    let mut conn = app.store().read().await?;
    sites::found(&mut conn, &caller.organization, &id).await?;
    let line = adoption::of_site(&mut conn, &id).await?;
    Ok(Json(AdoptionProgress {
        expires_at: line.as_ref().map(|line| line.expires_at),
        // Only we write it; one that cannot be read is as good as none.
        steps: line
            .and_then(|line| serde_json::from_str(&line.progress).ok())
            .unwrap_or_default(),
    }))
}
