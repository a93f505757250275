//! The store on real files.
#![expect(
    clippy::unwrap_used,
    reason = "a test helper that cannot go on says so by panicking"
)]

mod audit;
mod fault;
mod fixture;
mod health;
mod job;
mod people;
mod sites;
