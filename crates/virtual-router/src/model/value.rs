//! Values as they are given, and as RouterOS keeps and shows them.

use std::{
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};

use holdfast_routeros_proto::{
    Category, Trap,
    value::{Gateway, Policies, Prefix, format_duration, parse_bool, parse_duration, parse_list},
};

use super::{
    command::{POLICIES, invalid, no_match},
    database::Database,
    schema::Kind,
};

/// As old documentation shows a duration: `01:22:53`, with `1d ` before it.
pub(super) fn show_clock(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let days = match seconds / 86_400 {
        0 => String::new(),
        days => format!("{days}d "),
    };
    let clock = format!(
        "{days}{:02}:{:02}:{:02}",
        seconds / 3600 % 24,
        seconds / 60 % 60,
        seconds % 60
    );
    match duration.subsec_millis() {
        0 => clock,
        ms => format!("{clock}.{ms:03}"),
    }
}

/// Rights as they are kept: those that are granted. `None` when one is no right at all.
pub(super) fn policies(text: &str) -> Option<Policies> {
    let mut names = parse_list(text).map(|name| name.strip_prefix('!').unwrap_or(name));
    names.all(|name| POLICIES.contains(&name)).then_some(())?;
    text.parse().ok()
}

/// Rights as groups show them: those granted, then the others with `!`.
pub(super) fn show_all_policies(granted: &str) -> String {
    let granted = policies(granted).unwrap_or_default();
    let held = POLICIES.iter().filter(|policy| granted.grants(policy));
    let missing = POLICIES.iter().filter(|policy| !granted.grants(policy));
    let missing = missing.map(|policy| format!("!{policy}"));
    let all = held.map(|policy| (*policy).to_owned()).chain(missing);
    all.collect::<Vec<_>>().join(",")
}

impl Kind {
    /// The value of an argument as it is kept.
    ///
    /// # Errors
    /// When it is not one, in the words of RouterOS.
    pub(super) fn normalise(
        self,
        name: &str,
        value: &str,
        database: &Database,
    ) -> Result<String, Trap> {
        let invalid = || invalid(name);
        match self {
            Self::Text => Ok(value.into()),
            Self::Limited(most) if value.chars().count() > most => Err(Trap::of(
                Category::Argument,
                format!("value of {name} should not be longer than {most} characters"),
            )),
            Self::Limited(_) => Ok(value.into()),
            Self::Bool => match parse_bool(value) {
                Some(value) => Ok(value.to_string()),
                None => Err(no_match(name)),
            },
            Self::Presence => Ok("true".into()),
            Self::Choice(choices) => choose(name, value, choices),
            Self::Number(least, most) => match value.parse() {
                Ok(number) if (least..=most).contains(&number) => Ok(number.to_string()),
                Ok::<u64, _>(_) => Err(Trap::of(
                    Category::Argument,
                    format!("value of {name} out of range ({least}..{most})"),
                )),
                Err(_) => Err(invalid()),
            },
            Self::Duration => parse_duration(value)
                .map(format_duration)
                .ok_or_else(invalid),
            Self::DurationOr(words) if words.contains(&value) => Ok(value.into()),
            Self::DurationOr(_) => parse_duration(value)
                .map(format_duration)
                .ok_or_else(invalid),
            Self::Address => {
                let address: Result<Ipv4Addr, _> = value.parse();
                address.map(|a| a.to_string()).map_err(|_| invalid())
            }
            Self::AddressWithLength => prefix(value).map(|p| p.to_string()).ok_or_else(invalid),
            Self::Prefix => {
                let prefix = prefix(value).ok_or_else(invalid)?;
                Ok(prefix.network().to_string())
            }
            Self::Host => host(value).ok_or_else(invalid),
            Self::Gateways => {
                let each = value.split(',').map(|one| gateway(one, database));
                let all: Option<Vec<_>> = each.collect();
                all.map(|all| all.join(",")).ok_or_else(invalid)
            }
            Self::Mac => mac(value).ok_or_else(invalid),
            Self::Interface => database.interface_name(value).ok_or_else(|| no_match(name)),
            Self::Name(_, words) if words.contains(&value) => Ok(value.into()),
            Self::Name(menu, _) => database
                .find_name(menu, value)
                .ok_or_else(|| no_match(name)),
            Self::Policies => {
                let policies = policies(value).ok_or_else(|| no_match(name))?;
                Ok(policies.to_string())
            }
            Self::List(kind) => {
                let parts = value.split(',').filter(|part| !part.is_empty());
                let all: Result<Vec<_>, _> = parts
                    .map(|part| kind.normalise(name, part, database))
                    .collect();
                Ok(all?.join(","))
            }
        }
    }
}

/// Words may be cut short as long as it is clear which is meant.
fn choose(name: &str, value: &str, choices: &[&str]) -> Result<String, Trap> {
    if choices.contains(&value) {
        return Ok(value.into());
    }
    // Clients say true where the menu says yes.
    let spelled = match value {
        "true" => "yes",
        "false" => "no",
        other => other,
    };
    let mut like = choices.iter().filter(|choice| choice.starts_with(spelled));
    match (like.next(), like.next()) {
        _ if spelled.is_empty() => Err(no_match(name)),
        (Some(only), None) => Ok((*only).into()),
        (Some(_), Some(_)) if !choices.contains(&spelled) => Err(Trap::of(
            Category::Argument,
            format!("ambiguous value of {name}, more than one possible value matches input"),
        )),
        (Some(_), Some(_)) => Ok(spelled.into()),
        (None, _) => Err(no_match(name)),
    }
}

fn host(value: &str) -> Option<String> {
    let name = value.split_once('@').map_or(value, |(name, _)| name);
    let spelled = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '_');
    (!name.is_empty() && name.chars().all(spelled)).then(|| value.into())
}

/// Only IPv4 is modelled.
fn prefix(value: &str) -> Option<Prefix> {
    let prefix: Prefix = value.parse().ok()?;
    prefix.address.is_ipv4().then_some(prefix)
}

/// The next hop as it is kept: with the names of interface and table.
fn gateway(value: &str, database: &Database) -> Option<String> {
    let mut gateway: Gateway = value.parse().ok()?;
    if gateway
        .address
        .is_some_and(|address: IpAddr| address.is_ipv6())
    {
        return None;
    }
    if let Some(interface) = &mut gateway.interface {
        *interface = database.interface_name(interface)?;
    }
    if let Some(table) = &mut gateway.table {
        *table = database.find_name("/routing/table", table)?;
    }
    (gateway != Gateway::default()).then(|| gateway.to_string())
}

fn mac(value: &str) -> Option<String> {
    let parts: Vec<_> = value.split([':', '-']).collect();
    let numbers: Option<Vec<u8>> = parts
        .iter()
        .map(|part| {
            u8::from_str_radix(part, 16)
                .ok()
                .filter(|_| part.len() == 2)
        })
        .collect();
    let numbers = numbers.filter(|numbers| numbers.len() == 6)?;
    Some(
        numbers
            .iter()
            .map(|n| format!("{n:02X}"))
            .collect::<Vec<_>>()
            .join(":"),
    )
}
