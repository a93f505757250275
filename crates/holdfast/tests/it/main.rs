//! The whole program against real OpenVPN clients and against those who are none.
//!
//! Tests that look at devices and routes run in a network namespace of their own; they want root, or a
//! system that lets ordinary users make user namespaces and open `/dev/net/tun`. The others run on this
//! machine's loopback.
#![expect(
    clippy::unwrap_used,
    reason = "a test helper that cannot go on says so by panicking"
)]

mod admin;
mod adoption;
mod agent;
mod attackers;
mod bed;
mod ciphers;
mod crashes;
mod grants_file;
mod load;
mod logins;
mod metrics;
mod pages;
mod reload;
mod renegotiation;
mod restored;
mod routes;
mod scale_out;
mod serve;
mod stopping;
mod streams;
