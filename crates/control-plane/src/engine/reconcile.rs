//! Brings a site to what the store says now.

use std::{collections::BTreeMap, time::Duration};

use holdfast_api_types::{SiteId, TunnelId};
use holdfast_store::{Sha256, StoreError, site, tunnel};

use super::{
    Engine,
    configured::{self, Desired},
};

/// After the store could not be read.
const TRY_AGAIN_AFTER: Duration = Duration::from_millis(500);

impl Engine {
    /// Reconciles the sites that were changed, one at a time.
    pub(super) async fn reconcile_nudged(self) {
        loop {
            let Some(site) = self.next_nudged() else {
                self.0.site_nudged.notified().await;
                continue;
            };
            if let Err(err) = self.reconcile(&site).await {
                tracing::warn!(site.id = %site, err = &err as &dyn std::error::Error, "a changed site could not be read: trying again");
                self.desk().nudges.add(&site);
                tokio::time::sleep(TRY_AGAIN_AFTER).await;
            }
        }
    }

    fn next_nudged(&self) -> Option<SiteId> {
        self.desk().nudges.next()
    }

    /// Reads the site and hands it to the desk. If it is changed meanwhile, its next turn brings what was missed.
    async fn reconcile(&self, id: &SiteId) -> Result<(), StoreError> {
        let changes = self.desk().nudges.count();
        let mut conn = self.0.store.read().await?;
        let Some(site) = site::find(&mut conn, id).await? else {
            self.with_desk(|desk, now| {
                desk.remove(id, now);
                desk.dismiss_management(id);
            });
            return Ok(());
        };
        let tunnels = configured::tunnels_of(&mut conn, id).await?;
        let connected = self.desk().connected(id);
        let mut passwords: BTreeMap<TunnelId, Sha256> = BTreeMap::new();
        for tunnel in connected {
            if let Some(credentials) = tunnel::credentials(&mut conn, &tunnel).await? {
                passwords.insert(tunnel, credentials.sha256);
            }
        }
        let is_management_good = self.is_management_good(&mut conn, id).await?;
        drop(conn);
        let desired = Desired::of(site.organization_id.clone(), (&site).into(), tunnels);
        self.with_desk(|desk, now| {
            if !desk.nudges.is_stale(id, changes) {
                desk.apply(id, &desired, now);
                desk.apply_passwords(id, &passwords, now);
                if !is_management_good {
                    desk.dismiss_management(id);
                }
            }
        });
        Ok(())
    }
}
