//! The API of a virtual router, asked over real connections.

#![expect(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a helper that fails is a test that fails, and tests wait for one event among many"
)]

mod api;
mod faults;
mod kernel;
mod namespace;
mod ovpn;
mod scripts;
mod sessions;
mod support;
mod tls;
mod wan;
