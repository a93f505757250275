//! What the fuzz targets of OpenVPN do with their input: one function per target, of the same name.
//!
//! The functions are plain Rust, so that ordinary tests replay the corpus through them. Each panics when a
//! property does not hold; that an input is refused is never a failure.

mod data;
mod input;
mod link;
mod plain_tls;
mod session;
mod tls;
mod wire;

pub use data::data;
pub use session::{conversation, server_session};
pub use wire::{control, frame, key_method, options};
