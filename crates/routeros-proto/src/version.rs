//! RouterOS versions: `7.1beta4 (development)`, `6.49.10 (long-term)`, `7.20.8 (stable)`.

use std::{fmt, str::FromStr};

/// A version as `/system/resource` tells it. Ordered by number, then by stage; the channel decides last.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    /// 7 of `7.20.8`.
    pub major: u16,
    /// 20 of `7.20.8`.
    pub minor: u16,
    /// 8 of `7.20.8`, 0 when it is not written.
    pub patch: u16,
    /// How ready it is.
    pub stage: Stage,
    /// What it says in parentheses: `stable`, `long-term`, `testing`, `development`; empty when it does not.
    pub channel: String,
}

/// How ready a version is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// `alpha5`.
    Alpha(u16),
    /// `beta4`.
    Beta(u16),
    /// `rc2`.
    Candidate(u16),
    /// Without a suffix.
    Release,
}

/// A text that is no version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a RouterOS version such as 7.20.8 (stable)")]
pub struct VersionError {
    text: String,
}

/// What differs between versions, as far as it matters here. A version newer than all known has everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Feature {
    /// Log-in without a challenge.
    PlainLogin,
    /// Routing tables, `blackhole` as a property, OpenVPN over UDP, REST.
    Version7,
    /// Dates as `2023-11-19` instead of `nov/19/2023`.
    IsoDates,
    /// A cap of sessions for each service, 20 by default.
    SessionCap,
    /// `/import dry-run`.
    ImportDryRun,
    /// `/system/device-mode` restricts what a router may do, unless somebody is at the device.
    DeviceMode,
    /// `!empty` before the `!done` of a `print` without items.
    EmptyReply,
    /// Passwords of the OpenVPN client up to 1000 characters instead of 233.
    LongPasswords,
    /// The menu `/safe-mode`.
    SafeModeMenu,
    /// `/ip/route/check`.
    RouteCheck,
    /// `default-route-tables` of the DHCP client.
    DhcpRouteTables,
    /// `check-gateway` of the DHCP client.
    DhcpCheckGateway,
    /// Certificates of well-known authorities, for `fetch`.
    BuiltinTrust,
    /// An OpenVPN client that hangs when more than [`Version::pushed_routes`] are pushed.
    FewPushedRoutes,
    /// Secrets are left out of replies unless `show-sensitive` asks for them.
    HiddenSecrets,
    /// `trust-store` of an imported certificate.
    TrustStore,
    /// `check-gateway` timers in `/routing/settings`.
    CheckGatewayTimers,
    /// `name` of the DHCP client.
    DhcpName,
}

impl Feature {
    /// The first version, major and minor, that has it.
    pub const fn since(self) -> (u16, u16) {
        match self {
            Self::PlainLogin => (6, 43),
            Self::Version7 => (7, 0),
            Self::IsoDates => (7, 10),
            Self::SessionCap | Self::ImportDryRun => (7, 16),
            Self::DeviceMode => (7, 17),
            Self::EmptyReply
            | Self::LongPasswords
            | Self::SafeModeMenu
            | Self::RouteCheck
            | Self::DhcpRouteTables => (7, 18),
            Self::DhcpCheckGateway | Self::BuiltinTrust => (7, 19),
            Self::FewPushedRoutes => (7, 20),
            Self::HiddenSecrets | Self::TrustStore | Self::CheckGatewayTimers => (7, 21),
            Self::DhcpName => (7, 22),
        }
    }
}

impl Version {
    /// A release, without a channel.
    pub const fn release(major: u16, minor: u16, patch: u16) -> Self {
        Self {
            major,
            minor,
            patch,
            stage: Stage::Release,
            channel: String::new(),
        }
    }

    /// Whether this version has a feature. Betas and candidates of the version that brought it count as having it.
    pub const fn has(&self, feature: Feature) -> bool {
        let (major, minor) = feature.since();
        self.major > major || self.major == major && self.minor >= minor
    }

