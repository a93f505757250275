//! A test bed with several ISPs: network namespaces, real OpenVPN clients, faults and a meter.
//!
//! ```text
//! lan ──veth── router ══wan1══ isp1 ══up1══ inet
//!                     ══wan2══ isp2 ══up2══
//! ```
//!
//! `lan` is a computer of the site. `router` translates its addresses and runs one OpenVPN client per WAN. Each `isp`
//! only forwards. `inet` has the controller's addresses and a server for the meter. The double lines are emulated
//! cables with delay, jitter, loss, rate and a carrier that can be cut at any moment.
//!
//! The crate knows neither the controller nor the agent from inside: it runs the `holdfast` program, as a user would.
//!
//! Start at [`Lab`] for the test bed, at [`scenarios`] for what is measured on it, at [`wire`] for the cables.

pub mod api;
mod bed;
mod client;
mod control;
mod demo;
mod door;
mod emulator;
mod enter;
mod events;
mod fault;
mod faults;
mod kind;
mod meter;
mod namespace;
mod net;
mod network;
mod open;
mod operator;
mod pki;
mod privilege;
mod process;
mod routeros;
mod run;
mod run_dir;
mod scenario;
mod server;
mod shell;
mod stage;
mod tap;
mod topology;
mod tunnel;
mod wait;
pub mod wire;

pub use bed::{Lab, LabBuilder};
pub use control::{LineStatus, Reply, Request, ask, ask_at};
pub use demo::{DemoOptions, demo};
pub use fault::{ControllerFault, LineFault};
pub use faults::FaultReport;
pub use kind::{ClientKind, ServerKind};
pub use meter::{Carrier, Change, DownloadReport, Gap, MeterReport, PulseReport};
pub use open::{OpenOptions, open};
pub use privilege::become_root;
pub use run::{Medians, RunOptions, RunReport, RunResult, run};
pub use run_dir::RunDir;
pub use scenario::{Scenario, all as scenarios, find as find_scenario};
pub use shell::enter_shell;
pub use topology::Isp;
