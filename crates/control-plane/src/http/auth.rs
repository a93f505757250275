//! Who asks, and whether they may.
//!
//! A handler names the least role it wants as its first argument, [`Viewer`], [`Operator`] or [`Owner`], and gets the
//! [`Caller`]. A browser shows a session cookie, a program an API token; both are 256-bit secrets of which the
//! database knows the digest.

use std::net::{IpAddr, SocketAddr};

use axum::{
    extract::{ConnectInfo, FromRequestParts},
    http::{HeaderMap, Method, header, request::Parts},
};
use holdfast_api_types::{
    ActorKind, OrganizationId, TokenId, UserId, UserRole,
    api::{Actor, ErrorCode},
};
use holdfast_store::{session, token, user};
use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;

use super::{cookie, error::ApiError};
use crate::{App, ids::SecretHash};

/// A session that was not used for this long has ended.
pub(crate) const SESSION_IDLE: SignedDuration = SignedDuration::from_hours(14 * 24);

/// A session that is this old has ended.
pub(crate) const SESSION_LIFE: SignedDuration = SignedDuration::from_hours(90 * 24);

/// How exactly it is known when a session or token was last used: one write in this time.
const USE_NOTED_EVERY: SignedDuration = SignedDuration::from_mins(1);

/// Whoever sent a request, once that is known for sure.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The organization that it belongs to, and beyond which it sees nothing.
    pub organization: OrganizationId,
    /// What it may do.
    pub role: UserRole,
    /// Who it is, for the audit log.
    pub actor: Actor,
    /// Where the request came from.
    pub remote: IpAddr,
    /// When its session or token ends at the latest.
    pub expires_at: Option<Timestamp>,
    credential: Credential,
}

/// What a caller showed.
#[derive(Debug, Clone)]
enum Credential {
    Session { hash: SecretHash, user: UserId },
    Token { hash: SecretHash },
}

impl Caller {
    /// The user, when the caller is one.
    pub fn user(&self) -> Option<&UserId> {
        match &self.credential {
            Credential::Session { user, .. } => Some(user),
            Credential::Token { .. } => None,
        }
    }

    /// The session and its user.
    ///
    /// # Errors
    /// 403 when the caller is an API token.
    pub(crate) fn session(&self) -> Result<(&SecretHash, &UserId), ApiError> {
        match &self.credential {
            Credential::Session { hash, user } => Ok((hash, user)),
            Credential::Token { .. } => Err(ApiError::new(
                ErrorCode::Forbidden,
                "this is for people who are logged in, and you sent an API token",
            )),
        }
    }

    /// The user of a session.
    pub(crate) fn logged_in(user: &user::User, session: &session::Session, remote: IpAddr) -> Self {
        Self {
            organization: user.organization_id.clone(),
            role: user.role,
            actor: Actor {
                kind: ActorKind::User,
                id: Some(user.id.to_string()),
                name: user.email.clone(),
            },
            remote,
            expires_at: Some(session.expires_at),
            credential: Credential::Session {
                hash: SecretHash::stored(session.hash),
                user: user.id.clone(),
            },
        }
    }

    /// Looks the credential up again: what is still open then must end when the log-in ended.
    pub(crate) async fn refreshed(&self, app: &App) -> Result<Option<Self>, ApiError> {
        match &self.credential {
            Credential::Session { hash, .. } => by_session(app, *hash, self.remote).await,
            Credential::Token { hash } => by_token(app, *hash, self.remote).await,
        }
    }

    fn require(self, role: UserRole) -> Result<Self, ApiError> {
        if self.role >= role {
            return Ok(self);
        }
        Err(ApiError::new(
            ErrorCode::Forbidden,
            format!(
                "this needs the role {role}, and yours is {}: ask an owner",
                self.role
            ),
        ))
    }
}

macro_rules! role {
    ($(#[$doc:meta])* $name:ident, $role:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone)]
        pub struct $name(pub Caller);

        impl FromRequestParts<App> for $name {
            type Rejection = ApiError;

            async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
                authenticate(parts, app).await?.require($role).map(Self)
            }
        }
    };
}

role! {
    /// Anybody who is logged in.
    Viewer, UserRole::Viewer
}
role! {
    /// A caller who may change sites, tunnels, priorities and faults.
    Operator, UserRole::Operator
}
role! {
    /// A caller who may change users, API tokens and the organization.
    Owner, UserRole::Owner
}

/// Where a request came from, whoever sent it.
#[derive(Debug, Clone, Copy)]
pub struct Remote(pub IpAddr);

impl FromRequestParts<App> for Remote {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        let peer =
            peer.ok_or_else(|| ApiError::internal("the listener does not tell peer addresses"))?;
        Ok(Self(remote(
            peer.ip(),
            &parts.headers,
            &app.config().trusted_proxies,
        )))
    }
}

/// The address before the last proxy that we trust: everything further left anybody may have written.
fn remote(peer: IpAddr, headers: &HeaderMap, trusted: &[IpAddr]) -> IpAddr {
    let hops = headers.get_all("x-forwarded-for").iter();
    let hops: Vec<&str> = hops
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','))
        .collect();
    let mut address = peer.to_canonical();
    for hop in hops.iter().rev() {
        if !trusted.contains(&address) {
            break;
        }
        let Ok(before) = hop.trim().parse::<IpAddr>() else {
            break;
        };
        address = before.to_canonical();
    }
    address
}

