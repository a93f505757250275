//! A stand-in for a MikroTik router: the RouterOS API over the configuration of a network namespace.
//!
//! What a client of the API configures is kept in a database of menus ([`model`]); routes are decided as RouterOS
//! decides them and put into the kernel; what the kernel knows (links, counters, neighbours, connections) is read back.
//! Nothing in here is a router of its own: packets are forwarded by Linux.
//!
//! Start at [`Router`] for the whole, at [`Settings`] for how it can be made to misbehave, at [`model::Database`] for
//! what a command does.

pub mod actions;
mod faults;
mod kernel;
pub mod model;
mod ovpn;
pub mod rib;
mod router;
mod routing;
mod run;
mod script;
mod scripts;
pub mod server;
mod settings;
mod setup;
mod wan;

pub use router::{Event, Router};
pub use run::{ControlReply, ControlRequest, run};
pub use settings::{
    Access, Behaviour, CertificateSettings, DeviceMode, Faults, InterfaceKind, InterfaceSettings,
    KernelMode, Lease, Peer, Settings, SettingsError, UserSettings,
};
