//! The RouterOS API without any input or output of its own.
//!
//! Values only: it owns no socket, reads no clock and starts nothing. RouterOS's own words are used: a
//! *sentence* of *words* is a command or a reply, a *menu* has items, a *trap* is a failure.
//!
//! Where to start: [`Command`] and [`Reply`] for what is said, [`Row`] for an item, [`value`] for spellings,
//! [`menu`] for items as types, [`Version`] for what a router can do, [`codec`] for bytes.

pub mod codec;
mod command;
pub mod menu;
mod query;
mod reply;
mod row;
pub mod value;
mod version;

pub use command::Command;
pub use query::{Query, QueryError, QueryWord, StackOperation};
pub use reply::{Category, Reply, ReplyError, Trap};
pub use row::Row;
pub use version::{Feature, Stage, Version, VersionError};
