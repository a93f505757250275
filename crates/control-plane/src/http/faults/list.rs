use axum::{Json, extract::State};
use holdfast_api_types::{
    FaultId,
    api::{Fault, Page},
};
use holdfast_store::fault;

use super::{FaultFilter, view};
use crate::{
    App,
    http::{
        auth::Viewer,
        error::ApiError,
        page::{List, PageParams, page},
    },
};

/// List faults
///
/// The latest first.
#[utoipa::path(
    get,
    path = "/faults",
    operation_id = "list_faults",
    tag = "faults",
    params(PageParams, FaultFilter),
    responses((status = 200, description = "A page of faults", body = Page<Fault>)),
    security(("token" = ["viewer"]))
)]
pub(in crate::http) async fn list(
    State(app): State<App>,
    Viewer(caller): Viewer,
    list: List<FaultFilter>,
) -> Result<Json<Page<Fault>>, ApiError> {
    let seek = list.seek::<FaultId>()?;
    let filter = list.filter.into();
    let mut conn = app.store().read().await?;
    let rows = fault::list(&mut conn, &caller.organization, &filter, &seek).await?;
    Ok(page(rows, |fault| fault.id.to_string(), view))
}
