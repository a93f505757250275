//! Versions of things that two people may change at once: `ETag` on the answer, `If-Match` on the change.

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, HeaderName, HeaderValue, header, request::Parts},
};
use holdfast_api_types::api::ErrorCode;

use super::error::ApiError;

/// The version of a thing as a header.
pub fn etag(version: i64) -> (HeaderName, HeaderValue) {
    let text = format!("\"{version}\"");
    let value = HeaderValue::try_from(text).expect("digits and quotes are a header value");
    (header::ETAG, value)
}

/// The version that the client has seen. Without one the request is refused with 428.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IfMatch(Expected);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expected {
    Any,
    Version(i64),
}

impl IfMatch {
    /// Refuses with 412 unless `current` is the version that the client has seen.
    ///
    /// # Errors
    /// 412, naming both versions.
    pub fn check(self, current: i64) -> Result<(), ApiError> {
        match self.0 {
            Expected::Version(seen) if seen != current => Err(ApiError::new(
                ErrorCode::Stale,
                format!(
                    "it was changed since you read it (you have version {seen}, now it is {current}): \
                     read it again and repeat your change"
                ),
            )),
            Expected::Any | Expected::Version(_) => Ok(()),
        }
    }

    fn read(headers: &HeaderMap) -> Result<Option<Self>, ApiError> {
        let Some(value) = headers.get(header::IF_MATCH) else {
            return Ok(None);
        };
        let text = value.to_str().unwrap_or_default().trim();
        if text == "*" {
            return Ok(Some(Self(Expected::Any)));
        }
        let digits = text
            .strip_prefix('"')
            .and_then(|text| text.strip_suffix('"'));
        let version = digits.and_then(|digits| digits.parse().ok()).ok_or_else(|| {
            ApiError::new(
                ErrorCode::Malformed,
                format!("the header If-Match cannot be {text:?}: send the ETag that you got, as \"3\""),
            )
        })?;
        Ok(Some(Self(Expected::Version(version))))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        Self::read(&parts.headers)?.ok_or_else(|| {
            ApiError::new(
                ErrorCode::PreconditionRequired,
                "read it first and send its ETag as the header If-Match, so that nobody's change is lost",
            )
        })
    }
}

/// The version that the client has seen, for changes that may do without.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MaybeIfMatch(pub Option<IfMatch>);

impl<S: Send + Sync> FromRequestParts<S> for MaybeIfMatch {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        IfMatch::read(&parts.headers).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Option<IfMatch>, ApiError> {
        let headers =
            HeaderMap::from_iter([(header::IF_MATCH, HeaderValue::from_str(text).unwrap())]);
        IfMatch::read(&headers)
    }

    #[test]
    fn an_etag_reads_back_and_matches_its_version_only() {
        let (_, value) = etag(3);
        let seen = read(value.to_str().unwrap()).unwrap().unwrap();
        assert!(seen.check(3).is_ok());
        assert!(seen.check(4).is_err());
        assert!(read("*").unwrap().unwrap().check(4).is_ok());
    }

    #[test]
    fn what_was_never_an_etag_is_refused() {
        for text in ["3", "\"x\"", "W/\"3\"", "\"1\", \"2\"", ""] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
