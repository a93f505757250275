use axum::{Json, extract::State};
use holdfast_api_types::{FaultId, api::FaultDetail};

use super::{found, with_comments};
use crate::{
    App,
    http::{auth::Viewer, error::ApiError, extract::Id},
};

/// A fault, with what people said about it
#[utoipa::path(
    get,
    path = "/faults/{id}",
    operation_id = "show_fault",
    tag = "faults",
    params(("id" = FaultId, Path, description = "The fault")),
    responses((status = 200, description = "The fault", body = FaultDetail)),
    security(("token" = ["viewer"]))
)]
pub(in crate::http) async fn show(
    State(app): State<App>,
    Viewer(caller): Viewer,
    Id(id): Id<FaultId>,
) -> Result<Json<FaultDetail>, ApiError> {
    let mut conn = app.store().read().await?;
    let row = found(&mut conn, &caller.organization, &id).await?;
    Ok(Json(with_comments(&mut conn, row).await?))
}
