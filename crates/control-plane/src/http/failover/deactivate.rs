use axum::{Json, extract::State, http::StatusCode};
use holdfast_api_types::{
    JobKind, SiteId,
    api::{Accepted, Change, Edit},
};
use holdfast_store::{job::NewJob, site, tunnel};
use serde::Deserialize;
use serde_json::json;

use super::{confirmation::Confirmation, deactivation_of, must_be_enabled};
use crate::{
    App,
    http::{
        auth::Operator,
        error::ApiError,
        extract::{Id, Query},
        jobs, priority, sites,
    },
    ids::new_id,
};

/// That somebody has seen what will be removed.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in crate::http) struct Confirmed {
    /// From `POST /sites/{id}/failover/deactivation`.
    confirmation: String,
}

/// Deactivate failover on a site
///
/// From now on its tunnels may not connect. A job disconnects them and removes them with their passwords; their history
/// and their faults stay.
#[utoipa::path(
    delete,
    path = "/sites/{id}/failover",
    operation_id = "deactivate_failover",
    tag = "failover",
    params(("id" = SiteId, Path, description = "The site"), Confirmed),
    responses(
        (status = 202, description = "The job that does it", body = Accepted),
        (status = 409, description = "The confirmation is for something else, or failover is not enabled"),
        (status = 410, description = "The confirmation has expired")
    ),
    security(("token" = ["operator"]))
)]
pub(in crate::http) async fn deactivate(
    State(app): State<App>,
    Operator(caller): Operator,
    Id(id): Id<SiteId>,
    Query(confirmed): Query<Confirmed>,
) -> Result<(StatusCode, Json<Accepted>), ApiError> {
    let mut write = app.write(&caller).await?;
    let mut site = sites::found(&mut write, &caller.organization, &id).await?;
    must_be_enabled(&site)?;
    let confirmation = Confirmation::open(&confirmed.confirmation, app.vault(), &id)?;
    confirmation.check(&tunnel::of_site(&mut write, &id).await?, write.now())?;

    site.failover_enabled = false;
    site::update(&mut write, &site).await?;
    let new = NewJob {
        id: new_id(write.now()),
        organization_id: caller.organization.clone(),
        site_id: Some(id.clone()),
        kind: JobKind::Deactivation,
        requested_by: caller.actor.name.clone(),
        created_at: write.now(),
        input: "{}".into(),
        dedup: Some(deactivation_of(&id)),
    };
    priority::supersede(&mut write, &id, &new.id).await?;
    let detail = json!({ "job": new.id });
    write
        .audit("failover.deactivate", sites::subject(&id), detail)
        .await?;
    write.tell(Change::Site {
        site: id.clone(),
        edit: Edit::Changed,
    });
    let job = jobs::enqueue(&mut write, &new).await?;
    write.commit().await?;
    app.reconciler().site_changed(&id);
    Ok((StatusCode::ACCEPTED, Json(Accepted { job })))
}