async fn authenticate(parts: &mut Parts, app: &App) -> Result<Caller, ApiError> {
    let Remote(remote) = Remote::from_request_parts(parts, app).await?;
    let caller = if let Some(bearer) = bearer(&parts.headers)? {
        by_token(app, SecretHash::of(&bearer), remote).await?
    } else if let Some(cookie) = cookie::session(&parts.headers, app.config().https()) {
        check_origin(&parts.method, &parts.headers, app)?;
        by_session(app, SecretHash::of(&cookie), remote).await?
    } else {
        None
    };
    caller.ok_or_else(|| {
        ApiError::new(
            ErrorCode::Unauthenticated,
            "log in, or send an API token as `Authorization: Bearer hft_...`",
        )
    })
}

pub(super) fn bearer(headers: &HeaderMap) -> Result<Option<SecretString>, ApiError> {
    let Some(value) = headers.get(header::AUTHORIZATION) else {
        return Ok(None);
    };
    let token = value
        .to_str()
        .ok()
        .and_then(|text| text.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| SecretString::from(token.trim()));
    token.map(Some).ok_or_else(|| {
        ApiError::new(
            ErrorCode::Unauthenticated,
            "the header Authorization is not understood: send `Bearer hft_...`",
        )
    })
}

/// Refuses changes that another web site sends with our cookie. Programs without a browser send no cookie.
///
/// # Errors
/// 403 when the request does not come from our own pages.
pub(crate) fn check_origin(
    method: &Method,
    headers: &HeaderMap,
    app: &App,
) -> Result<(), ApiError> {
    if method.is_safe() {
        return Ok(());
    }
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let same = match text("origin") {
        None => text("sec-fetch-site") == Some("same-origin"),
        Some(origin) => match &app.config().public_url {
            Some(url) => origin == url.origin(),
            None => {
                let host = origin.split_once("://").map(|(_, host)| host);
                host.is_some() && host == text("host")
            }
        },
    };
    if same {
        return Ok(());
    }
    Err(ApiError::new(
        ErrorCode::Forbidden,
        "a change with the session cookie must come from Holdfast's own pages (header Origin): \
         programs send an API token instead",
    ))
}

async fn by_session(
    app: &App,
    hash: SecretHash,
    remote: IpAddr,
) -> Result<Option<Caller>, ApiError> {
    let now = app.clock().now();
    let mut conn = app.store().read().await?;
    let Some(session) = session::find(&mut conn, hash.as_bytes()).await? else {
        return Ok(None);
    };
    if session.expires_at <= now || session.last_seen_at + SESSION_IDLE <= now {
        return Ok(None);
    }
    let Some(user) = user::find(&mut conn, &session.user_id).await? else {
        return Ok(None);
    };
    if user.disabled_at.is_some() {
        return Ok(None);
    }
    drop(conn);
    if session.last_seen_at + USE_NOTED_EVERY <= now {
        note_use(app, Used::Session(hash), now).await;
    }
    Ok(Some(Caller::logged_in(&user, &session, remote)))
}

async fn by_token(app: &App, hash: SecretHash, remote: IpAddr) -> Result<Option<Caller>, ApiError> {
    let now = app.clock().now();
    let mut conn = app.store().read().await?;
    let Some(token) = token::find(&mut conn, hash.as_bytes()).await? else {
        return Ok(None);
    };
    drop(conn);
    if token.expires_at.is_some_and(|end| end <= now) {
        return Ok(None);
    }
    if token
        .last_used_at
        .is_none_or(|at| at + USE_NOTED_EVERY <= now)
    {
        note_use(app, Used::Token(token.id.clone()), now).await;
    }
    Ok(Some(Caller {
        organization: token.organization_id,
        role: token.role,
        actor: Actor {
            kind: ActorKind::Token,
            id: Some(token.id.to_string()),
            name: token.name,
        },
        remote,
        expires_at: token.expires_at,
        credential: Credential::Token { hash },
    }))
}

enum Used {
    Session(SecretHash),
    Token(TokenId),
}

/// Notes a use. A database that is busy or full is no reason to refuse somebody who only reads.
async fn note_use(app: &App, used: Used, now: Timestamp) {
    let noted = async {
        let mut write = app.store().write().await?;
        match used {
            Used::Session(hash) => session::touch(&mut write, hash.as_bytes(), now).await?,
            Used::Token(id) => token::touch(&mut write, &id, now).await?,
        }
        write.commit().await
    };
    if let Err(err) = noted.await {
        tracing::warn!(error = %super::error::chain(&err), "could not note the use of a log-in");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forwarded(text: &str) -> HeaderMap {
        HeaderMap::from_iter([("x-forwarded-for".parse().unwrap(), text.parse().unwrap())])
    }

    #[test]
    fn only_a_trusted_proxy_is_believed_about_addresses() {
        let proxy: IpAddr = "10.0.0.1".parse().unwrap();
        let peer: IpAddr = "192.0.2.7".parse().unwrap();
        let claimed = forwarded("203.0.113.1, 198.51.100.2");
        assert_eq!(remote(peer, &claimed, &[proxy]), peer);
        assert_eq!(
            remote(proxy, &claimed, &[proxy]).to_string(),
            "198.51.100.2"
        );
        let chained = forwarded("203.0.113.1, 198.51.100.2, 10.0.0.1");
        assert_eq!(
            remote(proxy, &chained, &[proxy]).to_string(),
            "198.51.100.2"
        );
        assert_eq!(remote(proxy, &forwarded("nonsense"), &[proxy]), proxy);
    }
}
