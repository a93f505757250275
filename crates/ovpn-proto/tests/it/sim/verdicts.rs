//! Log-ins and what becomes of them, farewells, routes replaced in place.

use std::time::Duration;

use holdfast_ovpn_proto::{
    ClientEvent, DownCause, Habits, ServerEvent,
    data::{Auth, Cipher},
    wire::{ControlOpcode, KeyId},
};

use super::{
    link::Weather,
    pair::{Answer, Pair, Setup, answer_to, route},
    script::{OPTIONS_CBC, OPTIONS_NCP, PEER_INFO_26, Script},
};

const MOMENT: Duration = Duration::from_millis(1);
const LINGER: Duration = Duration::from_secs(2);

fn waiting(habits: Habits) -> Pair {
    let mut pair = Setup {
        habits,
        answer: Answer::Wait,
        ..Setup::default()
    }
    .pair();
    pair.run(Duration::from_secs(3));
    let authorize = &pair.server_events[..];
    assert!(
        matches!(authorize, [ServerEvent::Authorize(_)]),
        "{authorize:?}"
    );
    pair
}

#[test]
fn a_login_shows_who_wants_in() {
    let pair = waiting(Habits::openvpn_2_6());
    let [ServerEvent::Authorize(login)] = &pair.server_events[..] else {
        panic!("{:?}", pair.server_events)
    };
    assert_eq!(
        (login.username.as_str(), login.password.as_str()),
        ("fibre", "secret")
    );
    assert_eq!(login.peer.version.as_deref(), Some("2.6.14"));
}

#[test]
fn nothing_is_pushed_before_the_verdict() {
    for habits in [
        Habits::openvpn_2_7(),
        Habits::openvpn_2_4(),
        Habits::router_os(),
    ] {
        let mut pair = waiting(habits);
        let said = pair.to_client.sent.len();
        pair.client.send_packet(&answer_to(1), pair.now);
        pair.server.send_packet(&answer_to(1), pair.now);
        pair.run(Duration::from_secs(4));
        assert!(pair.client_events.is_empty(), "{:?}", pair.client_events);
        // At most acknowledgements of further push requests.
        let later = &pair.to_client.sent[said..];
        assert!(later.iter().all(|packet| packet[0] >> 3 == 5), "{later:?}");
    }
}

#[test]
fn a_client_that_asked_before_the_verdict_is_pushed_at_once() {
    let mut pair = waiting(Habits::openvpn_2_4());
    pair.server.grant(pair.grant.clone(), pair.now);
    pair.drive();
    assert!(pair.is_up());
}

#[test]
fn a_client_that_asks_after_the_verdict_is_pushed_when_it_asks() {
    let mut pair = Setup {
        habits: Habits::openvpn_2_4(),
        ..Setup::default()
    }
    .pair();
    pair.run(Duration::from_millis(900));
    assert_eq!(pair.client_events, []);
    pair.run(Duration::from_millis(200));
    assert!(pair.is_up());
}

#[test]
fn the_push_waits_until_key_method_two_is_acknowledged() {
    let mut script = Script::new();
    script.handshake();
    script.log_in(OPTIONS_NCP, Some(PEER_INFO_26));
    script.server.grant(super::pair::grant(), script.now);
    script.listen();
    script.read_key_method();
    assert_eq!(script.read_text(), None);
    script.acknowledge();
    assert!(script.read_text().unwrap().starts_with("PUSH_REPLY,"));
}

#[test]
fn data_before_the_verdict_is_dropped() {
    let mut script = Script::new();
    script.handshake();
    let ours = script.log_in(OPTIONS_CBC, None);
    // Whatever it is sealed with: there are no keys to open it yet.
    script.send(&[vec![0x30; 100]]);
    assert_eq!(script.down(), None);
    let connected = script.come_up(&ours);
    let mut channel = connected.channel(KeyId::FIRST, Cipher::Aes256Cbc, Auth::Sha256);
    script.send_data(&mut channel, &answer_to(1));
    assert_eq!(script.packets(), [answer_to(1)]);
}

#[test]
fn a_wrong_password_is_refused_with_its_reason_and_over_once_that_is_heard() {
    for habits in [
        Habits::openvpn_2_7(),
        Habits::openvpn_2_4(),
        Habits::router_os(),
    ] {
        let mut pair = Setup {
            habits,
            answer: Answer::Reject("wrong password"),
            ..Setup::default()
        }
        .pair();
        pair.drive();
        let refused = DownCause::Refused("wrong password".into());
        assert_eq!(pair.client_down(), Some(&refused));
        assert_eq!(pair.server_down(), Some(&refused));
    }
}

#[test]
fn a_client_that_can_is_told_to_come_back_when_there_is_no_verdict() {
    let mut pair = Setup {
        answer: Answer::Unavailable("busy"),
        ..Setup::default()
    }
    .pair();
    pair.drive();
    assert_eq!(
        pair.client_down(),
        Some(&DownCause::Refused("TEMP[backoff 2]:busy".into()))
    );
    assert_eq!(
        pair.server_down(),
        Some(&DownCause::Requested("busy".into()))
    );
}

