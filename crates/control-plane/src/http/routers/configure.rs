use axum::{extract::State, http::StatusCode, response::Response};
use holdfast_api_types::{JobKind, SiteId, api::Accepted};
use serde_json::json;

use super::{enqueue, found};
use crate::{
    App,
    http::{
        auth::Operator,
        error::ApiError,
        extract::Id,
        idempotency::{Command, Nothing},
        sites,
    },
};

/// Bring the router of a site to what is configured
///
/// A job does what `GET /sites/{id}/router/plan` shows.
#[utoipa::path(
    post,
    path = "/sites/{id}/router/configuration",
    operation_id = "configure_router",
    tag = "routers",
    params(("id" = SiteId, Path, description = "The site")),
    responses(
        (status = 202, description = "The job that does it", body = Accepted),
        (status = 409, description = "No router was adopted")
    ),
    security(("token" = ["operator"]))
)]
pub(in crate::http) async fn configure(
    State(app): State<App>,
    Operator(caller): Operator,
    Id(id): Id<SiteId>,
    command: Command<Nothing>,
) -> Result<Response, ApiError> {
    let mut write = app.write_once(&caller, command.key).await?;
    found(&mut write, &caller.organization, &id).await?;
    let job = enqueue(&mut write, &caller, &id, JobKind::Configuration, &json!({})).await?;
    let detail = json!({ "job": job.id });
    write
        .audit("router.configure", sites::subject(&id), detail)
        .await?;
    write.answer(StatusCode::ACCEPTED, &Accepted { job }).await
}
