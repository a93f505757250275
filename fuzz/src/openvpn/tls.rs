//! Real TLS, with a certificate made once for the run.

use std::sync::{Arc, LazyLock};

use holdfast_ovpn_proto::tls::{RustlsServer, TlsProvider, rustls_server_config};
use rcgen::generate_simple_self_signed;
use rustls::{ALL_VERSIONS, crypto::aws_lc_rs::default_provider, sign::CertifiedKey};
use rustls_pki_types::PrivateKeyDer;

/// A server that speaks every version of TLS we have.
pub(crate) static SERVER: LazyLock<Arc<dyn TlsProvider>> = LazyLock::new(|| {
    let identity = generate_simple_self_signed(["controller.test".to_owned()])
        .expect("the name is a DNS name");
    let key =
        PrivateKeyDer::try_from(identity.signing_key.serialize_der()).expect("the key is PKCS #8");
    let provider = Arc::new(default_provider());
    let chain = vec![identity.cert.der().clone()];
    let certified =
        CertifiedKey::from_der(chain, key, &provider).expect("the key fits its certificate");
    let config = rustls_server_config(provider, ALL_VERSIONS, vec![Arc::new(certified)])
        .expect("the versions are known");
    Arc::new(RustlsServer::new(Arc::new(config)))
});
