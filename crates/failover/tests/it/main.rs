//! The crate from outside: watches on simulated paths, plans and sites on a model router.

mod switch;
mod watch;
