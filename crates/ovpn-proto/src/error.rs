//! Why a session ended, and who is to blame.

use std::time::Duration;

use crate::{
    data::DataError,
    tls::TlsError,
    wire::{FrameError, KeyMethodError, PacketError, PushError, TextError},
};

/// Why a session is over. The variant is what metrics and tests look at; the text is for the log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DownCause {
    /// The peer closed the TCP connection.
    #[error("the peer closed the connection")]
    PeerClosed,
    /// The peer said that it leaves.
    #[error("the peer left: {0}")]
    PeerLeft(String),
    /// A step of the handshake took too long.
    #[error("timed out after {} s waiting for {awaited}", after.as_secs_f32())]
    HandshakeTimeout {
        /// What we waited for.
        awaited: &'static str,
        /// How long.
        after: Duration,
    },
    /// Nothing was received on an established tunnel.
    #[error("nothing received for {} s", .0.as_secs())]
    Silent(Duration),
    /// The peer broke the protocol.
    #[error("the peer broke the protocol")]
    Misbehaved(#[source] PeerError),
    /// The peer is sound, but there is no common ground.
    #[error("the peer is not compatible: {0}")]
    Incompatible(String),
    /// TLS failed.
    #[error("TLS failed")]
    Tls(#[source] TlsError),
    /// The log-in was refused, with this reason sent to the peer.
    #[error("log-in refused: {0}")]
    Refused(String),
    /// A limit was reached.
    #[error("limit reached: {0}")]
    Limit(&'static str),
    /// Whoever drives the session asked for the end.
    #[error("closed: {0}")]
    Requested(String),
}

/// How a peer broke the protocol.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PeerError {
    /// The stream cannot be cut into packets.
    #[error("bad framing")]
    Frame(#[source] FrameError),
    /// A packet cannot be read.
    #[error("bad packet")]
    Packet(#[source] PacketError),
    /// The key method 2 message cannot be read.
    #[error("bad key method 2 message")]
    KeyMethod(#[source] KeyMethodError),
    /// A data packet was forged, repeated or damaged.
    #[error("bad data packet")]
    Data(#[source] DataError),
    /// The connection began with something other than a hard reset.
    #[error("the first packet is not a client's hard reset")]
    NoReset,
    /// A packet that this role never receives, or not now.
    #[error("unexpected {0}")]
    Unexpected(&'static str),
    /// A control packet of another session on this connection.
    #[error("a control packet of another session")]
    ForeignSession,
    /// A text message cannot be read.
    #[error("bad text message")]
    Text(#[source] TextError),
    /// A message that never ends.
    #[error("a message of more than 8 KiB")]
    MessageTooLong,
    /// The server's push cannot be used.
    #[error("unusable push")]
    Push(#[source] PushError),
}

impl DownCause {
    /// A short stable word for metrics and log fields.
    pub fn label(&self) -> &'static str {
        match self {
            Self::PeerClosed => "peer-closed",
            Self::PeerLeft(_) => "peer-left",
            Self::HandshakeTimeout { .. } => "handshake-timeout",
            Self::Silent(_) => "silent",
            Self::Misbehaved(_) => "misbehaved",
            Self::Incompatible(_) => "incompatible",
            Self::Tls(_) => "tls",
            Self::Refused(_) => "refused",
            Self::Limit(_) => "limit",
            Self::Requested(_) => "requested",
        }
    }
}

impl From<PeerError> for DownCause {
    fn from(err: PeerError) -> Self {
        Self::Misbehaved(err)
    }
}

impl From<TlsError> for DownCause {
    fn from(err: TlsError) -> Self {
        Self::Tls(err)
    }
}

impl From<crate::control::KeyFault> for DownCause {
    fn from(fault: crate::control::KeyFault) -> Self {
        match fault {
            crate::control::KeyFault::Tls(err) => Self::Tls(err),
            crate::control::KeyFault::MessageTooLong => PeerError::MessageTooLong.into(),
        }
    }
}

impl From<crate::control::TooMuchUnsent> for DownCause {
    fn from(_: crate::control::TooMuchUnsent) -> Self {
        Self::Limit("64 KiB sent that the peer does not acknowledge")
    }
}
