//! What every request goes through: an id, a log line, a deadline, a net for panics, the envelope of errors, and the
//! headers that every answer has.

use std::time::{Duration, Instant};

use axum::{
    Json,
    extract::{MatchedPath, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use holdfast_api_types::api::ErrorEnvelope;
use tracing::Instrument;
use ulid::Ulid;

use super::error::{ApiError, Fault};
use crate::{App, ids};

/// The header that names a request, in answers and in the log.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// A handler that has not answered by then is not waited for any longer. Event streams answer at once.
const DEADLINE: Duration = Duration::from_secs(30);

/// The outermost layer.
pub(crate) async fn outermost(State(app): State<App>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = ids::ulid(app.clock().now());
    let path = request.extensions().get::<MatchedPath>();
    let path = path.map_or("(none)", MatchedPath::as_str).to_owned();
    let method = request.method().clone();
    let span = tracing::info_span!("request", request.id = %id);

    let mut response = answer(next, request).instrument(span.clone()).await;
    finish(&mut response, &id);
    add_headers(response.headers_mut(), app.config().https());
    span.in_scope(|| {
        tracing::debug!(
            http.method = %method,
            http.path = path,
            http.status = response.status().as_u16(),
            duration_ms = started.elapsed().as_millis(),
            "answered",
        );
    });
    response
}

/// Runs the handler as a task of its own: a client that hangs up cannot stop a write half-way between its commit and
/// its events, and a panic ends nothing but this request.
async fn answer(next: Next, request: Request) -> Response {
    let work = tokio::spawn(next.run(request).in_current_span());
    match tokio::time::timeout(DEADLINE, work).await {
        Ok(Ok(response)) => response,
        Ok(Err(err)) => {
            tracing::error!(error = %err, "a handler panicked");
            Fault::internal().into_response()
        }
        Err(_) => {
            tracing::error!("a handler took more than {} s", DEADLINE.as_secs());
            let message = "this takes too long, and may still be carried out: repeat it with the same \
                           Idempotency-Key, or read what became of it";
            ApiError::unavailable(message, Duration::from_secs(5)).into_response()
        }
    }
}

/// Writes the envelope of an error.
fn finish(response: &mut Response, id: &Ulid) {
    let id = id.to_string();
    if let Some(fault) = response.extensions_mut().remove::<Fault>() {
        let envelope = Json(ErrorEnvelope {
            error: fault.body(&id),
        });
        let (parts, body) = envelope.into_response().into_parts();
        response.headers_mut().extend(parts.headers);
        *response.body_mut() = body;
    }
    let id = HeaderValue::try_from(id).expect("a ULID is a header value");
    response.headers_mut().insert(REQUEST_ID, id);
}

fn add_headers(headers: &mut HeaderMap, https: bool) {
    secure(headers, https);
    // What the API says is true now and for this client; the dashboard's files say otherwise themselves.
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
}

/// Tells browsers what our pages may do, and where they may be shown.
pub fn secure(headers: &mut HeaderMap, https: bool) {
    for (name, value) in FIXED {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if https {
        let year = HeaderValue::from_static("max-age=31536000");
        headers.insert(header::STRICT_TRANSPORT_SECURITY, year);
    }
}

/// Styles may be inline, because component libraries write them; scripts may not.
const FIXED: [(HeaderName, &str); 4] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; object-src 'none'; \
         base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
];

/// For paths that do not exist.
pub(crate) async fn no_such_path() -> ApiError {
    ApiError::new(
        holdfast_api_types::api::ErrorCode::NotFound,
        "there is nothing at this path: /api/v1/openapi.json lists what there is",
    )
}

/// For methods that a path does not know.
pub(crate) async fn no_such_method() -> ApiError {
    ApiError::new(
        holdfast_api_types::api::ErrorCode::MethodNotAllowed,
        "this path does not know that method: /api/v1/openapi.json lists what it knows",
    )
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use axum::{Router, middleware::from_fn_with_state, routing::get};
    use holdfast_store::Store;

    use super::*;
    use crate::{Config, Parts, clock::SystemClock, password::Passwords, vault::Vault};

    #[tokio::test]
    async fn a_panic_is_answered_with_an_envelope_and_ends_nothing_else() {
        let data = tempfile::tempdir().unwrap();
        let app = App::new(Parts {
            store: Store::open(&data.path().join("holdfast.db")).await.unwrap(),
            vault: Vault::new(&[0; 32]),
            clock: Arc::new(SystemClock),
            passwords: Passwords::cheap(),
            config: Config::default(),
        });
        let router: Router = Router::new()
            .route("/panic", get(async || -> &str { panic!("on purpose") }))
            .route("/fine", get(async || "fine"))
            .layer(from_fn_with_state(app, outermost));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(axum::serve(listener, router).into_future());

        let answer = reqwest::get(format!("http://{address}/panic"))
            .await
            .unwrap();
        assert_eq!(answer.status(), 500);
        let envelope: ErrorEnvelope = answer.json().await.unwrap();
        assert_eq!(envelope.error.request_id.len(), 26);
        assert!(!envelope.error.message.contains("on purpose"));
        let answer = reqwest::get(format!("http://{address}/fine"))
            .await
            .unwrap();
        assert_eq!(answer.text().await.unwrap(), "fine");
    }
}
