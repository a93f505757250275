use serde::{Deserialize, Serialize};

/// Every answer with a status of 400 and above has this body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ErrorEnvelope {
    /// What went wrong.
    pub error: ErrorBody,
}

/// What went wrong, for programs and for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ErrorBody {
    /// For programs.
    pub code: ErrorCode,
    /// For people: one sentence that says what to do.
    pub message: String,
    /// The fields at fault; absent when no field is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<FieldFault>,
    /// Also in the header `x-request-id` and in the server's log.
    #[cfg_attr(feature = "openapi", schema(example = "01J9ZQ3V6N8W4T2K5R7M1X0ABC"))]
    pub request_id: String,
}

/// A field that was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FieldFault {
    /// Its name; `a.b[0]` within objects and lists.
    #[cfg_attr(feature = "openapi", schema(example = "gateway"))]
    pub field: String,
    /// What was sent; absent when nothing was, and for passwords.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(example = "10.0.0.300"))]
    pub value: Option<String>,
    /// What is wrong with it, and what would do.
    pub message: String,
}

/// What kind of error it is. Each has one HTTP status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum ErrorCode {
    /// 400: the body is not JSON, or a header cannot be read.
    Malformed,
    /// 401: no log-in, or none that is good any more.
    Unauthenticated,
    /// 403: the role does not allow it, or the request came from another web site.
    Forbidden,
    /// 404: there is no such thing in your organization.
    NotFound,
    /// 405: the resource knows no such method.
    MethodNotAllowed,
    /// 409: it contradicts what is there.
    Conflict,
    /// 410: it is over and will not come back.
    Gone,
    /// 412: somebody else changed it since you read it.
    Stale,
    /// 413: the body is too long.
    TooLarge,
    /// 415: the body is not declared as JSON.
    UnsupportedMediaType,
    /// 422: a field has a value that cannot be.
    Invalid,
    /// 428: the header If-Match is missing.
    PreconditionRequired,
    /// 429: too many attempts; Retry-After says when to come back.
    RateLimited,
    /// 500: our mistake.
    Internal,
    /// 503: not now; Retry-After says when to come back.
    Unavailable,
    /// 503: the site's router does not answer; the message says why.
    RouterUnreachable,
}

impl ErrorCode {
    /// The HTTP status that goes with it.
    pub const fn status(self) -> u16 {
        match self {
            Self::Malformed => 400,
            Self::Unauthenticated => 401,
            Self::Forbidden => 403,
            Self::NotFound => 404,
            Self::MethodNotAllowed => 405,
            Self::Conflict => 409,
            Self::Gone => 410,
            Self::Stale => 412,
            Self::TooLarge => 413,
            Self::UnsupportedMediaType => 415,
            Self::Invalid => 422,
            Self::PreconditionRequired => 428,
            Self::RateLimited => 429,
            Self::Internal => 500,
            Self::Unavailable | Self::RouterUnreachable => 503,
        }
    }
}
