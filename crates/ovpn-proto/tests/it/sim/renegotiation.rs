//! New keys on a living tunnel: who starts, what is lost (nothing), and what may not be said when.

use std::time::Duration;

use holdfast_ovpn_proto::{
    ClientEvent, DownCause, Grant, Habits, Limits, ServerEvent,
    data::{Auth, Cipher},
    wire::{Control, ControlOpcode, KeyId, Packet},
};

use super::{
    link::Weather,
    pair::{Answer, Pair, Setup, answer_to, grant, route},
    script::{Connected, OPTIONS_CBC, OPTIONS_NCP, PEER_INFO_26, Script},
};

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// Sends a packet each way every 20 ms for as long, and returns how many.
fn talk(pair: &mut Pair, duration: Duration) -> Vec<u16> {
    let end = pair.now + duration;
    let mut sent = Vec::new();
    while pair.now < end {
        let sequence = sent.len() as u16;
        pair.send_both_ways(sequence);
        sent.push(sequence);
        pair.run(Duration::from_millis(20));
    }
    pair.drive();
    sent
}

fn rekeyed(pair: &Pair) -> (usize, usize) {
    let server = pair
        .server_events
        .iter()
        .filter(|event| **event == ServerEvent::Rekeyed);
    let client = pair
        .client_events
        .iter()
        .filter(|event| **event == ClientEvent::Rekeyed);
    (server.count(), client.count())
}

/// Compares without printing thousands of numbers.
fn assert_all_arrived(pair: &Pair, sent: &[u16]) {
    for (received, side) in [(pair.at_server(), "server"), (pair.at_client(), "client")] {
        let lost: Vec<_> = sent.iter().filter(|n| !received.contains(n)).collect();
        assert!(lost.is_empty(), "lost on the way to the {side}: {lost:?}");
        assert!(received == sent, "out of order at the {side}");
    }
}

/// Almost no pings, for runs of days.
fn quiet_grant() -> Grant {
    Grant {
        ping: 600,
        ping_restart: 3000,
        ..grant()
    }
}

fn control(packet: &[u8]) -> Option<Control<'_>> {
    match Packet::decode(packet).unwrap() {
        Packet::Control(control) => Some(control),
        Packet::Data(_) => None,
    }
}

/// A stock peer restarts the connection when it sees a control packet of an older key behind a soft reset.
fn assert_no_old_key_after_a_soft_reset(sent: &[Vec<u8>]) {
    let mut newest = KeyId::FIRST;
    for control in sent.iter().filter_map(|packet| control(packet)) {
        if control.opcode == ControlOpcode::SoftResetV1 {
            newest = control.key_id;
        }
        assert_eq!(control.key_id, newest, "{control:?}");
    }
}

/// Key ids of the data packets, without repetitions.
fn data_keys(sent: &[Vec<u8>]) -> Vec<u8> {
    let keys = sent
        .iter()
        .filter_map(|packet| match Packet::decode(packet).unwrap() {
            Packet::Data(data) => Some(data.key_id.get()),
            Packet::Control(_) => None,
        });
    let mut keys: Vec<u8> = keys.collect();
    keys.dedup();
    keys
}

#[test]
fn the_client_renegotiates_without_losing_a_packet() {
    for habits in [
        Habits::openvpn_2_7(),
        Habits::openvpn_2_4(),
        Habits::router_os(),
    ] {
        let mut pair = Setup {
            habits,
            weather: Weather::ROUGH,
            ..Setup::default()
        }
        .connected();
        pair.client.renegotiate(pair.now);
        let sent = talk(&mut pair, Duration::from_secs(70));
        assert_eq!(rekeyed(&pair), (1, 1));
        assert_all_arrived(&pair, &sent);
        // A minute after it became active at the latest both send with the new key.
        assert_eq!(data_keys(&pair.to_server.sent), [0, 1]);
        assert_eq!(data_keys(&pair.to_client.sent), [0, 1]);
    }
}

#[test]
fn the_server_renegotiates_without_losing_a_packet() {
    let after = Duration::from_secs(100);
    let mut pair = Setup {
        weather: Weather::ROUGH,
        server_renegotiates: Some((after, after)),
        ..Setup::default()
    }
    .connected();
    let sent = talk(&mut pair, Duration::from_secs(180));
    assert_eq!(rekeyed(&pair), (1, 1));
    assert_all_arrived(&pair, &sent);
    assert_no_old_key_after_a_soft_reset(&pair.to_client.sent);
    assert_no_old_key_after_a_soft_reset(&pair.to_server.sent);
}

