//! What everybody here needs: the control plane, its engine, and what is stored of a site.

use std::sync::{Arc, Mutex, PoisonError};

use holdfast_api_types::{JobState, RouterAccess, SiteId, TunnelId, api::Gateway};
use holdfast_store::{
    Connection, Seek, StoreError,
    job::{self, JobFilter},
    router,
    tunnel::{self, Settings, Tunnel},
};
use tokio::sync::Semaphore;

use super::redial::Redials;
use crate::{
    App,
    engine::Engine,
    router::{
        access::{AccessError, Router},
        book::{RouterError, reach},
        observe::ObserveError,
    },
};

/// Something at a router that is not to be broken off by our end: so much of it at once.
pub(super) const HANDS: u32 = 64;

/// Clones are the same.
#[derive(Clone)]
pub(super) struct Household {
    pub(super) app: App,
    pub(super) engine: Engine,
    /// Whoever is at something that must be finished has one of [`HANDS`].
    pub(super) hands: Arc<Semaphore>,
    redials: Arc<Mutex<Redials>>,
}

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
pub(super) enum Snag {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Access(#[from] AccessError),
    #[error(transparent)]
    Observe(#[from] ObserveError),
    #[error("{0}")]
    Reach(String),
}

impl From<RouterError> for Snag {
    fn from(err: RouterError) -> Self {
        match err {
            RouterError::Unreachable(why) => Self::Reach(why),
            RouterError::Invalid(faults) => {
                let told: Vec<_> = faults.into_iter().map(|fault| fault.message).collect();
                Self::Reach(told.join("; "))
            }
            RouterError::Internal(err) => Self::Reach(err.to_string()),
        }
    }
}

impl Household {
    pub(super) fn new(app: App, engine: Engine, hands: Arc<Semaphore>) -> Self {
        Self {
            app,
            engine,
            hands,
            redials: Arc::default(),
        }
    }

    /// Whether the client of a tunnel may be made to dial anew now; it counts as done then.
    pub(super) fn may_redial(&self, tunnel: &TunnelId) -> bool {
        let mut redials = self.redials.lock().unwrap_or_else(PoisonError::into_inner);
        redials.may(tunnel, tokio::time::Instant::now().into_std())
    }

    /// The way to the router of a site.
    pub(super) async fn reach(&self, site: &SiteId) -> Result<Router, Snag> {
        Ok(reach(&self.app, site).await?)
    }

    /// Something of a site has died, and the session to its router may go through that: the next command opens another,
    /// by a way that answers.
    pub(super) async fn change_way(&self, site: &SiteId) {
        let direct = RouterAccess::Direct.as_str();
        let through_tunnel = self
            .app
            .routers()
            .via(site)
            .is_some_and(|via| via != direct);
        if through_tunnel && let Ok(router) = self.reach(site).await {
            router.hang_up().await;
        }
    }

    /// What is stored of the router of a site.
    pub(super) async fn router(&self, site: &SiteId) -> Result<Option<router::Router>, Snag> {
        let mut conn = self.app.store().read().await?;
        Ok(router::of_site(&mut conn, site).await?)
    }

    /// Whether what is configured for a site was brought to a router.
    pub(super) async fn is_configured(&self, site: &SiteId) -> Result<bool, Snag> {
        Ok(self.router(site).await?.is_some_and(|row| row.configured))
    }

    /// The tunnels of a site, in configured order.
    pub(super) async fn tunnels(&self, site: &SiteId) -> Result<Vec<Tunnel>, Snag> {
        let mut conn = self.app.store().read().await?;
        Ok(tunnel::of_site(&mut conn, site).await?)
    }

    /// The slot of a tunnel, from 1, on the router of a site that was configured; none if there is none such.
    pub(super) async fn slot(&self, site: &SiteId, tunnel: &TunnelId) -> Result<Option<u8>, Snag> {
        if !self.is_configured(site).await? {
            return Ok(None);
        }
        let tunnels = self.tunnels(site).await?;
        let tunnel = tunnels.iter().find(|it| it.id == *tunnel);
        Ok(tunnel.and_then(|it| u8::try_from(it.slot + 1).ok()))
    }
}

/// Whether a job is about a site: then whatever its router looks like may be between two states.
pub(super) async fn is_at_work(
    conn: &mut Connection,
    row: &router::Router,
) -> Result<bool, StoreError> {
    for state in [JobState::Queued, JobState::Running] {
        let filter = JobFilter {
            site: Some(row.site_id.clone()),
            kind: None,
            state: Some(state),
        };
        let jobs = job::list(conn, &row.organization_id, &filter, &Seek::first(1)).await?;
        if !jobs.items.is_empty() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The interface that a tunnel leaves through.
pub(super) fn wan(settings: &Settings) -> Option<&str> {
    match (&settings.interface, &settings.gateway) {
        (Some(interface), _) => Some(interface),
        (None, Some(Gateway::Interface(name))) => Some(name.as_str()),
        (None, Some(Gateway::Address(_)) | None) => None,
    }
}
