//! The seam behind which a TLS library lives: bytes in, bytes out, exporter.
//!
//! OpenVPN carries a TLS stream inside its own reliable control packets, so a TLS library is used purely
//! in memory. Everything the protocol needs of it is in [`TlsSession`]; `rustls` is the one implementation
//! today, and a library that still speaks what old routers offer can stand beside it.

mod rustls;

pub use self::rustls::{RustlsClient, RustlsServer, rustls_client_config, rustls_server_config};

/// Makes one [`TlsSession`] for each key negotiation.
pub trait TlsProvider: Send + Sync {
    /// A new session, in the role that the provider was configured for.
    ///
    /// # Errors
    /// When the library refuses its own configuration.
    fn session(&self) -> Result<Box<dyn TlsSession>, TlsError>;
}

/// One TLS session over byte buffers.
pub trait TlsSession: Send + Sync {
    /// Takes bytes of the peer's TLS stream and appends what they decrypt to.
    ///
    /// # Errors
    /// When the peer breaks TLS or offers nothing we accept. An alert for it may then be waiting in
    /// [`Self::poll_transmit`].
    fn handle_bytes(&mut self, bytes: &[u8], plaintext: &mut Vec<u8>) -> Result<(), TlsError>;

    /// Appends the TLS bytes that wait to be sent; false when there were none.
    fn poll_transmit(&mut self, out: &mut Vec<u8>) -> bool;

    /// Queues one application message, which becomes one TLS record (OpenVPN peers read a message per
    /// record).
    ///
    /// # Errors
    /// When the handshake has not finished or the session is closed.
    fn send(&mut self, message: &[u8]) -> Result<(), TlsError>;

    /// Whether application messages can be sent.
    fn is_established(&self) -> bool;

    /// Exports keying material without a context (RFC 5705, RFC 8446 §7.5).
    ///
    /// # Errors
    /// When the handshake has not finished.
    fn export(&self, label: &[u8], out: &mut [u8]) -> Result<(), TlsError>;
}

/// What the TLS library said, for people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct TlsError(pub String);
