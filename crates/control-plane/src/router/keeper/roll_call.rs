//! Which routers are there. A router checks in every 30 s, and one whose management tunnel is up is there as well.

use std::{collections::HashSet, time::Duration};

use holdfast_api_types::{RouterState, SiteId};
use holdfast_store::{StoreError, router};
use jiff::{SignedDuration, Timestamp};

use crate::{
    App,
    engine::Engine,
    router::presence::{heard_of, tell},
};

const LOOK_EVERY: Duration = Duration::from_secs(2);

/// A router is away when it has missed three check-ins, and the third had time to arrive.
const SILENCE: SignedDuration = SignedDuration::from_secs(100);

pub(super) async fn keep(app: App, engine: Engine) {
    let mut roll_call = RollCall {
        began: app.clock().now(),
        app,
        engine,
        managed: HashSet::new(),
    };
    loop {
        if let Err(err) = roll_call.look().await {
            tracing::warn!(
                error = &err as &dyn std::error::Error,
                "whether routers are there could not be written: trying again"
            );
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

struct RollCall {
    /// Nobody could be heard of before.
    began: Timestamp,
    app: App,
    engine: Engine,
    /// Those whose management tunnel was up when we looked last.
    managed: HashSet<SiteId>,
}

impl RollCall {
    async fn look(&mut self) -> Result<(), StoreError> {
        let managed: HashSet<SiteId> = self.engine.managed().into_iter().collect();
        self.managed.retain(|site| managed.contains(site));
        for site in managed {
            if !self.managed.contains(&site) {
                self.came(&site).await?;
                self.managed.insert(site);
            }
        }
        let since = self.app.clock().now() - SILENCE;
        if since < self.began {
            return Ok(());
        }
        let silent = router::missed_since(&mut *self.app.store().read().await?, since).await?;
        for site in silent {
            if self.managed.contains(&site) {
                self.came(&site).await?;
            } else {
                self.is_away(&site).await?;
            }
        }
        Ok(())
    }

    async fn came(&self, site: &SiteId) -> Result<(), StoreError> {
        let mut write = self.app.store().write().await?;
        match router::of_site(&mut write, site).await? {
            Some(row) => heard_of(&self.app, write, &row, None).await,
            // It was released while its tunnel was up.
            None => Ok(()),
        }
    }

    async fn is_away(&self, site: &SiteId) -> Result<(), StoreError> {
        let now = self.app.clock().now();
        let mut write = self.app.store().write().await?;
        let Some(row) = router::of_site(&mut write, site).await? else {
            return Ok(());
        };
        let is_new = router::take_away(&mut write, site, now - SILENCE, now).await?;
        write.commit().await?;
        if is_new {
            tracing::info!(site.id = %site, "a router is away");
            tell(&self.app, &row.organization_id, site, RouterState::Away);
        }
        Ok(())
    }
}
