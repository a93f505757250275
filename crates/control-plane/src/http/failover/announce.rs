use axum::{extract::State, http::StatusCode, response::Response};
use holdfast_api_types::{SiteId, api::Deactivation};
use holdfast_store::tunnel;
use serde_json::json;

use super::{confirmation::Confirmation, must_be_enabled};
use crate::{
    App,
    http::{
        auth::Operator,
        error::ApiError,
        extract::Id,
        idempotency::{Command, Nothing},
        sites, tunnels,
    },
};

/// Ask what deactivating would remove
///
/// Nothing is removed yet. The answer lists the tunnels and has a confirmation, good for ten minutes and for this list
/// only; `DELETE /sites/{id}/failover` wants it.
#[utoipa::path(
    post,
    path = "/sites/{id}/failover/deactivation",
    operation_id = "announce_deactivation",
    tag = "failover",
    params(("id" = SiteId, Path, description = "The site")),
    responses(
        (status = 201, description = "What would be removed, and the confirmation", body = Deactivation),
        (status = 409, description = "Failover is not enabled")
    ),
    security(("token" = ["operator"]))
)]
pub(in crate::http) async fn announce(
    State(app): State<App>,
    Operator(caller): Operator,
    Id(id): Id<SiteId>,
    command: Command<Nothing>,
) -> Result<Response, ApiError> {
    let mut write = app.write_once(&caller, command.key).await?;
    let site = sites::found(&mut write, &caller.organization, &id).await?;
    must_be_enabled(&site)?;
    let rows = tunnel::of_site(&mut write, &id).await?;
    let confirmation = Confirmation::of(&rows, write.now());
    let subject = sites::subject(&id);
    write
        .audit("failover.announce-deactivation", subject, json!({}))
        .await?;
    let answer = Deactivation {
        confirmation: confirmation.seal(app.vault(), &id),
        expires_at: confirmation.expires_at,
        tunnels: rows.into_iter().map(tunnels::view).collect(),
    };
    write.answer(StatusCode::CREATED, &answer).await
}
