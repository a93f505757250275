use axum::{
    Json,
    extract::{Path, State},
};
use holdfast_api_types::api::{Lab, SetLine};

use super::found;
use crate::{
    App,
    http::{auth::Operator, error::ApiError, extract},
};

/// Break or repair a connection of the lab
///
/// So that one can watch what happens then. It is answered when the line is as it was asked for, which is before
/// anybody has noticed.
#[utoipa::path(
    put,
    path = "/lab/lines/{isp}",
    operation_id = "set_lab_line",
    tag = "lab",
    params(("isp" = String, Path, description = "Name of the ISP")),
    request_body = SetLine,
    responses(
        (status = 200, description = "The lab as it is now", body = Lab),
        (status = 404, description = "This is no lab, or it has no such ISP")
    ),
    security(("token" = ["operator"]))
)]
pub(in crate::http) async fn set_line(
    State(app): State<App>,
    Operator(_caller): Operator,
    Path(isp): Path<String>,
    extract::Json(wish): extract::Json<SetLine>,
) -> Result<Json<Lab>, ApiError> {
    Ok(Json(found(&app)?.set_line(&isp, wish.state).await?))
}
