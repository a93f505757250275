//! Pushed routes are in the kernel with gateway and metric, and gone when their tunnel is.

use nix::sys::signal::Signal;

use crate::bed::{Bed, Client, Controller, PATIENCE, grants};

/// Of the two tunnels of a site: destination, WAN, metric.
const OF_TWO: [(&str, u8, u64); 3] = [
    ("0.0.0.0/1", 1, 90),
    ("128.0.0.0/1", 1, 90),
    ("default", 2, 110),
];

#[test]
fn the_primary_of_two_holds_halves_and_the_backup_the_default() {
    let bed = Bed::with_wans(2);
    let controller = Controller::start(&bed, &grants(&["wan1", "wan2"]));
    let _clients = ["wan1", "wan2"].map(|tunnel| Client::connect(&bed, &controller, tunnel));
    bed.expect_routes(&OF_TWO);
}

#[test]
fn three_tunnels_stand_on_three_rungs() {
    let bed = Bed::with_wans(3);
    let controller = Controller::start(&bed, &grants(&["wan1", "wan2", "wan3"]));
    let names = ["wan1", "wan2", "wan3"];
    let _clients = names.map(|tunnel| Client::connect(&bed, &controller, tunnel));
    bed.expect_routes(&[
        ("0.0.0.0/2", 1, 70),
        ("64.0.0.0/2", 1, 70),
        ("128.0.0.0/2", 1, 70),
        ("192.0.0.0/2", 1, 70),
        ("0.0.0.0/1", 2, 90),
        ("128.0.0.0/1", 2, 90),
        ("default", 3, 110),
    ]);
}

#[test]
fn routes_go_with_the_client_that_is_stopped() {
    let bed = Bed::with_wans(2);
    let controller = Controller::start(&bed, &grants(&["wan1", "wan2"]));
    let [mut first, _second] =
        ["wan1", "wan2"].map(|tunnel| Client::connect(&bed, &controller, tunnel));
    bed.expect_routes(&OF_TWO);
    first.program().signal(Signal::SIGTERM);
    first.program().wait(PATIENCE);
    bed.expect_routes(&[("default", 2, 110)]);
    let (cause, planned) = controller.expect_down("wan1", 0);
    assert_eq!(
        (cause.as_str(), planned),
        ("the peer closed the connection", false)
    );
}

#[test]
fn routes_go_with_the_controller_that_is_killed() {
    let bed = Bed::with_wans(2);
    let mut controller = Controller::start(&bed, &grants(&["wan1", "wan2"]));
    let mut clients = ["wan1", "wan2"].map(|tunnel| Client::connect(&bed, &controller, tunnel));
    bed.expect_routes(&OF_TWO);
    controller.kill();
    bed.expect_routes(&[]);
    assert!(
        clients
            .iter_mut()
            .all(|client| client.program().is_running())
    );
}

#[test]
fn routes_go_with_the_controller_that_drains() {
    let bed = Bed::with_wans(2);
    let mut controller = Controller::start(&bed, &grants(&["wan1", "wan2"]));
    let mut clients = ["wan1", "wan2"].map(|tunnel| Client::connect(&bed, &controller, tunnel));
    bed.expect_routes(&OF_TWO);
    controller.signal(Signal::SIGTERM);
    bed.expect_routes(&[]);
    assert!(controller.wait(PATIENCE).success());
    assert!(
        clients
            .iter_mut()
            .all(|client| client.program().is_running())
    );
}
