//! `/sites/{id}/router`: the router of a site, what it says of itself, and what is to be changed on it.

use holdfast_api_types::{
    JobKind, OrganizationId, RouterAccess, RouterState, SiteId,
    api::{Change, Edit, Job, Router},
};
use holdfast_store::{Connection, router};

use serde_json::json;

use super::{auth::Caller, error::ApiError, jobs, sites, write::Write};
use crate::{
    App,
    router::{RouterError, request},
};

pub(super) mod access;
pub(super) mod change;
pub(super) mod configure;
pub(super) mod gateways;
pub(super) mod interfaces;
pub(super) mod plan;
pub(super) mod release;
pub(super) mod show;

/// The router of a site, or 404 for the site, or 409 when there is none.
pub(super) async fn found(
    conn: &mut Connection,
    organization: &OrganizationId,
    site: &SiteId,
) -> Result<router::Router, ApiError> {
    sites::found(conn, organization, site).await?;
    let row = router::of_site(conn, site).await?;
    row.ok_or_else(|| {
        ApiError::conflict(
            "no router was adopted: POST /sites/{id}/adoption gives the line to paste into it",
        )
    })
}

impl From<RouterError> for ApiError {
    fn from(err: RouterError) -> Self {
        match err {
            RouterError::Unreachable(why) => Self::router_unreachable(&why),
            RouterError::Invalid(fields) => Self::invalid_fields(fields),
            RouterError::Internal(err) => Self::internal(err),
        }
    }
}

fn view(app: &App, row: router::Router) -> Router {
    let problems = row.findings.as_ref().map(|it| it.problems.as_str());
    Router {
        via: app.routers().via(&row.site_id),
        access: row.access(),
        state: row.state,
        identity: row.facts.identity,
        board: row.facts.board,
        version: row.facts.version,
        serial: row.facts.serial,
        adopted_at: row.adopted_at,
        last_seen_at: row.last_seen_at,
        mode: row.mode.mode,
        mode_reason: row.mode.reason,
        configured: row.configured,
        repair: row.repair,
        drift: row.findings.as_ref().map(|it| it.drift),
        // Only we write them; a list that cannot be read is as good as none.
        problems: problems
            .and_then(|text| serde_json::from_str(text).ok())
            .unwrap_or_default(),
    }
}

/// What is said of a site that has no router; `pending` when one may come.
fn absent(state: RouterState) -> Router {
    Router {
        state,
        identity: None,
        board: None,
        version: None,
        serial: None,
        adopted_at: None,
        last_seen_at: None,
        access: RouterAccess::Tunnel,
        via: None,
        mode: holdfast_api_types::RouteMode::Pushed,
        mode_reason: None,
        configured: false,
        repair: holdfast_api_types::Repair::Ask,
        drift: None,
        problems: Vec::new(),
    }
}

/// What no two unfinished jobs of one kind about the router of a site have.
fn dedup(kind: JobKind, site: &SiteId) -> String {
    format!("{kind}:{site}")
}

/// Something was changed that a router has to be told, if it is one that we configure: a job brings it there.
pub(super) async fn follow(
    write: &mut Write<'_>,
    caller: &Caller,
    site: &SiteId,
) -> Result<(), ApiError> {
    let row = router::of_site(write, site).await?;
    if row.is_some_and(|row| row.configured) {
        enqueue(write, caller, site, JobKind::Configuration, &json!({})).await?;
    }
    Ok(())
}

/// Queues a job about the router of a site, or answers the one that is at it already.
async fn enqueue(
    write: &mut Write<'_>,
    caller: &Caller,
    site: &SiteId,
    kind: JobKind,
    input: &serde_json::Value,
) -> Result<Job, ApiError> {
    let dedup = dedup(kind, site);
    if let Some(job) = holdfast_store::job::unfinished(write, &dedup).await? {
        return jobs::known(write, &job.id).await;
    }
    let (organization, asks) = (caller.organization.clone(), caller.actor.name.clone());
    let new = request::job(kind, organization, site.clone(), asks, input, write.now());
    jobs::enqueue(write, &new).await
}

/// Tells that something about the router of a site is different.
fn tell_changed(write: &mut Write<'_>, site: &SiteId, state: RouterState) {
    write.tell(Change::Router {
        site: site.clone(),
        edit: Edit::Changed,
        state,
    });
}
