//! The control plane: the HTTP API and everything behind it.
//!
//! Accounts, sites and tunnels lie in the store; the engine decides what each tunnel may have; jobs carry out what
//! takes time; the event bus tells every open dashboard. Handlers hold no decisions of failover: those are in
//! `holdfast-failover`. SQL is in `holdfast-store` and nowhere else.

pub mod clock;
pub mod events;
pub mod ids;
pub mod password;
pub mod vault;
