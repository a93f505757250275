use axum::{extract::State, http::StatusCode};
use holdfast_api_types::{
    TunnelId,
    api::{Change, Edit, TUNNELS_OF_A_SITE},
};
use holdfast_store::tunnel;
use serde_json::json;

use super::{found, subject};
use crate::{
    App,
    http::{auth::Operator, error::ApiError, extract::Id, routers},
};

/// Remove a tunnel
///
/// With its password and its measurements; its history and its faults stay. A site with failover keeps two tunnels.
#[utoipa::path(
    delete,
    path = "/tunnels/{id}",
    operation_id = "remove_tunnel",
    tag = "tunnels",
    params(("id" = TunnelId, Path, description = "The tunnel")),
    responses(
        (status = 204, description = "Removed"),
        (status = 409, description = "It is one of the last two")
    ),
    security(("token" = ["operator"]))
)]
pub(in crate::http) async fn remove(
    State(app): State<App>,
    Operator(caller): Operator,
    Id(id): Id<TunnelId>,
) -> Result<StatusCode, ApiError> {
    let mut write = app.write(&caller).await?;
    let row = found(&mut write, &caller.organization, &id).await?;
    let tunnels = tunnel::of_site(&mut write, &row.site_id).await?;
    let fewest = *TUNNELS_OF_A_SITE.start();
    if tunnels.len() <= fewest {
        return Err(ApiError::conflict(format!(
            "a site with failover has at least {fewest} tunnels: add another first, or deactivate failover"
        )));
    }
    let now = write.now();
    tunnel::delete(&mut write, &caller.organization, &id, now).await?;
    let detail = json!({ "name": row.settings.name, "site": row.site_id });
    write.audit("tunnel.remove", subject(&id), detail).await?;
    write.tell(Change::Tunnel {
        site: row.site_id.clone(),
        tunnel: id,
        edit: Edit::Removed,
    });
    routers::follow(&mut write, &caller, &row.site_id).await?;
    write.commit().await?;
    app.reconciler().site_changed(&row.site_id);
    Ok(StatusCode::NO_CONTENT)
}
