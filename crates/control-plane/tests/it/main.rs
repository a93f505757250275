//! The HTTP API from outside: real requests, a real database file, a clock that tests move.
#![expect(
    clippy::unwrap_used,
    reason = "a test helper that cannot go on says so by panicking"
)]

mod accounts;
mod adoption;
mod audit;
mod conventions;
mod engine;
mod estate;
mod events;
mod every_endpoint;
mod faults;
mod idempotency;
mod jobs;
mod keeper;
mod lab;
mod openapi;
mod router;
mod sites;
mod support;
mod tokens;
mod tunnels;
