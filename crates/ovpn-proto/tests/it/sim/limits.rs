//! What a peer may cost: deadlines, budgets, silence.

use std::time::Duration;

use holdfast_ovpn_proto::{
    DownCause, Limits,
    wire::{ControlOpcode, write_frame},
};

use super::{
    pair::Setup,
    script::{OPTIONS_CBC, Script},
};

const SECOND: Duration = Duration::from_secs(1);
const MOMENT: Duration = Duration::from_millis(1);

fn timed_out(script: &Script) -> Option<(&'static str, Duration)> {
    let down = script.down()?;
    let DownCause::HandshakeTimeout { awaited, after } = down else {
        panic!("{down:?}")
    };
    Some((awaited, *after))
}

/// Asserts that the session ends after `limit` and not before.
fn assert_ends_after(script: &mut Script, limit: Duration) {
    script.wait(limit - MOMENT);
    assert_eq!(script.down(), None);
    script.wait(MOMENT);
    assert_eq!(timed_out(script).map(|(_, after)| after), Some(limit));
    assert_eq!(script.server.poll_timeout(), None);
}

#[test]
fn a_peer_that_says_nothing_is_cut_after_five_seconds() {
    assert_ends_after(&mut Script::new(), 5 * SECOND);
}

#[test]
fn a_first_packet_in_single_bytes_is_cut_at_the_same_deadline() {
    let mut script = Script::new();
    let mut reset = Vec::new();
    write_frame(
        &mut reset,
        &script.packet(ControlOpcode::HardResetClientV2, &[]),
    );
    for byte in reset {
        script.send_bytes(&[byte]);
        if script.down().is_some() {
            break;
        }
        script.wait(SECOND);
    }
    assert_eq!(timed_out(&script), Some(("the first packet", 5 * SECOND)));
    assert!(script.heard.is_empty());
}

#[test]
fn a_handshake_in_single_bytes_is_cut_twenty_seconds_after_the_connection() {
    let mut script = Script::new();
    let reset = script.packet(ControlOpcode::HardResetClientV2, &[]);
    script.wait(3 * SECOND);
    script.send(&[reset]);
    let mut hello = Vec::new();
    for packet in script.tls_packets() {
        write_frame(&mut hello, &packet);
    }
    let mut seconds = 3;
    for byte in hello {
        script.send_bytes(&[byte]);
        if script.down().is_some() {
            break;
        }
        script.wait(SECOND);
        seconds += 1;
    }
    assert_eq!(timed_out(&script), Some(("the log-in", 20 * SECOND)));
    assert_eq!(seconds, 20);
}

#[test]
fn a_push_that_is_never_asked_for_ends_the_session() {
    let mut script = Script::new();
    script.handshake();
    script.log_in(OPTIONS_CBC, None);
    script.acknowledge();
    script.server.grant(super::pair::grant(), script.now);
    assert_ends_after(&mut script, 60 * SECOND);
}

#[test]
fn a_push_that_is_never_acknowledged_ends_the_session() {
    let mut script = Script::new();
    script.handshake();
    script.log_in(OPTIONS_CBC, None);
    script.server.grant(super::pair::grant(), script.now);
    script.listen();
    script.acknowledge();
    script.say(b"PUSH_REQUEST\0");
    assert!(!script.server.is_up());
    assert_ends_after(&mut script, 60 * SECOND);
}

#[test]
fn bytes_before_the_login_are_rationed() {
    let mut script = Script::with_limits(Limits {
        login_bytes: 5000,
        login_packets: 1000,
        ..Limits::default()
    });
    script.handshake();
    let useless = script.packet_with_id(ControlOpcode::ControlV1, Some(0), &[0; 1000]);
    for _ in 0..5 {
        script.send(std::slice::from_ref(&useless));
    }
    assert_eq!(
        script.down(),
        Some(&DownCause::Limit("bytes before the log-in"))
    );
}

