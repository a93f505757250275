//! Overrides that end by themselves.

use std::time::Duration;

use holdfast_api_types::{
    ActorKind,
    api::{Change, Edit, LiveEvent},
};
use holdfast_store::{
    StoreError,
    audit::{self, AuditEntry},
    tunnel::{self, Tunnel},
};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::Engine;
use crate::ids;

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
        let now = self.0.clock.now();
        let mut tx = self.0.store.write().await?;
        let ended = tunnel::with_expired_override(&mut tx, now).await?;
        for row in &ended {
            tunnel::clear_override(&mut tx, &row.id).await?;
            audit::insert(&mut tx, &entry(row, now)).await?;
        }
        tx.commit().await?;
        for row in ended {
            tracing::info!(site.id = %row.site_id, tunnel.id = %row.id, "an override has ended");
            self.site_changed(&row.site_id);
            let change = Change::Tunnel {
                site: row.site_id,
                tunnel: row.id,
                edit: Edit::Changed,
            };
            let event = LiveEvent { at: now, change };
            self.0.bus.publish(&row.organization_id, event);
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

/// What the audit log says of an override that has ended, as of one that somebody takes back.
fn entry(row: &Tunnel, at: Timestamp) -> AuditEntry {
    let forced = row.forced.as_ref();
    let detail = json!({
        "kind": forced.map(|it| it.kind),
        "reason": forced.map(|it| &it.reason),
        "expired_at": forced.and_then(|it| it.expires_at),
    });
    AuditEntry {
        id: ids::new_id(at),
        organization_id: row.organization_id.clone(),
        at,
        actor_kind: ActorKind::System,
        actor_id: None,
        actor_name: "Holdfast".into(),
        action: "tunnel.release".into(),
        subject_kind: "tunnel".into(),
        subject_id: row.id.to_string(),
        detail: detail.to_string(),
        remote: None,
    }
}
