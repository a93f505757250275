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

use super::{
    router,
    run::{JobError, Run},
};

/// How long to wait until controllers report the tunnels gone. Without a password none comes back in any case.
const DISCONNECT_WITHIN: Duration = Duration::from_secs(60);

const LOOK_EVERY: Duration = Duration::from_millis(100);

/// The job's steps.
const OFF_ROUTER: u32 = 0;
const DISCONNECTED: u32 = 1;
const GONE: u32 = 2;

const DISCONNECT: &str = "Disconnect the tunnels";
const REMOVE: &str = "Remove the tunnels and their passwords";

/// How faults end that go on when failover is taken away.
const END: &str = "failover of the site was deactivated";

pub(super) async fn run(run: &Run) -> Result<String, JobError> {
    let site = run.site()?;
    // A router that is away gets rid of it when it returns: nobody waits for that here.
    let off_router = match router::of_site(run, site).await? {
        Some(row) if row.configured => router::remove(run, site, OFF_ROUTER).await,
        Some(_) | None => Ok(()),
    };
    let removed = match &off_router {
        Ok(()) | Err(JobError::Waits(_)) => take_tunnels(run, site).await?,
        Err(_) => 0,
    };
    off_router?;
    Ok(json!({ "tunnels_removed": removed }).to_string())
}

/// Disconnects and removes the tunnels, unless an earlier attempt has; how many.
async fn take_tunnels(run: &Run, site: &SiteId) -> Result<usize, JobError> {
    if run.has_done(GONE).await? {
        return Ok(0);
    }
    disconnect(run, site).await?;
    run.step(GONE, REMOVE, StepState::Running, "").await?;
    let removed = remove(run, site).await?;
    run.app().reconciler().site_changed(site);
    let detail = format!("{removed} removed");
    run.step(GONE, REMOVE, StepState::Succeeded, &detail)
        .await?;
    Ok(removed)
}

/// The site's tunnels may not connect any more, so the engine disconnects them; this waits for it.
async fn disconnect(run: &Run, site: &SiteId) -> Result<(), JobError> {
    let clock = run.app().clock();
    let deadline = clock.instant() + DISCONNECT_WITHIN;
    run.app().reconciler().site_changed(site);
    loop {
        let left = run.app().reconciler().holds(site).len();
        if left == 0 {
            return run
                .step(DISCONNECTED, DISCONNECT, StepState::Succeeded, "")
                .await;
        }
        if clock.instant() >= deadline {
            let detail =
                format!("{left} not confirmed; their passwords go, so they cannot come back");
            return run
                .step(DISCONNECTED, DISCONNECT, StepState::Failed, &detail)
                .await;
        }
        run.step(
            DISCONNECTED,
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
