//! Certificates, made once for the whole test run, and the TLS providers that use them.

use std::sync::{Arc, LazyLock};

use holdfast_ovpn_proto::tls::{
    RustlsClient, RustlsServer, TlsProvider, rustls_client_config, rustls_server_config,
};
use rcgen::{
    BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PKCS_RSA_SHA256, SignatureAlgorithm,
};
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, SupportedProtocolVersion,
    crypto::{CryptoProvider, aws_lc_rs},
    sign::CertifiedKey,
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

pub(super) const TLS12: &SupportedProtocolVersion = &rustls::version::TLS12;
pub(super) const TLS13: &SupportedProtocolVersion = &rustls::version::TLS13;

const SERVER_NAME: &str = "controller.test";

static ECDSA: LazyLock<Identity> = LazyLock::new(|| Identity::generate(&PKCS_ECDSA_P256_SHA256));
static RSA: LazyLock<Identity> = LazyLock::new(|| Identity::generate(&PKCS_RSA_SHA256));
/// Signed nothing that the server has.
static STRANGER: LazyLock<Identity> = LazyLock::new(|| Identity::generate(&PKCS_ECDSA_P256_SHA256));

/// A certificate authority and a server certificate that it signed, both with keys of one kind.
struct Identity {
    authority: CertificateDer<'static>,
    server: Arc<CertifiedKey>,
}

impl Identity {
    fn generate(algorithm: &'static SignatureAlgorithm) -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let key = KeyPair::generate_for(algorithm).unwrap();
        let authority = params.self_signed(&key).unwrap().der().clone();
        let issuer = Issuer::new(params, key);

        let mut params = CertificateParams::new([SERVER_NAME.to_owned()]).unwrap();
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let key = KeyPair::generate_for(algorithm).unwrap();
        let certificate = params.signed_by(&key, &issuer).unwrap().der().clone();
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let server = CertifiedKey::from_der(vec![certificate], key, &aws_lc_rs::default_provider());
        Self {
            authority,
            server: Arc::new(server.unwrap()),
        }
    }
}

/// A server with an ECDSA and an RSA certificate, in this order.
pub(super) fn server(versions: &[&'static SupportedProtocolVersion]) -> Arc<dyn TlsProvider> {
    let certificates = vec![ECDSA.server.clone(), RSA.server.clone()];
    let provider = Arc::new(aws_lc_rs::default_provider());
    let config = rustls_server_config(provider, versions, certificates).unwrap();
    Arc::new(RustlsServer::new(Arc::new(config)))
}

/// What a client can verify.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trust {
    /// Both kinds of certificates.
    All,
    /// RSA signatures only, by its offer and by the authorities it knows.
    RsaOnly,
    /// ECDSA signatures only, likewise.
    EcdsaOnly,
    /// Nothing that the server has.
    Nothing,
}

pub(super) fn client(
    versions: &[&'static SupportedProtocolVersion],
    trust: Trust,
) -> Arc<dyn TlsProvider> {
    Arc::new(RustlsClient::new(
        client_config(versions, trust),
        SERVER_NAME.try_into().unwrap(),
    ))
}

/// One TLS session, for what the seam does not offer.
pub(super) fn connection() -> ClientConnection {
    let config = client_config(&[TLS12, TLS13], Trust::All);
    ClientConnection::new(config, SERVER_NAME.try_into().unwrap()).unwrap()
}

fn client_config(
    versions: &[&'static SupportedProtocolVersion],
    trust: Trust,
) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    for authority in match trust {
        Trust::All => vec![&ECDSA.authority, &RSA.authority],
        Trust::RsaOnly => vec![&RSA.authority],
        Trust::EcdsaOnly => vec![&ECDSA.authority],
        Trust::Nothing => vec![&STRANGER.authority],
    } {
        roots.add(authority.clone()).unwrap();
    }
    let provider = Arc::new(provider_for(trust));
    Arc::new(rustls_client_config(provider, versions, roots).unwrap())
}

fn provider_for(trust: Trust) -> CryptoProvider {
    let mut provider = aws_lc_rs::default_provider();
    let wanted = match trust {
        Trust::RsaOnly => "RSA_",
        Trust::EcdsaOnly => "ECDSA_",
        Trust::All | Trust::Nothing => return provider,
    };
    let algorithms = &mut provider.signature_verification_algorithms;
    let mapping: Vec<_> = algorithms
        .mapping
        .iter()
        .filter(|(scheme, _)| scheme.as_str().is_some_and(|name| name.starts_with(wanted)))
        .copied()
        .collect();
    // rustls wants this list for ever; a few hundred bytes of a test process may stay.
    algorithms.mapping = Vec::leak(mapping);
    provider
}
