use axum::{Json, extract::State};
use holdfast_api_types::api::Lab;

use super::found;
use crate::{
    App,
    http::{auth::Operator, error::ApiError},
};

/// Show the lab
///
/// The internet connections of the lab that this server runs in. There is none on a server that runs anywhere else.
#[utoipa::path(
    get,
    path = "/lab",
    operation_id = "show_lab",
    tag = "lab",
    responses(
        (status = 200, description = "The lab", body = Lab),
        (status = 404, description = "This is no lab")
    ),
    security(("token" = ["operator"]))
)]
pub(in crate::http) async fn show(
    State(app): State<App>,
    Operator(_caller): Operator,
) -> Result<Json<Lab>, ApiError> {
    Ok(Json(found(&app)?.lines().await?))
}
