use axum::{Json, extract::State};
use holdfast_api_types::{
    TunnelId,
    api::{Page, StateChange},
};
use holdfast_store::{
    link_state::{self, LinkChange},
    tunnel,
};

use crate::{
    App,
    http::{
        auth::Viewer,
        error::ApiError,
        extract::Id,
        page::{List, PageParams, page},
    },
};

/// The history of a tunnel
///
/// Every change of its link state or role, the latest first. It stays when the tunnel is removed.
#[utoipa::path(
    get,
    path = "/tunnels/{id}/states",
    operation_id = "list_states",
    tag = "tunnels",
    params(("id" = TunnelId, Path, description = "The tunnel"), PageParams),
    responses((status = 200, description = "A page of changes", body = Page<StateChange>)),
    security(("token" = ["viewer"]))
)]
pub(in crate::http) async fn states(
    State(app): State<App>,
    Viewer(caller): Viewer,
    Id(id): Id<TunnelId>,
    list: List,
) -> Result<Json<Page<StateChange>>, ApiError> {
    let seek = list.seek::<i64>()?;
    let mut conn = app.store().read().await?;
    let there = tunnel::get(&mut conn, &caller.organization, &id)
        .await?
        .is_some();
    if !there && !link_state::is_known(&mut conn, &caller.organization, &id).await? {
        return Err(ApiError::not_found("tunnel"));
    }
    let rows = link_state::of_tunnel(&mut conn, &id, &seek).await?;
    Ok(page(rows, |change| change.id.to_string(), view))
}

fn view(row: LinkChange) -> StateChange {
    StateChange {
        at: row.at,
        state: row.state,
        role: row.role,
        cause: row.cause,
    }
}
