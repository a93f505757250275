//! Peers that break the protocol, by mistake or not.

use holdfast_ovpn_proto::{
    DownCause, PeerError,
    data::{Auth, Cipher, DataChannel},
    wire::{ControlOpcode, KeyId, SessionId},
};

use super::{
    link::Weather,
    pair::{Setup, answer_to},
    script::{OPTIONS_CBC, Script},
};

fn misbehaved(script: &Script) -> Option<&PeerError> {
    let down = script.down()?;
    let DownCause::Misbehaved(error) = down else {
        panic!("{down:?}")
    };
    Some(error)
}

fn connected() -> (Script, DataChannel) {
    let mut script = Script::new();
    let connected = script.connect(OPTIONS_CBC, None);
    let channel = connected.channel(KeyId::FIRST, Cipher::Aes256Cbc, Auth::Sha256);
    (script, channel)
}

#[test]
fn whatever_does_not_begin_with_a_reset_is_closed_without_an_answer() {
    for opcode in [
        ControlOpcode::HardResetServerV2,
        ControlOpcode::SoftResetV1,
        ControlOpcode::ControlV1,
    ] {
        let mut script = Script::new();
        let packet = script.packet(opcode, &[]);
        script.send(&[packet]);
        assert_eq!(misbehaved(&script), Some(&PeerError::NoReset));
        assert!(script.heard.is_empty());
    }
    let mut of_key_one = Script::new();
    of_key_one.begin_key(KeyId::new(1));
    let packet = of_key_one.packet(ControlOpcode::HardResetClientV2, &[]);
    of_key_one.send(&[packet]);
    assert_eq!(misbehaved(&of_key_one), Some(&PeerError::NoReset));
}

#[test]
fn scanners_are_closed_at_their_first_bytes() {
    for bytes in [
        &b"GET / HTTP/1.1\r\n\r\n"[..],
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"\0\0",
        b"SSH-2.0-x\r\n",
    ] {
        let mut script = Script::new();
        script.send_bytes(bytes);
        assert!(misbehaved(&script).is_some(), "{bytes:?}");
        assert!(script.heard.is_empty());
    }
}

#[test]
fn another_session_on_the_same_connection_is_an_error() {
    let (mut script, _) = connected();
    script.session = SessionId([8; 8]);
    let packet = script.packet(ControlOpcode::ControlV1, &[]);
    script.send(&[packet]);
    assert_eq!(misbehaved(&script), Some(&PeerError::ForeignSession));
}

#[test]
fn acknowledgements_for_another_session_are_an_error() {
    let mut script = Script::new();
    let reset = script.packet(ControlOpcode::HardResetClientV2, &[]);
    script.send(&[reset]);
    script.mistake_peer(SessionId([9; 8]));
    script.owe(0);
    let packet = script.packet(ControlOpcode::ControlV1, &[]);
    script.send(&[packet]);
    assert_eq!(misbehaved(&script), Some(&PeerError::ForeignSession));
}

#[test]
fn a_servers_reset_from_a_client_is_an_error() {
    let (mut script, _) = connected();
    let packet = script.packet(ControlOpcode::HardResetServerV2, &[]);
    script.send(&[packet]);
    assert!(matches!(
        misbehaved(&script),
        Some(PeerError::Unexpected(_))
    ));
}

#[test]
fn a_damaged_data_packet_is_an_error_and_reaches_nobody() {
    let (mut script, mut channel) = connected();
    let mut packet = script.seal(&mut channel, &answer_to(1));
    *packet.last_mut().unwrap() ^= 1;
    script.send(&[packet]);
    assert!(matches!(misbehaved(&script), Some(PeerError::Data(_))));
    assert!(script.packets().is_empty());
}

#[test]
fn a_repeated_data_packet_is_an_error_and_delivered_once() {
    let (mut script, mut channel) = connected();
    let packet = script.send_data(&mut channel, &answer_to(1));
    assert_eq!(script.down(), None);
    script.send(&[packet]);
    assert!(matches!(misbehaved(&script), Some(PeerError::Data(_))));
    assert_eq!(script.packets(), [answer_to(1)]);
}

#[test]
fn data_of_a_key_that_does_not_exist_is_dropped() {
    let (mut script, mut channel) = connected();
    for key in 1..8 {
        script.send(&[[&[6 << 3 | key][..], &[0; 60]].concat()]);
    }
    assert_eq!(script.down(), None);
    script.send_data(&mut channel, &answer_to(1));
    assert_eq!(script.packets(), [answer_to(1)]);
}

#[test]
fn inner_packets_that_are_not_ipv4_are_dropped() {
    let (mut script, mut channel) = connected();
    for inner in [&[][..], &[0x60; 40], &[0x45; 10], b"anything"] {
        script.send_data(&mut channel, inner);
    }
    assert_eq!(script.down(), None);
    assert!(script.packets().is_empty());
}

#[test]
fn a_packet_too_large_for_the_tunnel_is_dropped_before_it_is_sealed() {
    let mut pair = Setup::default().connected();
    let sent = pair.to_client.sent.len();
    pair.server.send_packet(&[0x45; 70_000], pair.now);
    pair.server.send_packet(&[0x45; 1601], pair.now);
    pair.drive();
    assert_eq!(pair.to_client.sent.len(), sent);
    pair.send_both_ways(1);
    pair.drive();
    assert_eq!(pair.at_client(), [1]);
}

#[test]
fn control_packets_that_come_twice_are_acknowledged_twice_and_read_once() {
    let mut pair = Setup {
        weather: Weather {
            duplicated: 100,
            ..Weather::CALM
        },
        ..Setup::default()
    }
    .connected();
    pair.client.renegotiate(pair.now);
    pair.send_both_ways(1);
    pair.drive();
    assert_eq!((pair.at_server(), pair.at_client()), (vec![1], vec![1]));
}

#[test]
fn control_packets_far_ahead_are_not_kept() {
    let (mut script, mut channel) = connected();
    let heard = script.heard.len();
    for id in [1000, u32::MAX] {
        let packet = script.packet_with_id(ControlOpcode::ControlV1, Some(id), b"x");
        script.send(&[packet]);
    }
    assert_eq!(script.heard.len(), heard);
    script.send_data(&mut channel, &answer_to(1));
    assert_eq!(script.packets(), [answer_to(1)]);
}

#[test]
fn bytes_behind_the_end_of_tls_end_the_session() {
    let mut script = Script::new();
    script.handshake();
    script.close_tls();
    let packet = script.packet(ControlOpcode::ControlV1, b"more");
    script.send(&[packet]);
    let Some(DownCause::Tls(error)) = script.down() else {
        panic!("{:?}", script.down())
    };
    assert!(error.0.contains("after the end"), "{error}");
}

#[test]
fn what_is_not_tls_ends_the_session() {
    let mut script = Script::new();
    let reset = script.packet(ControlOpcode::HardResetClientV2, &[]);
    script.send(&[reset]);
    let packet = script.packet(ControlOpcode::ControlV1, &[0xff; 100]);
    script.send(&[packet]);
    assert!(script.alert.is_some());
    assert!(
        matches!(script.down(), Some(DownCause::Tls(_))),
        "{:?}",
        script.down()
    );
}

#[test]
fn what_is_not_key_method_two_ends_the_session() {
    for message in [&[0, 0, 0, 0, 1][..], &[0xff; 300]] {
        let mut script = Script::new();
        script.handshake();
        script.say(message);
        assert!(matches!(misbehaved(&script), Some(PeerError::KeyMethod(_))));
    }
}
