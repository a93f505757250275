use std::collections::BTreeSet;

use axum::{Json, extract::State, http::StatusCode};
use holdfast_api_types::{
    JobKind, SiteId, TunnelId,
    api::{Accepted, Change, FieldFault, SetPriority},
};
use holdfast_store::{
    job::NewJob,
    priority::{self, Replaced},
};
use serde_json::json;

use super::{dedup, supersede};
use crate::{
    App,
    http::{
        auth::Operator,
        error::ApiError,
        etag::IfMatch,
        extract::{self, Id},
        failover::must_be_enabled,
        jobs, sites,
    },
    ids::new_id,
    jobs::PriorityInput,
};

/// Set the order of a site's tunnels
///
/// The whole order at once. A job follows it until every connected tunnel holds its place; a newer one supersedes it.
#[utoipa::path(
    put,
    path = "/sites/{id}/priority",
    operation_id = "set_priority",
    tag = "priority",
    params(
        ("id" = SiteId, Path, description = "The site"),
        ("If-Match" = String, Header, description = "The ETag of the order that you have seen")
    ),
    request_body = SetPriority,
    responses(
        (status = 202, description = "The job that carries it out", body = Accepted),
        (status = 409, description = "Failover is not enabled"),
        (status = 422, description = "The order does not name every tunnel of the site once")
    ),
    security(("token" = ["operator"]))
)]
pub(in crate::http) async fn replace(
    State(app): State<App>,
    Operator(caller): Operator,
    Id(id): Id<SiteId>,
    if_match: IfMatch,
    extract::Json(wish): extract::Json<SetPriority>,
) -> Result<(StatusCode, Json<Accepted>), ApiError> {
    let mut write = app.write(&caller).await?;
    let site = sites::found(&mut write, &caller.organization, &id).await?;
    must_be_enabled(&site)?;
    if_match.check(site.priority_version.into())?;
    let before = priority::order(&mut write, &id).await?;
    check(&wish.tunnels, &before)?;
    let seen = site.priority_version;
    let Replaced::Done { version } =
        priority::replace(&mut write, &id, seen, &wish.tunnels).await?
    else {
        return Err(ApiError::internal(
            "an order that was checked in its own transaction was refused",
        ));
    };

    let input = PriorityInput { version };
    let new = NewJob {
        id: new_id(write.now()),
        organization_id: caller.organization.clone(),
        site_id: Some(id.clone()),
        kind: JobKind::Priority,
        requested_by: caller.actor.name.clone(),
        created_at: write.now(),
        input: serde_json::to_string(&input).map_err(ApiError::internal)?,
        dedup: Some(dedup(&id)),
    };
    supersede(&mut write, &id, &new.id).await?;
    let detail = json!({ "before": before, "after": wish.tunnels, "job": new.id });
    write
        .audit("priority.set", sites::subject(&id), detail)
        .await?;
    write.tell(Change::Priority {
        site: id.clone(),
        version,
        order: wish.tunnels,
    });
    let job = jobs::enqueue(&mut write, &new).await?;
    write.commit().await?;
    app.reconciler().site_changed(&id);
    Ok((StatusCode::ACCEPTED, Json(Accepted { job })))
}

/// Says of every tunnel what is wrong with its place in the order.
pub(super) fn check(wish: &[TunnelId], tunnels: &[TunnelId]) -> Result<(), ApiError> {
    let fault = |field: String, id: &TunnelId, message: &str| FieldFault {
        field,
        value: Some(id.to_string()),
        message: message.into(),
    };
    let mut seen = BTreeSet::new();
    let mut faults = Vec::new();
    for (index, id) in wish.iter().enumerate() {
        let field = format!("tunnels[{index}]");
        if !tunnels.contains(id) {
            faults.push(fault(field, id, "is no tunnel of this site: leave it out"));
        } else if !seen.insert(id) {
            faults.push(fault(field, id, "is named twice: name it once"));
        }
    }
    let missing = tunnels.iter().filter(|id| !seen.contains(id));
    faults.extend(missing.map(|id| {
        let message = "is missing: name every tunnel of the site";
        fault("tunnels".into(), id, message)
    }));
    if faults.is_empty() {
        Ok(())
    } else {
        Err(ApiError::invalid_fields(faults))
    }
}
