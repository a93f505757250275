//! Overrides that end by themselves.

use std::time::Duration;

use holdfast_store::{StoreError, tunnel};
use jiff::{SignedDuration, Timestamp};

use super::Engine;

/// So long the next look is put off at most: an override may be set, or the wall clock, meanwhile.
const LOOK_AT_LEAST_EVERY: Duration = Duration::from_secs(5);

impl Engine {
    pub(super) async fn end_overrides(self) {
        loop {
            let wait = match self.end_overdue_overrides().await {
                Ok(next) => self.until(next),
                Err(err) => {
                    tracing::warn!(
                        err = &err as &dyn std::error::Error,
                        "overrides could not be looked up: trying again"
                    );
                    LOOK_AT_LEAST_EVERY
                }
            };
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = self.0.clock_moved.notified() => {}
            }
        }
    }

    /// Takes back what is overdue. Returns when the next override ends.
    pub(super) async fn end_overdue_overrides(&self) -> Result<Option<Timestamp>, StoreError> {
        let next = self.next_override_expiry().await?;
        if next.is_none_or(|at| at > self.0.clock.now()) {
            return Ok(next);
        }
        let mut tx = self.0.store.write().await?;
        let ended = tunnel::take_expired_overrides(&mut tx, self.0.clock.now()).await?;
        tx.commit().await?;
        for (site, tunnel) in ended {
            tracing::info!(site.id = %site, tunnel.id = %tunnel, "an override has ended");
            self.site_changed(&site);
        }
        self.next_override_expiry().await
    }

    async fn next_override_expiry(&self) -> Result<Option<Timestamp>, StoreError> {
        let mut conn = self.0.store.read().await?;
        tunnel::next_override_expiry(&mut conn).await
    }

    fn until(&self, at: Option<Timestamp>) -> Duration {
        let left = at.map(|at| {
            at.duration_since(self.0.clock.now())
                .max(SignedDuration::ZERO)
        });
        left.map_or(LOOK_AT_LEAST_EVERY, SignedDuration::unsigned_abs)
            .min(LOOK_AT_LEAST_EVERY)
    }
}
