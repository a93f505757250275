//! Sites that were changed in the store.

use std::collections::{HashMap, HashSet, VecDeque};

use holdfast_api_types::SiteId;

/// Whoever reads the store notes the count before, and does not use what he has read of a site that was changed after
/// that.
#[derive(Default)]
pub(super) struct Nudges {
    count: u64,
    last: HashMap<SiteId, u64>,
    queue: VecDeque<SiteId>,
    queued: HashSet<SiteId>,
}

impl Nudges {
    pub(super) fn add(&mut self, site: &SiteId) {
        self.count += 1;
        self.last.insert(site.clone(), self.count);
        if self.queued.insert(site.clone()) {
            self.queue.push_back(site.clone());
        }
    }

    /// The next site to be read anew.
    pub(super) fn next(&mut self) -> Option<SiteId> {
        let site = self.queue.pop_front()?;
        self.queued.remove(&site);
        Some(site)
    }

    /// How often sites were changed so far; note it before you read the store.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// Whether a site was changed after what was read when [`Self::count`] was `count`.
    pub(super) fn is_stale(&self, site: &SiteId, count: u64) -> bool {
        self.last.get(site).is_some_and(|last| *last > count)
    }
}
