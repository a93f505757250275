//! `/sites/{id}/priority`: the order of a site's tunnels.

use holdfast_api_types::{JobId, SiteId};
use holdfast_store::job;

use super::{error::ApiError, jobs, write::Write};

pub(super) mod preview;
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
    let ended = jobs::known(write, &old).await?;
    jobs::tell(write, &ended, Some(why));
    Ok(())
}