#[test]
fn a_client_that_would_take_it_for_a_refusal_is_just_disconnected() {
    let mut pair = Setup {
        habits: Habits::openvpn_2_4(),
        answer: Answer::Unavailable("busy"),
        ..Setup::default()
    }
    .pair();
    pair.drive();
    assert_eq!(pair.client_down(), Some(&DownCause::PeerClosed));
}

#[test]
fn a_verdict_that_takes_too_long_counts_as_unavailable() {
    let mut pair = waiting(Habits::openvpn_2_4());
    pair.run(Duration::from_secs(8));
    assert_eq!(
        pair.server_down(),
        Some(&DownCause::Requested("no verdict in time".into()))
    );
    assert_eq!(pair.client_down(), Some(&DownCause::PeerClosed));
}

#[test]
fn a_verdict_that_comes_too_late_changes_nothing() {
    let mut pair = waiting(Habits::openvpn_2_6());
    pair.server.reject("no", pair.now);
    pair.server.grant(pair.grant.clone(), pair.now);
    pair.drive();
    assert!(!pair.server.is_up());
    assert_eq!(pair.client_down(), Some(&DownCause::Refused("no".into())));
}

#[test]
fn a_farewell_that_is_not_heard_is_over_after_a_while() {
    let mut script = Script::new();
    script.handshake();
    script.log_in(OPTIONS_CBC, None);
    script.acknowledges = false;
    script.server.reject("no", script.now);
    script.listen();
    script.wait(LINGER - MOMENT);
    assert_eq!(script.down(), None);
    script.wait(MOMENT);
    assert_eq!(script.down(), Some(&DownCause::Refused("no".into())));
}

#[test]
fn what_ends_a_session_first_is_the_cause() {
    let mut script = Script::new();
    script.connect(OPTIONS_CBC, None);
    script.server.restart("drain", script.now);
    script.server.reject("no", script.now);
    script.listen();
    assert_eq!(script.read_text().as_deref(), Some("RESTART,[P]drain"));
    assert_eq!(script.read_text(), None);
    // Garbage, a foreign session, and then the end of the connection: none of that is the cause.
    script.server.handle_bytes(&[0, 1, 0xff], script.now);
    script.server.handle_eof(script.now);
    script.listen();
    assert_eq!(script.down(), Some(&DownCause::Requested("drain".into())));
}

#[test]
fn nothing_common_is_refused_in_words() {
    let tap = OPTIONS_CBC.replace("dev-type tun", "dev-type tap");
    let blowfish = OPTIONS_CBC.replace("AES-256-CBC", "BF-CBC");
    let null = OPTIONS_CBC.replace("auth SHA256", "auth [null-digest]");
    for (options, word) in [
        (tap, "tap"),
        (blowfish, "no shared cipher"),
        (null, "null-digest"),
    ] {
        let mut script = Script::new();
        script.handshake();
        script.log_in(&options, None);
        script.read_key_method();
        let text = script.read_text().unwrap();
        assert!(
            text.starts_with("AUTH_FAILED,") && text.contains(word),
            "{text}"
        );
        script.acknowledge();
        assert!(matches!(script.down(), Some(DownCause::Refused(reason)) if reason.contains(word)));
        assert!(
            !script
                .events
                .iter()
                .any(|event| matches!(event, ServerEvent::Authorize(_)))
        );
    }
}

#[test]
fn a_refused_name_cannot_write_into_logs() {
    let mut script = Script::new();
    script.handshake();
    let options = OPTIONS_CBC.replace("auth SHA256", "auth \u{1b}[2J\nadmin logged in");
    script.log_in(&options, None);
    script.acknowledge();
    let Some(DownCause::Refused(reason)) = script.down() else {
        panic!("{:?}", script.events)
    };
    assert!(
        reason.chars().all(|c| c.is_ascii_graphic() || c == ' '),
        "{reason:?}"
    );
}

#[test]
fn routes_are_replaced_in_place_and_the_acknowledgement_is_reported() {
    let mut pair = Setup {
        habits: Habits::openvpn_2_7(),
        weather: Weather::ROUGH,
        ..Setup::default()
    }
    .connected();
    assert!(pair.server.update_routes(&[route(64)], pair.now));
    assert!(!pair.server_events.contains(&ServerEvent::RoutesUpdated));
    pair.drive();
    assert!(pair.server_events.contains(&ServerEvent::RoutesUpdated));
    assert!(
        pair.client_events
            .contains(&ClientEvent::RoutesReplaced(vec![route(64)]))
    );
    assert!(pair.server.update_routes(&[], pair.now));
    pair.drive();
    assert!(pair.client_events.contains(&ClientEvent::RoutesWithdrawn));
    assert!(pair.is_up());
}

#[test]
fn a_client_without_push_update_keeps_its_routes() {
    let mut pair = Setup::default().connected();
    let said = pair.to_client.sent.len();
    assert!(!pair.server.update_routes(&[route(64)], pair.now));
    pair.drive();
    assert_eq!(pair.to_client.sent.len(), said);
}

