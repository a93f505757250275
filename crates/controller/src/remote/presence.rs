//! Whether the control plane is there. Pure, but for a line in the log when that changes.

use std::time::Instant;

use super::api::CallError;

/// What the last exchange with the control plane has told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Presence {
    /// There was none yet.
    Unknown,
    /// It is there, and decides.
    Present,
    /// Nobody is there, or nobody who can answer.
    Away {
        /// Since when.
        since: Instant,
    },
    /// It is there, and will not speak with us.
    Unwelcome,
}

impl Presence {
    /// It has answered.
    pub(super) fn heard(&mut self, now: Instant) {
        match std::mem::replace(self, Self::Present) {
            Self::Present => {}
            Self::Unknown => tracing::info!("the control plane is there"),
            Self::Unwelcome => {
                tracing::info!("the control plane takes this controller's token again")
            }
            Self::Away { since } => {
                let away_s = now.saturating_duration_since(since).as_secs_f64();
                tracing::info!(away_s, "the control plane is back");
            }
        }
    }

    /// An exchange has failed. True when that is news, and nobody decides any more.
    pub(super) fn failed(&mut self, err: &CallError, now: Instant) -> bool {
        match err {
            CallError::Away { reason, .. } => {
                if matches!(self, Self::Away { .. }) {
                    return false;
                }
                *self = Self::Away { since: now };
                tracing::warn!(
                    reason,
                    "the control plane is away: tunnels stay up, and those seen here in the last 24 h are let in"
                );
            }
            CallError::Unwelcome => {
                if *self == Self::Unwelcome {
                    return false;
                }
                *self = Self::Unwelcome;
                tracing::error!(
                    "the control plane refuses this controller's token: put the right one into the file of \
                     --token-file, no restart is needed"
                );
            }
            CallError::Rejected { .. } => {
                // Somebody is there.
                self.heard(now);
                return false;
            }
        }
        true
    }

    /// Whether somebody decides about tunnels.
    pub(super) fn is_deciding(self) -> bool {
        self == Self::Present
    }
}
