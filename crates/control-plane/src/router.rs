//! Routers that can be configured: RouterOS and its API.
//!
//! | module | does |
//! |---|---|
//! | `session` | one log-in, with any number of commands at once |
//! | `access` | the way to a router, with a session that is opened when it is needed |
//! | `tls` | who a router must be that is reached without a tunnel |
//! | `observe` | reads what plans are made of |
//! | `apply` | carries a plan out, all of it or nothing |
//! | `live` | interfaces and gateways as they are now |
//! | `presence` | who was heard of |
//! | `keeper` | looks after all of them, all the time |
//!
//! What should be on a router and in which order it comes there is `holdfast-routeros-plan`'s to say.

mod access;
mod apply;
mod keeper;
pub mod live;
mod observe;
pub(crate) mod presence;
mod session;
mod tls;

pub use access::{AccessError, Dial, Direct, Opened, Router};
pub use apply::{Applied, ApplyError, Goal, Line, Witness, apply};
pub use keeper::Keeper;
pub use observe::{ObserveError, observe};
pub use session::{Answer, CommandError, Io, Session};
pub use tls::Trust;
