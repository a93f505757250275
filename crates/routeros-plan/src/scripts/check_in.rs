//! The router's sign of life.

use secrecy::SecretString;

use super::report::{Fact, report};
use crate::{Kind, Tag};

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
    let facts = [
        ("identity", Fact::Found("$identity")),
        ("version", Fact::Found("$version")),
        ("uptime", Fact::Found("$uptime")),
    ];
    format!(
        "\
# {mark}
{CLEAN_IDENTITY}
:local version [/system/resource get version]
:local uptime [:tostr [/system/resource get uptime]]
{told}",
        mark = Tag::of(Kind::CheckIn),
        told = report(url, Some(token), &facts),
    )
}
