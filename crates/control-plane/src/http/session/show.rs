use axum::{Json, extract::State};
use holdfast_api_types::api::WhoAmI;

use super::who_am_i;
use crate::{
    App,
    http::{auth::Viewer, error::ApiError},
};

/// Who you are
#[utoipa::path(
    get,
    path = "/session",
    operation_id = "who_am_i",
    tag = "session",
    responses((status = 200, description = "You, or your API token", body = WhoAmI)),
    security(("token" = ["viewer"]))
)]
pub(in crate::http) async fn show(
    State(app): State<App>,
    Viewer(caller): Viewer,
) -> Result<Json<WhoAmI>, ApiError> {
    let mut conn = app.store().read().await?;
    who_am_i(&mut conn, &caller).await.map(Json)
}
