//! What a router is in Rust.

use holdfast_api_types::{
    OrganizationId, Repair, RouteMode, RouterAccess, RouterState, SiteId, TunnelId,
};
use jiff::Timestamp;

use crate::Sha256;

/// The router of a site that may be configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Router {
    /// The site.
    pub site_id: SiteId,
    /// The organization of the site.
    pub organization_id: OrganizationId,
    /// What is known of it; never [`RouterState::None`].
    pub state: RouterState,
    /// Since when.
    pub state_since: Timestamp,
    /// Where its API is, if not behind its tunnels.
    pub direct: Option<Direct>,
    /// What its management tunnel logs in as.
    pub management_username: TunnelId,
    /// Which of the tunnel networks its management tunnel has.
    pub address_index: u32,
    /// What it says of itself.
    pub facts: Facts,
    /// When it first came; `None` while it has not.
    pub adopted_at: Option<Timestamp>,
    /// When it was last heard of.
    pub last_seen_at: Option<Timestamp>,
    /// Where the routes of its tunnels come from.
    pub mode: Mode,
    /// What happens when it differs from what is configured.
    pub repair: Repair,
    /// Fields of it that we changed and must restore, as JSON.
    pub memory: String,
    /// Whether what is configured for the site was once brought to it.
    pub configured: bool,
    /// What was found when somebody last looked.
    pub findings: Option<Findings>,
}

impl Router {
    /// How its API is reached.
    pub const fn access(&self) -> RouterAccess {
        match self.direct {
            Some(_) => RouterAccess::Direct,
            None => RouterAccess::Tunnel,
        }
    }
}

/// Where the API of a router is that has an address of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Direct {
    /// An IP address or a name.
    pub address: String,
    /// The TCP port.
    pub port: u16,
    /// Whether it speaks TLS.
    pub tls: bool,
    /// SHA-256 of the certificate it must show; `None`: any that our authority signed.
    pub fingerprint: Option<Sha256>,
}

/// What a router says of itself. What is `None` it did not say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// What its owner calls it.
    pub identity: Option<String>,
    /// Its serial number.
    pub serial: Option<String>,
    /// Its model.
    pub board: Option<String>,
    /// Its version of RouterOS.
    pub version: Option<String>,
}

/// Where the routes of a router's tunnels come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mode {
    /// From where.
    pub mode: RouteMode,
    /// The version of RouterOS that this was found out with.
    pub version: Option<String>,
    /// Why, in words a person reads.
    pub reason: Option<String>,
}

/// What was found at a router.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Findings {
    /// Steps from what it has to what it should have.
    pub drift: u32,
    /// What is wrong with it, one sentence each, as a JSON list.
    pub problems: String,
    /// When somebody looked.
    pub at: Timestamp,
}

/// Everything a router is given when it is adopted, in the forms we keep.
#[derive(Clone, PartialEq, Eq)]
pub struct Handed {
    /// The user name for its API.
    pub api_user: String,
    /// The password for it, encrypted.
    pub api_password_sealed: Vec<u8>,
    /// The user name of its management tunnel.
    pub management_username: TunnelId,
    /// The password of that, encrypted.
    pub management_password_sealed: Vec<u8>,
    /// The digest of it, for log-ins.
    pub management_password_sha256: Sha256,
    /// Digest of what it shows when it checks in.
    pub check_in_token_hash: Option<Sha256>,
}

/// What we log in to the API of a router with.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiLogin {
    /// The user name.
    pub user: String,
    /// The password, encrypted.
    pub password_sealed: Vec<u8>,
}

/// The management tunnel of a router, as the router must be told it.
#[derive(Clone, PartialEq, Eq)]
pub struct ManagementCredentials {
    /// The user name.
    pub username: TunnelId,
    /// The password, encrypted.
    pub password_sealed: Vec<u8>,
}

/// What a log-in of a management tunnel is checked against.
#[derive(Clone, PartialEq, Eq)]
pub struct ManagementLogin {
    /// The site.
    pub site_id: SiteId,
    /// The organization of the site.
    pub organization_id: OrganizationId,
    /// Digest of the password.
    pub password_sha256: Sha256,
    /// Which of the tunnel networks it has.
    pub address_index: u32,
}

pub(super) fn direct(
    address: Option<String>,
    port: Option<u16>,
    tls: Option<bool>,
    fingerprint: Option<Sha256>,
) -> Option<Direct> {
    Some(Direct {
        address: address?,
        port: port?,
        tls: tls?,
        fingerprint,
    })
}

pub(super) fn findings(
    drift: Option<u32>,
    problems: String,
    at: Option<Timestamp>,
) -> Option<Findings> {
    Some(Findings {
        drift: drift?,
        problems,
        at: at?,
    })
}
