//! What the controller asks, tells and obeys.

use std::{
    future::Future,
    net::{Ipv4Addr, SocketAddr},
};

use holdfast_api_types::{Health, Place, Route, SiteId, TunnelId};
use holdfast_failover::{ProbeProfile, Role, Verdict};
use secrecy::SecretString;

/// Whoever decides which tunnel gets in and which routes it holds. The controller knows nothing else of
/// the control plane, so the two may live in one process or in two.
pub trait ControlPlane: Send + Sync + 'static {
    /// Decides on a log-in. An answer that takes too long counts as [`LoginVerdict::Unavailable`]. Of two
    /// connections of one tunnel the later log-in stays: the other is to be told to go.
    fn authorize(&self, login: LoginRequest) -> impl Future<Output = LoginVerdict> + Send;

    /// Decides whether the credentials of an established tunnel are still good, when it renegotiates its
    /// keys. No answer in time is no reason to cut it.
    fn reauthorize(&self, login: LoginRequest) -> impl Future<Output = StillGood> + Send;

    /// Takes note of what happened. Must not block.
    fn report(&self, report: Report);

    /// Waits for orders. Called by one task, again and again.
    fn commands(&self) -> impl Future<Output = Vec<Command>> + Send;
}

/// A log-in, as the router sent it.
#[derive(Debug)]
pub struct LoginRequest {
    /// Which connection asks; reports about it carry the same number.
    pub connection: u64,
    /// User name as sent.
    pub username: String,
    /// Password as sent.
    pub password: SecretString,
    /// The router's address as we see it.
    pub remote: SocketAddr,
    /// Which of our addresses it dialled: 0 is the first listed.
    pub slot: usize,
}

/// The answer to a log-in.
#[derive(Debug)]
pub enum LoginVerdict {
    /// The tunnel may come up.
    Granted(Box<TunnelGrant>),
    /// The credentials are wrong: the reason is shown in the router's log, and stock clients stop.
    Refused(String),
    /// Nobody can decide now: the router is to come back.
    Unavailable(String),
}

/// The answer to a renegotiation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StillGood {
    /// The tunnel goes on.
    Yes,
    /// The credentials were withdrawn or changed: the reason is shown in the router's log.
    No(String),
}

/// What an admitted tunnel gets.
#[derive(Debug, Clone)]
pub struct TunnelGrant {
    /// The tunnel.
    pub tunnel: TunnelId,
    /// The site that it belongs to.
    pub site: SiteId,
    /// The router's address in the tunnel.
    pub address: Ipv4Addr,
    /// Our address in the tunnel.
    pub server: Ipv4Addr,
    /// Prefix length of the tunnel's own network.
    pub prefix: u8,
    /// Where it stands on the ladder.
    pub place: Place,
    /// The routes of that place.
    pub routes: Vec<Route>,
    /// How it is probed.
    pub profile: ProbeProfile,
}

/// Something that happened to an admitted connection.
#[derive(Debug)]
pub struct Report {
    /// The tunnel.
    pub tunnel: TunnelId,
    /// The connection; a tunnel that logs in again has a new one.
    pub connection: u64,
    /// What happened.
    pub kind: ReportKind,
}

/// What happened.
#[derive(Debug)]
pub enum ReportKind {
    /// The router acknowledged its push.
    Up {
        /// The router's address as we see it.
        remote: SocketAddr,
        /// Which of our addresses it dialled.
        slot: usize,
        /// Data channel cipher.
        cipher: String,
    },
    /// The connection is gone.
    Down {
        /// In words a person reads.
        cause: String,
        /// True when we asked for it.
        planned: bool,
    },
    /// The router acknowledged new routes on the living tunnel.
    RoutesUpdated,
    /// What its probes say.
    Verdict(Verdict),
    /// Measurements since the last such report.
    Health(Health),
}

/// An order to one connection, by the number of its [`LoginRequest`]. Orders to a connection that is gone are
/// void: what is meant for one log-in must not hit the next.
#[derive(Debug)]
pub struct Command {
    /// The connection.
    pub connection: u64,
    /// What it is to do.
    pub order: Order,
}

/// What one connection is to do.
#[derive(Debug)]
pub enum Order {
    /// Give the router these routes: in place where its client can, else by making it log in again.
    Push {
        /// The routes that replace all it has.
        routes: Vec<Route>,
    },
    /// Probe it in a burst.
    Burst,
    /// Probe it at the pace of this role.
    SetRole(Role),
    /// End the connection.
    Disconnect {
        /// In words a person reads.
        cause: String,
        /// Whether it is our own doing, not the link's.
        planned: bool,
    },
}
