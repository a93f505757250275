//! New keys on living tunnels, asked for by either side, and not one ping is lost.

use std::time::Duration;

use crate::bed::{Bed, Client, ClientPlan, Controller, Ping, Pinging, grants};

const PING_EVERY: Duration = Duration::from_millis(100);

/// Both sides run at the same time, because each must be watched for long.
#[test]
fn keys_are_renewed_every_ten_seconds_by_either_side_and_no_ping_is_lost() {
    let long = std::env::var_os("HOLDFAST_LONG_TESTS").is_some();
    let seconds = if long { 120 } else { 25 };
    let beds = [Bed::with_wans(1), Bed::with_wans(1)];
    let by_controller = "[tls]\nrenegotiate_seconds = [10, 10]\n";
    let renewing = [
        Renewing::start(&beds[0], "", "--reneg-sec 10", seconds),
        Renewing::start(&beds[1], by_controller, "--reneg-sec 0", seconds),
    ];
    for (renewing, name) in renewing.into_iter().zip(["client", "controller"]) {
        let sent = seconds * 10;
        let all = Ping {
            sent,
            answered: sent,
        };
        assert_eq!(renewing.pinging.wait(), all, "while the {name} renews keys");
        // The first handshake is one of them.
        let renewed = renewing.client.count("Control Channel: TLS") - 1;
        let expected = seconds as usize / 10;
        assert!(
            (expected - 1..=expected + 1).contains(&renewed),
            "the {name} renewed keys {renewed} times"
        );
    }
}

/// A client whose keys are renewed while it pings.
struct Renewing<'a> {
    pinging: Pinging,
    client: Client<'a>,
    _controller: Controller,
}

impl<'a> Renewing<'a> {
    fn start(bed: &'a Bed, tls: &str, arguments: &str, seconds: u32) -> Self {
        let controller = Controller::start(bed, &(grants(&["wan1"]) + tls));
        let client = ClientPlan::new(bed, &controller, "wan1")
            .with(arguments)
            .start();
        client.expect("Initialization Sequence Completed");
        let pinging = client.start_ping(PING_EVERY, seconds * 10);
        Self {
            pinging,
            client,
            _controller: controller,
        }
    }
}
