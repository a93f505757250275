//! Whom the controller asks, tells and obeys.

use std::future::Future;

use holdfast_api_types::StreamId;
pub use holdfast_api_types::controller::{
    Command, LoginRequest, LoginVerdict, Order, Report, ReportKind, StillGood, TunnelGrant,
};

pub use crate::tunnel::TunnelStream;

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

    /// The orders that have been given since the last call, in order. Must not block.
    ///
    /// Whoever calls [`Self::authorize`] or [`Self::report`] calls this afterwards, so that what follows from
    /// the one is done without waking anybody else.
    fn take_commands(&self) -> Vec<Command>;

    /// Waits until there may be orders that follow from neither. Called by one task, again and again.
    fn commands_waiting(&self) -> impl Future<Output = ()> + Send;

    /// Takes over a stream that was ordered with [`Order::OpenStream`]: the router has answered. Must not block.
    fn stream_opened(&self, stream: StreamId, bytes: TunnelStream);

    /// Takes note that an ordered stream could not be opened, with the reason in words. Must not block.
    fn stream_failed(&self, stream: StreamId, cause: String);
}
