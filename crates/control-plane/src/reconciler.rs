//! What handlers and jobs ask of the engine.

use std::{fmt, sync::OnceLock};

use holdfast_api_types::SiteId;

use crate::engine::{Engine, TunnelHolds};

/// Brings sites to what the store says. It is told where to look, and reads the rest itself.
pub trait Reconciler: fmt::Debug + Send + Sync + 'static {
    /// A site, or one of its tunnels, was changed and committed.
    fn site_changed(&self, site: &SiteId);

    /// What each connected tunnel of a site holds, as its controller has reported it.
    fn holds(&self, site: &SiteId) -> Vec<TunnelHolds>;
}

impl Reconciler for Engine {
    fn site_changed(&self, site: &SiteId) {
        Self::site_changed(self, site);
    }

    fn holds(&self, site: &SiteId) -> Vec<TunnelHolds> {
        Self::holds(self, site)
    }
}

/// Stands in until the engine runs: what changes before, the engine reads when it starts.
#[derive(Debug, Default)]
pub(crate) struct MaybeReconciler(OnceLock<Box<dyn Reconciler>>);

impl MaybeReconciler {
    /// Connects the engine, once.
    pub(crate) fn connect(&self, reconciler: Box<dyn Reconciler>) {
        let connected = self.0.set(reconciler);
        assert!(connected.is_ok(), "a control plane has one engine");
    }
}

impl Reconciler for MaybeReconciler {
    fn site_changed(&self, site: &SiteId) {
        if let Some(reconciler) = self.0.get() {
            reconciler.site_changed(site);
        }
    }

    fn holds(&self, site: &SiteId) -> Vec<TunnelHolds> {
        self.0.get().map_or_else(Vec::new, |it| it.holds(site))
    }
}
