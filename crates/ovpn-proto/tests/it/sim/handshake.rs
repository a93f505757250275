//! Ways to come up: ciphers, digests, kinds of clients, TLS versions, certificates.

use holdfast_ovpn_proto::{
    ClientEvent, DownCause, Habits,
    data::{Auth, Cipher},
    wire::{KeyExport, PeerInfo, PushReply},
};

use super::{
    link::Weather,
    pair::{CLIENT_ADDRESS, Pair, SERVER_ADDRESS, Setup, route},
    pki::{self, TLS12, TLS13, Trust},
};

const DATA_V1: u8 = 6;
const DATA_V2: u8 = 9;

#[test]
fn a_tunnel_comes_up_and_carries_packets_both_ways() {
    let mut pair = Setup::default().connected();
    assert_carries_packets(&mut pair);
    let push = push(&pair);
    assert_eq!((push.address, push.prefix), (CLIENT_ADDRESS, 24));
    assert_eq!(push.route_gateway, SERVER_ADDRESS);
    assert_eq!(push.routes, [route(0), route(128)]);
    assert_eq!((push.ping, push.ping_restart), (10, 60));
}

#[test]
fn a_client_that_negotiates_gets_each_cipher_with_each_digest() {
    for cipher in Cipher::ALL {
        for auth in digests(cipher) {
            let mut pair = Setup {
                habits: offering(Habits::openvpn_2_6(), &[cipher]),
                auth: *auth,
                ..Setup::default()
            }
            .connected();
            assert_eq!(pair.established().unwrap().cipher, cipher);
            assert_eq!(push(&pair).cipher, Some(cipher));
            assert_carries_packets(&mut pair);
        }
    }
}

#[test]
fn a_client_that_says_nothing_of_itself_keeps_its_own_cipher() {
    for cipher in Cipher::ALL {
        for auth in digests(cipher) {
            let mut pair = Setup {
                habits: Habits::router_os(),
                cipher,
                auth: *auth,
                ..Setup::default()
            }
            .connected();
            assert_eq!(pair.established().unwrap().cipher, cipher);
            assert_carries_packets(&mut pair);
        }
    }
}

#[test]
fn each_kind_of_client_gets_what_it_understands() {
    let cases = [
        (
            Habits::openvpn_2_7(),
            KeyExport::ProtocolFlags,
            DATA_V2,
            true,
        ),
        (
            Habits::openvpn_2_6(),
            KeyExport::ProtocolFlags,
            DATA_V2,
            false,
        ),
        (Habits::openvpn_2_4(), KeyExport::None, DATA_V2, false),
        (Habits::router_os(), KeyExport::None, DATA_V1, false),
    ];
    for (habits, key_export, data, push_update) in cases {
        let mut pair = Setup {
            habits: habits.clone(),
            ..Setup::default()
        }
        .connected();
        assert_carries_packets(&mut pair);
        assert_eq!(push(&pair).key_export, key_export, "{habits:?}");
        assert_eq!(pair.established().unwrap().push_update, push_update);
        assert_eq!(data_opcodes(&pair.to_client.sent), [data]);
        assert_eq!(data_opcodes(&pair.to_server.sent), [data]);
    }
}

#[test]
fn the_exporter_serves_a_client_without_protocol_flags() {
    let mut habits = Habits::openvpn_2_4();
    let peer = "IV_VER=2.5.11\nIV_NCP=2\nIV_CIPHERS=AES-256-GCM\nIV_PROTO=14\n";
    habits.peer_info = Some(PeerInfo::parse(Some(peer)));
    let mut pair = Setup {
        habits,
        ..Setup::default()
    }
    .connected();
    assert_eq!(push(&pair).key_export, KeyExport::KeyDerivation);
    assert_carries_packets(&mut pair);
}

#[test]
fn the_servers_preference_decides_among_shared_ciphers() {
    let pair = Setup {
        ciphers: vec![
            Cipher::Aes192Cbc,
            Cipher::Chacha20Poly1305,
            Cipher::Aes256Gcm,
        ],
        ..Setup::default()
    }
    .connected();
    assert_eq!(pair.established().unwrap().cipher, Cipher::Chacha20Poly1305);
}

