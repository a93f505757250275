//! The HTTP API. `router.rs` lists what there is; each endpoint is a file of its own, in the folder of its resource.

pub mod auth;
pub mod controllers;
mod cookie;
pub mod error;
pub mod etag;
pub mod extract;
pub mod idempotency;
mod layers;
pub mod openapi;
pub mod page;
pub mod router;
pub mod write;

mod adoption;
mod audit;
mod failover;
mod faults;
mod health;
mod jobs;
mod lab;
mod organization;
mod priority;
mod routers;
mod session;
mod setup;
mod sites;
mod tokens;
mod tunnels;
mod users;

pub use layers::secure;
