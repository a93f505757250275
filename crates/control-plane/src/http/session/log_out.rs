use axum::{extract::State, http::StatusCode, response::IntoResponse};
use holdfast_store::session;
use serde_json::json;

use crate::{
    App,
    http::{auth::Viewer, cookie, error::ApiError, users::subject},
};

/// Log out
///
/// Ends this session, and no other of yours. An API token has none: it is revoked instead.
#[utoipa::path(
    delete,
    path = "/session",
    operation_id = "log_out",
    tag = "session",
    responses(
        (status = 204, description = "Logged out"),
        (status = 403, description = "You sent an API token")
    ),
    security(("session" = ["viewer"]))
)]
pub(in crate::http) async fn log_out(
    State(app): State<App>,
    Viewer(caller): Viewer,
) -> Result<impl IntoResponse, ApiError> {
    let (hash, user) = caller.session()?;
    let mut write = app.write(&caller).await?;
    session::delete(&mut write, hash.as_bytes()).await?;
    write
        .audit("session.delete", subject(user), json!({}))
        .await?;
    write.commit().await?;
    Ok((
        StatusCode::NO_CONTENT,
        [cookie::clear(app.config().https())],
    ))
}
