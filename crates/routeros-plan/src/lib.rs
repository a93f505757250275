//! What a RouterOS router should look like, and the steps that bring it there. Pure: values in, values out.
//!
//! [`Desired`] is what the control plane wants, [`Observed`] what the router has, [`Memory`] what the router had before
//! in the few fields that are not ours. A [`Plan`] is the difference, as commands of the API in the order in which
//! nothing breaks. Whoever sends them decides nothing.
//!
//! What is ours on a router carries a [`Tag`] as its comment. Nothing else is changed, except the distances of default
//! routes, which must lie beneath the ladder. Their old values are [remembered](Recorded) and restored.

mod dead_man;
mod desired;
mod draft;
mod foreign;
mod gateways;
mod interfaces;
mod make;
mod memory;
mod menu;
mod object;
mod objects;
mod observed;
mod plan;
mod refusal;
mod removal;
mod script;
mod scripts;
mod step;
mod tag;
mod undo;
mod validate;
mod wan;

pub use dead_man::{DeadMan, dead_man};
pub use desired::{Authority, Desired, Gateway, Management, Mode, Pinning, Slot, UnknownMode};
pub use gateways::{Candidate, Source, gateways};
pub use interfaces::{InterfaceView, interfaces};
pub use make::plan;
pub use memory::{FieldKey, Memory, Recorded};
pub use menu::Menu;
pub use observed::{Observed, ReadRequest};
pub use plan::Plan;
pub use refusal::Refusal;
pub use removal::{release, removal};
pub use scripts::{ADOPTION_STEPS, Adoption};
pub use step::{Attribute, Attributes, Change, Step};
pub use tag::{Kind, NotOurs, Tag, names};
pub(crate) use undo::{Selection, Undo};
pub use validate::{OLDEST, validate};
