//! Requests that may be sent twice and happen once: a POST with the header `Idempotency-Key`.
//!
//! The answer is kept in the transaction that made the change, sealed because it may show a secret, for a day. A
//! request that failed changed nothing and keeps nothing.

use axum::{
    extract::{FromRequest, Request},
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use holdfast_api_types::api::ErrorCode;
use holdfast_store::{Connection, idempotency as store};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};

use super::{auth::Caller, error::ApiError, extract};
use crate::App;

/// The header that names a request.
pub(crate) const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Set on an answer that was given before.
pub(crate) const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// How long an answer is kept.
pub(crate) const KEPT: SignedDuration = SignedDuration::from_hours(24);

/// Longest key in characters.
pub(crate) const MAX_KEY: usize = 128;

/// The body of a POST, and its key if it has one. The last argument of a handler.
#[derive(Debug)]
pub struct Command<T> {
    /// The body.
    pub body: T,
    /// For [`App::write_once`].
    pub key: Option<IdempotencyKey>,
}

/// The body of a POST that needs none.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

/// The name a client gave to a request, and what the request was.
#[derive(Debug, Clone)]
pub struct IdempotencyKey {
    key: String,
    request: [u8; 32],
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Command<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        let (parts, body) = request.into_parts();
        let bytes = extract::read(&parts.headers, body).await?;
        let key = parts.headers.get(IDEMPOTENCY_KEY);
        let key = key.map(read_key).transpose()?;
        Ok(Self {
            body: extract::parse(&bytes)?,
            key: key.map(|key| IdempotencyKey {
                key,
                request: digest(&[parts.method.as_str(), parts.uri.path()], &bytes),
            }),
        })
    }
}

fn read_key(value: &HeaderValue) -> Result<String, ApiError> {
    let key = value.to_str().unwrap_or_default();
    if (1..=MAX_KEY).contains(&key.len()) {
        return Ok(key.into());
    }
    Err(ApiError::new(
        ErrorCode::Malformed,
        format!(
            "the header Idempotency-Key must have 1 to {MAX_KEY} ASCII characters, as a UUID has"
        ),
    ))
}

fn digest(heads: &[&str], body: &[u8]) -> [u8; 32] {
    let mut digest = Sha256::new();
    for head in heads {
        digest.update(head);
        digest.update([0]);
    }
    digest.update(body);
    digest.finalize().into()
}

/// Ends the request with the kept answer, if the same one was sent before.
pub(crate) async fn replay(
    app: &App,
    conn: &mut Connection,
    caller: &Caller,
    key: &IdempotencyKey,
    now: Timestamp,
) -> Result<(), ApiError> {
    let actor = actor(caller);
    store::prune(conn, now - KEPT).await?;
    let Some(kept) = store::find(conn, &actor, &key.key).await? else {
        return Ok(());
    };
    if kept.request_sha256 != key.request {
        return Err(ApiError::conflict(
            "this Idempotency-Key was used for another request: use a new one for each",
        ));
    }
    let body = app
        .vault()
        .open(&row(&actor, &key.key), &kept.answer_sealed)
        .map_err(ApiError::internal)?;
    let status = StatusCode::from_u16(kept.status).map_err(ApiError::internal)?;
    Err(ApiError::replay(replayed(status, body.to_vec())))
}

fn replayed(status: StatusCode, body: Vec<u8>) -> Response {
    let kind = (
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    let replayed = (REPLAYED, HeaderValue::from_static("true"));
    (status, [kind, replayed], body).into_response()
}

/// Keeps an answer for the next time.
pub(crate) async fn keep(
    app: &App,
    conn: &mut Connection,
    caller: &Caller,
    key: &IdempotencyKey,
    status: StatusCode,
    body: &[u8],
    now: Timestamp,
) -> Result<(), ApiError> {
    let actor = actor(caller);
    let answer = store::StoredAnswer {
        request_sha256: key.request,
        status: status.as_u16(),
        answer_sealed: app.vault().seal(&row(&actor, &key.key), body),
        created_at: now,
    };
    Ok(store::insert(conn, &actor, &key.key, &answer).await?)
}

fn actor(caller: &Caller) -> String {
    let id = caller.actor.id.as_deref().unwrap_or_default();
    format!("{}:{id}", caller.actor.kind)
}

fn row(actor: &str, key: &str) -> String {
    format!("idempotency_key:{actor}:{key}")
}