#[test]
fn both_tls_versions_serve_both_key_derivations() {
    for version in [TLS12, TLS13] {
        for habits in [Habits::openvpn_2_7(), Habits::openvpn_2_4()] {
            let mut pair = Setup {
                habits,
                client_tls: pki::client(&[version], Trust::All),
                ..Setup::default()
            }
            .connected();
            assert_carries_packets(&mut pair);
        }
    }
}

#[test]
fn the_certificate_is_of_the_kind_that_the_client_can_verify() {
    for version in [TLS12, TLS13] {
        for trust in [Trust::RsaOnly, Trust::EcdsaOnly] {
            let mut pair = Setup {
                client_tls: pki::client(&[version], trust),
                ..Setup::default()
            }
            .connected();
            assert_carries_packets(&mut pair);
        }
    }
}

#[test]
fn a_certificate_that_the_client_does_not_trust_ends_both_sides() {
    let mut pair = Setup {
        client_tls: pki::client(&[TLS12, TLS13], Trust::Nothing),
        ..Setup::default()
    }
    .pair();
    pair.drive();
    assert!(matches!(pair.client_down(), Some(DownCause::Tls(_))));
    // Not a bare close: the alert says what the client did not like.
    assert!(matches!(pair.server_down(), Some(DownCause::Tls(_))));
}

#[test]
fn without_a_common_tls_version_the_client_is_told_by_an_alert() {
    let mut pair = Setup {
        server_tls: pki::server(&[TLS13]),
        client_tls: pki::client(&[TLS12], Trust::All),
        ..Setup::default()
    }
    .pair();
    pair.drive();
    assert!(matches!(pair.server_down(), Some(DownCause::Tls(_))));
    assert!(matches!(pair.client_down(), Some(DownCause::Tls(_))));
}

#[test]
fn rough_weather_delays_the_tunnel_and_nothing_else() {
    for seed in 0..20 {
        for habits in [
            Habits::openvpn_2_7(),
            Habits::openvpn_2_4(),
            Habits::router_os(),
        ] {
            let mut pair = Setup {
                seed,
                weather: Weather::ROUGH,
                habits,
                ..Setup::default()
            }
            .connected();
            assert_carries_packets(&mut pair);
        }
    }
}

#[test]
fn single_bytes_are_enough() {
    let mut pair = Setup {
        weather: Weather {
            segment: 1..=1,
            ..Weather::CALM
        },
        ..Setup::default()
    }
    .connected();
    assert_carries_packets(&mut pair);
}

/// Digests that make a difference.
fn digests(cipher: Cipher) -> &'static [Auth] {
    if cipher.is_aead() {
        &[Auth::Sha1]
    } else {
        &Auth::ALL
    }
}

fn offering(mut habits: Habits, ciphers: &[Cipher]) -> Habits {
    let names = ciphers.iter().map(|cipher| cipher.name().to_owned());
    habits.peer_info.as_mut().unwrap().ciphers = Some(names.collect());
    habits
}

fn assert_carries_packets(pair: &mut Pair) {
    pair.send_both_ways(1);
    pair.send_both_ways(2);
    pair.drive();
    assert_eq!(pair.at_server(), [1, 2]);
    assert_eq!(pair.at_client(), [1, 2]);
}

fn push(pair: &Pair) -> PushReply {
    let push = pair.client_events.iter().find_map(|event| {
        if let ClientEvent::Connected(push) = event {
            Some(PushReply::clone(push))
        } else {
            None
        }
    });
    push.unwrap()
}

fn data_opcodes(packets: &[Vec<u8>]) -> Vec<u8> {
    let mut opcodes: Vec<u8> = packets
        .iter()
        .map(|packet| packet[0] >> 3)
        .filter(|opcode| [DATA_V1, DATA_V2].contains(opcode))
        .collect();
    opcodes.dedup();
    opcodes
}
