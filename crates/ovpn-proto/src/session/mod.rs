//! One connection, from its first byte to its last: [`ServerSession`] and [`ClientSession`].

mod allowance;
mod client;
mod core;
mod negotiate;
mod server;

pub use client::{ClientConfig, ClientEvent, ClientSession, Habits};
pub use server::{Established, Grant, Limits, Login, ServerConfig, ServerEvent, ServerSession};
