//! The API over TLS.

use std::sync::Arc;

use holdfast_routeros_proto::Command;
use holdfast_virtual_router::{CertificateSettings, Settings};
use rustls::{ClientConfig, RootCertStore};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::TlsConnector;

use crate::support::{LONG, Running, two_lines};

#[tokio::test]
async fn the_service_speaks_tls_once_it_has_a_certificate() {
    let issued = rcgen::generate_simple_self_signed(["router.example".to_owned()]).unwrap();
    let mut settings = Settings {
        certificates: vec![CertificateSettings {
            name: "api".into(),
            pem: issued.cert.pem(),
            key: Some(issued.signing_key.serialize_pem()),
            trusted: false,
        }],
        ..two_lines()
    };
    settings.access.api_tls = Some(([127, 0, 0, 1], 0).into());
    let router = Running::start(settings).await;
    let address = router.tls_address.unwrap();

    let mut roots = RootCertStore::empty();
    roots.add(issued.cert.der().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let connector = TlsConnector::from(Arc::new(config));
    let connect = async || {
        let stream = TcpStream::connect(address).await.unwrap();
        let name = "router.example".try_into().unwrap();
        connector.connect(name, stream).await
    };
    assert!(connect().await.is_err(), "there is no certificate yet");

    let mut session = router.client().await;
    let set = Command::set("/ip/service", "api-ssl").with("certificate", "api");
    session.run(&set).await.unwrap();
    let mut stream = connect().await.unwrap();
    stream
        .write_all(b"\x06/login\x0b=name=admin\x0a=password=\x00")
        .await
        .unwrap();
    let mut answer = [0; 7];
    timeout(LONG, stream.read_exact(&mut answer))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(&answer, b"\x05!done\x00");
}
