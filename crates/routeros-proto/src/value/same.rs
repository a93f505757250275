//! Whether two texts say the same, and which is greater.

use std::{cmp::Ordering, str::FromStr};

use super::{Policies, Prefix, parse_bool, parse_duration, parse_list};

/// What kind of value a property holds, as far as its name tells.
enum Kind {
    /// Compared as it is.
    Text,
    /// Lines of a script.
    Script,
    /// Policies with denials.
    Policies,
    /// Names whose order means nothing.
    Names,
    /// Everything else: truths, numbers, addresses, durations.
    Value,
}

fn kind_of(property: &str) -> Kind {
    match property {
        "name" | "comment" | "user" | "password" | "passphrase" | "common-name" => Kind::Text,
        "source" | "script" | "on-up" | "on-down" | "on-event" | "up-script" | "down-script" => {
            Kind::Script
        }
        "policy" => Kind::Policies,
        "address" | "default-route-tables" | "topics" | "servers" | "dns-server" => Kind::Names,
        _ => Kind::Value,
    }
}

/// Whether two spellings of a property's value mean the same: `yes` and `true`, `203.0.113.11` and
/// `203.0.113.11/32`, `60s` and `1m`, policies in another order, a script with other line ends.
pub fn same_value(property: &str, one: &str, other: &str) -> bool {
    if one == other {
        return true;
    }
    match kind_of(property) {
        Kind::Text => false,
        Kind::Script => lines(one).eq(lines(other)),
        Kind::Policies => read::<Policies>(one) == read::<Policies>(other),
        Kind::Names => same_names(one, other),
        Kind::Value => same_single(one, other),
    }
}

/// Which of two values is greater: as numbers, truths, durations or prefixes where both can be read as such, else
/// as texts.
pub fn compare(one: &str, other: &str) -> Ordering {
    fn both<T: PartialOrd>(one: Option<T>, other: Option<T>) -> Option<Ordering> {
        one?.partial_cmp(&other?)
    }
    both(read::<i128>(one), read::<i128>(other))
        .or_else(|| both(parse_bool(one), parse_bool(other)))
        .or_else(|| both(parse_duration(one), parse_duration(other)))
        .or_else(|| both(read::<Prefix>(one), read::<Prefix>(other)))
        .unwrap_or_else(|| one.cmp(other))
}

fn same_single(one: &str, other: &str) -> bool {
    fn both<T: PartialEq>(one: Option<T>, other: Option<T>) -> bool {
        one.is_some() && one == other
    }
    both(parse_bool(one), parse_bool(other))
        || both(read::<Prefix>(one), read::<Prefix>(other))
        || both(parse_duration(one), parse_duration(other))
}

fn same_names(one: &str, other: &str) -> bool {
    let sorted = |text| {
        let mut items: Vec<_> = parse_list(text).collect();
        items.sort_unstable();
        items
    };
    let (one, other) = (sorted(one), sorted(other));
    one.len() == other.len()
        && one
            .iter()
            .zip(&other)
            .all(|(one, other)| one == other || same_single(one, other))
}

/// The lines of a script, without what editors and the router add at their ends.
fn lines(script: &str) -> impl Iterator<Item = &str> {
    script.trim_end().lines().map(str::trim_end)
}

fn read<T: FromStr>(text: &str) -> Option<T> {
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_value_are_the_same() {
        for (property, one, other) in [
            ("disabled", "yes", "true"),
            ("dst-address", "203.0.113.11", "203.0.113.11/32"),
            ("gateway", "2001:db8:0::1", "2001:db8::1"),
            ("interval", "60s", "1m"),
            ("interval", "00:00:30", "30s"),
            ("uptime", "90", "1m30s"),
            ("policy", "write,read", "read,write,!ftp"),
            (
                "on-up",
                ":log info a\r\n:log info b\r\n",
                ":log info a\n:log info b",
            ),
            ("address", "10.0.0.1,10.0.0.2/32", "10.0.0.2,10.0.0.1"),
            ("comment", "x", "x"),
        ] {
            assert!(
                same_value(property, one, other),
                "{property}: {one} {other}"
            );
        }
    }

    #[test]
    fn different_values_are_not_the_same() {
        for (property, one, other) in [
            ("disabled", "yes", "no"),
            ("comment", "yes", "true"),
            ("name", "60s", "1m"),
            ("policy", "read", "read,write"),
            ("on-up", "a b", "ab"),
            ("dst-address", "10.0.0.0/8", "10.0.0.0/9"),
            ("gateway", "192.0.2.1%ether1", "192.0.2.1%ether2"),
            ("use-peer-dns", "exclusively", "yes"),
            ("distance", "1", ""),
        ] {
            assert!(
                !same_value(property, one, other),
                "{property}: {one} {other}"
            );
        }
    }

    #[test]
    fn values_are_ordered_by_what_they_mean() {
        assert_eq!(compare("900", "1500"), Ordering::Less);
        assert_eq!(compare("1m", "90s"), Ordering::Less);
        assert_eq!(compare("10.0.0.0/8", "9.0.0.0/8"), Ordering::Greater);
        assert_eq!(compare("x", ""), Ordering::Greater);
        assert_eq!(compare("ether10", "ether9"), Ordering::Less);
    }
}
