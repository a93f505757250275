//! What a RouterOS router should look like, and the steps that bring it there. Pure: values in, values out.
//!
//! [`Desired`] is what the control plane wants, `Observed` what the router has, [`Memory`] what the router had before
//! in the few fields that are not ours. A [`Plan`] is the difference, as commands of the API in the order in which
//! nothing breaks. Whoever sends them decides nothing.
//!
//! What is ours on a router carries a [`Tag`] as its comment. Nothing else is changed, except the distances of default
//! routes, which must lie beneath the ladder. Their old values are [remembered](Recorded) and restored.

mod desired;
mod memory;
mod menu;
mod plan;
mod refusal;
mod script;
mod step;
mod tag;
mod undo;

pub use desired::{Authority, Desired, Gateway, Management, Mode, Pinning, Slot, UnknownMode};
pub use memory::{FieldKey, Memory, Recorded};
pub use menu::Menu;
pub use plan::Plan;
pub use refusal::Refusal;
pub use step::{Attribute, Attributes, Change, Step};
pub use tag::{Kind, NotOurs, Tag, names};
pub(crate) use undo::{Selection, Undo};