    /// How many routes may be pushed to its OpenVPN client without it hanging.
    pub const fn pushed_routes(&self) -> Option<usize> {
        if self.has(Feature::FewPushedRoutes) {
            Some(32)
        } else {
            None
        }
    }

    /// How long a password of its OpenVPN client may be, in characters.
    pub const fn password_length(&self) -> usize {
        if self.has(Feature::LongPasswords) {
            1000
        } else {
            233
        }
    }
}

impl FromStr for Version {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, VersionError> {
        read(text).ok_or_else(|| VersionError {
            text: text.to_owned(),
        })
    }
}

fn read(text: &str) -> Option<Version> {
    let text = text.trim();
    let (number, channel) = match text.split_once(char::is_whitespace) {
        Some((number, rest)) => (number, rest.trim().strip_prefix('(')?.strip_suffix(')')?),
        None => (text, ""),
    };
    let letters = number
        .find(|c: char| c.is_ascii_alphabetic())
        .unwrap_or(number.len());
    let (digits, suffix) = number.split_at(letters);
    let mut parts = digits.split('.');
    let version = Version {
        major: parts.next()?.parse().ok()?,
        minor: parts.next()?.parse().ok()?,
        patch: parts.next().map_or(Some(0), |patch| patch.parse().ok())?,
        stage: read_stage(suffix)?,
        channel: channel.to_owned(),
    };
    parts.next().is_none().then_some(version)
}

fn read_stage(suffix: &str) -> Option<Stage> {
    let digits = suffix
        .find(|c: char| c.is_ascii_digit())
        .unwrap_or(suffix.len());
    let (word, number) = suffix.split_at(digits);
    let number = || match number {
        "" => Some(0),
        _ => number.parse().ok(),
    };
    match word {
        "" => number().filter(|n| *n == 0).map(|_| Stage::Release),
        "alpha" => number().map(Stage::Alpha),
        "beta" => number().map(Stage::Beta),
        "rc" => number().map(Stage::Candidate),
        _ => None,
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)?;
        if self.patch > 0 {
            write!(f, ".{}", self.patch)?;
        }
        match self.stage {
            Stage::Alpha(number) => write!(f, "alpha{number}")?,
            Stage::Beta(number) => write!(f, "beta{number}")?,
            Stage::Candidate(number) => write!(f, "rc{number}")?,
            Stage::Release => {}
        }
        if !self.channel.is_empty() {
            write!(f, " ({})", self.channel)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> Version {
        text.parse().unwrap()
    }

    #[test]
    fn versions_are_written_as_they_are_read() {
        for text in [
            "7.1beta4 (development)",
            "6.49.10 (long-term)",
            "7.20.8 (stable)",
            "7.17rc3",
            "7.24",
        ] {
            assert_eq!(version(text).to_string(), text);
        }
    }

    #[test]
    fn a_release_comes_after_its_candidates_and_betas() {
        let order = [
            "6.49.10",
            "7.1beta4",
            "7.1beta12",
            "7.1rc1",
            "7.1",
            "7.1.1",
            "7.2",
            "7.10",
        ];
        let versions: Vec<_> = order.iter().map(|text| version(text)).collect();
        assert!(versions.is_sorted());
    }

    #[test]
    fn features_come_with_their_version_and_stay() {
        assert!(!version("7.17.2 (stable)").has(Feature::EmptyReply));
        assert!(version("7.18rc1 (testing)").has(Feature::EmptyReply));
        assert!(version("8.0").has(Feature::EmptyReply));
        assert!(!version("6.49.10").has(Feature::Version7));
        assert!(version("7.1").has(Feature::PlainLogin));
        assert_eq!(version("7.19").pushed_routes(), None);
        assert_eq!(version("7.20").pushed_routes(), Some(32));
        assert_eq!(version("7.17").password_length(), 233);
        assert_eq!(version("7.18").password_length(), 1000);
    }

    #[test]
    fn what_is_no_version_is_refused() {
        for text in [
            "",
            "7",
            "seven",
            "7.x",
            "7.1.2.3",
            "7.1gamma1",
            "7.1 stable",
        ] {
            assert!(text.parse::<Version>().is_err(), "{text}");
        }
    }
}
