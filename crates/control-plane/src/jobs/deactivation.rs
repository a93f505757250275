//! Takes failover away from a site: disconnects its tunnels, and removes them.

use std::time::Duration;

use holdfast_api_types::{
    SiteId, StepState,
    api::{Change, Edit, FaultNews, LiveEvent},
};
use holdfast_store::{
    WriteTransaction,
    fault::{self, End},
    tunnel,
};
use jiff::Timestamp;
use serde_json::json;

use super::run::{JobError, Run};

/// How long to wait until controllers report the tunnels gone. Without a password none comes back in any case.
const DISCONNECT_WITHIN: Duration = Duration::from_secs(60);

const LOOK_EVERY: Duration = Duration::from_millis(100);

const DISCONNECT: &str = "Disconnect the tunnels";
const REMOVE: &str = "Remove the tunnels and their passwords";

/// How faults end that go on when failover is taken away.
const END: &str = "failover of the site was deactivated";

pub(super) async fn run(run: &Run) -> Result<String, JobError> {
    let Some(site) = &run.job().site_id else {
        return Err(JobError::Failed("the site was removed".into()));
    };
    disconnect(run, site).await?;
    run.step(1, REMOVE, StepState::Running, "").await?;
    let removed = remove(run, site).await?;
    run.app().reconciler().site_changed(site);
    run.step(
        1,
        REMOVE,
        StepState::Succeeded,
        &format!("{removed} removed"),
    )
    .await?;
    Ok(json!({ "tunnels_removed": removed }).to_string())
}

/// The site's tunnels may not connect any more, so the engine disconnects them; this waits for it.
async fn disconnect(run: &Run, site: &SiteId) -> Result<(), JobError> {
    let clock = run.app().clock();
    let deadline = clock.instant() + DISCONNECT_WITHIN;
    run.app().reconciler().site_changed(site);
    loop {
        let left = run.app().reconciler().holds(site).len();
        if left == 0 {
            return run.step(0, DISCONNECT, StepState::Succeeded, "").await;
        }
        if clock.instant() >= deadline {
            let detail =
                format!("{left} not confirmed; their passwords go, so they cannot come back");
            return run.step(0, DISCONNECT, StepState::Failed, &detail).await;
        }
        run.step(
            0,
            DISCONNECT,
            StepState::Running,
            &format!("{left} connected"),
        )
        .await?;
        run.pause(LOOK_EVERY).await?;
    }
}

async fn remove(run: &Run, site: &SiteId) -> Result<usize, JobError> {
    let now = run.app().clock().now();
    let mut write = run.app().store().write().await?;
    run.hold(&mut write).await?;
    let mut changes = close_faults(&mut write, site, now).await?;
    let tunnels = tunnel::of_site(&mut write, site).await?;
    for row in &tunnels {
        tunnel::delete(&mut write, &row.organization_id, &row.id, now).await?;
        changes.push(Change::Tunnel {
            site: site.clone(),
            tunnel: row.id.clone(),
            edit: Edit::Removed,
        });
    }
    write.commit().await?;
    for change in changes {
        let event = LiveEvent { at: now, change };
        run.app().bus().publish(&run.job().organization_id, event);
    }
    Ok(tunnels.len())
}

async fn close_faults(
    write: &mut WriteTransaction,
    site: &SiteId,
    at: Timestamp,
) -> Result<Vec<Change>, JobError> {
    let end = End {
        at,
        cause: END,
        closed_by: None,
    };
    let mut changes = Vec::new();
    for row in fault::open_of_site(write, site).await? {
        fault::close(write, &row.id, &end).await?;
        changes.push(Change::FaultClosed(FaultNews {
            fault: row.id,
            site: row.site_id,
            tunnel: row.tunnel_id,
            fault_type: row.kind,
            severity: row.severity,
            cause: END.into(),
        }));
    }
    Ok(changes)
}
