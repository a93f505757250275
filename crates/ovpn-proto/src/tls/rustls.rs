use std::{
    io::{Cursor, Read, Write},
    sync::Arc,
};

use rustls::{
    ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection, SignatureScheme,
    SupportedProtocolVersion,
    client::Resumption,
    crypto::CryptoProvider,
    server::{ClientHello, NoServerSessionStorage, ResolvesServerCert},
    sign::CertifiedKey,
};
use rustls_pki_types::ServerName;

use super::{TlsError, TlsProvider, TlsSession};

/// Server sessions from one `rustls` configuration.
#[derive(Debug, Clone)]
pub struct RustlsServer(Arc<ServerConfig>);

impl RustlsServer {
    /// Usually with the configuration of [`rustls_server_config`].
    pub fn new(config: Arc<ServerConfig>) -> Self {
        Self(config)
    }
}

impl TlsProvider for RustlsServer {
    fn session(&self) -> Result<Box<dyn TlsSession>, TlsError> {
        Ok(Box::new(ServerConnection::new(self.0.clone())?))
    }
}

/// Client sessions from one `rustls` configuration.
#[derive(Debug, Clone)]
pub struct RustlsClient {
    config: Arc<ClientConfig>,
    server: ServerName<'static>,
}

impl RustlsClient {
    /// `server` is the name or address that the server's certificate must carry.
    pub fn new(config: Arc<ClientConfig>, server: ServerName<'static>) -> Self {
        Self { config, server }
    }
}

impl TlsProvider for RustlsClient {
    fn session(&self) -> Result<Box<dyn TlsSession>, TlsError> {
        Ok(Box::new(ClientConnection::new(
            self.config.clone(),
            self.server.clone(),
        )?))
    }
}

/// A server configuration as OpenVPN clients want it: no client certificate, no session tickets (clients
/// never resume), and of the given certificates the first that the client can verify.
///
/// # Errors
/// When the provider does not support the protocol versions.
pub fn rustls_server_config(
    provider: Arc<CryptoProvider>,
    versions: &[&'static SupportedProtocolVersion],
    certificates: Vec<Arc<CertifiedKey>>,
) -> Result<ServerConfig, TlsError> {
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(ByClientOffer(certificates)));
    // Our order is the order of cost, and all of it is good.
    config.ignore_client_order = true;
    config.send_tls13_tickets = 0;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    Ok(config)
}

/// A client configuration that trusts `roots` and sends neither ALPN, server name nor tickets, as
/// OpenVPN's own clients do.
///
/// # Errors
/// When the provider does not support the protocol versions.
pub fn rustls_client_config(
    provider: Arc<CryptoProvider>,
    versions: &[&'static SupportedProtocolVersion],
    roots: RootCertStore,
) -> Result<ClientConfig, TlsError> {
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.resumption = Resumption::disabled();
    config.enable_sni = false;
    Ok(config)
}

/// Picks the first certificate whose key can make a signature that the client offers to verify.
///
/// For TLS 1.2 rustls has by then removed the schemes that fit none of the client's cipher suites.
#[derive(Debug)]
struct ByClientOffer(Vec<Arc<CertifiedKey>>);

impl ResolvesServerCert for ByClientOffer {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let offered: &[SignatureScheme] = hello.signature_schemes();
        let fits = |cert: &&Arc<CertifiedKey>| cert.key.choose_scheme(offered).is_some();
        // Where none fits, rustls goes on with the first, finds what is missing, and names it in its error
        // and its alert.
        let chosen = self.0.iter().find(fits).or(self.0.first());
        chosen.cloned()
    }
}

/// The two connection types of rustls share these methods by name only.
macro_rules! tls_session {
    ($connection:ty) => {
        impl TlsSession for $connection {
            fn handle_bytes(
                &mut self,
                bytes: &[u8],
                plaintext: &mut Vec<u8>,
            ) -> Result<(), TlsError> {
                let mut bytes = Cursor::new(bytes);
                while (bytes.position() as usize) < bytes.get_ref().len() {
                    let taken = self
                        .read_tls(&mut bytes)
                        .map_err(|err| TlsError(err.to_string()))?;
                    if taken == 0 {
                        // After close_notify rustls takes nothing any more, without calling it an error.
                        return Err(TlsError("bytes after the end of the TLS session".into()));
                    }
                    let state = self.process_new_packets()?;
                    let at = plaintext.len();
                    plaintext.resize(at + state.plaintext_bytes_to_read(), 0);
                    self.reader()
                        .read_exact(&mut plaintext[at..])
                        .map_err(|err| TlsError(err.to_string()))?;
                }
                Ok(())
            }

            fn poll_transmit(&mut self, out: &mut Vec<u8>) -> bool {
                let mut sent = false;
                while self.wants_write() {
                    self.write_tls(out).expect("writing to a Vec succeeds");
                    sent = true;
                }
                sent
            }

            fn send(&mut self, message: &[u8]) -> Result<(), TlsError> {
                if self.is_handshaking() {
                    return Err(TlsError("the handshake has not finished".into()));
                }
                self.writer()
                    .write_all(message)
                    .map_err(|err| TlsError(err.to_string()))
            }

            fn is_established(&self) -> bool {
                !self.is_handshaking()
            }

            fn export(&self, label: &[u8], out: &mut [u8]) -> Result<(), TlsError> {
                self.export_keying_material(out, label, None)?;
                Ok(())
            }
        }
    };
}

tls_session!(ServerConnection);
tls_session!(ClientConnection);

impl From<rustls::Error> for TlsError {
    fn from(err: rustls::Error) -> Self {
        Self(err.to_string())
    }
}
