//! Types that more than one part of Holdfast speaks: ids, routes and events.
//!
//! This crate knows nothing of sockets, clocks or databases. Everything here is a plain value with a
//! stable JSON form; the controller prints [`LinkEvent`]s, the lab and the control plane read them.
//!
//! Start at [`LinkEvent`] for what a controller prints, at [`Route`] for what it pushes, and at [`controller`]
//! for what it and its control plane say to each other.

pub mod api;
pub mod controller;
mod event;
mod id;
mod route;
mod word;

pub use event::{Health, LinkEvent, LinkEventKind, PushMethod};
pub use id::{
    AuditId, CommentId, ControllerId, FaultId, InvalidId, JobId, OrganizationId, RunId, SiteId,
    StreamId, TokenId, TunnelId, UserId,
};
pub use route::{MAX_ROUTES_PER_PUSH, Place, Route};
pub use word::{
    ActorKind, ConnectionType, FaultState, FaultType, GatewaySource, JobKind, JobState, LineState,
    LinkState, LogKind, OverrideKind, ProfileName, Repair, RouteMode, RouterAccess, RouterState,
    SessionPolicy, Severity, SiteState, StepState, TunnelRole, UnknownWord, UserRole,
};
