//! Brings the router of a site to what is configured.

use super::{
    router,
    run::{JobError, Run},
};

pub(super) async fn run(run: &Run) -> Result<String, JobError> {
    let site = run.site()?;
    router::configure(run, site).await?;
    Ok("{}".into())
}
