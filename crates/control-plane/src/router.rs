//! Routers that can be configured: RouterOS and its API.
//!
//! | module | does |
//! |---|---|
//! | `session` | one log-in, with any number of commands at once |
//! | `book` | which site has which router, and the way to each |
//! | `access` | the way to a router, with a session that is opened when it is needed |
//! | `tls` | who a router must be that is reached without a tunnel |
//! | `desired` | what a router should look like, from what is configured for its site |
//! | `observe` | reads what plans are made of |
//! | `apply` | carries a plan out, all of it or nothing |
//! | `pushes` | what it makes of the routes that its tunnels bring |
//! | `live` | interfaces and gateways as they are now |
//! | `request` | jobs about routers, whoever asks for them |
//! | `fault` | the fault of a router that is not as it should be |
//! | `presence` | who was heard of |
//! | `keeper` | looks after all of them, all the time |
//! | `reads` | what the HTTP API shows of a router, and checks against it |
//!
//! What should be on a router and in which order it comes there is `holdfast-routeros-plan`'s to say.

mod access;
mod apply;
mod book;
mod desired;
pub(crate) mod fault;
mod keeper;
pub mod live;
mod observe;
pub(crate) mod presence;
pub(crate) mod pushes;
pub(crate) mod reads;
pub(crate) mod request;
mod session;
mod tls;

pub use access::{AccessError, Dial, Direct, Opened, Router};
pub use apply::{Applied, ApplyError, Goal, Line, Witness, apply};
pub(crate) use book::reach;
pub use book::{RouterError, Routers};
pub(crate) use desired::desired;
pub use keeper::Keeper;
pub use observe::{ObserveError, observe};
pub use session::{Answer, CommandError, Io, Session};
pub use tls::Trust;
