use axum::{Json, extract::State};
use holdfast_api_types::api::{Page, Site};
use holdfast_store::site;
use serde::Deserialize;

use super::status;
use crate::{
    App,
    http::{
        auth::Viewer,
        error::ApiError,
        page::{List, PageParams, next},
    },
};

/// Which sites are wanted.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in crate::http) struct SiteFilter {
    /// Those with this text in their name or note.
    text: Option<String>,
}

/// List sites
///
/// The oldest first, each with how it is doing.
#[utoipa::path(
    get,
    path = "/sites",
    operation_id = "list_sites",
    tag = "sites",
    params(PageParams, SiteFilter),
    responses((status = 200, description = "A page of sites", body = Page<Site>)),
    security(("token" = ["viewer"]))
)]
pub(in crate::http) async fn list(
    State(app): State<App>,
    Viewer(caller): Viewer,
    list: List<SiteFilter>,
) -> Result<Json<Page<Site>>, ApiError> {
    let text = list.filter.text.as_deref();
    let mut conn = app.store().read().await?;
    let rows = site::list(&mut conn, &caller.organization, text, &list.seek()?).await?;
    let next = next(&rows, |site| site.id.to_string());
    let items = status::views(&mut conn, &caller.organization, rows.items).await?;
    Ok(Json(Page { items, next }))
}
