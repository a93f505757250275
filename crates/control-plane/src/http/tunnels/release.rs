use axum::{extract::State, http::StatusCode};
use holdfast_api_types::TunnelId;
use holdfast_store::tunnel;
use serde_json::json;

use super::{found, subject, tell_changed};
use crate::{
    App,
    http::{auth::Operator, error::ApiError, extract::Id, routers},
};

/// Take an override back
///
/// The configured order counts again. Without an override nothing changes.
#[utoipa::path(
    delete,
    path = "/tunnels/{id}/override",
    operation_id = "release_tunnel",
    tag = "tunnels",
    params(("id" = TunnelId, Path, description = "The tunnel")),
    responses((status = 204, description = "Taken back")),
    security(("token" = ["operator"]))
)]
pub(in crate::http) async fn release(
    State(app): State<App>,
    Operator(caller): Operator,
    Id(id): Id<TunnelId>,
) -> Result<StatusCode, ApiError> {
    let mut write = app.write(&caller).await?;
    let row = found(&mut write, &caller.organization, &id).await?;
    if let Some(forced) = &row.forced {
        tunnel::clear_override(&mut write, &id).await?;
        let detail = json!({ "kind": forced.kind, "reason": forced.reason });
        write.audit("tunnel.release", subject(&id), detail).await?;
        tell_changed(&mut write, &row);
        routers::follow(&mut write, &caller, &row.site_id).await?;
    }
    write.commit().await?;
    app.reconciler().site_changed(&row.site_id);
    Ok(StatusCode::NO_CONTENT)
}
