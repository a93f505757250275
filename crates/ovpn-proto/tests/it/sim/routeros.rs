//! RouterOS begins its sessions in its own ways.

use holdfast_ovpn_proto::{
    ClientEvent, Habits, Limits,
    data::{Auth, Cipher},
    wire::{Control, ControlOpcode, KeyExport, KeyId, Packet},
};

use super::{
    pair::{Setup, answer_to},
    script::{OPTIONS_CBC, Script},
};

fn opcodes(packets: &[Vec<u8>]) -> Vec<(ControlOpcode, Option<u32>)> {
    let control = |packet| match Packet::decode(packet).unwrap() {
        Packet::Control(Control {
            opcode, packet_id, ..
        }) => Some((opcode, packet_id)),
        Packet::Data(_) => None,
    };
    packets
        .iter()
        .filter_map(|packet| control(packet))
        .collect()
}

#[test]
fn two_resets_and_the_hello_in_one_segment_make_one_session() {
    let mut pair = Setup {
        habits: Habits::router_os(),
        ..Setup::default()
    }
    .connected();
    // Everything before the server's first word was in the first segment.
    let first = [
        (ControlOpcode::HardResetClientV2, Some(0)),
        (ControlOpcode::HardResetClientV2, Some(1)),
        (ControlOpcode::ControlV1, Some(2)),
    ];
    assert_eq!(opcodes(&pair.to_server.sent)[..3], first);
    let answers = opcodes(&pair.to_client.sent);
    let resets = answers
        .iter()
        .filter(|(opcode, _)| *opcode == ControlOpcode::HardResetServerV2);
    assert_eq!(resets.count(), 1);
    pair.send_both_ways(1);
    pair.drive();
    assert_eq!(pair.at_server(), [1]);
}

#[test]
fn nothing_is_pushed_that_only_openvpn_understands() {
    let pair = Setup {
        habits: Habits::router_os(),
        ..Setup::default()
    }
    .connected();
    let Some(ClientEvent::Connected(push)) = pair.client_events.first() else {
        panic!("{:?}", pair.client_events)
    };
    assert_eq!(
        (push.cipher, push.peer_id, push.tun_mtu),
        (None, None, None)
    );
    assert_eq!(push.key_export, KeyExport::None);
}

#[test]
fn a_session_may_begin_at_packet_id_one() {
    let mut script = Script::new();
    let reset = script.packet_with_id(ControlOpcode::HardResetClientV2, Some(1), &[]);
    script.send(&[reset]);
    assert_eq!(script.heard[0].acks, [1]);
    script.skip_packet_ids(2);
    script.finish_tls();
    let ours = script.log_in(OPTIONS_CBC, None);
    script.come_up(&ours);
    assert!(script.server.is_up());
}

#[test]
fn a_hello_may_use_the_packet_id_of_the_second_reset_again() {
    let mut script = Script::new();
    let first = script.packet_with_id(ControlOpcode::HardResetClientV2, Some(0), &[]);
    let second = script.packet_with_id(ControlOpcode::HardResetClientV2, Some(1), &[]);
    script.skip_packet_ids(1);
    let mut segment = vec![first, second];
    segment.extend(script.tls_packets());
    script.send(&segment);
    script.finish_tls();
    let ours = script.log_in(OPTIONS_CBC, None);
    script.come_up(&ours);
    assert!(script.server.is_up());
}

#[test]
fn a_reset_in_the_middle_of_a_session_restarts_nothing() {
    let mut script = Script::new();
    let connected = script.connect(OPTIONS_CBC, None);
    let heard = script.heard.len();
    let reset = script.packet_with_id(ControlOpcode::HardResetClientV2, Some(0), &[]);
    script.send(&[reset]);
    let answers: Vec<_> = script.heard[heard..]
        .iter()
        .map(|heard| heard.opcode)
        .collect();
    assert_eq!(answers, [ControlOpcode::AckV1]);
    let mut channel = connected.channel(KeyId::FIRST, Cipher::Aes256Cbc, Auth::Sha256);
    script.send_data(&mut channel, &answer_to(1));
    assert_eq!(script.packets(), [answer_to(1)]);
}

#[test]
fn options_behind_a_reset_are_skipped() {
    let mut script = Script::new();
    let reset = script.packet(ControlOpcode::HardResetClientV2, &[0, 1, 0, 2, 0, 1]);
    script.send(&[reset]);
    script.finish_tls();
    script.log_in(OPTIONS_CBC, None);
    assert_eq!(script.down(), None);
}

#[test]
fn key_method_two_may_come_in_many_packets_and_records() {
    for cut in [5, 100, 119, 121, 300] {
        let mut script = Script::with_limits(Limits {
            login_packets: 1000,
            ..Limits::default()
        });
        script.bytes_per_packet = 7;
        script.handshake();
        let message = script.key_method(OPTIONS_CBC, None);
        let bytes = super::script::encode(&message);
        let (first, second) = bytes.split_at(cut.min(bytes.len() - 1));
        script.say(first);
        script.say(second);
        script.come_up(&message);
        assert!(script.server.is_up(), "cut at {cut}");
    }
}
