//! Going on after a start.

use std::sync::{Arc, Mutex, RwLock};

use holdfast_api_types::{FaultType, SiteId, TunnelRole};
use holdfast_failover::{FaultKey, Monitor, Stored};
use holdfast_store::{
    Connection, Seek, Store, StoreError, fault,
    site::{self, Site},
    tunnel::Tunnel,
};
use tokio::{sync::Notify, task::JoinSet};

use super::{
    Engine, Shared,
    configured::{self, Desired},
    desk::Desk,
    health::Recorder,
    journal::Journal,
    stream::Awaited,
};
use crate::{clock::Clock, events::Bus};

/// Sites read at once.
const PAGE: u32 = 200;

impl Engine {
    /// An engine that knows what was stored, and whose tasks do not run yet.
    pub(super) async fn restored(
        store: Store,
        clock: Arc<dyn Clock>,
        bus: Bus,
    ) -> Result<Self, StoreError> {
        let desk = Desk::new(clock.instant());
        let engine = Self(Arc::new(Shared {
            store,
            clock,
            bus,
            awaited: Awaited::default(),
            desk: Mutex::new(desk),
            journal: Journal::default(),
            recorder: Recorder::default(),
            deadline_changed: Notify::new(),
            site_nudged: Notify::new(),
            clock_moved: Notify::new(),
            tasks: Mutex::new(JoinSet::new()),
            writer: Mutex::new(None),
            followers: RwLock::default(),
        }));
        engine.restore_sites().await?;
        Ok(engine)
    }

    async fn restore_sites(&self) -> Result<(), StoreError> {
        let mut conn = self.0.store.read().await?;
        let mut after: Option<SiteId> = None;
        loop {
            let seek = Seek {
                after: after.take(),
                limit: PAGE,
            };
            let page = site::all(&mut conn, &seek).await?;
            for site in &page.items {
                self.restore_site(&mut conn, site).await?;
            }
            match page.items.last() {
                Some(last) if page.more => after = Some(last.id.clone()),
                Some(_) | None => return Ok(()),
            }
        }
    }

    async fn restore_site(&self, conn: &mut Connection, site: &Site) -> Result<(), StoreError> {
        let tunnels = configured::tunnels_of(conn, &site.id).await?;
        let open = fault::open_of_site(conn, &site.id).await?;
        // The configuration of a router is not the monitor's to judge.
        let of_links = open
            .into_iter()
            .filter(|fault| fault.kind != FaultType::ConfigurationDrift);
        let open = of_links.map(|fault| {
            let key = FaultKey {
                tunnel: fault.tunnel_id,
                kind: fault.kind,
            };
            (key, fault.cause)
        });
        let stored: Vec<Stored> = tunnels.iter().map(stored).collect();
        let organization = site.organization_id.clone();
        let desired = Desired::of(organization.clone(), site.into(), tunnels);
        self.with_desk(|desk, now| {
            let monitor = Monitor::restore(stored, open, now);
            desk.restore(site.id.clone(), organization, monitor);
            desk.apply(&site.id, &desired, now);
        });
        Ok(())
    }
}

fn stored(tunnel: &Tunnel) -> Stored {
    Stored {
        tunnel: tunnel.id.clone(),
        state: tunnel.link.state,
        role: tunnel.link.role.unwrap_or(TunnelRole::Standby),
        cause: tunnel.link.cause.clone(),
        seen: tunnel.last_login.is_some(),
    }
}
