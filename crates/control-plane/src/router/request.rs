//! Jobs about routers, whoever asks for them.

use holdfast_api_types::{ActorKind, JobKind, JobState, OrganizationId, SiteId, api::Change};
use holdfast_store::{
    Connection, StoreError,
    audit::{self, AuditEntry},
    job::{self, NewJob},
    router::Router,
};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::ids::new_id;

/// Who asks when nobody does.
const OURSELVES: &str = "Holdfast";

/// A job of this kind about the router of a site, of which there is one at a time.
pub(crate) fn job(
    kind: JobKind,
    organization: OrganizationId,
    site: SiteId,
    requested_by: String,
    input: &Value,
    now: Timestamp,
) -> NewJob {
    NewJob {
        id: new_id(now),
        organization_id: organization,
        dedup: Some(format!("{kind}:{site}")),
        site_id: Some(site),
        kind,
        requested_by,
        created_at: now,
        input: input.to_string(),
    }
}

/// Has a router brought to what is configured, because it was found to differ and may be repaired. What dashboards are
/// to be told once that is committed. There must be no such job.
pub(super) async fn repair(
    conn: &mut Connection,
    row: &Router,
    now: Timestamp,
) -> Result<Change, StoreError> {
    let kind = JobKind::Configuration;
    let (organization, site) = (row.organization_id.clone(), row.site_id.clone());
    let new = job(kind, organization, site, OURSELVES.into(), &json!({}), now);
    job::insert(conn, &new).await?;
    let entry = AuditEntry {
        id: new_id(now),
        organization_id: row.organization_id.clone(),
        at: now,
        actor_kind: ActorKind::System,
        actor_id: None,
        actor_name: OURSELVES.into(),
        action: "router.configure".into(),
        subject_kind: "site".into(),
        subject_id: row.site_id.to_string(),
        detail: json!({ "job": new.id }).to_string(),
        remote: None,
    };
    audit::insert(conn, &entry).await?;
    Ok(Change::Job {
        job: new.id,
        site: new.site_id,
        job_kind: kind,
        state: JobState::Queued,
        step: None,
    })
}
