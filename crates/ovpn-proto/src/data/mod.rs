//! The data channel: sealing and opening packets of the tunnel with the keys of one negotiation.
//!
//! [`DataChannel`] is the door. What it opens is read by [`Framing`], where the client wants compression
//! framing, and then by [`Payload`].

pub mod epoch;
pub mod framing;

mod aead;
mod cbc;
mod channel;
mod cipher;
mod payload;

pub use channel::{DataChannel, DataError};
pub use cipher::{Auth, Cipher};
pub use framing::Framing;
pub use payload::{PING, Payload};