#[test]
fn soft_resets_that_cross_make_one_new_key() {
    for seed in 0..10 {
        let after = Duration::from_secs(30);
        let mut pair = Setup {
            seed,
            weather: Weather::ROUGH,
            server_renegotiates: Some((after, after)),
            grant: quiet_grant(),
            ..Setup::default()
        }
        .connected();
        // Both start within the time that a packet takes.
        let (due, reason) = pair.server.poll_timeout().unwrap();
        assert_eq!(reason, "renegotiation is due");
        pair.run(due - pair.now - Duration::from_millis(1));
        pair.client.renegotiate(pair.now);
        let sent = talk(&mut pair, Duration::from_secs(5));
        assert_eq!(rekeyed(&pair), (1, 1), "seed {seed}");
        assert_all_arrived(&pair, &sent);
        assert_no_old_key_after_a_soft_reset(&pair.to_client.sent);
        assert_no_old_key_after_a_soft_reset(&pair.to_server.sent);
    }
}

#[test]
fn ten_days_of_renegotiations_change_nothing() {
    let mut pair = Setup {
        server_renegotiates: Some((Duration::from_secs(2700), Duration::from_secs(3240))),
        client_renegotiates: Some(HOUR),
        grant: quiet_grant(),
        ..Setup::default()
    }
    .connected();
    let mut sent = Vec::new();
    for sequence in 0..500 {
        pair.send_both_ways(sequence);
        sent.push(sequence);
        pair.run(10 * DAY / 500);
    }
    pair.drive();
    let (server, client) = rekeyed(&pair);
    assert!((260..=325).contains(&server), "{server}");
    assert_eq!(server, client);
    assert_all_arrived(&pair, &sent);
    let keys = data_keys(&pair.to_client.sent);
    assert_eq!(keys[..10], [0, 1, 2, 3, 4, 5, 6, 7, 1, 2]);
}

#[test]
fn renegotiations_close_upon_each_other_lose_nothing() {
    let mut pair = Setup {
        weather: Weather::ROUGH,
        limits: Limits {
            renegotiations: 1000,
            ..Limits::default()
        },
        client_renegotiates: Some(Duration::from_secs(1)),
        server_renegotiates: Some((Duration::from_millis(700), Duration::from_millis(1300))),
        ..Setup::default()
    }
    .connected();
    let sent = talk(&mut pair, Duration::from_secs(60));
    assert!(rekeyed(&pair).0 > 25, "{:?}", rekeyed(&pair));
    assert_all_arrived(&pair, &sent);
    assert_no_old_key_after_a_soft_reset(&pair.to_client.sent);
    assert_no_old_key_after_a_soft_reset(&pair.to_server.sent);
}

#[test]
fn a_peer_without_peer_info_is_left_alone() {
    let mut pair = Setup {
        habits: Habits::router_os(),
        server_renegotiates: Some((HOUR, HOUR)),
        ..Setup::default()
    }
    .connected();
    pair.run(DAY);
    assert_eq!(rekeyed(&pair), (0, 0));
    assert!(pair.is_up());
}

#[test]
fn a_slow_verdict_on_the_new_key_costs_no_packet() {
    let mut pair = Setup {
        weather: Weather::ROUGH,
        ..Setup::default()
    }
    .connected();
    pair.answer = Answer::Wait;
    pair.client.renegotiate(pair.now);
    let first = talk(&mut pair, Duration::from_secs(30));
    assert!(matches!(
        pair.server_events.iter().find(|event| !matches!(
            event,
            ServerEvent::Packet(_) | ServerEvent::Authorize(_) | ServerEvent::Up(_)
        )),
        Some(ServerEvent::Reauthorize(_))
    ));
    assert_eq!(rekeyed(&pair), (0, 0));
    pair.server.confirm(pair.now);
    let second = talk(&mut pair, Duration::from_secs(65));
    assert_eq!(rekeyed(&pair), (1, 1));
    let all = [first, second].concat();
    assert_all_arrived(&pair, &all);
}

#[test]
fn a_repeated_login_that_is_refused_ends_the_tunnel_with_the_reason() {
    let mut pair = Setup::default().connected();
    pair.answer = Answer::Reject("no longer welcome");
    pair.client.renegotiate(pair.now);
    pair.drive();
    let refused = DownCause::Refused("no longer welcome".into());
    assert_eq!(pair.client_down(), Some(&refused));
    assert_eq!(pair.server_down(), Some(&refused));
}

