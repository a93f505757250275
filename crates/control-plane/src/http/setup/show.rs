use axum::{Json, extract::State};
use holdfast_api_types::api::SetUpState;
use holdfast_store::user;

use crate::{App, http::error::ApiError};

/// Whether this installation waits for its first owner
#[utoipa::path(
    get,
    path = "/setup",
    operation_id = "show_set_up",
    tag = "session",
    responses((status = 200, description = "Whether it is open", body = SetUpState))
)]
pub(in crate::http) async fn show(State(app): State<App>) -> Result<Json<SetUpState>, ApiError> {
    let any = user::any(&mut *app.store().read().await?).await?;
    Ok(Json(SetUpState { open: !any }))
}
