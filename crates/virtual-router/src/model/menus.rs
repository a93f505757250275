//! The menus there are.

mod firewall;
mod interface;
mod ip;
mod ppp;
mod routing;
mod system;
mod tool;

use super::{database::Database, schema::MenuSpec};

/// All menus.
pub(super) const ALL: &[&[MenuSpec]] = &[
    interface::MENUS,
    ip::MENUS,
    firewall::MENUS,
    ppp::MENUS,
    routing::MENUS,
    system::MENUS,
    tool::MENUS,
];

/// What a router has after a reset.
pub(super) fn fill(database: &mut Database) {
    interface::fill(database);
    ip::fill(database);
    ppp::fill(database);
    routing::fill(database);
    system::fill(database);
}
