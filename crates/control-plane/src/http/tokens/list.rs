use axum::{Json, extract::State};
use holdfast_api_types::api::{Page, Token};
use holdfast_store::token;

use super::view;
use crate::{
    App,
    http::{
        auth::Viewer,
        error::ApiError,
        page::{List, PageParams, page},
    },
};

/// List API tokens
///
/// The oldest first, without their secrets.
#[utoipa::path(
    get,
    path = "/tokens",
    operation_id = "list_tokens",
    tag = "people",
    params(PageParams),
    responses((status = 200, description = "A page of tokens", body = Page<Token>)),
    security(("token" = ["viewer"]))
)]
pub(in crate::http) async fn list(
    State(app): State<App>,
    Viewer(caller): Viewer,
    list: List,
) -> Result<Json<Page<Token>>, ApiError> {
    let mut conn = app.store().read().await?;
    let rows = token::list(&mut conn, &caller.organization, &list.seek()?).await?;
    Ok(page(rows, |token| token.id.to_string(), view))
}
