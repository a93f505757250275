//! That a router always has a way to the internet, whatever is being done to it.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use holdfast_routeros_proto::{Command, Query, Row};
use tokio::task::JoinHandle;

use super::bed::{Bed, LONG};

/// Somebody who looks at the default routes of a router again and again, between any two commands of others.
pub(super) struct Watch {
    looks: Arc<AtomicUsize>,
    misses: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Watch {
    pub(super) fn start(bed: &Bed) -> Self {
        let (looks, misses) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
        let (looked, missed) = (looks.clone(), misses.clone());
        let router = bed.router();
        let task = tokio::spawn(async move {
            loop {
                let active = Command::print("/ip/route")
                    .only(&["dst-address", "blackhole"])
                    .matching(Query::equals("active", "true"));
                // Our own connection may be cut like any other.
                let Ok(rows) = router.read(active, LONG).await else {
                    continue;
                };
                looked.fetch_add(1, Ordering::Relaxed);
                if !rows.iter().any(is_default) {
                    missed.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
        Self {
            looks,
            misses,
            task,
        }
    }

    /// Ends it. It must have looked so often, and have found a default route each time.
    #[track_caller]
    pub(super) fn finish(self, least: usize) {
        self.task.abort();
        let looks = self.looks.load(Ordering::Relaxed);
        assert!(looks >= least, "{looks} looks are too few");
        assert_eq!(self.misses.load(Ordering::Relaxed), 0, "of {looks} looks");
    }
}

fn is_default(row: &Row) -> bool {
    row.text("dst-address") == "0.0.0.0/0" && !row.flag("blackhole")
}
