//! The session cookie.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use secrecy::{ExposeSecret, SecretString};

use super::auth::SESSION_LIFE;

/// The cookie's name. Browsers take one that begins with `__Host-` only over HTTPS, from this host and for all paths.
fn name(https: bool) -> &'static str {
    if https {
        "__Host-holdfast-session"
    } else {
        "holdfast-session"
    }
}

/// The secret in the session cookie of a request.
pub(crate) fn session(headers: &HeaderMap, https: bool) -> Option<SecretString> {
    let cookies = headers.get_all(header::COOKIE).iter();
    cookies
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(cookie, _)| *cookie == name(https))
        .map(|(_, value)| value.into())
}

/// The header that gives a browser its session.
pub(crate) fn set(secret: &SecretString, https: bool) -> (HeaderName, HeaderValue) {
    cookie(secret.expose_secret(), SESSION_LIFE.as_secs(), https)
}

/// The header that takes it away.
pub(crate) fn clear(https: bool) -> (HeaderName, HeaderValue) {
    cookie("", 0, https)
}

fn cookie(value: &str, max_age: i64, https: bool) -> (HeaderName, HeaderValue) {
    let secure = if https { "; Secure" } else { "" };
    let text = format!(
        "{}={value}; Path=/; Max-Age={max_age}; HttpOnly; SameSite=Lax{secure}",
        name(https)
    );
    let mut header = HeaderValue::try_from(text).expect("a secret is hexadecimal");
    header.set_sensitive(true);
    (header::SET_COOKIE, header)
}
