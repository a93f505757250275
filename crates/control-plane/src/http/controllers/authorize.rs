//! `POST /controller/v1/authorize`: may this tunnel come up, and with what?

use axum::{Json, extract::State};
use holdfast_api_types::controller::{
    LoginRequest, LoginVerdict, SealedGrant,
    http::{Authorized, LoginCall},
};
use holdfast_sealed_grant::{LIFETIME, seal};
use secrecy::ExposeSecret;

use super::{Body, Caller};
use crate::{controllers::Controllers, http::error::ApiError, ids};

/// A database that does not answer is answered with 503, upon which the controller admits by the sealed grant that it
/// has. What is answered with a verdict is decided.
pub(super) async fn authorize(
    State(controllers): State<Controllers>,
    Caller(controller): Caller,
    Body(LoginCall { run, login }): Body<LoginCall>,
) -> Result<Json<Authorized>, ApiError> {
    let life = controllers.hear(&controller, &run).await;
    let verdict = controllers.engine().decide(life.source, &login).await?;
    Ok(Json(Authorized {
        sealed: sealed(&controllers, &login, &verdict),
        verdict,
    }))
}

fn sealed(
    controllers: &Controllers,
    login: &LoginRequest,
    verdict: &LoginVerdict,
) -> Option<SealedGrant> {
    let LoginVerdict::Granted(grant) = verdict else {
        return None;
    };
    let expires_at = controllers.app().clock().now() + LIFETIME;
    let password = login.password.expose_secret();
    Some(seal(grant, password, expires_at, ids::random()))
}
