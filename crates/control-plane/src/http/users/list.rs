use axum::{Json, extract::State};
use holdfast_api_types::api::{Page, User};
use holdfast_store::user;

use super::view;
use crate::{
    App,
    http::{
        auth::Viewer,
        error::ApiError,
        page::{List, PageParams, page},
    },
};

/// List users
///
/// The oldest first.
#[utoipa::path(
    get,
    path = "/users",
    operation_id = "list_users",
    tag = "people",
    params(PageParams),
    responses((status = 200, description = "A page of users", body = Page<User>)),
    security(("token" = ["viewer"]))
)]
pub(in crate::http) async fn list(
    State(app): State<App>,
    Viewer(caller): Viewer,
    list: List,
) -> Result<Json<Page<User>>, ApiError> {
    let mut conn = app.store().read().await?;
    let rows = user::list(&mut conn, &caller.organization, &list.seek()?).await?;
    Ok(page(rows, |user| user.id.to_string(), view))
}
