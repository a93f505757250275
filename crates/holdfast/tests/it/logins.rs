//! Who comes in, and what the others read in their log or in ours.

use std::path::Path;

use holdfast_api_types::LinkEventKind;
use nix::sys::signal::Signal;

use crate::bed::{Bed, Client, ClientPlan, Controller, PATIENCE, generate_key, grants};

const REFUSAL: &str = "AUTH_FAILED,user name or password is wrong";

#[test]
fn a_wrong_password_is_refused_with_a_reason_and_the_client_ends() {
    let bed = Bed::with_wans(1);
    let controller = Controller::start(&bed, &grants(&["wan1"]));
    let mut client = ClientPlan::new(&bed, &controller, "wan1")
        .with_login("wan1", "guess")
        .start();
    client.expect(REFUSAL);
    client.program().wait(PATIENCE);
    let logged = controller.log().expect("log-in refused");
    assert!(logged.contains("wan1"), "{logged}");
    assert_eq!(controller.log().count("guess"), 0);
}

#[test]
fn an_unknown_user_reads_the_same_reason() {
    let bed = Bed::with_wans(1);
    let controller = Controller::start(&bed, &grants(&["wan1"]));
    let mut client = ClientPlan::new(&bed, &controller, "wan1")
        .with_login("nobody", "guess")
        .start();
    client.expect(REFUSAL);
    client.program().wait(PATIENCE);
}

/// A stock client closes without a TLS alert, so our log can only guess the reason.
#[test]
fn a_client_with_another_ca_stays_away_and_our_log_says_what_it_may_be() {
    let bed = Bed::with_wans(1);
    let controller = Controller::start(&bed, &grants(&["wan1"]));
    let elsewhere = Bed::on_loopback();
    let other = Controller::start(&elsewhere, &grants(&["wan1"]));
    let client = ClientPlan::new(&bed, &controller, "wan1")
        .with_file("--ca", &other.ca())
        .start();
    client.expect("VERIFY ERROR");
    controller.log().expect("does not trust our CA");
    assert_eq!(client.count("Initialization Sequence Completed"), 0);
}

/// What both sides cannot do in TLS is named by an alert.
#[test]
fn a_client_whose_tls_has_nothing_in_common_with_ours_gets_an_alert_and_our_log_says_so() {
    let bed = Bed::with_wans(1);
    let controller = Controller::start(&bed, &grants(&["wan1"]));
    let client = ClientPlan::new(&bed, &controller, "wan1")
        .with("--tls-version-max 1.2 --tls-cipher TLS-DHE-RSA-WITH-AES-256-CBC-SHA256")
        .start();
    client.expect("Received fatal SSL alert: handshake failure");
    let logged = controller.log().expect("TLS failed");
    assert!(logged.contains("peer is incompatible"), "{logged}");
}

#[test]
fn a_client_with_tls_auth_is_closed_and_our_log_names_the_directive() {
    let bed = Bed::with_wans(1);
    let key = generate_key(&bed, "--genkey secret", "wrapping.key");
    assert_names(&bed, "--tls-auth", &key, "remove tls-auth or tls-crypt");
}

#[test]
fn a_client_with_tls_crypt_is_closed_and_our_log_names_the_directive() {
    let bed = Bed::with_wans(1);
    let key = generate_key(&bed, "--genkey secret", "wrapping.key");
    assert_names(&bed, "--tls-crypt", &key, "remove tls-auth or tls-crypt");
}

#[test]
fn a_client_with_tls_crypt_v2_is_closed_and_our_log_names_the_directive() {
    let bed = Bed::with_wans(1);
    let server = generate_key(&bed, "--genkey tls-crypt-v2-server", "server.key");
    let by = format!(
        "--tls-crypt-v2 {} --genkey tls-crypt-v2-client",
        server.display()
    );
    let key = generate_key(&bed, &by, "client.key");
    assert_names(&bed, "--tls-crypt-v2", &key, "tls-crypt-v2: remove it");
}

fn assert_names(bed: &Bed, directive: &str, key: &Path, mend: &str) {
    let controller = Controller::start(bed, &grants(&["wan1"]));
    let client = ClientPlan::new(bed, &controller, "wan1")
        .with_file(directive, key)
        .start();
    controller.log().expect(mend);
    client.expect("Connection reset");
}

/// A router that has rebooted logs in again before anybody has missed it.
#[test]
fn a_second_log_in_of_a_tunnel_replaces_the_first() {
    let bed = Bed::with_wans(1);
    let controller = Controller::start(&bed, &grants(&["wan1"]));
    let mut first = Client::connect(&bed, &controller, "wan1");
    let before = controller.expect_up("wan1", 0).sequence;
    first.program().signal(Signal::SIGSTOP);
    bed.ip("link delete tun1");
    let _second = Client::connect(&bed, &controller, "wan1");
    let down = controller.expect_down("wan1", before);
    assert_eq!(down, ("replaced by a new log-in".into(), true));
    let up = controller.expect_up("wan1", before).sequence;
    controller.expect_event("wan1", up, |kind| {
        matches!(kind, LinkEventKind::TunnelHealth(health) if health.probes >= 3 && health.loss == 0.0)
    });
}
