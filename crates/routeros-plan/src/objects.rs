//! Every object that a router should have, by what it is for.

mod firewall;
mod path;
mod tunnel;

pub(crate) use firewall::{controllers, of_router};
pub(crate) use path::{default_route, follower, ladder, path_of};
pub(crate) use tunnel::{client_of, management, profile_of, watchdog};
