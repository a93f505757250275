//! `/sites/{id}/adoption` for people, and `/adoption`, `/certificate-authority` and `/check-in` for routers.
//!
//! The token of a line opens its script once, and takes progress until it is over. What a router gets is made when it
//! fetches the script: until then the credentials of a router that was adopted before stay good.

use std::net::SocketAddrV4;

use holdfast_api_types::{SiteId, TunnelId, api::AdoptionStep, api::ErrorCode};
use holdfast_routeros_plan::{ADOPTION_STEPS, Authority};
use holdfast_store::{Connection, adoption, router::Handed};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};

use super::error::ApiError;
use crate::{
    App, ForRouters,
    ids::{SecretHash, SecretKind, new_id, new_secret},
    vault::{management_password, router_password},
};

pub(super) mod authority;
pub(super) mod check_in;
pub(super) mod create;
pub(super) mod progress;
pub(super) mod script;
pub(super) mod show;

/// The user that we log in to a router's API as.
const API_USER: &str = "holdfast";

/// The secrets that a router is given, as text: they are stored sealed or as digests.
pub(super) struct Secrets {
    username: TunnelId,
    tunnel: SecretString,
    user: SecretString,
    check_in: SecretString,
}

/// New secrets for the router of a site, and what is stored of them.
pub(super) fn blank(app: &App, site: &SiteId, now: Timestamp) -> (Secrets, Handed) {
    let secrets = Secrets {
        username: new_id(now),
        tunnel: new_secret(SecretKind::TunnelPassword),
        user: new_secret(SecretKind::TunnelPassword),
        check_in: new_secret(SecretKind::CheckIn),
    };
    let seal = |name: &str, secret: &SecretString| {
        app.vault().seal(name, secret.expose_secret().as_bytes())
    };
    let handed = Handed {
        api_user: API_USER.into(),
        api_password_sealed: seal(&router_password(site), &secrets.user),
        management_username: secrets.username.clone(),
        management_password_sealed: seal(&management_password(site), &secrets.tunnel),
        management_password_sha256: *SecretHash::of(&secrets.tunnel).as_bytes(),
        check_in_token_hash: Some(*SecretHash::of(&secrets.check_in).as_bytes()),
    };
    (secrets, handed)
}

/// The line that a token belongs to, if it is still good.
async fn line(
    conn: &mut Connection,
    token: &SecretString,
    now: Timestamp,
) -> Result<adoption::Adoption, ApiError> {
    let found = adoption::find(conn, SecretHash::of(token).as_bytes()).await?;
    found.filter(|line| line.expires_at > now).ok_or_else(over)
}

/// One answer for a token that never was and for one that is over.
fn over() -> ApiError {
    ApiError::new(
        ErrorCode::NotFound,
        "this line is not good, or not any more: get a new one in Holdfast",
    )
}

/// Where routers find us, and what they must trust for that.
struct Whereabouts {
    origin: String,
    authority: Authority,
    management: SocketAddrV4,
}

/// # Errors
/// 409 with what the operator of this installation has to set.
fn whereabouts(app: &App) -> Result<Whereabouts, ApiError> {
    let config = app.config();
    let origin = match &config.for_routers {
        ForRouters::At(url) => url.origin(),
        ForRouters::Nowhere(mend) => {
            let message = format!("routers have no address of this server: {mend}");
            return Err(ApiError::conflict(message));
        }
    };
    let management = config.management_endpoint().ok_or_else(|| {
        ApiError::conflict(
            "routers dial a slot with an IPv4 address: configure one under [controller]",
        )
    })?;
    let authority = config.authority().ok_or_else(|| {
        ApiError::conflict("this server has no certificate authority of its own to give to routers")
    })?;
    Ok(Whereabouts {
        origin,
        authority,
        management,
    })
}

impl Whereabouts {
    fn script_url(&self, token: &SecretString) -> String {
        format!(
            "{}/api/v1/adoption/{}/script",
            self.origin,
            token.expose_secret()
        )
    }

    fn progress_url(&self, token: &SecretString) -> String {
        format!(
            "{}/api/v1/adoption/{}/progress",
            self.origin,
            token.expose_secret()
        )
    }

    fn authority_url(&self) -> String {
        format!("{}/api/v1/certificate-authority", self.origin)
    }

    fn check_in_url(&self) -> String {
        format!("{}/api/v1/check-in", self.origin)
    }
}

/// What is about to be done, before anything is.
fn no_progress() -> Vec<AdoptionStep> {
    let step = |(_, title): &(&str, &str)| AdoptionStep {
        title: (*title).into(),
        state: holdfast_api_types::StepState::Pending,
        detail: String::new(),
        at: None,
    };
    ADOPTION_STEPS.iter().map(step).collect()
}
