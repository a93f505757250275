//! SIGTERM tells the clients to come back elsewhere and ends the process; a second one waits for nobody.

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::bed::{Bed, Client, Controller, PATIENCE, grants};

#[test]
fn sigterm_tells_every_client_to_reconnect_and_ends_with_status_0() {
    let bed = Bed::with_wans(2);
    let mut controller = Controller::start(&bed, &grants(&["wan1", "wan2"]));
    let mut clients = ["wan1", "wan2"].map(|tunnel| Client::connect(&bed, &controller, tunnel));
    controller.signal(Signal::SIGTERM);
    for client in &clients {
        client.expect("server-pushed-connection-reset");
    }
    assert!(controller.wait(PATIENCE).success());
    assert!(
        clients
            .iter_mut()
            .all(|client| client.program().is_running())
    );
    for tunnel in ["wan1", "wan2"] {
        let (cause, planned) = controller.expect_down(tunnel, 0);
        assert_eq!(
            (cause.as_str(), planned),
            ("closed: this controller stops", true)
        );
    }
}

#[test]
fn a_second_sigterm_does_not_wait_for_clients_that_do_not_hear() {
    let bed = Bed::with_wans(2);
    let mut controller = Controller::start(&bed, &grants(&["wan1"]));
    let mut client = Client::connect(&bed, &controller, "wan1");
    client.program().signal(Signal::SIGSTOP);
    controller.signal(Signal::SIGTERM);
    controller.log().expect("draining");
    let start = Instant::now();
    controller.signal(Signal::SIGTERM);
    assert!(controller.wait(PATIENCE).success());
    // A farewell that is not acknowledged is waited for 2 s.
    assert!(
        start.elapsed() < Duration::from_secs(1),
        "{:?}",
        start.elapsed()
    );
    controller
        .log()
        .expect("stopping without waiting any longer");
}
