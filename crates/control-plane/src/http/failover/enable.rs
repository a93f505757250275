use axum::{extract::State, http::StatusCode, response::Response};
use holdfast_api_types::{
    SiteId,
    api::{Change, Edit, FailoverStatus, Label},
};
use holdfast_store::{job, site, tunnel};
use serde_json::json;

use super::{deactivation_of, status};
use crate::{
    App,
    http::{
        auth::Operator,
        error::ApiError,
        extract::Id,
        idempotency::{Command, Nothing},
        sites,
        tunnels::{self, blank},
        write::Write,
    },
};

/// Enable failover on a site
///
/// Two tunnels appear, `WAN 1` and `WAN 2`, in that order. Both are unconfigured: give each its gateway and connection
/// type, then its profile to the router.
#[utoipa::path(
    post,
    path = "/sites/{id}/failover",
    operation_id = "enable_failover",
    tag = "failover",
    params(("id" = SiteId, Path, description = "The site")),
    responses(
        (status = 201, description = "How it stands", body = FailoverStatus),
        (status = 409, description = "It is enabled already, or being deactivated")
    ),
    security(("token" = ["operator"]))
)]
pub(in crate::http) async fn enable(
    State(app): State<App>,
    Operator(caller): Operator,
    Id(id): Id<SiteId>,
    command: Command<Nothing>,
) -> Result<Response, ApiError> {
    let mut write = app.write_once(&caller, command.key).await?;
    let mut site = sites::found(&mut write, &caller.organization, &id).await?;
    may_enable(&mut write, &site).await?;
    site.failover_enabled = true;
    site::update(&mut write, &site).await?;
    for name in ["WAN 1", "WAN 2"] {
        let name = Label::try_from(name.to_owned()).expect("it is a name");
        let new = blank(&app, &site, name, write.now());
        let row = tunnel::insert(&mut write, new).await?;
        tunnels::created(&mut write, &row).await?;
    }
    write
        .audit("failover.enable", sites::subject(&id), json!({}))
        .await?;
    write.tell(Change::Site {
        site: id.clone(),
        edit: Edit::Changed,
    });
    let answer = status(&app, &mut write, &site).await?;
    let answer = write.answer(StatusCode::CREATED, &answer).await?;
    app.reconciler().site_changed(&id);
    Ok(answer)
}

async fn may_enable(write: &mut Write<'_>, site: &site::Site) -> Result<(), ApiError> {
    if let Some(job) = job::unfinished(write, &deactivation_of(&site.id)).await? {
        return Err(ApiError::conflict(format!(
            "failover of this site is being deactivated: wait until job {} has finished",
            job.id
        )));
    }
    if site.failover_enabled {
        return Err(ApiError::conflict(
            "failover is enabled on this site already",
        ));
    }
    Ok(())
}
