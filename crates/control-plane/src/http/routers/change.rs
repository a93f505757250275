use axum::{Json, extract::State};
use holdfast_api_types::{
    SiteId,
    api::{ChangeRouter, Router},
};
use holdfast_store::router;
use serde_json::json;

use super::{found, tell_changed, view};
use crate::{
    App,
    http::{auth::Operator, error::ApiError, extract, extract::Id, sites},
};

/// Change how the router of a site is looked after
#[utoipa::path(
    patch,
    path = "/sites/{id}/router",
    operation_id = "change_router",
    tag = "routers",
    params(("id" = SiteId, Path, description = "The site")),
    request_body = ChangeRouter,
    responses(
        (status = 200, description = "The router", body = Router),
        (status = 409, description = "No router was adopted")
    ),
    security(("token" = ["operator"]))
)]
pub(in crate::http) async fn change(
    State(app): State<App>,
    Operator(caller): Operator,
    Id(id): Id<SiteId>,
    extract::Json(wish): extract::Json<ChangeRouter>,
) -> Result<Json<Router>, ApiError> {
    let mut write = app.write(&caller).await?;
    let mut row = found(&mut write, &caller.organization, &id).await?;
    router::set_repair(&mut write, &id, wish.repair).await?;
    row.repair = wish.repair;
    let detail = json!({ "repair": wish.repair });
    write
        .audit("router.change", sites::subject(&id), detail)
        .await?;
    tell_changed(&mut write, &id, row.state);
    write.commit().await?;
    Ok(Json(view(&app, row)))
}
