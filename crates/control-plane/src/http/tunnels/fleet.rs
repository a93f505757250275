use axum::{Json, extract::State};
use holdfast_api_types::{
    LinkState, SiteId, TunnelId,
    api::{Page, Tunnel},
};
use holdfast_store::tunnel;
use serde::Deserialize;

use super::view;
use crate::{
    App,
    http::{
        auth::Viewer,
        error::ApiError,
        page::{List, PageParams, page},
    },
};

/// Which tunnels are wanted; all conditions must hold.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in crate::http) struct FleetFilter {
    /// Those of one site.
    site: Option<SiteId>,
    /// Those in one state.
    state: Option<LinkState>,
    /// Those of one ISP, spelled as it was configured.
    provider: Option<String>,
    /// Those with this text in their name, provider or gateway.
    text: Option<String>,
}

/// List the tunnels of all sites
///
/// The oldest first.
#[utoipa::path(
    get,
    path = "/tunnels",
    operation_id = "list_tunnels",
    tag = "tunnels",
    params(PageParams, FleetFilter),
    responses((status = 200, description = "A page of tunnels", body = Page<Tunnel>)),
    security(("token" = ["viewer"]))
)]
pub(in crate::http) async fn fleet(
    State(app): State<App>,
    Viewer(caller): Viewer,
    list: List<FleetFilter>,
) -> Result<Json<Page<Tunnel>>, ApiError> {
    let seek = list.seek::<TunnelId>()?;
    let FleetFilter {
        site,
        state,
        provider,
        text,
    } = list.filter;
    let filter = tunnel::TunnelFilter {
        site,
        state,
        provider,
        text,
    };
    let mut conn = app.store().read().await?;
    let rows = tunnel::list(&mut conn, &caller.organization, &filter, &seek).await?;
    Ok(page(rows, |tunnel| tunnel.id.to_string(), view))
}
