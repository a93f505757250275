//! The agent: routes without a TUN device, replaced in place, and gone with their tunnel.

use holdfast_api_types::{LinkEventKind, PushMethod};
use nix::sys::signal::Signal;

use crate::bed::{Bed, Client, Controller, PATIENCE, Program, grants, password};

/// What the only tunnel of a site holds.
const ALONE: [(&str, u8, u64); 1] = [("default", 1, 110)];

#[test]
fn a_new_order_replaces_the_routes_of_an_agent_in_place() {
    let bed = Bed::with_wans(2);
    let controller = Controller::start(&bed, &grants(&["wan1", "wan2"]));
    let _primary = Client::connect(&bed, &controller, "wan1");
    let standby = connect(&bed, &controller, "wan2");
    bed.expect_routes(&[
        ("0.0.0.0/1", 1, 90),
        ("128.0.0.0/1", 1, 90),
        ("default", 2, 110),
    ]);
    let before = controller.sequence();
    controller.reload(&bed, &grants(&["wan2", "wan1"]));
    let push = controller.expect_event("wan2", before, |kind| {
        matches!(kind, LinkEventKind::RoutesPushed { .. })
    });
    assert!(
        matches!(
            push.kind,
            LinkEventKind::RoutesPushed {
                by: PushMethod::PushUpdate,
                ..
            }
        ),
        "{push:?}"
    );
    standby.err().expect("routes=4");
    assert_eq!(standby.err().count("tunnel is down"), 0);
}

#[test]
fn routes_go_with_the_agent_that_is_stopped() {
    let bed = Bed::with_wans(1);
    let controller = Controller::start(&bed, &grants(&["wan1"]));
    let mut agent = connect(&bed, &controller, "wan1");
    bed.expect_routes(&ALONE);
    agent.signal(Signal::SIGTERM);
    assert!(agent.wait(PATIENCE).success());
    assert_eq!(bed.routes(), []);
}

#[test]
fn routes_go_with_the_controller_and_come_back_with_it() {
    let bed = Bed::with_wans(1);
    let mut controller = Controller::start(&bed, &grants(&["wan1"]));
    let agent = connect(&bed, &controller, "wan1");
    bed.expect_routes(&ALONE);
    let slot = controller.address().to_string();
    controller.kill();
    bed.expect_routes(&[]);
    let same_slot = grants(&["wan1"]).replace("127.0.0.1:0", &slot);
    let _next = Controller::start(&bed, &same_slot);
    bed.expect_routes(&ALONE);
    assert_eq!(agent.err().count("tunnel is up"), 2);
}

#[test]
fn routes_come_back_when_their_interface_was_down() {
    let bed = Bed::with_wans(1);
    let controller = Controller::start(&bed, &grants(&["wan1"]));
    let agent = connect(&bed, &controller, "wan1");
    bed.expect_routes(&ALONE);
    bed.ip("link set wan1 down");
    assert_eq!(bed.routes(), [], "the kernel drops them");
    bed.ip("link set wan1 up");
    bed.expect_routes(&ALONE);
    assert_eq!(agent.err().count("tunnel is down"), 0);
}

#[test]
fn an_agent_removes_what_a_killed_one_has_left() {
    let bed = Bed::with_wans(2);
    let controller = Controller::start(&bed, &grants(&["wan1", "wan2"]));
    let mut killed = connect(&bed, &controller, "wan1");
    bed.expect_routes(&[("0.0.0.0/1", 1, 90), ("128.0.0.0/1", 1, 90)]);
    killed.kill();
    assert_eq!(bed.routes().len(), 2, "nobody was there to remove them");
    let _next = connect(&bed, &controller, "wan2");
    bed.expect_routes(&[("default", 2, 110)]);
}

#[test]
fn a_profile_that_asks_for_something_else_is_refused_on_one_line() {
    let bed = Bed::on_loopback();
    let profile = bed.write("other.ovpn", "client\nremote a.example 443\ndev tap0\n");
    let mut command = bed.command(env!("CARGO_BIN_EXE_holdfast"));
    command.arg("agent").arg("--profile").arg(&profile);
    let mut agent = Program::start("the agent", command);
    assert!(!agent.wait(PATIENCE).success());
    let said = agent.err().expect("dev:");
    let expected = "other.ovpn:3: dev: only routed tunnels exist; write `dev tun`";
    assert!(said.ends_with(expected), "{said}");
}

/// Starts an agent that logs in as `tunnel`, and waits until its tunnel is up.
fn connect(bed: &Bed, controller: &Controller, tunnel: &str) -> Program {
    let address = controller.address();
    let login = format!("{tunnel}\n{}\n", password(tunnel));
    bed.write("agent.login", &login);
    let profile = format!(
        "client\ndev tun\nproto tcp-client\nremote {} {}\nca {}\nauth-user-pass agent.login\n",
        address.ip(),
        address.port(),
        controller.ca().display()
    );
    let profile = bed.write("agent.ovpn", &profile);
    let mut command = bed.command(env!("CARGO_BIN_EXE_holdfast"));
    command.arg("agent").arg("--profile").arg(profile);
    let agent = Program::start("the agent", command);
    agent.err().expect("routes replaced");
    agent
}
