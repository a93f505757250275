//! Values: what RouterOS writes in more than one way, and how two spellings are compared.
//!
//! The API carries text only, and its spelling differs between versions, between what is set and what is
//! read back, and between menus. Readers here accept every spelling that is known.

mod date;
mod duration;
mod gateway;
mod policy;
mod prefix;
mod same;

pub use date::{Date, DateTime};
pub use duration::{format_duration, parse_duration};
pub use gateway::Gateway;
pub use policy::Policies;
pub use prefix::Prefix;
pub use same::{compare, same_value};

/// Reads `true`, `false`, `yes` or `no`.
pub fn parse_bool(text: &str) -> Option<bool> {
    match text {
        "true" | "yes" => Some(true),
        "false" | "no" => Some(false),
        _ => None,
    }
}

/// A truth as replies spell it.
pub const fn reply_bool(value: bool) -> &'static str {
    if value { "true" } else { "false" }
}

/// A truth as it is set.
pub const fn input_bool(value: bool) -> &'static str {
    if value { "yes" } else { "no" }
}

/// The texts of a list, separated by commas; none for an empty text.
pub fn parse_list(text: &str) -> impl Iterator<Item = &str> {
    text.split(',')
        .map(str::trim)
        .filter(|item| !item.is_empty())
}

/// Whether a property of this name is a secret, whose value no log and no preview may show.
pub fn is_secret(name: &str) -> bool {
    [
        "password",
        "passphrase",
        "secret",
        "private-key",
        "shared-key",
        "auth-key",
        "response",
    ]
    .iter()
    .any(|word| name.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_of_a_truth_are_read_and_others_are_not() {
        assert_eq!(parse_bool("yes"), Some(true));
        assert_eq!(parse_bool("true"), Some(true));
        assert_eq!(parse_bool("no"), Some(false));
        assert_eq!(parse_bool("false"), Some(false));
        assert_eq!(parse_bool("exclusively"), None);
        assert_eq!(parse_bool(reply_bool(true)), Some(true));
        assert_eq!(parse_bool(input_bool(false)), Some(false));
    }

    #[test]
    fn lists_have_no_empty_items() {
        assert_eq!(parse_list("").count(), 0);
        let items: Vec<_> = parse_list("main, wf-1,").collect();
        assert_eq!(items, ["main", "wf-1"]);
    }
}
