//! The link with which the first owner is made.

use holdfast_store::{StoreError, setup, user};
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};

use crate::{
    App,
    ids::{SecretHash, SecretKind, new_secret},
};

/// How long a set-up link can be used.
const LIFE: SignedDuration = SignedDuration::from_hours(24);

/// A set-up link that was made just now; its secret is shown once and stored nowhere.
#[derive(Debug)]
pub struct SetupLink {
    /// The secret.
    pub token: SecretString,
    /// When it ends.
    pub expires_at: Timestamp,
}

impl SetupLink {
    /// Makes a link in place of every one before; `None` if there is a user already.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn make(app: &App) -> Result<Option<Self>, StoreError> {
        let mut write = app.store().write().await?;
        if user::any(&mut write).await? {
            return Ok(None);
        }
        let now = app.clock().now();
        let link = Self {
            token: new_secret(SecretKind::SetupLink),
            expires_at: now + LIFE,
        };
        let row = setup::SetupLink {
            hash: *SecretHash::of(&link.token).as_bytes(),
            created_at: now,
            expires_at: link.expires_at,
        };
        setup::replace(&mut write, &row).await?;
        write.commit().await?;
        Ok(Some(link))
    }

    /// The link itself. The secret is behind the `#`, which browsers keep to themselves: no proxy logs it.
    pub fn url(&self, origin: &str) -> String {
        format!("{origin}/setup#{}", self.token.expose_secret())
    }
}
