//! What a router tells the control plane by itself.

use secrecy::{ExposeSecret, SecretString};

use crate::script::quoted_text;

/// A value of a report.
pub(super) enum Fact<'a> {
    /// Known when the script is written.
    Known(&'a str),
    /// An expression that the router knows the value of. The value has no quotes and no backslashes.
    Found(&'a str),
}

/// A POST of a JSON object that nobody waits for.
pub(super) fn report(
    url: &str,
    token: Option<&SecretString>,
    facts: &[(&str, Fact<'_>)],
) -> String {
    let mut headers = "Content-Type: application/json".to_owned();
    if let Some(token) = token {
        headers.push_str(",Authorization: Bearer ");
        headers.push_str(token.expose_secret());
    }
    format!(
        ":do {{ /tool/fetch url={}{} http-method=post http-header-field={} http-data={} output=none }} on-error={{}}",
        quoted_text(url),
        checked(url),
        quoted_text(&headers),
        object(facts),
    )
}

/// A JSON object, as an expression of RouterOS's language: texts, joined with what is found.
fn object(facts: &[(&str, Fact<'_>)]) -> String {
    let mut parts = Vec::new();
    let mut text = String::new();
    for (position, (name, fact)) in facts.iter().enumerate() {
        text.push(if position == 0 { '{' } else { ',' });
        text.push_str(&format!("\"{name}\":\""));
        match fact {
            Fact::Known(value) => text.push_str(value),
            Fact::Found(expression) => {
                parts.push(quoted_text(&text));
                parts.push((*expression).to_owned());
                text.clear();
            }
        }
        text.push('"');
    }
    text.push('}');
    parts.push(quoted_text(&text));
    format!("({})", parts.join(" . "))
}

/// How a fetch checks who it speaks to. Plain HTTP has nothing to check, and is for laboratories.
pub(super) fn checked(url: &str) -> &'static str {
    if url.starts_with("https:") {
        " check-certificate=yes-without-crl"
    } else {
        ""
    }
}