#[test]
fn packets_before_the_login_are_rationed() {
    let mut script = Script::new();
    let reset = script.packet(ControlOpcode::HardResetClientV2, &[]);
    script.send(&[reset]);
    for _ in 0..64 {
        assert_eq!(script.down(), None);
        let empty = script.packet(ControlOpcode::ControlV1, &[]);
        script.send(&[empty]);
    }
    let empty = script.packet(ControlOpcode::ControlV1, &[]);
    script.send(&[empty]);
    assert_eq!(
        script.down(),
        Some(&DownCause::Limit("packets before the log-in"))
    );
}

#[test]
fn packets_in_the_first_segment_are_rationed_too() {
    let mut script = Script::new();
    let mut packets = vec![script.packet(ControlOpcode::HardResetClientV2, &[])];
    packets.extend((0..100).map(|_| script.packet(ControlOpcode::ControlV1, &[])));
    script.send(&packets);
    assert_eq!(
        script.down(),
        Some(&DownCause::Limit("packets before the log-in"))
    );
}

#[test]
fn texts_are_rationed() {
    let mut script = Script::new();
    script.connect(OPTIONS_CBC, None);
    for _ in 0..40 {
        script.say(b"PUSH_REQUEST\0");
    }
    assert_eq!(script.down(), Some(&DownCause::Limit("text messages")));
}

#[test]
fn a_message_without_an_end_is_cut() {
    let mut script = Script::new();
    script.connect(OPTIONS_CBC, None);
    for _ in 0..9 {
        script.say(&[b'x'; 1000]);
    }
    assert!(
        matches!(script.down(), Some(DownCause::Misbehaved(_))),
        "{:?}",
        script.down()
    );
}

#[test]
fn updates_that_nobody_acknowledges_do_not_pile_up() {
    let mut pair = Setup {
        habits: holdfast_ovpn_proto::Habits::openvpn_2_7(),
        ..Setup::default()
    }
    .connected();
    let routes = [super::pair::route(0); 30];
    for _ in 0..1000 {
        pair.server.update_routes(&routes, pair.now);
    }
    pair.drive();
    assert!(
        matches!(pair.server_down(), Some(DownCause::Limit(_))),
        "{:?}",
        pair.server_down()
    );
}

#[test]
fn a_silent_client_is_given_up_after_it_must_have_given_up_itself() {
    let mut script = Script::new();
    script.connect(OPTIONS_CBC, None);
    script.wait(60 * SECOND);
    assert_eq!(script.down(), None);
    script.wait(30 * SECOND);
    assert!(
        matches!(script.down(), Some(DownCause::Silent(_))),
        "{:?}",
        script.down()
    );
    // And until then the server pinged every 10 s.
    assert!(
        (6..=8).contains(&script.data.len()),
        "{}",
        script.data.len()
    );
}

#[test]
fn a_silent_server_is_given_up_by_the_client() {
    let mut pair = Setup::default().connected();
    let mut client = pair.client;
    for _ in 0..100 {
        let Some((at, _)) = client.poll_timeout() else {
            break;
        };
        pair.now = at;
        client.handle_timeout(at);
    }
    let down = std::iter::from_fn(|| client.poll_event()).last();
    let silent = DownCause::Silent(60 * SECOND);
    assert_eq!(down, Some(holdfast_ovpn_proto::ClientEvent::Down(silent)));
}

#[test]
fn pings_both_ways_keep_an_idle_tunnel() {
    let mut pair = Setup::default().connected();
    let (to_server, to_client) = (pair.to_server.sent.len(), pair.to_client.sent.len());
    pair.run(3600 * SECOND);
    assert!(pair.is_up());
    for later in [
        &pair.to_server.sent[to_server..],
        &pair.to_client.sent[to_client..],
    ] {
        assert!((359..=361).contains(&later.len()), "{}", later.len());
        // Header, packet id, tag, and the 16 bytes of a ping.
        assert!(later.iter().all(|packet| packet.len() == 40));
    }
    // They are not packets for the application.
    assert_eq!((pair.at_server(), pair.at_client()), (vec![], vec![]));
}

#[test]
fn packets_spare_pings() {
    let mut pair = Setup::default().connected();
    let to_server = pair.to_server.sent.len();
    for sequence in 0..100 {
        pair.send_both_ways(sequence);
        pair.run(5 * SECOND);
    }
    assert_eq!(pair.to_server.sent.len() - to_server, 100);
}
