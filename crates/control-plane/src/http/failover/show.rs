use axum::{Json, extract::State};
use holdfast_api_types::{SiteId, api::FailoverStatus};

use super::status;
use crate::{
    App,
    http::{auth::Viewer, error::ApiError, extract::Id, sites},
};

/// How failover of a site stands
///
/// The tunnels in the configured order, each with its state, the cause of it, and the routes its router was given.
#[utoipa::path(
    get,
    path = "/sites/{id}/failover",
    operation_id = "show_failover",
    tag = "failover",
    params(("id" = SiteId, Path, description = "The site")),
    responses((status = 200, description = "How it stands", body = FailoverStatus)),
    security(("token" = ["viewer"]))
)]
pub(in crate::http) async fn show(
    State(app): State<App>,
    Viewer(caller): Viewer,
    Id(id): Id<SiteId>,
) -> Result<Json<FailoverStatus>, ApiError> {
    let mut conn = app.store().read().await?;
    let site = sites::found(&mut conn, &caller.organization, &id).await?;
    Ok(Json(status(&app, &mut conn, &site).await?))
}
