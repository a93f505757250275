use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Label, Secret};
use crate::{
    GatewaySource, LogKind, Repair, Route, RouteMode, RouterAccess, RouterState, StepState,
    TunnelId,
};

/// A line to paste into the terminal of a router: it makes the router this site's.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Adoption {
    /// The line. It is good once.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub command: Secret,
    /// Where the line fetches the script from.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub script_url: Secret,
    /// SHA-256 of the certificate authority that the line makes the router trust, as hexadecimal digits.
    pub certificate_fingerprint: String,
    /// Until when the line is good.
    pub expires_at: Timestamp,
}

/// How far the adoption of a router is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AdoptionProgress {
    /// What the script does, step by step; empty when there is no line to paste.
    pub steps: Vec<AdoptionStep>,
    /// Until when the line is good; null when there is none.
    pub expires_at: Option<Timestamp>,
}

/// One step of an adoption.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AdoptionStep {
    /// What it does.
    #[cfg_attr(feature = "openapi", schema(example = "Make the management tunnel"))]
    pub title: String,
    /// How far it is.
    pub state: StepState,
    /// How it stands, in words; may be empty.
    pub detail: String,
    /// When that was; null until it begins.
    pub at: Option<Timestamp>,
}

/// What the script of an adoption tells.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AdoptionReport {
    /// Which step.
    #[cfg_attr(feature = "openapi", schema(example = "tunnel"))]
    pub step: String,
    /// How far it is.
    pub state: StepState,
    /// How it stands, in words.
    #[serde(default)]
    pub detail: String,
    /// What the router says of itself.
    #[serde(flatten)]
    pub facts: RouterFacts,
}

/// What a router says of itself; what it does not say is left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RouterFacts {
    /// What its owner calls it.
    #[serde(default)]
    pub identity: Option<String>,
    /// Its model.
    #[serde(default)]
    pub board: Option<String>,
    /// Its version of RouterOS.
    #[serde(default)]
    pub version: Option<String>,
    /// Its serial number.
    #[serde(default)]
    pub serial: Option<String>,
}

/// The router of a site.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Router {
    /// What is known of it.
    pub state: RouterState,
    /// What its owner calls it.
    pub identity: Option<String>,
    /// Its model.
    pub board: Option<String>,
    /// Its version of RouterOS.
    pub version: Option<String>,
    /// Its serial number.
    pub serial: Option<String>,
    /// When it first came; null while it has not.
    pub adopted_at: Option<Timestamp>,
    /// When it was last heard of.
    pub last_seen_at: Option<Timestamp>,
    /// How its API is reached.
    pub access: RouterAccess,
    /// Through what it is reached now: the name of a tunnel, `management` or `direct`; null when nothing is open to it.
    pub via: Option<String>,
    /// Where the routes of its tunnels come from.
    pub mode: RouteMode,
    /// Why, in words; null where that is as usual.
    pub mode_reason: Option<String>,
    /// Whether what is configured for the site was brought to it.
    pub configured: bool,
    /// What happens when it differs from what is configured.
    pub repair: Repair,
    /// Steps from what it has to what it should have; null until somebody has looked.
    pub drift: Option<u32>,
    /// What is wrong with it, in words.
    pub problems: Vec<String>,
}

/// What to change about a router.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChangeRouter {
    /// What happens when it differs from what is configured.
    pub repair: Repair,
}

/// How to reach the API of a router.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum SetAccess {
    /// Through a tunnel that the router itself has dialled.
    Tunnel,
    /// At an address of its own.
    Direct(DirectAccess),
}