#[test]
fn a_restart_in_the_middle_of_a_renegotiation_reaches_the_client_or_closes() {
    let mut pair = Setup::default().connected();
    pair.answer = Answer::Wait;
    pair.client.renegotiate(pair.now);
    pair.drive();
    pair.server.restart("drain", pair.now);
    pair.drive();
    assert!(
        matches!(pair.client_down(), Some(DownCause::PeerLeft(_))),
        "{:?}",
        pair.client_down()
    );

    let mut script = Script::new();
    script.connect(OPTIONS_CBC, None);
    script.begin_key(KeyId::FIRST.next());
    let reset = script.packet(ControlOpcode::SoftResetV1, &[]);
    script.send(&[reset]);
    script.server.restart("drain", script.now);
    script.listen();
    assert_eq!(script.down(), Some(&DownCause::Requested("drain".into())));
}

#[test]
fn routes_changed_in_the_middle_of_a_renegotiation_arrive_after_it() {
    let mut pair = Setup {
        habits: Habits::openvpn_2_7(),
        ..Setup::default()
    }
    .connected();
    pair.answer = Answer::Wait;
    pair.client.renegotiate(pair.now);
    pair.drive();
    assert!(pair.server.update_routes(&[route(64)], pair.now));
    pair.drive();
    assert!(
        !pair
            .client_events
            .contains(&ClientEvent::RoutesReplaced(vec![route(64)]))
    );
    assert!(!pair.server_events.contains(&ServerEvent::RoutesUpdated));
    pair.server.confirm(pair.now);
    pair.drive();
    assert!(
        pair.client_events
            .contains(&ClientEvent::RoutesReplaced(vec![route(64)]))
    );
    assert_eq!(pair.server_events.last(), Some(&ServerEvent::RoutesUpdated));
}

#[test]
fn what_is_owed_for_the_old_key_is_not_sent_once_a_soft_reset_came() {
    let mut script = Script::new();
    script.connect(OPTIONS_NCP, Some(PEER_INFO_26));
    let heard = script.heard.len();
    // A message that the server has to acknowledge, and a soft reset right behind it.
    let text = script.packet(ControlOpcode::ControlV1, &[]);
    let next = KeyId::FIRST.next();
    script.begin_key(next);
    let reset = script.packet(ControlOpcode::SoftResetV1, &[]);
    script.send(&[text, reset]);
    let answers = &script.heard[heard..];
    assert_eq!(answers.len(), 1, "{answers:?}");
    assert_eq!(
        (answers[0].opcode, answers[0].key_id),
        (ControlOpcode::SoftResetV1, next)
    );
    assert_eq!(answers[0].acks, [0]);
}

#[test]
fn what_is_owed_is_sent_before_our_own_soft_reset() {
    let after = Duration::from_secs(25);
    let mut pair = Setup {
        server_renegotiates: Some((after, after)),
        ..Setup::default()
    }
    .connected();
    pair.run(Duration::from_secs(30));
    assert_eq!(rekeyed(&pair), (1, 1));
    assert_no_old_key_after_a_soft_reset(&pair.to_client.sent);
}

#[test]
fn a_renegotiation_that_never_ends_ends_the_tunnel() {
    let mut script = Script::new();
    script.connect(OPTIONS_CBC, None);
    script.soft_reset();
    script.wait(Duration::from_secs(59));
    assert_eq!(script.down(), None);
    script.wait(Duration::from_secs(1));
    assert!(
        matches!(script.down(), Some(DownCause::HandshakeTimeout { .. })),
        "{:?}",
        script.down()
    );
}

#[test]
fn a_hello_without_a_soft_reset_answers_ours() {
    // OpenVPN 3 answers the server's soft reset with its hello as packet 0.
    let after = Duration::from_secs(20);
    let mut script = Script::renegotiated_by_server(after);
    script.connect(OPTIONS_NCP, Some(PEER_INFO_26));
    script.wait(after);
    assert_eq!(
        script.heard.last().unwrap().opcode,
        ControlOpcode::SoftResetV1
    );
    script.begin_key(KeyId::FIRST.next());
    script.owe(0);
    script.finish_tls();
    let ours = script.log_in(OPTIONS_NCP, Some(PEER_INFO_26));
    script.server.confirm(script.now);
    script.listen();
    script.acknowledge();
    assert_eq!(script.events.last(), Some(&ServerEvent::Rekeyed));
    drop(ours);
}

