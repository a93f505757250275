use axum::{extract::State, http::StatusCode, response::Response};
use holdfast_api_types::api::{Change, Edit, HoldSeconds, NewSite, Site};
use holdfast_store::site;
use serde_json::json;

use super::{status::view_one, subject};
use crate::{
    App,
    http::{auth::Operator, error::ApiError, idempotency::Command},
    ids::new_id,
};

/// Seconds a tunnel must be steady before it may carry traffic again, unless somebody says otherwise.
const DEFAULT_HOLD_S: u32 = 30;

/// Make a site
///
/// It has no tunnels until failover is enabled on it.
#[utoipa::path(
    post,
    path = "/sites",
    operation_id = "create_site",
    tag = "sites",
    request_body = NewSite,
    responses(
        (status = 201, description = "The site", body = Site),
        (status = 409, description = "The name is in use")
    ),
    security(("token" = ["operator"]))
)]
pub(in crate::http) async fn create(
    State(app): State<App>,
    Operator(caller): Operator,
    command: Command<NewSite>,
) -> Result<Response, ApiError> {
    let wish = command.body;
    let mut write = app.write_once(&caller, command.key).await?;
    let row = site::Site {
        id: new_id(write.now()),
        organization_id: caller.organization.clone(),
        name: wish.name.to_string(),
        note: wish.note.into(),
        failover_enabled: false,
        priority_version: 1,
        hold_s: wish.hold_s.map_or(DEFAULT_HOLD_S, HoldSeconds::get),
        created_at: write.now(),
    };
    site::insert(&mut write, &row).await?;
    let detail = json!({ "name": row.name, "hold_s": row.hold_s });
    write.audit("site.create", subject(&row.id), detail).await?;
    write.tell(Change::Site {
        site: row.id.clone(),
        edit: Edit::Created,
    });
    let view = view_one(&mut write, row).await?;
    write.answer(StatusCode::CREATED, &view).await
}
