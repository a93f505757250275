//! A model router: which tunnels' routes are installed, and where traffic goes.

use std::collections::BTreeMap;

use holdfast_api_types::{Place, TunnelId};

#[derive(Debug, Default)]
pub(crate) struct Router {
    installed: BTreeMap<TunnelId, Place>,
}

impl Router {
    /// Installs a tunnel's routes. A kernel refuses a second route with the same prefix and metric.
    #[track_caller]
    pub(crate) fn install(&mut self, tunnel: &TunnelId, place: Place) {
        self.withdraw(tunnel);
        let clash = self.installed.iter().find(|(_, held)| **held == place);
        assert!(
            clash.is_none(),
            "{tunnel} would be refused {place:?}: {self:?}"
        );
        self.installed.insert(tunnel.clone(), place);
    }

    pub(crate) fn withdraw(&mut self, tunnel: &TunnelId) {
        self.installed.remove(tunnel);
    }

    /// The tunnel whose routes traffic takes: longest prefix, then smallest metric.
    pub(crate) fn carrying(&self) -> Option<&TunnelId> {
        self.installed
            .iter()
            .max_by_key(|(_, place)| (place.rung, u32::MAX - place.metric()))
            .map(|(tunnel, _)| tunnel)
    }

    /// The tunnels that may get traffic on a router that ignores metrics.
    pub(crate) fn on_longest_prefix(&self) -> Vec<&TunnelId> {
        let longest = self.installed.values().map(|place| place.rung).max();
        self.installed
            .iter()
            .filter(|(_, place)| Some(place.rung) == longest)
            .map(|(tunnel, _)| tunnel)
            .collect()
    }

    pub(crate) fn places(&self) -> &BTreeMap<TunnelId, Place> {
        &self.installed
    }
}
