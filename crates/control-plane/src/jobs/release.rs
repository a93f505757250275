//! Takes everything of Holdfast off the router of a site, and forgets it.

use holdfast_api_types::{
    StepState,
    api::{Edit, LiveEvent},
};
use holdfast_store::{adoption, router as rows};
use serde::{Deserialize, Serialize};

use super::{
    router,
    run::{JobError, Run},
};
use crate::router::fault;

/// How a router is released.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ReleaseInput {
    /// It is forgotten as it is: it will never answer again.
    pub(crate) force: bool,
}

const FORGET: &str = "Forget the router";

pub(super) async fn run(run: &Run) -> Result<String, JobError> {
    let input: ReleaseInput = run.input()?;
    let site = run.site()?;
    let row = rows::of_site(&mut *run.app().store().read().await?, site).await?;
    let Some(row) = row else {
        return Ok("{}".into());
    };
    // On one that never came there is nothing.
    if !input.force && router::of_site(run, site).await?.is_some() {
        router::release(run, site, 0).await?;
    }
    let mut write = run.app().store().write().await?;
    run.hold(&mut write).await?;
    let now = run.app().clock().now();
    let over = fault::close(&mut write, site, "the router was released", now).await?;
    rows::delete(&mut write, site).await?;
    adoption::end(&mut write, site).await?;
    write.commit().await?;
    if let Some(change) = over {
        let event = LiveEvent { at: now, change };
        run.app().bus().publish(&row.organization_id, event);
    }
    run.app().routers().dismiss(site);
    run.app().reconciler().site_changed(site);
    router::tell(run, &row, Edit::Removed);
    run.step(1, FORGET, StepState::Succeeded, "").await?;
    Ok("{}".into())
}
