//! `POST /controller/v1/reauthorize`: are the credentials of a tunnel that is up still good?

use axum::{Json, extract::State};
use holdfast_api_types::controller::{StillGood, http::LoginCall};

use super::{Body, Caller};
use crate::{controllers::Controllers, http::error::ApiError};

pub(super) async fn reauthorize(
    State(controllers): State<Controllers>,
    Caller(controller): Caller,
    Body(LoginCall { run, login }): Body<LoginCall>,
) -> Result<Json<StillGood>, ApiError> {
    controllers.hear(&controller, &run).await;
    Ok(Json(controllers.engine().decide_again(&login).await?))
}
