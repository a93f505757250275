use axum::{
    Json,
    extract::State,
    http::{HeaderMap, Method, StatusCode, header},
    response::IntoResponse,
};
use holdfast_api_types::api::{ErrorCode, LogIn, WhoAmI};
use holdfast_store::{session, user};
use serde_json::json;

use super::{new_session, who_am_i};
use crate::{
    App,
    http::{
        auth::{Caller, Remote, SESSION_IDLE, check_origin},
        cookie,
        error::ApiError,
        extract,
        users::subject,
    },
};

/// Log in
///
/// The session ends after 14 days without use, and after 90 days in any case.
#[utoipa::path(
    post,
    path = "/session",
    operation_id = "log_in",
    tag = "session",
    request_body = LogIn,
    responses(
        (status = 201, description = "Who you are", body = WhoAmI,
            headers(("set-cookie" = String, description = "The session"))),
        (status = 401, description = "The e-mail address or the password is wrong"),
        (status = 403, description = "The request came from another web site"),
        (status = 429, description = "Too many attempts, from this address or at this account")
    )
)]
pub(in crate::http) async fn log_in(
    State(app): State<App>,
    Remote(remote): Remote,
    headers: HeaderMap,
    extract::Json(wish): extract::Json<LogIn>,
) -> Result<impl IntoResponse, ApiError> {
    if headers.contains_key(header::ORIGIN) {
        check_origin(&Method::POST, &headers, &app)?;
    }
    app.log_in_limits().attempt(remote, Some(&wish.email))?;
    let user = user::find_by_email(&mut *app.store().read().await?, wish.email.as_str()).await?;
    let stored = user.as_ref().and_then(|user| user.password_hash.clone());
    let matches = app
        .passwords()
        .verify(wish.password.into_secret(), stored)
        .await?;
    let user = user.filter(|_| matches).ok_or_else(wrong)?;

    let (secret, session) = new_session(&user.id, remote, &headers, app.clock().now());
    let caller = Caller::logged_in(&user, &session, remote);
    let mut write = app.write(&caller).await?;
    // Whoever was disabled or got another password while this one was checked stays out.
    let now = user::find(&mut write, &user.id).await?.ok_or_else(wrong)?;
    if now.disabled_at.is_some() || now.password_hash != user.password_hash {
        return Err(wrong());
    }
    // Whoever logs in sweeps: the table needs no other housekeeping.
    let now = write.now();
    session::prune(&mut write, now, now - SESSION_IDLE).await?;
    session::insert(&mut write, &session).await?;
    write
        .audit("session.create", subject(&user.id), json!({}))
        .await?;
    let me = who_am_i(&mut write, &caller).await?;
    write.commit().await?;
    let cookie = cookie::set(&secret, app.config().https());
    Ok((StatusCode::CREATED, [cookie], Json(me)))
}

/// One answer for everything that can be wrong: a guess learns nothing from it.
fn wrong() -> ApiError {
    tracing::info!("a log-in was refused");
    ApiError::new(
        ErrorCode::Unauthenticated,
        "the e-mail address or the password is wrong: try again, or ask an owner for a new password",
    )
}
