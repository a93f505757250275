//! Plans, against a router that lives in memory.
#![expect(
    clippy::unwrap_used,
    reason = "a test helper that cannot go on says so by panicking"
)]

mod console;
mod double;
mod golden;
mod guarded;
mod odd_routers;
mod properties;
mod router;
mod scripts;
mod syntax;
