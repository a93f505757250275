//! The control channel of one key id: reliability below, TLS above.

mod key;
mod reliability;

pub(crate) use key::{Key, KeyFault, Phase, Sources};
pub(crate) use reliability::{Received, Reliability, TooMuchUnsent};
