use axum::{
    Json,
    extract::State,
    http::{HeaderName, HeaderValue},
};
use holdfast_api_types::{TunnelId, api::Tunnel};

use super::{found, view};
use crate::{
    App,
    http::{auth::Viewer, error::ApiError, etag::etag, extract::Id},
};

/// A tunnel
#[utoipa::path(
    get,
    path = "/tunnels/{id}",
    operation_id = "show_tunnel",
    tag = "tunnels",
    params(("id" = TunnelId, Path, description = "The tunnel")),
    responses((
        status = 200,
        description = "The tunnel",
        body = Tunnel,
        headers(("ETag" = String, description = "Version of its configuration, for If-Match"))
    )),
    security(("token" = ["viewer"]))
)]
pub(in crate::http) async fn show(
    State(app): State<App>,
    Viewer(caller): Viewer,
    Id(id): Id<TunnelId>,
) -> Result<([(HeaderName, HeaderValue); 1], Json<Tunnel>), ApiError> {
    let mut conn = app.store().read().await?;
    let row = found(&mut conn, &caller.organization, &id).await?;
    Ok(([etag(row.version.into())], Json(view(row))))
}
