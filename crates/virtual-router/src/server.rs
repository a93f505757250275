//! The API on its ports: who may connect, how many, and what becomes of each connection.

mod active;
mod listener;
mod session;
mod tls;
mod users;

pub use listener::{Bound, Service, bind};
