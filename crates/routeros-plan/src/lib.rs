//! What a RouterOS router should look like, and the steps that bring it there. Pure: values in, values out.
//!
//! [`Desired`] is what the control plane wants, [`Observed`] what the router has, [`Memory`] what the router had before
//! in the few fields that are not ours. A [`Plan`] is the difference, as commands of the API in the order in which
//! nothing breaks. Whoever sends them decides nothing.
//!
//! What is ours on a router carries a [`Tag`] as its comment. Nothing else is changed, except the distances of default
//! routes, which must lie beneath the ladder, and the unused script of a DHCP client, which follows its gateway. Their
//! old values are [remembered](Recorded) and restored.
//!
//! | | |
//! |---|---|
//! | what a person has entered, checked against the router | [`validate()`] |
//! | what would be changed | [`plan()`], its text is the preview |
//! | what puts the old state back if nobody calls it off | [`dead_man()`] |
//! | taking failover away, and then everything | [`removal()`], [`release()`] |
//! | what a form offers | [`interfaces()`], [`gateways()`] |
//! | whether the router does with a push what it should | [`unlike_pushed`] |
//! | what is pasted into a router's terminal | [`Adoption`] |
//!
//! A plan is carried out like this: send what the dead man is armed with; send the steps up to the
//! [commit point](Plan::commit_point), telling [`Memory`] of each before and after; see that the router still answers,
//! and call the dead man off; send the rest. After any interruption, read again: if the dead man is still
//! [armed](Observed::dead_man_is_armed), what is observed may be a state between two.

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
mod pushed;
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
pub use pushed::unlike_pushed;
pub use refusal::Refusal;
pub use removal::{release, removal};
pub use scripts::{ADOPTION_STEPS, Adoption};
pub use step::{Attribute, Attributes, Change, Step};
pub use tag::{Kind, NotOurs, Tag, names};
pub(crate) use undo::{Selection, Undo};
pub use validate::{OLDEST, validate};
