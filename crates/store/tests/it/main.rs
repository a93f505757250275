//! The store on real files.
#![expect(
    clippy::unwrap_used,
    reason = "a test helper that cannot go on says so by panicking"
)]

mod fixture;
mod people;
mod sites;
