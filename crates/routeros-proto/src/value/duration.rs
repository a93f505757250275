//! Durations: `1w2d3h4m5s`, `453us`, `01:22:53`, `1d00:00:10.5`.

use std::{fmt::Write, time::Duration};

const NANOS: &[(&str, u64)] = &[
    ("w", 604_800_000_000_000),
    ("d", 86_400_000_000_000),
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
];

/// Reads a duration in any of its spellings. A number alone is seconds, as RouterOS takes it.
pub fn parse_duration(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    if rest.is_empty() {
        return None;
    }
    let mut total = Duration::ZERO;
    while !rest.is_empty() {
        if rest.contains(':') && !rest.contains(['w', 'd', 'h', 'm', 's']) {
            return total.checked_add(parse_clock(rest)?);
        }
        let digits = rest
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(rest.len());
        let (number, tail) = rest.split_at(digits);
        let letters = tail
            .find(|c: char| !c.is_ascii_alphabetic())
            .unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(letters);
        let unit = if unit.is_empty() && tail.is_empty() {
            "s"
        } else {
            unit
        };
        let (_, nanos) = NANOS.iter().find(|(name, _)| *name == unit)?;
        total = total.checked_add(scaled(number, *nanos)?)?;
        rest = tail.trim_start();
    }
    Some(total)
}

/// `hh:mm:ss` or `mm:ss`, seconds with or without a fraction.
fn parse_clock(text: &str) -> Option<Duration> {
    let parts: Vec<_> = text.split(':').collect();
    let units = match parts.len() {
        2 => &NANOS[3..5],
        3 => &NANOS[2..5],
        _ => return None,
    };
    parts
        .iter()
        .zip(units)
        .try_fold(Duration::ZERO, |total, (part, (_, nanos))| {
            total.checked_add(scaled(part, *nanos)?)
        })
}

/// `number` units of `nanos` nanoseconds; what is smaller than a nanosecond is cut off.
fn scaled(number: &str, nanos: u64) -> Option<Duration> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || whole.len() > 18 || !digits(whole) || !digits(fraction) {
        return None;
    }
    let whole = whole.parse::<u128>().ok()? * u128::from(nanos);
    let fraction = &fraction[..fraction.len().min(12)];
    let part = match fraction {
        "" => 0,
        _ => {
            fraction.parse::<u128>().ok()? * u128::from(nanos) / 10_u128.pow(fraction.len() as u32)
        }
    };
    let total = whole + part;
    let seconds = u64::try_from(total / 1_000_000_000).ok()?;
    let rest = u32::try_from(total % 1_000_000_000).ok()?;
    Some(Duration::new(seconds, rest))
}

/// Writes a duration as RouterOS 7 does: every unit that is not zero, from weeks to nanoseconds; `0s` for none.
pub fn format_duration(duration: Duration) -> String {
    let mut rest = duration.as_nanos();
    let mut text = String::new();
    for (unit, nanos) in NANOS {
        let count = rest / u128::from(*nanos);
        rest %= u128::from(*nanos);
        if count > 0 {
            write!(text, "{count}{unit}").expect("a String takes everything");
        }
    }
    if text.is_empty() {
        text.push_str("0s");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_spelling_is_read() {
        let known = [
            ("1d2h3m4s", 93_784_000_000_000),
            ("1w", 604_800_000_000_000),
            ("453us", 453_000),
            ("10ms", 10_000_000),
            ("1s500ms", 1_500_000_000),
            ("4m48s", 288_000_000_000),
            ("01:22:53", 4_973_000_000_000),
            ("00:00:10", 10_000_000_000),
            ("1d00:00:10", 86_410_000_000_000),
            ("1d 00:00:10", 86_410_000_000_000),
            ("1w1d01:00:00.5", 694_800_500_000_000),
            ("10", 10_000_000_000),
            ("0s", 0),
            ("1.5s", 1_500_000_000),
        ];
        for (text, nanos) in known {
            assert_eq!(
                parse_duration(text),
                Some(Duration::from_nanos(nanos)),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_no_duration_is_not_read() {
        for text in [
            "",
            "soon",
            "1x",
            "s",
            "1::2",
            "1:2:3:4",
            "-1s",
            "1d2",
            "99999999999999999999w",
        ] {
            let expected = (text == "1d2").then(|| Duration::from_secs(86_402));
            assert_eq!(parse_duration(text), expected, "{text}");
        }
    }

    #[test]
    fn durations_are_written_without_zero_units() {
        assert_eq!(format_duration(Duration::ZERO), "0s");
        assert_eq!(format_duration(Duration::from_secs(93_784)), "1d2h3m4s");
        assert_eq!(format_duration(Duration::from_micros(453)), "453us");
        assert_eq!(format_duration(Duration::from_millis(90_010)), "1m30s10ms");
    }
}
