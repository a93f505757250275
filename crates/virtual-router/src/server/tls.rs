//! The API over TLS, with the certificate that the service has.

use std::sync::Arc;

use anyhow::{Context, bail};
use rustls::ServerConfig;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use tokio::net::TcpStream;
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use crate::router::Router;

/// Shakes hands. A service without a certificate would offer anonymous key exchange only, which nobody here speaks.
pub(super) async fn accept(
    router: &Router,
    stream: TcpStream,
) -> anyhow::Result<TlsStream<TcpStream>> {
    let config = router.read(|database| {
        let service = database.named("/ip/service", "api-ssl");
        let service = service.context("there is no service api-ssl")?;
        let name = service.text("certificate");
        let Some(certificate) = database.named("/certificate", name) else {
            bail!("the service has no certificate");
        };
        configure(certificate.text("pem"), certificate.text("key-pem"))
            .with_context(|| format!("the certificate {name} cannot be used"))
    })?;
    let acceptor = TlsAcceptor::from(Arc::new(config));
    Ok(acceptor.accept(stream).await?)
}

fn configure(chain: &str, key: &str) -> anyhow::Result<ServerConfig> {
    let chain: Vec<_> =
        CertificateDer::pem_slice_iter(chain.as_bytes()).collect::<Result<_, _>>()?;
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).context("it has no private key")?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    Ok(config)
}
