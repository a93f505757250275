//! The grants file: reading it, and saying exactly what is wrong with it.

mod check;
mod raw;

use std::{
    collections::HashMap,
    fmt,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use holdfast_api_types::{SiteId, TunnelId};
use holdfast_failover::ProbeProfile;
use rustls::sign::CertifiedKey;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use self::raw::RawFile;
use super::address::{self, TunnelAddresses};
use crate::admission::AdmissionLimits;

/// Everything a grants file says, checked.
#[derive(Debug, Clone)]
pub struct Grants {
    pub(crate) slots: Vec<SocketAddr>,
    pub(crate) limits: AdmissionLimits,
    pub(crate) renegotiate_after: (Duration, Duration),
    /// Absent: ours, from our own CA.
    pub(crate) certificate: Option<Arc<CertifiedKey>>,
    entries: HashMap<TunnelId, Arc<Entry>>,
    anybody: Option<Arc<Entry>>,
    orders: HashMap<SiteId, Vec<TunnelId>>,
}

/// One tunnel of the file.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) gateway: Ipv4Addr,
    pub(super) profile: ProbeProfile,
    pub(super) password: PasswordDigest,
    site: SiteId,
    rank: u8,
    any_username: bool,
    /// Of a named tunnel; those that any name may use follow from the name.
    addresses: Option<TunnelAddresses>,
}

/// What is kept of a password.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct PasswordDigest([u8; 32]);

/// Everything that is wrong with a grants file, one line each.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub struct ConfigError {
    file: PathBuf,
    mistakes: Vec<String>,
}

impl Grants {
    /// Reads and checks a file. Relative paths in it are relative to its folder. `HOLDFAST_LISTEN_SLOTS`,
    /// `HOLDFAST_TLS_CERTIFICATE` and `HOLDFAST_TLS_KEY` override what it says.
    ///
    /// # Errors
    /// All mistakes at once, each naming the key, the value and the mend.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let failed = |mistakes| ConfigError {
            file: path.to_owned(),
            mistakes,
        };
        let text = std::fs::read_to_string(path).map_err(|err| {
            failed(vec![format!(
                "cannot be read: {err}; give the path of a grants file"
            )])
        })?;
        let mut raw: RawFile =
            toml::from_str(&text).map_err(|err| failed(vec![raw::in_line(&text, &err)]))?;
        raw.override_by(|name| std::env::var(name).ok());
        let folder = path.parent().unwrap_or(Path::new("."));
        check::check(&raw, folder).map_err(failed)
    }

    pub(super) fn entry(&self, tunnel: &TunnelId) -> Option<&Arc<Entry>> {
        self.entries.get(tunnel).or(self.anybody.as_ref())
    }

    /// The priority order of a site that `member` belongs to, or did before it was withdrawn. A site that
    /// the file does not name has `member` alone.
    pub(super) fn order(&self, site: &SiteId, member: &TunnelId) -> Vec<TunnelId> {
        let named = self.orders.get(site).cloned();
        named.unwrap_or_else(|| vec![member.clone()])
    }

    pub(super) fn addresses(&self, tunnel: &TunnelId) -> TunnelAddresses {
        let named = self.entries.get(tunnel).and_then(|entry| entry.addresses);
        named.unwrap_or_else(|| address::allot([tunnel.as_str()])[0])
    }
}

impl Entry {
    /// The site of a tunnel with this entry. Where any name may log in, each is a site of its own.
    pub(super) fn site_of(&self, tunnel: &TunnelId) -> Option<SiteId> {
        match self.any_username {
            true => format!("{}.{tunnel}", self.site).parse().ok(),
            false => Some(self.site.clone()),
        }
    }

    /// Whether a tunnel that got in by `other` may stay as it is; its rank does not matter.
    pub(super) fn grants_the_same(&self, other: &Self) -> bool {
        self.gateway == other.gateway
            && self.profile == other.profile
            && self.password == other.password
            && self.site == other.site
            && self.any_username == other.any_username
            && self.addresses == other.addresses
    }
}

impl PasswordDigest {
    fn of(password: &str) -> Self {
        Self(Sha256::digest(password.as_bytes()).into())
    }

    /// Compares in constant time.
    pub(super) fn matches(&self, password: &str) -> bool {
        self.0.ct_eq(&Self::of(password).0).into()
    }
}

impl fmt::Debug for PasswordDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordDigest(..)")
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, mistake) in self.mistakes.iter().enumerate() {
            let separator = if index > 0 { "\n" } else { "" };
            write!(f, "{separator}{}: {mistake}", self.file.display())?;
        }
        Ok(())
    }
}
