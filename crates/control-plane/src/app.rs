//! What every handler, job and the engine share.

use std::{
    net::{IpAddr, SocketAddr, SocketAddrV4},
    sync::{Arc, OnceLock},
};

use axum::http::Uri;
use holdfast_routeros_plan::Authority;
use holdfast_store::Store;
use rustls_pki_types::{CertificateDer, pem::PemObject};
use sha2::{Digest, Sha256};
use tokio::sync::Notify;

use crate::{
    clock::Clock,
    events::Bus,
    lab::Lab,
    limits::LogInLimits,
    password::Passwords,
    reconciler::{MaybeReconciler, Reconciler},
    router::Routers,
    vault::Vault,
};

/// The control plane's parts, put together once. Clones are the same.
#[derive(Debug, Clone)]
pub struct App(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    parts: Parts,
    bus: Bus,
    reconciler: MaybeReconciler,
    routers: Routers,
    lab: OnceLock<Box<dyn Lab>>,
    job_queued: Notify,
    log_in_limits: LogInLimits,
}

/// What an [`App`] is made of.
#[derive(Debug)]
pub struct Parts {
    /// The database.
    pub store: Store,
    /// Seals secrets at rest.
    pub vault: Vault,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Hashes passwords.
    pub passwords: Passwords,
    /// What the operator of this installation has set.
    pub config: Config,
}

/// What the operator of this installation has set.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// Where browsers find the dashboard. Without it the `Host` header of a request is believed.
    pub public_url: Option<PublicUrl>,
    /// Reverse proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpAddr>,
    /// The controller addresses that tunnels dial, slot 1 first.
    pub slots: Vec<SocketAddr>,
    /// Where management tunnels dial, if that is none of the slots.
    pub management: Option<SocketAddrV4>,
    /// The authority that signed the controllers' certificates, as PEM, for the profiles of routers.
    pub ca: String,
    /// Where routers that are adopted find us.
    pub for_routers: ForRouters,
}

/// Where routers find this server: they trust [`Config::ca`] and nobody else.
#[derive(Debug, Clone)]
pub enum ForRouters {
    /// At a URL with `https`, whose certificate that authority has signed.
    At(PublicUrl),
    /// Nowhere yet. This is what the operator of this installation has to set, for a person.
    Nowhere(String),
}

impl Default for ForRouters {
    fn default() -> Self {
        Self::Nowhere("set listen under [http.routers] to an address that routers reach".into())
    }
}

impl Config {
    /// Whether browsers come over HTTPS.
    pub fn https(&self) -> bool {
        self.public_url.as_ref().is_some_and(PublicUrl::is_https)
    }

    /// Where the management tunnels of routers dial: what is set for them, else the first slot with an IPv4 address.
    pub fn management_endpoint(&self) -> Option<SocketAddrV4> {
        let slot = self.slots.iter().find_map(|slot| match slot {
            SocketAddr::V4(slot) => Some(*slot),
            SocketAddr::V6(_) => None,
        });
        self.management.or(slot)
    }

    /// The authority that routers must trust; none if [`Self::ca`] holds no certificate.
    pub fn authority(&self) -> Option<Authority> {
        let der = CertificateDer::from_pem_slice(self.ca.as_bytes()).ok()?;
        Some(Authority {
            pem: self.ca.clone(),
            fingerprint: hex::encode(Sha256::digest(&der)),
        })
    }
}

impl App {
    /// Puts the parts together.
    pub fn new(parts: Parts) -> Self {
        let log_in_limits = LogInLimits::new(parts.clock.clone());
        Self(Arc::new(Shared {
            parts,
            bus: Bus::new(),
            reconciler: MaybeReconciler::default(),
            routers: Routers::default(),
            lab: OnceLock::new(),
            job_queued: Notify::new(),
            log_in_limits,
        }))
    }

    /// The database.
    pub fn store(&self) -> &Store {
        &self.0.parts.store
    }

    /// Seals secrets at rest.
    pub fn vault(&self) -> &Vault {
        &self.0.parts.vault
    }