#[test]
fn more_updates_than_the_window_holds_all_arrive() {
    let mut pair = Setup {
        habits: Habits::openvpn_2_7(),
        weather: Weather::ROUGH,
        ..Setup::default()
    }
    .connected();
    for octet in 0..20 {
        pair.server.update_routes(&[route(octet)], pair.now);
    }
    pair.drive();
    let replaced = pair
        .client_events
        .iter()
        .filter(|event| matches!(event, ClientEvent::RoutesReplaced(_)));
    assert_eq!(replaced.count(), 20);
    let updated = pair
        .server_events
        .iter()
        .filter(|event| **event == ServerEvent::RoutesUpdated);
    assert_eq!(updated.count(), 1);
}

#[test]
fn a_text_does_not_go_before_key_method_two() {
    // A client would take it for that message.
    let peer = PEER_INFO_26.replace("IV_PROTO=990", "IV_PROTO=8094");
    let mut script = Script::new();
    script.connect(OPTIONS_NCP, Some(&peer));
    script.soft_reset();
    assert!(script.server.update_routes(&[route(64)], script.now));
    script.listen();
    script.log_in(OPTIONS_NCP, Some(&peer));
    script.server.confirm(script.now);
    script.listen();
    script.acknowledge();
    script.read_key_method();
    assert!(script.read_text().unwrap().starts_with("PUSH_UPDATE,"));
}

#[test]
fn a_restart_reaches_the_client_and_ends_when_it_is_heard() {
    let mut pair = Setup::default().connected();
    pair.server.restart("drain", pair.now);
    pair.drive();
    let Some(DownCause::PeerLeft(reason)) = pair.client_down() else {
        panic!("{:?}", pair.client_events)
    };
    assert!(reason.ends_with("[P]drain"), "{reason}");
    assert_eq!(
        pair.server_down(),
        Some(&DownCause::Requested("drain".into()))
    );
}

#[test]
fn closing_is_immediate() {
    let mut pair = Setup::default().connected();
    pair.server.close("replaced", pair.now);
    assert!(pair.server.is_closed());
    assert_eq!(pair.server.poll_timeout(), None);
    pair.drive();
    assert_eq!(
        pair.server_down(),
        Some(&DownCause::Requested("replaced".into()))
    );
    assert_eq!(pair.client_down(), Some(&DownCause::PeerClosed));
}

#[test]
fn a_closed_session_stays_silent() {
    let mut pair = Setup::default().connected();
    pair.client.handle_eof(pair.now);
    pair.server.close("over", pair.now);
    pair.drive();
    let (to_server, to_client) = (pair.to_server.sent.len(), pair.to_client.sent.len());
    pair.server
        .handle_timeout(pair.now + Duration::from_secs(3600));
    pair.client
        .handle_timeout(pair.now + Duration::from_secs(3600));
    pair.server.restart("again", pair.now);
    pair.server.send_packet(&answer_to(1), pair.now);
    pair.client.handle_bytes(&[0, 1, 0xff], pair.now);
    pair.drive();
    assert_eq!(pair.to_server.sent.len(), to_server);
    assert_eq!(pair.to_client.sent.len(), to_client);
}

#[test]
fn a_peer_that_says_it_leaves_has_left() {
    let mut script = Script::new();
    script.connect(OPTIONS_NCP, Some(PEER_INFO_26));
    script.say(b"EXIT\0");
    assert!(matches!(script.down(), Some(DownCause::PeerLeft(_))));

    let mut script = Script::new();
    let connected = script.connect(OPTIONS_CBC, None);
    let mut channel = connected.channel(KeyId::FIRST, Cipher::Aes256Cbc, Auth::Sha256);
    let exit = *b"\x28\x7f\x34\x6b\xd4\xef\x7a\x81\x2d\x56\xb8\xd3\xaf\xc5\x45\x9c\x06";
    script.send_data(&mut channel, &exit);
    assert!(matches!(script.down(), Some(DownCause::PeerLeft(_))));
}

#[test]
fn unknown_texts_are_ignored_and_unprintable_ones_are_not() {
    let mut script = Script::new();
    script.connect(OPTIONS_NCP, Some(PEER_INFO_26));
    script.say(b"CR_RESPONSE,eA==\0");
    assert_eq!(script.down(), None);
    script.say(b"INFO,a\nb\0");
    assert!(matches!(script.down(), Some(DownCause::Misbehaved(_))));
}

#[test]
fn two_texts_in_one_record_and_one_text_in_two_records_are_read() {
    let mut script = Script::new();
    script.handshake();
    let ours = script.log_in(OPTIONS_CBC, None);
    script.say(b"INFO,x\0PUSH_");
    script.say(b"REQUEST\0");
    script.server.grant(super::pair::grant(), script.now);
    script.listen();
    script.acknowledge();
    script.read_key_method();
    assert!(script.read_text().unwrap().starts_with("PUSH_REPLY,"));
    drop(ours);
    assert!(
        script
            .heard
            .iter()
            .any(|heard| heard.opcode == ControlOpcode::ControlV1)
    );
}
