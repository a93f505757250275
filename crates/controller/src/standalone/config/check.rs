//! What a grants file must be, and the sentences for what it is not.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    sync::Arc,
    time::Duration,
};

use holdfast_api_types::controller::ProfileName;
use holdfast_api_types::{SiteId, TunnelId};
use secrecy::ExposeSecret;

use super::{
    Entry, Grants, PasswordDigest,
    raw::{RawFile, RawLimits, RawTls, RawTunnel},
};
use crate::{Certificate, RENEGOTIATE_AFTER, admission::AdmissionLimits, standalone::address};

/// A site has one router with at most this many connections.
const MAX_RANK: u8 = 7;

/// A key older than that protects too much.
const LONGEST_KEY_AGE: u64 = 24 * 60 * 60;

pub(super) fn check(raw: &RawFile, folder: &Path) -> Result<Grants, Vec<String>> {
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

fn check_certificate(tls: &RawTls, folder: &Path, mistakes: &mut Mistakes) -> Option<Certificate> {
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
    match Certificate::read(&folder.join(certificate), &folder.join(key)) {
        Ok(pair) => Some(pair),
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
    let (earliest, latest) = RENEGOTIATE_AFTER;
    let usual = [earliest.as_secs(), latest.as_secs()];
    let [earliest, latest] = tls.renegotiate_seconds.unwrap_or(usual);
    if earliest == 0 || earliest > latest || latest > LONGEST_KEY_AGE {
        let mend =
            "write the earliest and the latest age in seconds, at most a day, as in [2700, 3240]";
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
        let at = place(index, raw);
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

/// Which entry is meant. A name that is none would spoil the line.
fn place(index: usize, raw: &RawTunnel) -> String {
    let name = raw.username.as_deref().map(str::parse::<TunnelId>);
    match name {
        Some(Ok(name)) => format!("tunnels[{index}] ({name})"),
        Some(Err(_)) | None => format!("tunnels[{index}]"),
    }
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
                // Not the value: it may be the password itself, in the wrong field.
                let what = format!(
                    "({} characters) is no digest: write the SHA-256 of the password as 64 hexadecimal digits",
                    digest.chars().count()
                );
                mistakes.0.push(format!("{at}.password_sha256 {what}"));
                return None;
            }
            Some(PasswordDigest(bytes))
        }
        (None, None) => {
            mistakes.missing(&format!("{at}.password"), "add password or password_sha256");
            None
        }
        (Some(_), Some(_)) => {
            let mend = "password and password_sha256 exclude each other: keep one";
            mistakes.0.push(format!("{at}.password: {mend}"));
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
        Some(rank) => {
            let checked = u8::try_from(rank).ok().filter(|rank| *rank <= MAX_RANK);
            if checked.is_none() {
                let mend = "a site has at most eight tunnels: write 0 to 7";
                mistakes.add(&format!("{at}.rank"), &rank, mend);
            }
            checked
        }
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

fn check_profile(text: Option<&str>, key: &str, mistakes: &mut Mistakes) -> Option<ProfileName> {
    let name = text.unwrap_or("normal");
    let profile = name.parse().ok();
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