/// Renegotiates as a client that sends its data with the new key at once.
fn renegotiate(script: &mut Script, connected: &mut Connected) {
    script.soft_reset();
    let ours = script.log_in(OPTIONS_CBC, None);
    script.server.confirm(script.now);
    script.listen();
    let theirs = script.read_key_method();
    connected.material = script.material(connected.push.key_export, &ours, &theirs);
}

#[test]
fn data_with_the_new_key_right_behind_the_acknowledgement_is_opened() {
    let mut script = Script::new();
    let mut connected = script.connect(OPTIONS_CBC, None);
    renegotiate(&mut script, &mut connected);
    let ack = script.packet_with_id(ControlOpcode::AckV1, None, &[]);
    let mut channel = connected.channel(KeyId::FIRST.next(), Cipher::Aes256Cbc, Auth::Sha256);
    let data = script.seal(&mut channel, &answer_to(1));
    script.send(&[ack, data]);
    assert_eq!(script.packets(), [answer_to(1)]);
    // From then on the server uses the new key as well.
    script.server.send_packet(&answer_to(2), script.now);
    script.listen();
    assert_eq!(
        channel.open(script.data.last().unwrap()).unwrap(),
        answer_to(2)
    );
}

#[test]
fn a_replaced_key_opens_until_the_next_replacement() {
    let mut script = Script::new();
    let mut connected = script.connect(OPTIONS_CBC, None);
    let mut oldest = connected.channel(KeyId::FIRST, Cipher::Aes256Cbc, Auth::Sha256);
    renegotiate(&mut script, &mut connected);
    script.acknowledge();
    script.send_data(&mut oldest, &answer_to(1));
    assert_eq!(script.packets(), [answer_to(1)]);
    renegotiate(&mut script, &mut connected);
    script.acknowledge();
    script.send_data(&mut oldest, &answer_to(2));
    // Two keys are alive; the oldest is gone, and its packets do no harm.
    assert_eq!(script.packets(), [answer_to(1)]);
    assert_eq!(script.down(), None);
}

#[test]
fn a_replaced_key_is_forgotten_after_an_hour() {
    let mut script = Script::new();
    script.grant.ping_restart = 10 * 3600;
    let mut connected = script.connect(OPTIONS_CBC, None);
    let mut old = connected.channel(KeyId::FIRST, Cipher::Aes256Cbc, Auth::Sha256);
    renegotiate(&mut script, &mut connected);
    script.acknowledge();
    script.wait(HOUR + Duration::from_secs(1));
    assert_eq!(script.down(), None);
    script.send_data(&mut old, &answer_to(1));
    assert!(script.packets().is_empty());
}

#[test]
fn messages_on_the_old_key_are_read_but_not_answered_there() {
    // OpenVPN 3 goes on with the old key for up to a minute.
    let mut script = Script::new();
    let mut connected = script.connect(OPTIONS_CBC, None);
    renegotiate(&mut script, &mut connected);
    script.acknowledge();
    let heard = script.heard.len();
    script.say_on(KeyId::FIRST, b"EXIT\0");
    assert!(matches!(script.down(), Some(DownCause::PeerLeft(_))));
    assert!(
        script.heard[heard..]
            .iter()
            .all(|heard| heard.key_id != KeyId::FIRST)
    );
}

#[test]
fn a_soft_reset_out_of_turn_is_an_error() {
    for (early, key) in [(true, 1), (false, 2), (false, 5)] {
        let mut script = Script::new();
        if early {
            script.handshake();
        } else {
            script.connect(OPTIONS_CBC, None);
        }
        script.begin_key(KeyId::new(key));
        let reset = script.packet(ControlOpcode::SoftResetV1, &[]);
        script.send(&[reset]);
        assert!(
            matches!(script.down(), Some(DownCause::Misbehaved(_))),
            "key {key}"
        );
    }
}

#[test]
fn renegotiations_are_rationed() {
    let mut script = Script::with_limits(Limits {
        renegotiations: 2,
        ..Limits::default()
    });
    let mut connected = script.connect(OPTIONS_CBC, None);
    for _ in 0..2 {
        renegotiate(&mut script, &mut connected);
        script.acknowledge();
    }
    script.begin_key(KeyId::new(3));
    let reset = script.packet(ControlOpcode::SoftResetV1, &[]);
    script.send(&[reset]);
    assert!(
        matches!(script.down(), Some(DownCause::Limit(_))),
        "{:?}",
        script.down()
    );
}
