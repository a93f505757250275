use axum::{Json, extract::State};
use holdfast_api_types::{UserId, api::User};
use holdfast_store::user;

use super::view;
use crate::{
    App,
    http::{auth::Viewer, error::ApiError, extract::Id},
};

/// A user
#[utoipa::path(
    get,
    path = "/users/{id}",
    operation_id = "show_user",
    tag = "people",
    params(("id" = UserId, Path, description = "The user")),
    responses((status = 200, description = "The user", body = User)),
    security(("token" = ["viewer"]))
)]
pub(in crate::http) async fn show(
    State(app): State<App>,
    Viewer(caller): Viewer,
    Id(id): Id<UserId>,
) -> Result<Json<User>, ApiError> {
    let mut conn = app.store().read().await?;
    let row = user::get(&mut conn, &caller.organization, &id).await?;
    let row = row.ok_or_else(|| ApiError::not_found("user"))?;
    Ok(Json(view(row)))
}
