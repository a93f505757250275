//! The configuration database: menus, what commands do to them, what is shown to whom.
//!
//! Values in, values out: no clock, no socket, no kernel. What only the world knows (links, leases, counters) is told
//! to it, and what it has decided is read from it.
//!
//! Start at [`Database::execute`]; `menus` says which fields there are.

mod command;
mod database;
mod execute;
mod export;
mod item;
mod menus;
mod rules;
mod schema;
#[cfg(test)]
mod tests;
mod value;

pub use command::{
    Answer, Caller, POLICIES, failure, has_flag, interrupted, invalid, missing, no_match,
    no_such_command, no_such_item, no_such_prefix, not_permitted, split_path,
};
pub use database::{Change, Database};
pub use item::{Id, Item};
pub use schema::{Field, Kind, MenuSpec, Shape};
