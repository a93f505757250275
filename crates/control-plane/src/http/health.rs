//! `GET /health`.

use axum::{Json, extract::State};
use holdfast_api_types::api::Health;
use holdfast_store::user;

use super::error::ApiError;
use crate::App;

/// Whether this control plane can work
///
/// For load balancers and monitors. Answers when the database can be read, else 503.
#[utoipa::path(
    get,
    path = "/health",
    operation_id = "health",
    tag = "system",
    responses((status = 200, description = "It works", body = Health))
)]
pub(super) async fn health(State(app): State<App>) -> Result<Json<Health>, ApiError> {
    user::any(&mut *app.store().read().await?).await?;
    Ok(Json(Health {
        status: "ok".into(),
        version: env!("CARGO_PKG_VERSION").into(),
        lab: app.lab().is_some(),
    }))
}
