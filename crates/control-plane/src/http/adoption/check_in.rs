use axum::{extract::State, http::HeaderMap};
use holdfast_api_types::api::{ErrorCode, RouterFacts};
use holdfast_store::router;

use super::progress::facts;
use crate::{
    App,
    http::{
        auth::{Remote, bearer},
        error::ApiError,
        extract,
    },
    ids::SecretHash,
    router::presence::heard_of,
};

/// Check in
///
/// For routers, every 30 s, with the token that their adoption gave them.
#[utoipa::path(
    post,
    path = "/check-in",
    operation_id = "check_in",
    tag = "routers",
    request_body = RouterFacts,
    responses(
        (status = 200, description = "It is noted", body = String, content_type = "text/plain"),
        (status = 401, description = "The token is not good any more"),
        (status = 429, description = "Too many attempts from this address")
    )
)]
pub(in crate::http) async fn check_in(
    State(app): State<App>,
    Remote(remote): Remote,
    headers: HeaderMap,
    extract::Json(said): extract::Json<RouterFacts>,
) -> Result<&'static str, ApiError> {
    let refused = || {
        ApiError::new(
            ErrorCode::Unauthenticated,
            "this router is not adopted any more: adopt it anew",
        )
    };
    let token = bearer(&headers)?.ok_or_else(refused)?;
    let hash = *SecretHash::of(&token).as_bytes();
    let mut write = app.store().write().await?;
    let Some(row) = router::checking_in(&mut write, &hash).await? else {
        drop(write);
        app.log_in_limits().attempt(remote, None)?;
        return Err(refused());
    };
    heard_of(&app, write, &row, Some(&facts(said))).await?;
    Ok("ok\n")
}
