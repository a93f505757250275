//! Every cipher, digest, TLS version and certificate that a stock client may insist on carries packets,
//! from the client to the controller and back.

use std::time::Duration;

use holdfast_api_types::LinkEventKind;

use crate::bed::{Bed, Client, ClientPlan, Controller, Ping, grants};

#[test]
fn aes_256_gcm_carries_packets() {
    let client = Expected::cipher("AES-256-GCM");
    carries_packets("--data-ciphers AES-256-GCM", client);
}

#[test]
fn aes_128_gcm_carries_packets() {
    let client = Expected::cipher("AES-128-GCM");
    carries_packets("--data-ciphers AES-128-GCM", client);
}

#[test]
fn chacha20_poly1305_carries_packets() {
    let client = Expected::cipher("CHACHA20-POLY1305");
    carries_packets("--data-ciphers CHACHA20-POLY1305", client);
}

#[test]
fn aes_256_cbc_with_sha1_carries_packets() {
    carries_packets(&cbc("SHA1"), Expected::cipher("AES-256-CBC"));
}

#[test]
fn aes_256_cbc_with_sha256_carries_packets() {
    carries_packets(&cbc("SHA256"), Expected::cipher("AES-256-CBC"));
}

#[test]
fn aes_256_cbc_with_sha512_carries_packets() {
    carries_packets(&cbc("SHA512"), Expected::cipher("AES-256-CBC"));
}

#[test]
fn tls_1_2_alone_suffices() {
    carries_packets("--tls-version-max 1.2", Expected::tls("TLSv1.2"));
}

#[test]
fn tls_1_3_alone_suffices() {
    carries_packets("--tls-version-min 1.3", Expected::tls("TLSv1.3"));
}

#[test]
fn a_client_that_knows_only_ecdsa_gets_that_certificate() {
    let suite = "--tls-version-max 1.2 --tls-cipher TLS-ECDHE-ECDSA-WITH-AES-128-GCM-SHA256";
    carries_packets(suite, Expected::certificate("ECprime256v1"));
}

#[test]
fn a_client_that_knows_only_rsa_gets_that_certificate_in_tls_1_2() {
    let suite = "--tls-version-max 1.2 --tls-cipher TLS-ECDHE-RSA-WITH-AES-128-GCM-SHA256";
    carries_packets(suite, Expected::certificate("2048 bits RSA"));
}

#[test]
fn a_client_that_knows_only_rsa_gets_that_certificate_in_tls_1_3() {
    // OpenVPN has no option for signature schemes, so OpenSSL is told.
    const ONLY_RSA: &str = "openssl_conf = all\n[all]\nssl_conf = ssl\n[ssl]\nsystem_default = tls\n\
                            [tls]\nSignatureAlgorithms = rsa_pss_rsae_sha256\n";
    let bed = Bed::with_wans(1);
    let controller = Controller::start(&bed, &grants(&["wan1"]));
    let client = ClientPlan::new(&bed, &controller, "wan1")
        .with("--tls-version-min 1.3")
        .with_openssl(ONLY_RSA)
        .start();
    assert_packets_flow(&controller, &client);
    assert!(client.expect("Control Channel:").contains("2048 bits RSA"));
}

/// What the client's log and the controller's events must say.
#[derive(Default)]
struct Expected {
    cipher: Option<&'static str>,
    control_channel: &'static str,
}

impl Expected {
    fn cipher(name: &'static str) -> Self {
        Self {
            cipher: Some(name),
            ..Self::default()
        }
    }

    fn tls(version: &'static str) -> Self {
        Self {
            control_channel: version,
            ..Self::default()
        }
    }

    fn certificate(kind: &'static str) -> Self {
        Self {
            control_channel: kind,
            ..Self::default()
        }
    }
}

/// A client that negotiates no cipher, only falls back to its own.
fn cbc(digest: &str) -> String {
    format!(
        "--cipher AES-256-CBC --data-ciphers AES-256-CBC --data-ciphers-fallback AES-256-CBC --auth {digest}"
    )
}

fn carries_packets(arguments: &str, expected: Expected) {
    let bed = Bed::with_wans(1);
    let controller = Controller::start(&bed, &grants(&["wan1"]));
    let client = ClientPlan::new(&bed, &controller, "wan1")
        .with(arguments)
        .start();
    assert_packets_flow(&controller, &client);
    let line = client.expect("Control Channel:");
    assert!(line.contains(expected.control_channel), "{line}");
    if let Some(expected) = expected.cipher {
        let up = controller.expect_up("wan1", 0);
        assert!(
            matches!(&up.kind, LinkEventKind::TunnelUp { cipher, .. } if cipher == expected),
            "{up:?}"
        );
    }
}

/// The client's pings are answered, and so are the controller's probes.
fn assert_packets_flow(controller: &Controller, client: &Client<'_>) {
    client.expect("Initialization Sequence Completed");
    let up = controller.expect_up("wan1", 0).sequence;
    let ping = client.start_ping(Duration::from_millis(50), 10).wait();
    let all = Ping {
        sent: 10,
        answered: 10,
    };
    assert_eq!(ping, all);
    controller.expect_event("wan1", up, |kind| {
        matches!(kind, LinkEventKind::TunnelHealth(health) if health.probes >= 3 && health.loss == 0.0)
    });
}
