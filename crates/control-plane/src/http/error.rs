//! Everything that ends a request early, and how it is answered.

use std::{error::Error, time::Duration};

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use holdfast_api_types::api::{ErrorBody, ErrorCode, FieldFault};
use holdfast_store::StoreError;

use crate::{limits::TryAgainIn, password::Overloaded};

/// When it is worth while to ask again for a router that did not answer.
const ROUTER_AGAIN: Duration = Duration::from_secs(5);

/// Why a handler ends early. It turns into the envelope that every answer of 400 and above has.
#[derive(Debug)]
pub struct ApiError(Box<Reason>);

#[derive(Debug)]
enum Reason {
    Fault(Fault),
    /// What went wrong inside is for the log and not for the client.
    Internal(Box<dyn Error + Send + Sync>),
    /// The answer that this request got the first time.
    Replay(Response),
}

/// What the client is told; the outermost layer adds the request id and writes the envelope.
#[derive(Debug, Clone)]
pub(crate) struct Fault {
    code: ErrorCode,
    message: String,
    fields: Vec<FieldFault>,
    retry_after: Option<Duration>,
}

impl ApiError {
    /// An error of this kind; `message` is one sentence that says what to do.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self::from(Fault {
            code,
            message: message.into(),
            fields: Vec::new(),
            retry_after: None,
        })
    }

    /// 404. `what` completes "there is no such ...".
    pub fn not_found(what: &str) -> Self {
        Self::new(
            ErrorCode::NotFound,
            format!("there is no such {what} in your organization"),
        )
    }

    /// 409: it contradicts what is there.
    pub fn conflict(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::Conflict, message)
    }

    /// 422 for one field. `value` is what was sent, unless it is a secret.
    pub fn invalid(field: &str, value: Option<&str>, message: impl Into<String>) -> Self {
        Self::invalid_fields(vec![FieldFault {
            field: field.into(),
            value: value.map(Into::into),
            message: message.into(),
        }])
    }

    /// 422 for several fields at once.
    pub fn invalid_fields(fields: Vec<FieldFault>) -> Self {
        let about: Vec<_> = fields
            .iter()
            .map(|fault| format!("{}: {}", fault.field, fault.message))
            .collect();
        Self::from(Fault {
            code: ErrorCode::Invalid,
            message: about.join("; "),
            fields,
            retry_after: None,
        })
    }

    /// 429: too many attempts.
    pub fn rate_limited(retry_after: Duration) -> Self {
        let seconds = seconds(retry_after);
        Self::from(Fault {
            code: ErrorCode::RateLimited,
            message: format!("too many attempts: try again in {seconds} s"),
            fields: Vec::new(),
            retry_after: Some(retry_after),
        })
    }

    /// 503: not now.
    pub fn unavailable(message: impl Into<String>, retry_after: Duration) -> Self {
        Self::from(Fault {
            code: ErrorCode::Unavailable,
            message: message.into(),
            fields: Vec::new(),
            retry_after: Some(retry_after),
        })
    }

    /// 503: the site's router does not answer; `why` says why.
    pub fn router_unreachable(why: &str) -> Self {
        Self::from(Fault {
            code: ErrorCode::RouterUnreachable,
            message: format!("the router cannot be reached: {why}"),
            fields: Vec::new(),
            retry_after: Some(ROUTER_AGAIN),
        })
    }

    /// 500: our mistake. The error is logged, and the client gets the request id to ask us with.
    pub fn internal(err: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(Box::new(Reason::Internal(err.into())))
    }

    /// Not an error: the answer that was given to the same request before.
    pub(crate) fn replay(answer: Response) -> Self {
        Self(Box::new(Reason::Replay(answer)))
    }
}

impl From<Fault> for ApiError {
    fn from(fault: Fault) -> Self {
        Self(Box::new(Reason::Fault(fault)))
    }
}

impl From<Overloaded> for ApiError {
    fn from(err: Overloaded) -> Self {
        Self::unavailable(
            format!("{err}: try again in a moment"),
            Duration::from_secs(2),
        )
    }
}

impl From<StoreError> for ApiError {
    fn from(err: StoreError) -> Self {
        match err {
            StoreError::Duplicate { what } => {
                Self::conflict(format!("{what} is in use already: choose another"))
            }
            StoreError::Dangling => {
                Self::conflict("what this belongs to was removed meanwhile: read it again")
            }
            StoreError::Busy => Self::unavailable(
                "the database is busy: try again in a moment",
                Duration::from_secs(2),
            ),
            StoreError::DiskFull => {
                tracing::error!("the disk with the database is full: nothing can be changed");
                let message = "the server's disk is full: tell whoever runs it";
                Self::unavailable(message, Duration::from_secs(60))
            }
            StoreError::Open { .. }
            | StoreError::Newer { .. }
            | StoreError::Migrate(_)
            | StoreError::Backup { .. }
            | StoreError::Database(_)
            | _ => Self::internal(err),
        }
    }
}

/// From the limits of log-ins: how long to wait.
impl From<TryAgainIn> for ApiError {
    fn from(TryAgainIn(wait): TryAgainIn) -> Self {
        Self::rate_limited(wait)
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        match *self.0 {
            Reason::Fault(fault) => fault.into_response(),
            Reason::Replay(answer) => answer,
            Reason::Internal(err) => {
                tracing::error!(error = %chain(err.as_ref()), "a request failed");
                Fault::internal().into_response()
            }
        }
    }
}

impl Fault {
    pub(crate) fn internal() -> Self {
        Self {
            code: ErrorCode::Internal,
            message: "this is a fault of Holdfast: look for the request id in its log".into(),
            fields: Vec::new(),
            retry_after: None,
        }
    }

    /// The body for the client.
    pub(crate) fn body(self, request_id: &str) -> ErrorBody {
        ErrorBody {
            code: self.code,
            message: self.message,
            fields: self.fields,
            request_id: request_id.into(),
        }
    }
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.code.status()).expect("every code has a status");
        let mut response = status.into_response();
        let headers = response.headers_mut();
        if let Some(wait) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds(wait)));
        }
        if self.code == ErrorCode::Unauthenticated {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response.extensions_mut().insert(self);
        response
    }
}

/// Whole seconds, rounded up, so that whoever waits that long has waited long enough.
fn seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}

/// An error and what caused it, in one line.
pub(crate) fn chain(err: &dyn Error) -> String {
    let mut text = err.to_string();
    let mut source = err.source();
    while let Some(err) = source {
        text.push_str(": ");
        text.push_str(&err.to_string());
        source = err.source();
    }
    text
}
