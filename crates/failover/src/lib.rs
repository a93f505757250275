//! The domain of Holdfast, pure: which tunnel of a site holds which routes, and when that changes.
//!
//! | module | answers |
//! |---|---|
//! | [`addresses`] | which addresses do the ends of a tunnel have? |
//! | [`ladder`] | which routes does a place on the ladder mean, and which place belongs to which rank? |
//! | [`switch`] | which tunnel is re-pushed next, and to which place, so that traffic is never without routes? |
//! | [`ProbeProfile`] | how often is a tunnel probed, and how much silence condemns it? |
//! | [`Watch`] | is one tunnel alive? Probes and answers in, [`Verdict`]s out. |
//! | [`Site`] | what is to be done? Log-ins, losses and verdicts in, [`Effect`]s out. |
//! | [`Hold`] | for how long is a tunnel that returns held? Longer for one that flaps. |
//! | [`mod@order`] | how do tunnels rank once overrides and health are counted in? |
//! | [`Monitor`] | what are people told? Link states with causes, faults opened and closed. |
//! | [`Fleet`] | which connection is to do it? All sites with their connections and deadlines. |
//!
//! Nothing here knows a socket, a clock or a task. Time comes in as `now`, and everything that should
//! happen comes out as a value. The driver of a [`Watch`] or a [`Site`] calls one input, then drains
//! `poll_event` or `poll_effect` until it is empty, then re-arms its timer from `poll_timeout`. It reads
//! what its sockets hold before it fires a timer: an answer that waited in a buffer is an answer.
//!
//! *Re-push* is the word for giving a living tunnel another place. A client that understands PUSH_UPDATE
//! is updated in place. Any other has its connection closed, redials, and finds the new routes in the
//! answer to its log-in; until then it has none. Every plan here assumes that worse case.

pub mod addresses;
mod damping;
mod fleet;
pub mod ladder;
mod monitor;
pub mod order;
mod profile;
mod site;
mod stats;
pub mod switch;
mod watch;

pub use damping::{Hold, RETURN_AFTER};
pub use fleet::{Arrival, Fleet, FleetEffect};
pub use holdfast_api_types::controller::{Role, Verdict};
pub use monitor::{Admission, Configured, FaultKey, Monitor, MonitorEffect, Stored, Targets};
pub use profile::ProbeProfile;
pub use site::{Effect, Site};
pub use switch::Step;
pub use watch::{Event, Watch};
