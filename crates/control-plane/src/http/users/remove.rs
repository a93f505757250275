use axum::{extract::State, http::StatusCode};
use holdfast_api_types::UserId;
use holdfast_store::user;
use serde_json::json;

use super::{keep_an_owner, subject};
use crate::{
    App,
    http::{auth::Owner, error::ApiError, extract::Id},
};

/// Remove a user
///
/// Ends the user's sessions. API tokens belong to the organization and stay; so does what the audit log says.
#[utoipa::path(
    delete,
    path = "/users/{id}",
    operation_id = "remove_user",
    tag = "people",
    params(("id" = UserId, Path, description = "The user")),
    responses(
        (status = 204, description = "Removed"),
        (status = 409, description = "The last owner cannot be removed")
    ),
    security(("token" = ["owner"]))
)]
pub(in crate::http) async fn remove(
    State(app): State<App>,
    Owner(caller): Owner,
    Id(id): Id<UserId>,
) -> Result<StatusCode, ApiError> {
    let organization = &caller.organization;
    let mut write = app.write(&caller).await?;
    let row = user::get(&mut write, organization, &id).await?;
    let row = row.ok_or_else(|| ApiError::not_found("user"))?;
    user::delete(&mut write, organization, &id).await?;
    keep_an_owner(&mut write, organization).await?;
    let detail = json!({ "email": row.email, "name": row.name, "role": row.role });
    write.audit("user.remove", subject(&id), detail).await?;
    write.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
