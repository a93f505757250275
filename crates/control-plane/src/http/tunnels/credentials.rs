use axum::{extract::State, http::StatusCode, response::Response};
use holdfast_api_types::{TunnelId, api::Credentials};
use holdfast_store::tunnel;
use serde_json::json;

use super::{found, new_credentials, subject, tell_changed};
use crate::{
    App,
    http::{
        auth::Operator,
        error::ApiError,
        extract::Id,
        idempotency::{Command, Nothing},
        routers,
    },
};

/// Give a tunnel a new password
///
/// The old one is good no more: the tunnel is disconnected, and comes back when its router has the new one.
#[utoipa::path(
    post,
    path = "/tunnels/{id}/credentials",
    operation_id = "renew_credentials",
    tag = "tunnels",
    params(("id" = TunnelId, Path, description = "The tunnel")),
    responses((status = 201, description = "The new password", body = Credentials)),
    security(("token" = ["operator"]))
)]
pub(in crate::http) async fn renew(
    State(app): State<App>,
    Operator(caller): Operator,
    Id(id): Id<TunnelId>,
    command: Command<Nothing>,
) -> Result<Response, ApiError> {
    let mut write = app.write_once(&caller, command.key).await?;
    let row = found(&mut write, &caller.organization, &id).await?;
    let (password, credentials) = new_credentials(&app, &id);
    tunnel::set_credentials(&mut write, &id, &credentials).await?;
    write
        .audit("tunnel.renew-credentials", subject(&id), json!({}))
        .await?;
    tell_changed(&mut write, &row);
    let answer = Credentials {
        username: id,
        password: password.into(),
    };
    routers::follow(&mut write, &caller, &row.site_id).await?;
    let answer = write.answer(StatusCode::CREATED, &answer).await?;
    app.reconciler().site_changed(&row.site_id);
    Ok(answer)
}
