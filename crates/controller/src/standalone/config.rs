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

use holdfast_api_types::{SiteId, TunnelId, controller::ProfileName};
use holdfast_failover::addresses::TunnelAddresses;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use self::raw::RawFile;
use super::address;
use crate::{Certificate, admission::AdmissionLimits};

/// Everything a grants file says, checked.
#[derive(Debug, Clone)]
pub struct Grants {
    pub(crate) slots: Vec<SocketAddr>,
    pub(crate) limits: AdmissionLimits,
    pub(crate) renegotiate_after: (Duration, Duration),
    /// Absent: ours, from our own CA.
    pub(crate) certificate: Option<Certificate>,
    entries: HashMap<TunnelId, Arc<Entry>>,
    anybody: Option<Arc<Entry>>,
    orders: HashMap<SiteId, Vec<TunnelId>>,
}

/// One tunnel of the file.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) gateway: Ipv4Addr,
    pub(super) profile: ProfileName,
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
    /// Reads and checks a file. Relative paths in it are relative to its folder. The environment
    /// overrides what it says outside its tunnels: `HOLDFAST_LISTEN_SLOTS`, `HOLDFAST_TLS_KEY` and so on.
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
        let mistakes = raw.override_by(|name| std::env::var(name).ok());
        if !mistakes.is_empty() {
            return Err(failed(mistakes));
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn load(tunnels: &str) -> Grants {
        let file = tempfile::NamedTempFile::new().unwrap();
        let text = format!("[listen]\nslots = [\"192.0.2.1:443\"]\n{tunnels}");
        std::fs::write(file.path(), text).unwrap();
        Grants::load(file.path()).unwrap()
    }

    fn entry(name: &str, rank: u8, gateway: &str) -> String {
        format!(
            "[[tunnels]]\nusername = \"{name}\"\npassword = \"secret\"\nsite = \"office\"\n\
             rank = {rank}\ngateway = \"{gateway}\"\n"
        )
    }

    #[test]
    fn ranks_make_the_order_whatever_the_order_of_the_file() {
        let grants = load(&(entry("lte", 5, "192.0.2.1") + &entry("fibre", 2, "192.0.2.2")));
        let [fibre, lte] = ["fibre", "lte"].map(|name| name.parse::<TunnelId>().unwrap());
        let order = grants.order(&"office".parse().unwrap(), &lte);
        assert_eq!(order, [fibre, lte]);
    }

    #[test]
    fn a_new_rank_leaves_a_grant_as_it_is_and_a_new_gateway_does_not() {
        let fibre: TunnelId = "fibre".parse().unwrap();
        let [old, ranked, moved] = [(0, "192.0.2.1"), (3, "192.0.2.1"), (0, "192.0.2.9")]
            .map(|(rank, gateway)| load(&entry("fibre", rank, gateway)));
        let old = old.entry(&fibre).unwrap();
        assert!(ranked.entry(&fibre).unwrap().grants_the_same(old));
        assert!(!moved.entry(&fibre).unwrap().grants_the_same(old));
    }

    #[test]
    fn where_any_name_may_log_in_each_is_a_site_of_its_own() {
        let anybody = "[[tunnels]]\nany_username = true\npassword = \"secret\"\nsite = \"load\"\n\
                       gateway = \"192.0.2.1\"\n";
        let grants = load(&(entry("fibre", 0, "192.0.2.1") + anybody));
        let [fibre, other] = ["fibre", "other"].map(|name| name.parse::<TunnelId>().unwrap());
        let site = |tunnel| grants.entry(tunnel).unwrap().site_of(tunnel).unwrap();
        assert_eq!(site(&fibre).to_string(), "office");
        assert_eq!(site(&other).to_string(), "load.other");
        assert_ne!(grants.addresses(&fibre), grants.addresses(&other));
    }

    #[test]
    fn a_digest_admits_the_password_that_it_was_made_from() {
        // printf %s secret | sha256sum
        let digest = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b";
        let text = entry("fibre", 0, "192.0.2.1");
        let text = text.replace(
            "password = \"secret\"",
            &format!("password_sha256 = \"{digest}\""),
        );
        let grants = load(&text);
        let entry = grants.entry(&"fibre".parse().unwrap()).unwrap().clone();
        assert!(entry.password.matches("secret"));
        assert!(!entry.password.matches(digest));
    }
}
