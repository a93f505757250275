//! The control plane: the HTTP API and everything behind it.
//!
//! Accounts, sites and tunnels lie in the store; the engine decides what each tunnel may have; jobs carry out what
//! takes time; the event bus tells every open dashboard. Handlers hold no decisions of failover: those are in
//! `holdfast-failover`. SQL is in `holdfast-store` and nowhere else.
//!
//! Start at [`App`] for what handlers share and at `http/router.rs` for the list of what the API can do.

mod app;
pub mod clock;
pub mod controllers;
pub mod engine;
pub mod events;
pub mod http;
pub mod ids;
pub mod jobs;
pub mod lab;
mod limits;
pub mod password;
mod profile;
pub mod reconciler;
pub mod router;
mod setup_link;
pub mod vault;

pub use app::{App, Config, ForRouters, InvalidPublicUrl, Parts, PublicUrl};
pub use setup_link::SetupLink;