/// Where the API of a router is that has an address of its own.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DirectAccess {
    /// An IP address.
    #[cfg_attr(feature = "openapi", schema(value_type = String, example = "198.51.100.7"))]
    pub address: std::net::IpAddr,
    /// The TCP port: usually 8729 with TLS, 8728 without.
    #[cfg_attr(feature = "openapi", schema(value_type = u16, minimum = 1, maximum = 65535, example = 8729))]
    pub port: std::num::NonZeroU16,
    /// Whether it speaks TLS.
    pub tls: bool,
    /// The user to log in as.
    pub user: Label,
    /// The user's password.
    pub password: Secret,
    /// SHA-256 of the certificate it must show, as 64 hexadecimal digits. Left out: any that our authority signed.
    #[serde(default)]
    pub fingerprint: Option<String>,
}

/// The interfaces of a router, those that can be a WAN first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RouterInterfaces {
    /// When they were read.
    pub observed_at: Timestamp,
    /// The interfaces.
    pub items: Vec<RouterInterface>,
}

/// An interface of a router.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RouterInterface {
    /// Its name.
    #[cfg_attr(feature = "openapi", schema(example = "ether1"))]
    pub name: String,
    /// What it is, as the router says it.
    #[cfg_attr(feature = "openapi", schema(example = "ether"))]
    pub kind: String,
    /// Whether it has a link.
    pub running: bool,
    /// Whether it is switched off.
    pub disabled: bool,
    /// What its owner remarks.
    pub comment: String,
    /// Its MAC address.
    pub mac: Option<String>,
    /// Its addresses, with their prefix lengths.
    pub addresses: Vec<String>,
    /// Received bits per second; null where it was not measured.
    pub rx_bits_per_s: Option<u64>,
    /// Sent bits per second.
    pub tx_bits_per_s: Option<u64>,
    /// Whether a tunnel may leave through it.
    pub can_be_wan: bool,
    /// Why not, or what to watch out for.
    pub reason: Option<String>,
    /// The tunnel that leaves through it.
    pub used_by: Option<TunnelId>,
}

/// The gateways that an interface may have, the most certain first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GatewayCandidates {
    /// When they were looked up.
    pub observed_at: Timestamp,
    /// The gateways.
    pub items: Vec<GatewayCandidate>,
}

/// A gateway that an interface may have.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GatewayCandidate {
    /// An address, or the name of the interface when that is all there is.
    #[cfg_attr(feature = "openapi", schema(example = "192.0.2.1"))]
    pub gateway: String,
    /// From what it is known.
    pub source: GatewaySource,
    /// Whether it answers; null where it was not asked.
    pub reachable: Option<bool>,
    /// Its round trip in milliseconds.
    pub rtt_ms: Option<f64>,
    /// Why it is offered.
    pub reason: String,
    /// What to watch out for.
    pub warnings: Vec<String>,
}

/// What would be changed on a router.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RouterPlan {
    /// Where the routes of its tunnels come from.
    pub mode: RouteMode,
    /// The steps, in order.
    pub steps: Vec<RouterPlanStep>,
    /// Whether a router that was configured before differs from what it should be.
    pub drift: bool,
    /// The whole plan as text.
    pub text: String,
}

/// One step of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RouterPlanStep {
    /// What it does, in words.
    pub summary: String,
    /// The command, with secrets masked.
    pub command: String,
    /// What takes it back; null where nothing has to.
    pub undo: Option<String>,
}

/// What an order of a site's tunnels would mean.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PriorityPreview {
    /// The routes of each tunnel, the primary first.
    pub routes: Vec<PreviewRoutes>,
    /// What would be changed on the router; null where it is not ours to configure, or could not be asked.
    pub router: Option<RouterPlan>,
    /// What to know before it is done.
    pub warnings: Vec<String>,
}

/// The routes that a tunnel would have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PreviewRoutes {
    /// The tunnel.
    pub tunnel: TunnelId,
    /// The prefix length of its routes.
    pub rung: u8,
    /// The routes; empty while it has no gateway.
    pub routes: Vec<Route>,
}

/// One line of a job's log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LogLine {
    /// Its place in the log, from 0.
    pub ordinal: u32,
    /// When it was written.
    pub at: Timestamp,
    /// What it is.
    pub kind: LogKind,
    /// The line, with secrets masked.
    pub text: String,
}
