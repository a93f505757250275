use axum::{Json, extract::State};
use holdfast_api_types::api::Organization;
use holdfast_store::organization;

use super::view;
use crate::{
    App,
    http::{auth::Viewer, error::ApiError},
};

/// Your organization
#[utoipa::path(
    get,
    path = "/organization",
    operation_id = "show_organization",
    tag = "people",
    responses((status = 200, description = "Your organization", body = Organization)),
    security(("token" = ["viewer"]))
)]
pub(in crate::http) async fn show(
    State(app): State<App>,
    Viewer(caller): Viewer,
) -> Result<Json<Organization>, ApiError> {
    let mut conn = app.store().read().await?;
    let row = organization::get(&mut conn, &caller.organization).await?;
    let row = row.ok_or_else(|| ApiError::not_found("organization"))?;
    Ok(Json(view(row)))
}
