//! The RouterOS API, client and server role, without any input or output of its own.
//!
//! A [`Client`] or [`Server`] is one connection. It takes bytes and wishes, and gives back bytes and events. It owns
//! no socket, reads no clock and starts nothing. RouterOS's own words are used: a *sentence* of *words* is a command or
//! a reply, a *menu* has items, a *trap* is a failure.
//!
//! **Invariant for drivers:** make one call that changes a connection, then drain `poll_event`, then
//! `poll_transmit`.
//!
//! Where to start: [`Client`] for the whole, [`Command`] and [`Reply`] for what is said, [`Row`] for an item, [`menu`]
//! for items as types, [`value`] for spellings, [`Version`] for what a router can do, [`codec`] for bytes.

mod client;
pub mod codec;
mod command;
mod login;
pub mod menu;
mod query;
mod reply;
mod row;
mod server;
pub mod value;
mod version;

pub use client::{Client, ClientEvent, ClosedCause, Tag};
pub use command::Command;
pub use login::{Login, Proof};
pub use query::{Query, QueryError, QueryWord, StackOperation};
pub use reply::{Category, Reply, ReplyError, Trap};
pub use row::Row;
pub use server::{Request, RequestId, Server, ServerClosed, ServerConfig, ServerEvent};
pub use version::{Feature, Stage, Version, VersionError};
