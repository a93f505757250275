use axum::{Json, extract::State};
use holdfast_api_types::api::{ChangeOrganization, Organization, Subject};
use holdfast_store::organization;
use serde_json::json;

use super::view;
use crate::{
    App,
    http::{auth::Owner, error::ApiError, extract},
};

/// Rename your organization
#[utoipa::path(
    patch,
    path = "/organization",
    operation_id = "change_organization",
    tag = "people",
    request_body = ChangeOrganization,
    responses((status = 200, description = "As it is now", body = Organization)),
    security(("token" = ["owner"]))
)]
pub(in crate::http) async fn change(
    State(app): State<App>,
    Owner(caller): Owner,
    extract::Json(wish): extract::Json<ChangeOrganization>,
) -> Result<Json<Organization>, ApiError> {
    let id = &caller.organization;
    let mut write = app.write(&caller).await?;
    organization::rename(&mut write, id, wish.name.as_str()).await?;
    let row = organization::get(&mut write, id).await?;
    let row = row.ok_or_else(|| ApiError::not_found("organization"))?;
    let subject = Subject {
        kind: "organization".into(),
        id: id.to_string(),
    };
    write
        .audit("organization.change", subject, json!({ "name": row.name }))
        .await?;
    write.commit().await?;
    Ok(Json(view(row)))
}
