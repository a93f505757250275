//! OpenVPN over TCP, server and client role, without any input or output of its own.
//!
//! A [`ServerSession`] or [`ClientSession`] is one connection. It takes bytes, packets, wishes and the
//! time, and gives back bytes, events and the next time it wants to be called. It owns no socket, reads
//! no clock and starts nothing, so an hour of renegotiations runs in a millisecond of test.
//!
//! **Invariant for drivers:** make one call that changes the session, then drain `poll_event`, then
//! `poll_transmit`, then re-arm the timer with `poll_timeout`.
//!
//! Where to start: [`ServerSession`] for the whole, [`wire`] for bytes, [`data`] for the data channel,
//! [`tls`] for the seam to the TLS library. Protocol rules are OpenVPN's own: names such as
//! "key method 2" or "soft reset" are those of its source.

mod control;
pub mod data;
mod error;
pub mod icmp;
pub mod keys;
mod session;
pub mod tls;
pub mod wire;

pub use error::{DownCause, PeerError};
pub use session::{
    ClientConfig, ClientEvent, ClientSession, Established, Grant, Habits, Limits, Login,
    ServerConfig, ServerEvent, ServerSession,
};
