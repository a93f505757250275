//! What handlers take from a request. A value that cannot be taken is answered with the field, the value and the mend.

use axum::{
    body::{Body, Bytes, to_bytes},
    extract::{FromRequest, FromRequestParts, Path, Request},
    http::{HeaderMap, header, request::Parts},
};
use holdfast_api_types::api::{ErrorCode, FieldFault};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::error::ApiError;

/// Longest body in bytes. The longest sensible one, an order of eight tunnels, has a few hundred.
pub(crate) const BODY_LIMIT: usize = 64 * 1024;

/// Fields whose values are never repeated in an answer.
const SECRET_FIELDS: [&str; 4] = ["password", "current", "new", "token"];

/// A JSON body.
#[derive(Debug)]
pub struct Json<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        let (parts, body) = request.into_parts();
        let bytes = read(&parts.headers, body).await?;
        parse(&bytes).map(Self)
    }
}

/// The bytes of a JSON body; empty when there is none.
pub(crate) async fn read(headers: &HeaderMap, body: Body) -> Result<Bytes, ApiError> {
    let bytes = to_bytes(body, BODY_LIMIT).await.map_err(|err| {
        if is_length_limit(&err) {
            ApiError::new(
                ErrorCode::TooLarge,
                format!("the body is longer than {BODY_LIMIT} bytes: send less"),
            )
        } else {
            ApiError::new(ErrorCode::Malformed, "the body ended early: send it again")
        }
    })?;
    if !bytes.is_empty() && !is_json(headers) {
        return Err(ApiError::new(
            ErrorCode::UnsupportedMediaType,
            "send the body as JSON, with the header `content-type: application/json`",
        ));
    }
    Ok(bytes)
}

fn is_length_limit(err: &axum::Error) -> bool {
    std::error::Error::source(err)
        .is_some_and(|source| source.is::<http_body_util::LengthLimitError>())
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers
        .get(header::CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok())
        .and_then(|kind| kind.split(';').next())
        .unwrap_or_default()
        .trim();
    kind.eq_ignore_ascii_case("application/json")
}

/// Reads a JSON body; none at all is an object without fields.
pub(crate) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    let text = if bytes.is_empty() { b"{}" } else { bytes };
    let value: Value = serde_json::from_slice(text).map_err(|err| {
        ApiError::new(ErrorCode::Malformed, format!("the body is not JSON: {err}"))
    })?;
    serde_path_to_error::deserialize(&value).map_err(|err| {
        let path = err.path().to_string();
        let sent = |field: &str| sent(&value, field);
        ApiError::invalid_fields(vec![field_fault(&path, &err.inner().to_string(), sent)])
    })
}

fn sent(body: &Value, field: &str) -> Option<String> {
    let pointer = field.replace('[', "/").replace(']', "").replace('.', "/");
    let value = body.pointer(&format!("/{pointer}"))?;
    let text = value.as_str().map(str::to_owned);
    Some(text.unwrap_or_else(|| value.to_string()))
}

/// What is wrong with a field. Serde names missing and unknown fields in its text only.
fn field_fault(path: &str, message: &str, sent: impl FnOnce(&str) -> Option<String>) -> FieldFault {
    let parent = path.trim_end_matches('.');
    let named = ["missing field `", "unknown field `", "duplicate field `"]
        .iter()
        .find_map(|start| message.strip_prefix(start)?.split('`').next());
    let field = match named {
        Some(name) if parent.is_empty() || parent.ends_with(name) => name.to_owned(),
        Some(name) => format!("{parent}.{name}"),
        None if parent.is_empty() => "body".to_owned(),
        None => parent.to_owned(),
    };
    let name = field.rsplit('.').next().unwrap_or_default();
    if SECRET_FIELDS.contains(&name) && !message.contains("field `") {
        let message = without_value(message);
        return FieldFault {
            field,
            value: None,
            message,
        };
    }
    let value = sent(&field).map(|value| value.chars().take(200).collect());
    FieldFault {
        field,
        value,
        message: message.to_owned(),
    }
}

/// Serde's type errors repeat the value: "invalid type: integer `5`, expected a string".
fn without_value(message: &str) -> String {
    match message.split_once(", expected") {
        Some((_, expected)) => format!("expected{expected}"),
        None => message.to_owned(),
    }
}

/// The query string. Names that `T` does not know are refused.
#[derive(Debug)]
pub struct Query<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        query(pairs(parts)).map(Self)
    }
}

/// The name and value pairs of a query string. An empty value is as good as none: forms send those.
pub(crate) fn pairs(parts: &Parts) -> Vec<(String, String)> {
    form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes())
        .into_owned()
        .filter(|(_, value)| !value.is_empty())
        .collect()
}

/// Reads query parameters.
pub(crate) fn query<T: DeserializeOwned>(pairs: Vec<(String, String)>) -> Result<T, ApiError> {
    let text = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(&pairs)
        .finish();
    let pieces = form_urlencoded::parse(text.as_bytes());
    serde_path_to_error::deserialize(serde_urlencoded::Deserializer::new(pieces)).map_err(|err| {
        let path = err.path().to_string();
        let sent = |field: &str| {
            let pair = pairs.iter().find(|(name, _)| name == field);
            pair.map(|(_, value)| value.clone())
        };
        ApiError::invalid_fields(vec![field_fault(&path, &err.inner().to_string(), sent)])
    })
}

/// The id in a path. What is no id names nothing, so it is not found.
#[derive(Debug)]
pub struct Id<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Id<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        match Path::from_request_parts(parts, state).await {
            Ok(Path(id)) => Ok(Self(id)),
            Err(_) => Err(ApiError::not_found("thing")),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only whether it can be read matters")]
    struct Sample {
        name: String,
        password: String,
        #[serde(default)]
        ranks: Vec<u8>,
    }

    fn fault(body: &str) -> FieldFault {
        let value: Value = serde_json::from_str(body).unwrap();
        let err = serde_path_to_error::deserialize::<_, Sample>(&value).unwrap_err();
        field_fault(&err.path().to_string(), &err.inner().to_string(), |field| {
            sent(&value, field)
        })
    }

    #[test]
    fn a_field_of_the_wrong_type_is_named_with_its_value() {
        let fault = fault(r#"{"name":"x","password":"p","ranks":[1,300]}"#);
        assert_eq!(fault.field, "ranks[1]");
        assert_eq!(fault.value.as_deref(), Some("300"));
    }

    #[test]
    fn missing_and_unknown_fields_are_named() {
        let missing = fault(r#"{"password":"p"}"#);
        assert_eq!((missing.field.as_str(), missing.value), ("name", None));
        let unknown = fault(r#"{"name":"x","password":"p","rank":1}"#);
        assert_eq!(unknown.field, "rank");
        assert!(unknown.message.contains("expected one of"), "{unknown:?}");
    }

    #[test]
    fn the_value_of_a_secret_is_not_repeated() {
        let fault = fault(r#"{"name":"x","password":271828}"#);
        assert_eq!(fault.field, "password");
        assert_eq!(fault.value, None);
        assert!(!fault.message.contains("271828"), "{fault:?}");
    }
}
