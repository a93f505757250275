use axum::{extract::State, http::StatusCode};
use holdfast_api_types::TokenId;
use holdfast_store::token;
use serde_json::json;

use super::subject;
use crate::{
    App,
    http::{auth::Owner, error::ApiError, extract::Id},
};

/// Revoke an API token
///
/// From then on it opens nothing.
#[utoipa::path(
    delete,
    path = "/tokens/{id}",
    operation_id = "revoke_token",
    tag = "people",
    params(("id" = TokenId, Path, description = "The token")),
    responses((status = 204, description = "Revoked")),
    security(("token" = ["owner"]))
)]
pub(in crate::http) async fn revoke(
    State(app): State<App>,
    Owner(caller): Owner,
    Id(id): Id<TokenId>,
) -> Result<StatusCode, ApiError> {
    let mut write = app.write(&caller).await?;
    let row = token::get(&mut write, &caller.organization, &id).await?;
    let row = row.ok_or_else(|| ApiError::not_found("token"))?;
    token::delete(&mut write, &caller.organization, &id).await?;
    let detail = json!({ "name": row.name, "role": row.role });
    write.audit("token.revoke", subject(&id), detail).await?;
    write.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
