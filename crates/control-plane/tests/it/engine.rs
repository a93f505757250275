//! The engine on a real database, with routers and controllers played by the test.

mod bed;
mod changes;
mod controllers;
mod faults;
mod login;
mod remote_streams;
mod restart;
mod streams;
