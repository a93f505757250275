use axum::{Json, extract::State, http::StatusCode};
use holdfast_api_types::{JobKind, SiteId, api::Accepted};
use serde::Deserialize;
use serde_json::json;

use super::{dedup, enqueue, found, tell_changed};
use crate::{
    App,
    http::{
        auth::Owner,
        error::ApiError,
        extract::{Id, Query},
        jobs, sites,
    },
    jobs::ReleaseInput,
};

/// How thoroughly a router is released.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in crate::http) struct How {
    /// Forget a router that will never answer again. Left out: wait until it does.
    #[serde(default)]
    force: bool,
}

/// Release the router of a site
///
/// A job removes everything of Holdfast from it, its service user included, and forgets it.
#[utoipa::path(
    delete,
    path = "/sites/{id}/router",
    operation_id = "release_router",
    tag = "routers",
    params(("id" = SiteId, Path, description = "The site"), How),
    responses(
        (status = 202, description = "The job that does it", body = Accepted),
        (status = 409, description = "No router was adopted")
    ),
    security(("token" = ["owner"]))
)]
pub(in crate::http) async fn release(
    State(app): State<App>,
    Owner(caller): Owner,
    Id(id): Id<SiteId>,
    Query(how): Query<How>,
) -> Result<(StatusCode, Json<Accepted>), ApiError> {
    let mut write = app.write(&caller).await?;
    let row = found(&mut write, &caller.organization, &id).await?;
    let input = json!(ReleaseInput { force: how.force });
    if how.force {
        let why = "superseded by a release that does not wait for the router";
        jobs::supersede(&mut write, &dedup(JobKind::Release, &id), why).await?;
    }
    let job = enqueue(&mut write, &caller, &id, JobKind::Release, &input).await?;
    let detail = json!({ "job": job.id, "force": how.force });
    write
        .audit("router.release", sites::subject(&id), detail)
        .await?;
    tell_changed(&mut write, &id, row.state);
    write.commit().await?;
    Ok((StatusCode::ACCEPTED, Json(Accepted { job })))
}
