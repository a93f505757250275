use std::{sync::Arc, time::Duration};

use crate::{data::Cipher, tls::TlsProvider};

/// What all sessions of a server share.
pub struct ServerConfig {
    /// Makes the TLS sessions.
    pub tls: Arc<dyn TlsProvider>,
    /// Data ciphers, best first.
    pub ciphers: Vec<Cipher>,
    /// Bounds on what a peer may cost.
    pub limits: Limits,
    /// We renegotiate a key at a random age between these; `None` leaves it to the clients. Stock clients
    /// start at 3600 s, and crossing negotiations are best avoided.
    pub renegotiate_after: Option<(Duration, Duration)>,
}

/// Bounds on what a peer may cost, most of them before it has logged in.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// From the connection to its first whole packet.
    pub first_packet: Duration,
    /// From the connection to the key method 2 message, which holds the log-in.
    pub login: Duration,
    /// From the log-in to its verdict.
    pub verdict: Duration,
    /// From the verdict to the acknowledged push.
    pub push: Duration,
    /// Bytes received before the log-in.
    pub login_bytes: usize,
    /// Packets received before the log-in.
    pub login_packets: u32,
    /// Text messages of an established peer: this many at once, then one each 2 s.
    pub texts: u32,
    /// Renegotiations the peer may start: this many at once, then one a minute.
    pub renegotiations: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            first_packet: Duration::from_secs(5),
            login: Duration::from_secs(20),
            verdict: Duration::from_secs(10),
            push: Duration::from_secs(60),
            login_bytes: 32 * 1024,
            login_packets: 64,
            texts: 30,
            renegotiations: 20,
        }
    }
}
