use axum::{extract::State, http::StatusCode};
use holdfast_api_types::api::{ChangePassword, Email};
use holdfast_store::{session, user};
use serde_json::json;

use crate::{
    App,
    http::{auth::Viewer, error::ApiError, extract::Json, users::subject},
};

/// Change your password
///
/// Ends your other sessions.
#[utoipa::path(
    put,
    path = "/session/password",
    operation_id = "change_password",
    tag = "session",
    request_body = ChangePassword,
    responses(
        (status = 204, description = "Changed"),
        (status = 403, description = "You sent an API token"),
        (status = 429, description = "Too many attempts")
    ),
    security(("session" = ["viewer"]))
)]
pub(in crate::http) async fn change(
    State(app): State<App>,
    Viewer(caller): Viewer,
    Json(wish): Json<ChangePassword>,
) -> Result<StatusCode, ApiError> {
    let (hash, id) = caller.session()?;
    let account = Email::try_from(caller.actor.name.clone()).ok();
    app.log_in_limits()
        .attempt(caller.remote, account.as_ref())?;
    let user = user::find(&mut *app.store().read().await?, id).await?;
    let stored = user.and_then(|user| user.password_hash);
    if !app
        .passwords()
        .verify(wish.current.into_secret(), stored)
        .await?
    {
        return Err(ApiError::invalid("current", None, "is not your password"));
    }
    let new = app.passwords().hash(wish.new.into_secret()).await?;

    let mut write = app.write(&caller).await?;
    user::set_password(&mut write, id, &new).await?;
    let ended = session::delete_of_user(&mut write, id, Some(hash.as_bytes())).await?;
    let detail = json!({ "sessions_ended": ended });
    write
        .audit("session.change-password", subject(id), detail)
        .await?;
    write.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
