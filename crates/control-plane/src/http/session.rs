//! `/session`: logging in and out, and who one is.

use std::net::IpAddr;

use axum::http::{HeaderMap, header};
use holdfast_api_types::{UserId, api::WhoAmI};
use holdfast_store::{Connection, organization, session::Session};
use jiff::Timestamp;
use secrecy::SecretString;

use super::{
    auth::{Caller, SESSION_LIFE},
    error::ApiError,
    organization::view,
};
use crate::ids::{SecretHash, SecretKind, new_secret};

pub(super) mod log_in;
pub(super) mod log_out;
pub(super) mod password;
pub(super) mod show;

/// What a person recognizes a browser by; more of it would only fill the table.
const USER_AGENT_MAX: usize = 200;

/// A session to be stored, and the secret for its cookie.
pub(super) fn new_session(
    user: &UserId,
    remote: IpAddr,
    headers: &HeaderMap,
    now: Timestamp,
) -> (SecretString, Session) {
    let secret = new_secret(SecretKind::Session);
    let agent = headers.get(header::USER_AGENT);
    let agent = agent
        .and_then(|agent| agent.to_str().ok())
        .unwrap_or_default();
    let session = Session {
        hash: *SecretHash::of(&secret).as_bytes(),
        user_id: user.clone(),
        created_at: now,
        expires_at: now + SESSION_LIFE,
        last_seen_at: now,
        remote: remote.to_string(),
        user_agent: agent.chars().take(USER_AGENT_MAX).collect(),
    };
    (secret, session)
}

/// What a caller is told about itself.
pub(super) async fn who_am_i(conn: &mut Connection, caller: &Caller) -> Result<WhoAmI, ApiError> {
    let organization = organization::get(conn, &caller.organization)
        .await?
        .ok_or_else(|| ApiError::not_found("organization"))?;
    Ok(WhoAmI {
        actor: caller.actor.clone(),
        role: caller.role,
        organization: view(organization),
        expires_at: caller.expires_at,
    })
}
