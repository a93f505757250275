//! `/sites/{id}/priority`: the order of a site's tunnels.

use holdfast_api_types::{JobId, SiteId};

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
    let why = format!("superseded by job {by}");
    jobs::supersede(write, &dedup(site), &why).await
}
