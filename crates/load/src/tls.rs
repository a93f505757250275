//! TLS as OpenVPN's clients use it; the check of the server's certificate can be left out, because what is
//! measured is the server, and it cannot tell.

use std::{net::IpAddr, path::Path, sync::Arc};

use anyhow::Context;
use holdfast_ovpn_proto::tls::{RustlsClient, TlsProvider, rustls_client_config};
use rustls::{
    ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, WebPkiSupportedAlgorithms, aws_lc_rs},
    version::{TLS12, TLS13},
};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject};

use crate::options::{TlsVersion, TunnelOptions};

pub(crate) fn provider(
    server: IpAddr,
    tunnels: &TunnelOptions,
) -> anyhow::Result<Arc<dyn TlsProvider>> {
    let crypto = Arc::new(aws_lc_rs::default_provider());
    let version = match tunnels.tls {
        TlsVersion::V12 => &TLS12,
        TlsVersion::V13 => &TLS13,
    };
    let roots = tunnels.ca.as_deref().map(read_roots).transpose()?;
    let trusting = roots.is_none();
    let mut config = rustls_client_config(
        crypto.clone(),
        &[version],
        roots.unwrap_or(RootCertStore::empty()),
    )?;
    if trusting {
        trust_everybody(&mut config, &crypto);
    }
    let server = ServerName::IpAddress(server.into());
    Ok(Arc::new(RustlsClient::new(Arc::new(config), server)))
}

fn read_roots(path: &Path) -> anyhow::Result<RootCertStore> {
    let unreadable = || format!("cannot read certificates from {}", path.display());
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(path).with_context(unreadable)? {
        roots.add(certificate.with_context(unreadable)?)?;
    }
    Ok(roots)
}

fn trust_everybody(config: &mut ClientConfig, crypto: &CryptoProvider) {
    let verifier = TrustEverybody(crypto.signature_verification_algorithms);
    config
        .dangerous()
        .set_certificate_verifier(Arc::new(verifier));
}

/// Believes any certificate, but still checks that the server holds its key.
#[derive(Debug)]
struct TrustEverybody(WebPkiSupportedAlgorithms);

impl ServerCertVerifier for TrustEverybody {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        rustls::crypto::verify_tls12_signature(message, cert, signature, &self.0)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        rustls::crypto::verify_tls13_signature(message, cert, signature, &self.0)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_schemes()
    }
}
