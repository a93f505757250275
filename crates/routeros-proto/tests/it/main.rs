//! Tests of the crate from outside, in one binary.

#![expect(
    clippy::unwrap_used,
    reason = "a helper that fails is a test that fails"
)]

mod client;
mod corpus;
mod pair;
mod properties;
mod server;
