//! The router's sign of life.

use secrecy::{ExposeSecret, SecretString};

use super::adoption::checked;
use crate::{Kind, Tag, script::quoted_text};

/// Makes `$identity`, without the characters that mean something in JSON.
pub(super) const CLEAN_IDENTITY: &str = "\
:local identity \"\"
:local name [/system/identity get name]
:for i from=0 to=([:len $name] - 1) do={
  :local letter [:pick $name $i ($i + 1)]
  :if ($letter != \"\\\"\" && $letter != \"\\\\\") do={ :set identity ($identity . $letter) }
}";

/// Tells the control plane that the router lives: a POST of `{"identity", "version", "uptime"}`.
pub(super) fn check_in(url: &str, token: &SecretString) -> String {
    let body = ["identity", "version", "uptime"]
        .map(|fact| format!("\"\\\"{fact}\\\":\\\"\" . ${fact} . \"\\\"\""))
        .join(" . \",\" . ");
    let told = report(url, Some(token), &format!("\"{{\" . {body} . \"}}\""));
    format!(
        "\
# {mark}
{CLEAN_IDENTITY}
:local version [/system/resource get version]
:local uptime [:tostr [/system/resource get uptime]]
{told}",
        mark = Tag::of(Kind::CheckIn),
    )
}

/// A POST of JSON that nobody waits for. `body` is an expression.
pub(super) fn report(url: &str, token: Option<&SecretString>, body: &str) -> String {
    let mut headers = "Content-Type: application/json".to_owned();
    if let Some(token) = token {
        headers.push_str(",Authorization: Bearer ");
        headers.push_str(token.expose_secret());
    }
    format!(
        ":do {{ /tool/fetch url={}{} http-method=post http-header-field={} http-data=({body}) output=none }} on-error={{}}",
        quoted_text(url),
        checked(url),
        quoted_text(&headers),
    )
}
