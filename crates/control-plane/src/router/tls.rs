//! TLS to a router's `api-ssl`: the certificate is the one that was pinned, or our authority has signed it.

use std::{net::IpAddr, sync::Arc};

use rustls::{
    ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{self, CryptoProvider, aws_lc_rs},
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject},
};
use sha2::{Digest, Sha256};
use tokio::net::TcpStream;
use tokio_rustls::{TlsConnector, client::TlsStream};

/// Who the router has to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trust {
    /// Whoever has the certificate with this SHA-256 digest.
    Fingerprint([u8; 32]),
    /// Whoever has a certificate for its address that one of these authorities signed, in PEM.
    Authority(String),
}

/// Speaks TLS over a connection to a router.
///
/// # Errors
/// The router is not who it has to be, or speaks no TLS that we do; in words that say what to do.
pub(super) async fn connect(
    address: IpAddr,
    tcp: TcpStream,
    trust: &Trust,
) -> Result<TlsStream<TcpStream>, String> {
    let config = client_config(trust)?;
    TlsConnector::from(Arc::new(config))
        .connect(ServerName::IpAddress(address.into()), tcp)
        .await
        .map_err(|err| format!("no TLS with {address}: {err}"))
}

fn client_config(trust: &Trust) -> Result<ClientConfig, String> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|err| err.to_string())?;
    let builder =
        match trust {
            Trust::Fingerprint(fingerprint) => builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(Pinned {
                    fingerprint: *fingerprint,
                    provider,
                })),
            Trust::Authority(pem) => builder.with_root_certificates(authorities(pem)?),
        };
    Ok(builder.with_no_client_auth())
}

fn authorities(pem: &str) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        let certificate = certificate.map_err(|err| format!("our authority: {err}"))?;
        let added = roots.add(certificate);
        added.map_err(|err| format!("our authority: {err}"))?;
    }
    Ok(roots)
}

/// Takes one certificate and no other. What signs the handshake is still checked.
#[derive(Debug)]
struct Pinned {
    fingerprint: [u8; 32],
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let shown: [u8; 32] = Sha256::digest(end_entity).into();
        if shown == self.fingerprint {
            return Ok(ServerCertVerified::assertion());
        }
        Err(Error::General(format!(
            "it shows the certificate {} and not the pinned {}: if its certificate was renewed, pin the new one",
            hex::encode(shown),
            hex::encode(self.fingerprint),
        )))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        crypto::verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        crypto::verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}
