//! The store on real files.
#![expect(
    clippy::unwrap_used,
    reason = "a test helper that cannot go on says so by panicking"
)]

mod audit;
mod durability;
mod fault;
mod fixture;
mod health;
mod job;
mod killed;
mod paging;
mod people;
mod router;
mod schema;
#[cfg(feature = "seed")]
mod seed;
mod sites;
