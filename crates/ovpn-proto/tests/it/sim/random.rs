//! Whatever the weather and whatever the two applications do at the same time: a session comes up or ends,
//! and as long as it lives it carries packets.

use std::time::Duration;

use holdfast_ovpn_proto::{
    Habits, Limits,
    data::{Auth, Cipher},
    wire::{Packet, SessionId},
};
use proptest::{collection::vec, prelude::*};

use super::{
    link::Weather,
    pair::{Answer, Pair, Setup, answer_to, probe, route},
};

/// Something that an application does, or that the world does to it.
#[derive(Debug, Clone)]
enum Action {
    Wait(Duration),
    ServerSends(u16),
    ClientSends(u16),
    ClientRenegotiates,
    RoutesChange(u8),
    VerdictsAre(Answer),
    /// An overdue verdict.
    Confirm,
    Admit,
    /// The last word of the session.
    End(End),
}

#[derive(Debug, Clone, Copy)]
enum End {
    Restart,
    Reject,
    Unavailable,
    Close,
    ServerEof,
    ClientEof,
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        6 => (0_u64..3_000_000).prop_map(|us| Action::Wait(Duration::from_micros(us))),
        1 => (0_u64..5_000).prop_map(|s| Action::Wait(Duration::from_secs(s))),
        4 => any::<u16>().prop_map(Action::ServerSends),
        4 => any::<u16>().prop_map(Action::ClientSends),
        3 => Just(Action::ClientRenegotiates),
        2 => any::<u8>().prop_map(Action::RoutesChange),
        1 => Just(Action::VerdictsAre(Answer::Wait)),
        2 => Just(Action::VerdictsAre(Answer::Admit)),
        1 => Just(Action::Confirm),
        1 => Just(Action::Admit),
    ]
}

fn end() -> impl Strategy<Value = Option<End>> {
    proptest::option::of(prop_oneof![
        Just(End::Restart),
        Just(End::Reject),
        Just(End::Unavailable),
        Just(End::Close),
        Just(End::ServerEof),
        Just(End::ClientEof),
    ])
}

fn weather() -> impl Strategy<Value = Weather> {
    (1_usize..2000, 0_u64..200_000, 0_u32..60).prop_map(|(segment, delay, duplicated)| Weather {
        segment: 1..=segment,
        delay: 0..=delay,
        duplicated,
    })
}

fn habits() -> impl Strategy<Value = Habits> {
    prop_oneof![
        Just(Habits::openvpn_2_7()),
        Just(Habits::openvpn_2_6()),
        Just(Habits::openvpn_2_4()),
        Just(Habits::router_os()),
    ]
}

fn setup() -> impl Strategy<Value = (u64, Weather, Habits, Option<u64>, Option<u64>)> {
    let interval = || proptest::option::of(100_u64..4000);
    (any::<u64>(), weather(), habits(), interval(), interval())
}

fn apply(pair: &mut Pair, action: Action) {
    match action {
        Action::Wait(duration) => pair.run(duration),
        Action::ServerSends(sequence) => pair.server.send_packet(&probe(sequence), pair.now),
        Action::ClientSends(sequence) => pair.client.send_packet(&answer_to(sequence), pair.now),
        Action::ClientRenegotiates => pair.client.renegotiate(pair.now),
        Action::RoutesChange(octet) => {
            pair.server.update_routes(&[route(octet)], pair.now);
        }
        Action::VerdictsAre(answer) => pair.answer = answer,
        Action::Confirm => pair.server.confirm(pair.now),
        Action::Admit => pair.server.grant(pair.grant.clone(), pair.now),
        Action::End(End::Restart) => pair.server.restart("drain", pair.now),
        Action::End(End::Reject) => pair.server.reject("no", pair.now),
        Action::End(End::Unavailable) => pair.server.unavailable("busy", pair.now),
        Action::End(End::Close) => pair.server.close("over", pair.now),
        Action::End(End::ServerEof) => pair.server.handle_eof(pair.now),
        Action::End(End::ClientEof) => pair.client.handle_eof(pair.now),
    }
}

/// Only one session id each way, and nothing on the wire that the other side could not read.
fn assert_wire_is_sound(sent: &[Vec<u8>]) {
    let mut session: Option<SessionId> = None;
    for packet in sent {
        if let Packet::Control(control) = Packet::decode(packet).unwrap() {
            assert_eq!(
                *session.get_or_insert(control.session_id),
                control.session_id
            );
            assert!(
                packet.len() <= 1250,
                "{} bytes of control packet",
                packet.len()
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_session_comes_up_or_ends_and_carries_packets_while_it_lives(
        (seed, weather, habits, server_reneg, client_reneg) in setup(),
        actions in vec(action(), 0..40),
        end in end(),
    ) {
        let seconds = Duration::from_secs;
        let mut pair = Setup {
            seed,
            weather,
            habits,
            ciphers: vec![Cipher::Aes256Gcm, Cipher::Aes256Cbc],
            cipher: Cipher::Aes256Cbc,
            auth: Auth::Sha256,
            limits: Limits { renegotiations: 1000, ..Limits::default() },
            server_renegotiates: server_reneg.map(|s| (seconds(s), seconds(s + s / 5))),
            client_renegotiates: client_reneg.map(seconds),
            ..Setup::default()
        }
        .pair();
        for action in actions {
            apply(&mut pair, action);
        }
        if let Some(end) = end {
            apply(&mut pair, Action::End(end));
        }
        // Longer than any deadline: whatever was under way is over, one way or the other.
        pair.answer = Answer::Admit;
        pair.server.confirm(pair.now);
        pair.run(seconds(200));

        assert_wire_is_sound(&pair.to_server.sent);
        assert_wire_is_sound(&pair.to_client.sent);
        let over = pair.server_down().is_some() && pair.client_down().is_some();
        prop_assert!(over || pair.is_up(), "{:?} {:?}", pair.server_events.last(), pair.client_events.last());
        if pair.is_up() {
            prop_assert!(end.is_none() || matches!(end, Some(End::Reject | End::Unavailable)));
            pair.server_events.clear();
            pair.client_events.clear();
            pair.send_both_ways(7);
            pair.run(seconds(5));
            prop_assert_eq!((pair.at_server(), pair.at_client()), (vec![7], vec![7]));
        }
    }
}
