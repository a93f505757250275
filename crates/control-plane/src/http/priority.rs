//! `/sites/{id}/priority`: the order of a site's tunnels.

use holdfast_api_types::{JobId, SiteId, api::Change};
use holdfast_store::job;

use super::{error::ApiError, jobs, write::Write};

pub(super) mod replace;
pub(super) mod show;

/// What no two unfinished jobs that reorder a site have.
fn dedup(site: &SiteId) -> String {
    format!("priority:{site}")
}

/// Ends the priority job of a site that is not finished, if there is one: a newer job knows better.
pub(super) async fn supersede(
    write: &mut Write<'_>,
    site: &SiteId,
    by: &JobId,
) -> Result<(), ApiError> {
    let now = write.now();
    let why = format!("superseded by job {by}");
    let Some(old) = job::supersede(write, &dedup(site), now, &why).await? else {
        return Ok(());
    };
    let ended = jobs::queued(write, &old).await?;
    write.tell(Change::Job {
        job: ended.id,
        site: ended.site_id,
        job_kind: ended.kind,
        state: ended.state,
        step: Some(why),
    });
    Ok(())
}
