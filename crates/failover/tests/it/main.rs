//! The crate from outside: watches on simulated paths, plans and sites on a model router.
#![expect(
    clippy::unwrap_used,
    reason = "a test helper that cannot go on says so by panicking"
)]

mod holds;
mod monitor;
mod net;
mod plan_properties;
mod router;
mod site;
mod switch;
mod watch;