    /// What time it is.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.0.parts.clock
    }

    /// Hashes passwords.
    pub fn passwords(&self) -> &Passwords {
        &self.0.parts.passwords
    }

    /// What the operator of this installation has set.
    pub fn config(&self) -> &Config {
        &self.0.parts.config
    }

    /// Tells every open dashboard what changed.
    pub fn bus(&self) -> &Bus {
        &self.0.bus
    }

    /// Brings sites to what the store says.
    pub fn reconciler(&self) -> &dyn Reconciler {
        &self.0.reconciler
    }

    /// Connects what brings sites to what the store says, once. Until then nothing does.
    pub fn connect_reconciler(&self, reconciler: impl Reconciler) {
        self.0.reconciler.connect(Box::new(reconciler));
    }

    /// The routers of sites, and the ways to them.
    pub fn routers(&self) -> &Routers {
        &self.0.routers
    }

    /// The lab that this control plane runs in, if it does.
    pub fn lab(&self) -> Option<&dyn Lab> {
        self.0.lab.get().map(Box::as_ref)
    }

    /// Connects the lab, once. Without one there is none to speak of.
    pub fn connect_lab(&self, lab: impl Lab) {
        let connected = self.0.lab.set(Box::new(lab));
        assert!(connected.is_ok(), "a control plane runs in one lab");
    }

    /// Told when a job was queued and committed.
    pub(crate) fn job_queued(&self) -> &Notify {
        &self.0.job_queued
    }

    pub(crate) fn log_in_limits(&self) -> &LogInLimits {
        &self.0.log_in_limits
    }
}

/// Where browsers find the dashboard: scheme and host, with a port unless it is the scheme's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl {
    https: bool,
    authority: String,
}

/// Why a text is no public URL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} is not a URL of a web site: use http:// or https:// and a host, as in https://holdfast.example.org"
)]
pub struct InvalidPublicUrl {
    text: String,
}

impl PublicUrl {
    /// Whether browsers come over HTTPS.
    pub fn is_https(&self) -> bool {
        self.https
    }

    /// A name or an address, the latter without brackets.
    pub fn host(&self) -> &str {
        let host = match self.authority.rsplit_once(':') {
            // Within brackets it belongs to the address.
            Some((host, port)) if !port.ends_with(']') => host,
            _ => &self.authority,
        };
        host.trim_start_matches('[').trim_end_matches(']')
    }

    /// As browsers send it in the header `Origin`.
    pub fn origin(&self) -> String {
        format!(
            "{}://{}",
            if self.https { "https" } else { "http" },
            self.authority
        )
    }
}

impl std::str::FromStr for PublicUrl {
    type Err = InvalidPublicUrl;

    fn from_str(text: &str) -> Result<Self, InvalidPublicUrl> {
        let invalid = || InvalidPublicUrl { text: text.into() };
        let uri: Uri = text.parse().map_err(|_| invalid())?;
        let https = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(invalid()),
        };
        let authority = uri.authority().ok_or_else(invalid)?;
        if !matches!(uri.path(), "" | "/")
            || uri.query().is_some()
            || authority.as_str().contains('@')
        {
            return Err(invalid());
        }
        let port = authority.port_u16();
        let default_port = if https { 443 } else { 80 };
        let host = authority.host().to_ascii_lowercase();
        Ok(Self {
            https,
            authority: match port {
                Some(port) if port != default_port => format!("{host}:{port}"),
                _ => host,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_url_becomes_the_origin_that_browsers_send() {
        for (text, origin) in [
            (
                "https://Holdfast.example.org/",
                "https://holdfast.example.org",
            ),
            (
                "https://holdfast.example.org:443",
                "https://holdfast.example.org",
            ),
            ("http://[::1]:8080", "http://[::1]:8080"),
        ] {
            assert_eq!(text.parse::<PublicUrl>().unwrap().origin(), origin);
        }
    }

    #[test]
    fn a_public_url_knows_its_host_without_port_and_brackets() {
        for (text, host) in [
            ("https://holdfast.example.org", "holdfast.example.org"),
            ("https://192.0.2.1:8443", "192.0.2.1"),
            ("https://[2001:db8::1]:8443", "2001:db8::1"),
            ("https://[2001:db8::1]", "2001:db8::1"),
        ] {
            assert_eq!(text.parse::<PublicUrl>().unwrap().host(), host);
        }
    }

    #[test]
    fn management_tunnels_dial_what_is_set_for_them_or_the_first_slot_of_ipv4() {
        let address: SocketAddrV4 = "203.0.113.9:443".parse().unwrap();
        let mut config = Config::default();
        assert_eq!(config.management_endpoint(), None);
        config.slots = ["[2001:db8::1]:443", "203.0.113.1:443", "203.0.113.2:443"]
            .map(|slot| slot.parse().unwrap())
            .into();
        let first = config.management_endpoint().map(SocketAddr::V4);
        assert_eq!(first, Some(config.slots[1]));
        config.management = Some(address);
        assert_eq!(config.management_endpoint(), Some(address));
    }

    #[test]
    fn what_is_no_web_site_is_refused() {
        for text in [
            "",
            "holdfast.example.org",
            "ftp://x",
            "https://x/path",
            "https://a@b",
            "https://x/?q",
        ] {
            assert!(text.parse::<PublicUrl>().is_err(), "{text}");
        }
    }
}
