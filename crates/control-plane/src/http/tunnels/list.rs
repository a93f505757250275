use axum::{Json, extract::State};
use holdfast_api_types::{
    SiteId, TunnelId,
    api::{Page, Tunnel},
};
use holdfast_store::tunnel::{self, TunnelFilter};

use super::view;
use crate::{
    App,
    http::{
        auth::Viewer,
        error::ApiError,
        extract::Id,
        page::{List, PageParams, page},
        sites,
    },
};

/// List the tunnels of a site
///
/// The oldest first; `rank` is their place in the order.
#[utoipa::path(
    get,
    path = "/sites/{id}/tunnels",
    operation_id = "list_site_tunnels",
    tag = "tunnels",
    params(("id" = SiteId, Path, description = "The site"), PageParams),
    responses((status = 200, description = "A page of tunnels", body = Page<Tunnel>)),
    security(("token" = ["viewer"]))
)]
pub(in crate::http) async fn list(
    State(app): State<App>,
    Viewer(caller): Viewer,
    Id(id): Id<SiteId>,
    list: List,
) -> Result<Json<Page<Tunnel>>, ApiError> {
    let seek = list.seek::<TunnelId>()?;
    let mut conn = app.store().read().await?;
    sites::found(&mut conn, &caller.organization, &id).await?;
    let filter = TunnelFilter {
        site: Some(id),
        ..TunnelFilter::default()
    };
    let rows = tunnel::list(&mut conn, &caller.organization, &filter, &seek).await?;
    Ok(page(rows, |tunnel| tunnel.id.to_string(), view))
}
