//! `/controller/v1`: what route controllers in other processes speak. The contract, and every type in it, is
//! [`holdfast_api_types::controller::http`]; it is not part of the OpenAPI document, which is for people's programs.

mod authorize;
mod commands;
mod events;
mod reauthorize;
mod streams;

use axum::{
    Router,
    body::to_bytes,
    extract::{FromRequest, FromRequestParts, Request},
    http::request::Parts,
    middleware::from_fn_with_state,
    routing::{get, post},
};
use holdfast_api_types::api::ErrorCode;
use holdfast_store::controller::{self, Controller};
use serde::de::DeserializeOwned;

use super::{auth, error::ApiError, extract, layers};
use crate::{controllers::Controllers, ids::SecretHash};

/// Longest body in bytes: a snapshot has some hundred for each of a controller's tunnels.
const BODY_LIMIT: usize = 32 << 20;

/// The controllers' half of the API, to be merged with that of [`router`](super::router::router).
pub fn router(controllers: Controllers) -> Router {
    let app = controllers.app().clone();
    Router::new()
        .route("/controller/v1/authorize", post(authorize::authorize))
        .route("/controller/v1/reauthorize", post(reauthorize::reauthorize))
        .route("/controller/v1/events", post(events::take))
        .route("/controller/v1/commands", get(commands::follow))
        .route("/controller/v1/streams/{id}", get(streams::take))
        .layer(from_fn_with_state(app, layers::outermost))
        .with_state(controllers)
}

/// The controller whose token came with a request.
struct Caller(Controller);

impl FromRequestParts<Controllers> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(
        parts: &mut Parts,
        controllers: &Controllers,
    ) -> Result<Self, ApiError> {
        let found = match auth::bearer(&parts.headers)? {
            Some(token) => find(controllers, &SecretHash::of(&token)).await?,
            None => None,
        };
        found.map(Self).ok_or_else(|| {
            ApiError::new(
                ErrorCode::Unauthenticated,
                "send the token of a controller, from `holdfast admin token create NAME --controller`",
            )
        })
    }
}

async fn find(
    controllers: &Controllers,
    token: &SecretHash,
) -> Result<Option<Controller>, ApiError> {
    let mut conn = controllers.app().store().read().await?;
    Ok(controller::find(&mut conn, token.as_bytes()).await?)
}

/// A JSON body that may be large.
struct Body<T>(T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        let bytes = to_bytes(request.into_body(), BODY_LIMIT).await;
        let bytes = bytes.map_err(|_| {
            ApiError::new(
                ErrorCode::TooLarge,
                format!("the body ended early, or is longer than {BODY_LIMIT} bytes: send less"),
            )
        })?;
        extract::parse(&bytes).map(Self)
    }
}
