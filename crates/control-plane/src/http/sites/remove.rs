use axum::{extract::State, http::StatusCode};
use holdfast_api_types::{
    RouterState, SiteId,
    api::{Change, Edit},
};
use holdfast_store::{router, site, tunnel};
use serde_json::json;

use super::{found, subject};
use crate::{
    App,
    http::{auth::Operator, error::ApiError, extract::Id},
};

/// Remove a site
///
/// With its history and its faults. Failover has to be deactivated first, and an adopted router released.
#[utoipa::path(
    delete,
    path = "/sites/{id}",
    operation_id = "remove_site",
    tag = "sites",
    params(("id" = SiteId, Path, description = "The site")),
    responses(
        (status = 204, description = "Removed"),
        (status = 409, description = "Failover is still enabled, or its router was not released")
    ),
    security(("token" = ["operator"]))
)]
pub(in crate::http) async fn remove(
    State(app): State<App>,
    Operator(caller): Operator,
    Id(id): Id<SiteId>,
) -> Result<StatusCode, ApiError> {
    let mut write = app.write(&caller).await?;
    let row = found(&mut write, &caller.organization, &id).await?;
    let tunnels = tunnel::of_site(&mut write, &id).await?;
    if row.failover_enabled || !tunnels.is_empty() {
        return Err(ApiError::conflict(
            "the site still has tunnels: deactivate its failover first, and wait for that job",
        ));
    }
    let router = router::of_site(&mut write, &id).await?;
    if router.is_some_and(|row| row.direct.is_none() && row.state != RouterState::Pending) {
        return Err(ApiError::conflict(
            "its router would keep what adoption has put there: release it first, with DELETE /sites/{id}/router",
        ));
    }
    site::delete(&mut write, &caller.organization, &id).await?;
    let detail = json!({ "name": row.name });
    write.audit("site.remove", subject(&id), detail).await?;
    write.tell(Change::Site {
        site: id.clone(),
        edit: Edit::Removed,
    });
    write.commit().await?;
    app.reconciler().site_changed(&id);
    Ok(StatusCode::NO_CONTENT)
}
