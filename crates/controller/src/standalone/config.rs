//! The grants file: reading it, and saying exactly what is wrong with it.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use holdfast_api_types::{SiteId, TunnelId};
use holdfast_failover::ProbeProfile;
use rustls::sign::CertifiedKey;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::address::{self, TunnelAddresses};
use crate::{admission::AdmissionLimits, certificates};

/// A site has one router with at most this many connections.
const MAX_RANK: u8 = 7;

/// Renegotiation ages that stay clear of the 3600 s at which stock clients start one themselves.
const RENEGOTIATE_AFTER: [u64; 2] = [2700, 3240];

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
            toml::from_str(&text).map_err(|err| failed(vec![in_line(&text, &err)]))?;
        raw.override_by(|name| std::env::var(name).ok());
        let folder = path.parent().unwrap_or(Path::new("."));
        check(&raw, folder).map_err(failed)
    }

    pub(super) fn entry(&self, tunnel: &TunnelId) -> Option<&Arc<Entry>> {
        self.entries.get(tunnel).or(self.anybody.as_ref())
    }

    /// The priority order of a site that `member` belongs to.
    pub(super) fn order(&self, site: &SiteId, member: &TunnelId) -> Vec<TunnelId> {
        match self.entries.contains_key(member) {
            true => self.orders.get(site).cloned().unwrap_or_default(),
            false => vec![member.clone()],
        }
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

// --- the file as it is written -------------------------------------------------------------------

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFile {
    #[serde(default)]
    listen: RawListen,
    #[serde(default)]
    tls: RawTls,
    #[serde(default)]
    limits: RawLimits,
    #[serde(default)]
    tunnels: Vec<RawTunnel>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawListen {
    #[serde(default)]
    slots: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTls {
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
    renegotiate_seconds: Option<[u64; 2]>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawLimits {
    connections_before_login: Option<usize>,
    handshakes: Option<usize>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTunnel {
    username: Option<String>,
    password: Option<SecretString>,
    password_sha256: Option<String>,
    site: Option<String>,
    rank: Option<u8>,
    gateway: Option<String>,
    profile: Option<String>,
    #[serde(default)]
    any_username: bool,
}

impl RawFile {
    fn override_by(&mut self, variable: impl Fn(&str) -> Option<String>) {
        if let Some(slots) = variable("HOLDFAST_LISTEN_SLOTS") {
            self.listen.slots = slots
                .split(',')
                .map(|slot| slot.trim().to_owned())
                .collect();
        }
        if let Some(path) = variable("HOLDFAST_TLS_CERTIFICATE") {
            self.tls.certificate = Some(path.into());
        }
        if let Some(path) = variable("HOLDFAST_TLS_KEY") {
            self.tls.key = Some(path.into());
        }
    }
}

fn in_line(text: &str, err: &toml::de::Error) -> String {
    let line = err
        .span()
        .map(|span| text[..span.start].matches('\n').count() + 1);
    let message = err.message().replace('\n', "; ");
    match line {
        Some(line) => format!("line {line}: {message}"),
        None => message,
    }
}

// --- checking ------------------------------------------------------------------------------------

fn check(raw: &RawFile, folder: &Path) -> Result<Grants, Vec<String>> {
    let mut mistakes = Mistakes(Vec::new());
    let slots = check_slots(&raw.listen.slots, &mut mistakes);
    let certificate = check_certificate(&raw.tls, folder, &mut mistakes);
    let renegotiate_after = check_renegotiation(&raw.tls, &mut mistakes);
    let limits = check_limits(&raw.limits, &mut mistakes);
    let (entries, anybody) = check_tunnels(&raw.tunnels, &mut mistakes);
    let orders = check_orders(&entries, &mut mistakes);
    if !mistakes.0.is_empty() {
        return Err(mistakes.0);
    }
    let entries = with_addresses(entries, &orders);
    Ok(Grants {
        slots,
        limits,
        renegotiate_after,
        certificate,
        entries,
        anybody,
        orders,
    })
}

struct Mistakes(Vec<String>);

impl Mistakes {
    fn add(&mut self, key: &str, value: &dyn fmt::Debug, mend: &str) {
        self.0.push(format!("{key} = {value:?}: {mend}"));
    }

    fn missing(&mut self, key: &str, mend: &str) {
        self.0.push(format!("{key} is missing: {mend}"));
    }
}

fn check_slots(slots: &[String], mistakes: &mut Mistakes) -> Vec<SocketAddr> {
    if slots.is_empty() {
        mistakes.missing(
            "listen.slots",
            r#"add slots = ["203.0.113.1:443"] under [listen]"#,
        );
    }
    let mut checked = Vec::new();
    for (index, slot) in slots.iter().enumerate() {
        let key = format!("listen.slots[{index}]");
        match slot.parse::<SocketAddr>() {
            Err(_) => mistakes.add(
                &key,
                slot,
                "write an address and a port, as in \"203.0.113.1:443\"",
            ),
            Ok(address) if checked.contains(&address) => {
                mistakes.add(
                    &key,
                    slot,
                    "is listed twice: every slot needs its own address or port",
                );
            }
            Ok(address) => checked.push(address),
        }
    }
    checked
}

fn check_certificate(
    tls: &RawTls,
    folder: &Path,
    mistakes: &mut Mistakes,
) -> Option<Arc<CertifiedKey>> {
    let (certificate, key) = match (&tls.certificate, &tls.key) {
        (None, None) => return None,
        (Some(path), None) => {
            mistakes.missing(
                "tls.key",
                &format!("add the private key of {}", path.display()),
            );
            return None;
        }
        (None, Some(path)) => {
            mistakes.missing(
                "tls.certificate",
                &format!("add the chain for {}", path.display()),
            );
            return None;
        }
        (Some(certificate), Some(key)) => (certificate, key),
    };
    match certificates::read(&folder.join(certificate), &folder.join(key)) {
        Ok(pair) => Some(Arc::new(pair)),
        Err(fault) => {
            let (name, path) = match fault.in_key {
                true => ("tls.key", key),
                false => ("tls.certificate", certificate),
            };
            mistakes.add(name, path, &fault.mend);
            None
        }
    }
}

fn check_renegotiation(tls: &RawTls, mistakes: &mut Mistakes) -> (Duration, Duration) {
    let [earliest, latest] = tls.renegotiate_seconds.unwrap_or(RENEGOTIATE_AFTER);
    if earliest == 0 || earliest > latest {
        let mend = "write the earliest and the latest age in seconds, as in [2700, 3240]";
        mistakes.add("tls.renegotiate_seconds", &[earliest, latest], mend);
    }
    (Duration::from_secs(earliest), Duration::from_secs(latest))
}

fn check_limits(limits: &RawLimits, mistakes: &mut Mistakes) -> AdmissionLimits {
    let usual = AdmissionLimits::default();
    let mut at_least_one = |key: &str, value: Option<usize>, usual: usize| {
        if value == Some(0) {
            mistakes.add(key, &0, "nobody could log in: write a number of at least 1");
        }
        value.unwrap_or(usual)
    };
    AdmissionLimits {
        connections: at_least_one(
            "limits.connections_before_login",
            limits.connections_before_login,
            usual.connections,
        ),
        handshakes: at_least_one("limits.handshakes", limits.handshakes, usual.handshakes),
    }
}

type Entries = BTreeMap<TunnelId, Entry>;

fn check_tunnels(tunnels: &[RawTunnel], mistakes: &mut Mistakes) -> (Entries, Option<Arc<Entry>>) {
    if tunnels.is_empty() {
        mistakes.missing(
            "tunnels",
            "add a [[tunnels]] table with username, password, site, rank and gateway",
        );
    }
    let mut entries = Entries::new();
    let mut anybody = None;
    for (index, raw) in tunnels.iter().enumerate() {
        let name = raw
            .username
            .as_deref()
            .map(|name| format!(" ({name})"))
            .unwrap_or_default();
        let at = format!("tunnels[{index}]{name}");
        let entry = check_entry(raw, &at, mistakes);
        if raw.any_username {
            if raw.username.is_some() {
                mistakes.add(
                    &format!("{at}.any_username"),
                    &true,
                    "leave username out: any name is admitted",
                );
            }
            if anybody.is_some() {
                mistakes.add(
                    &format!("{at}.any_username"),
                    &true,
                    "only one entry may admit any name",
                );
            }
            anybody = entry.map(Arc::new).or(anybody);
            continue;
        }
        let Some(tunnel) = check_id(raw.username.as_deref(), &format!("{at}.username"), mistakes)
        else {
            continue;
        };
        if entries.contains_key(&tunnel) {
            let mend = "another tunnel has this name: every tunnel needs its own";
            mistakes.add(&format!("{at}.username"), &tunnel.as_str(), mend);
        }
        if let Some(entry) = entry {
            entries.insert(tunnel, entry);
        }
    }
    (entries, anybody)
}

fn check_entry(raw: &RawTunnel, at: &str, mistakes: &mut Mistakes) -> Option<Entry> {
    let password = check_password(raw, at, mistakes);
    let site = check_id(raw.site.as_deref(), &format!("{at}.site"), mistakes);
    let rank = check_rank(raw, at, mistakes);
    let gateway = check_gateway(raw.gateway.as_deref(), &format!("{at}.gateway"), mistakes);
    let profile = check_profile(raw.profile.as_deref(), &format!("{at}.profile"), mistakes);
    Some(Entry {
        gateway: gateway?,
        profile: profile?,
        password: password?,
        site: site?,
        rank: rank?,
        any_username: raw.any_username,
        addresses: None,
    })
}

fn check_password(raw: &RawTunnel, at: &str, mistakes: &mut Mistakes) -> Option<PasswordDigest> {
    match (&raw.password, &raw.password_sha256) {
        (Some(password), None) if !password.expose_secret().is_empty() => {
            Some(PasswordDigest::of(password.expose_secret()))
        }
        (Some(_), None) => {
            mistakes.add(
                &format!("{at}.password"),
                &"",
                "an empty password protects nothing",
            );
            None
        }
        (None, Some(digest)) => {
            let mut bytes = [0; 32];
            if hex::decode_to_slice(digest, &mut bytes).is_err() {
                let mend = "write the SHA-256 of the password as 64 hexadecimal digits";
                mistakes.add(&format!("{at}.password_sha256"), digest, mend);
                return None;
            }
            Some(PasswordDigest(bytes))
        }
        (None, None) => {
            mistakes.missing(&format!("{at}.password"), "add password or password_sha256");
            None
        }
        (Some(_), Some(_)) => {
            mistakes.missing(
                &format!("{at}.password"),
                "password and password_sha256 exclude each other: keep one",
            );
            None
        }
    }
}

fn check_rank(raw: &RawTunnel, at: &str, mistakes: &mut Mistakes) -> Option<u8> {
    match raw.rank {
        None if raw.any_username => Some(0),
        None => {
            mistakes.missing(
                &format!("{at}.rank"),
                "add rank = 0 for the primary, 1 for its backup",
            );
            None
        }
        Some(rank) if rank > MAX_RANK => {
            mistakes.add(
                &format!("{at}.rank"),
                &rank,
                "a site has at most eight tunnels: 0 to 7",
            );
            None
        }
        Some(rank) => Some(rank),
    }
}

fn check_gateway(text: Option<&str>, key: &str, mistakes: &mut Mistakes) -> Option<Ipv4Addr> {
    let Some(text) = text else {
        mistakes.missing(
            key,
            "add the address of the ISP's gateway, as in \"192.0.2.1\"",
        );
        return None;
    };
    match text.parse::<Ipv4Addr>() {
        Ok(address) if is_gateway(address) => Some(address),
        Ok(_) => {
            mistakes.add(
                key,
                &text,
                "no router can have this address: write the ISP's gateway",
            );
            None
        }
        Err(_) => {
            mistakes.add(
                key,
                &text,
                "is not an IPv4 address: write it as in \"192.0.2.1\"",
            );
            None
        }
    }
}

fn is_gateway(address: Ipv4Addr) -> bool {
    !(address.is_unspecified()
        || address.is_loopback()
        || address.is_multicast()
        || address.is_broadcast())
}

fn check_profile(text: Option<&str>, key: &str, mistakes: &mut Mistakes) -> Option<ProbeProfile> {
    let name = text.unwrap_or("normal");
    let profile = ProbeProfile::named(name);
    if profile.is_none() {
        mistakes.add(key, &name, "write fast, normal or saver");
    }
    profile
}

fn check_id<T: std::str::FromStr<Err: fmt::Display>>(
    text: Option<&str>,
    key: &str,
    mistakes: &mut Mistakes,
) -> Option<T> {
    let Some(text) = text else {
        mistakes.missing(key, "add it");
        return None;
    };
    match text.parse() {
        Ok(id) => Some(id),
        Err(err) => {
            mistakes.0.push(format!("{key}: {err}"));
            None
        }
    }
}

fn check_orders(entries: &Entries, mistakes: &mut Mistakes) -> HashMap<SiteId, Vec<TunnelId>> {
    let mut ranks: BTreeMap<(SiteId, u8), TunnelId> = BTreeMap::new();
    for (tunnel, entry) in entries {
        let key = (entry.site.clone(), entry.rank);
        if let Some(other) = ranks.insert(key, tunnel.clone()) {
            let mend = format!(
                "{other} of site {} has this rank: every tunnel needs its own",
                entry.site
            );
            mistakes.add(&format!("tunnels ({tunnel}).rank"), &entry.rank, &mend);
        }
    }
    let mut orders: HashMap<SiteId, Vec<TunnelId>> = HashMap::new();
    for ((site, _), tunnel) in ranks {
        orders.entry(site).or_default().push(tunnel);
    }
    orders
}

fn with_addresses(
    mut entries: Entries,
    orders: &HashMap<SiteId, Vec<TunnelId>>,
) -> HashMap<TunnelId, Arc<Entry>> {
    for order in orders.values() {
        // By name, so that a new order of priority moves no addresses.
        let mut names: Vec<&TunnelId> = order.iter().collect();
        names.sort();
        let allotted = address::allot(names.iter().map(|name| name.as_str()));
        for (name, addresses) in names.into_iter().zip(allotted) {
            if let Some(entry) = entries.get_mut(name) {
                entry.addresses = Some(addresses);
            }
        }
    }
    entries
        .into_iter()
        .map(|(tunnel, entry)| (tunnel, Arc::new(entry)))
        .collect()
}
