//! Both sessions against each other, in virtual time.
//!
//! [`pair::Pair`] joins a server session to a client session by two simulated TCP streams. Nothing here
//! waits: an hour of renegotiations is over in a moment, and the same seed gives the same run.

mod link;
mod pair;
mod pki;
mod script;

mod framing;
mod handshake;
mod hostile;
mod limits;
mod random;
mod renegotiation;
mod routeros;
mod verdicts;
