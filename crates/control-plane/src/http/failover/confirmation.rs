//! The confirmation that deactivation asks for: what was listed and until when, sealed, so that nothing is stored.

use holdfast_api_types::{SiteId, TunnelId, api::ErrorCode};
use holdfast_store::tunnel::Tunnel;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{http::error::ApiError, vault::Vault};

/// How long a confirmation is good.
const LIFE: SignedDuration = SignedDuration::from_mins(10);

/// What somebody was shown before confirming.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Confirmation {
    pub(super) expires_at: Timestamp,
    tunnels: Vec<(TunnelId, u32)>,
}

impl Confirmation {
    /// For a list of tunnels that is shown now.
    pub(super) fn of(tunnels: &[Tunnel], now: Timestamp) -> Self {
        Self {
            expires_at: now + LIFE,
            tunnels: listed(tunnels),
        }
    }

    /// As text for the client, good for one site of this installation.
    pub(super) fn seal(&self, vault: &Vault, site: &SiteId) -> String {
        let plain = serde_json::to_vec(self).expect("plain data is JSON");
        hex::encode(vault.seal(&row(site), &plain))
    }

    /// Reads what [`Confirmation::seal`] wrote for this site.
    ///
    /// # Errors
    /// 409 when it was written for another site, or not by us.
    pub(super) fn open(text: &str, vault: &Vault, site: &SiteId) -> Result<Self, ApiError> {
        let foreign = || {
            ApiError::conflict(
                "this confirmation is not of this site: POST /sites/{id}/failover/deactivation gives one",
            )
        };
        let sealed = hex::decode(text).map_err(|_| foreign())?;
        let plain = vault.open(&row(site), &sealed).map_err(|_| foreign())?;
        serde_json::from_slice(&plain).map_err(|_| foreign())
    }

    /// Refuses when its time is over, or when there is something else to be removed by now.
    pub(super) fn check(&self, tunnels: &[Tunnel], now: Timestamp) -> Result<(), ApiError> {
        if self.expires_at <= now {
            return Err(ApiError::new(
                ErrorCode::Gone,
                "this confirmation has expired: ask for another, and look at its list again",
            ));
        }
        if self.tunnels != listed(tunnels) {
            return Err(ApiError::conflict(
                "the tunnels were changed since this confirmation was given: ask for another, and look at its list \
                 again",
            ));
        }
        Ok(())
    }
}

fn listed(tunnels: &[Tunnel]) -> Vec<(TunnelId, u32)> {
    let mut listed: Vec<_> = tunnels
        .iter()
        .map(|row| (row.id.clone(), row.version))
        .collect();
    listed.sort();
    listed
}

fn row(site: &SiteId) -> String {
    format!("deactivation:{site}")
}
