//! All SQL of Holdfast: the schema, every query, backup and check of the database.
//!
//! A [`Store`] is one SQLite file with one writer and a few readers. [`Store::write`] opens the transaction in which a
//! change, its job and its audit row are written together; what was committed survives a killed process and a power
//! cut. Each aggregate is a module of plain functions over a [`Connection`]:
//!
//! | module | rows |
//! |---|---|
//! | [`organization`], [`user`], [`session`], [`token`], [`setup`] | people, and what they log in with |
//! | [`site`], [`tunnel`], [`priority`] | what operators configure |
//! | [`router`], [`adoption`] | what is configured where, and how it came to us |
//! | [`controller`] | who may ask for grants |
//! | [`link_state`], [`fault`], [`health`], [`traffic`] | what happened, how good the connections are, how much they carry |
//! | [`job`], [`audit`], [`idempotency`] | what was asked for, by whom, and what became of it |
//!
//! Nothing here knows a clock or a random number: ids and times are arguments. A row that is not there is `Ok(None)` or
//! `Ok(false)` and never an error; a value that must be unique and is not is [`StoreError::Duplicate`].
//!
//! SQL stays in what SQLite and PostgreSQL share. What cannot is in `dialect.rs` and in `migrations/`.

mod column;
mod dialect;
mod error;
mod page;
mod store;

pub mod adoption;
pub mod audit;
pub mod controller;
pub mod fault;
pub mod health;
pub mod idempotency;
pub mod job;
pub mod link_state;
pub mod organization;
pub mod priority;
pub mod router;
#[cfg(feature = "seed")]
pub mod seed;
pub mod session;
pub mod setup;
pub mod site;
pub mod token;
pub mod traffic;
pub mod tunnel;
pub mod user;

pub use dialect::Connection;
pub use error::{Result, StoreError, Unique};
pub use page::{Page, Seek};
pub use store::{ReadConnection, Store, WriteTransaction};

/// A SHA-256 digest.
pub type Sha256 = [u8; 32];
