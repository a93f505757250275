//! Compression framing: for clients that were configured with it, and never with compression.

use holdfast_ovpn_proto::{
    data::{Auth, Cipher, Framing, PING},
    wire::KeyId,
};

use super::{
    pair::{answer_to, probe},
    script::{OPTIONS_CBC, Script},
};

const COMP_LZO: &str = "V4,dev-type tun,link-mtu 1572,tun-mtu 1500,proto TCPv4_CLIENT,comp-lzo,\
     cipher AES-256-CBC,auth SHA256,keysize 256,key-method 2,tls-client";

/// Comes up, sends a packet framed in one way and expects answers framed in the same way.
fn assert_framed(options: &str, peer_info: Option<&str>, framing: Framing) -> Script {
    let mut script = Script::new();
    let connected = script.connect(options, peer_info);
    let mut channel = connected.channel(KeyId::FIRST, Cipher::Aes256Cbc, Auth::Sha256);
    script.send_data(&mut channel, &framing.wrap(&PING));
    script.send_data(&mut channel, &framing.wrap(&answer_to(1)));
    assert_eq!(script.packets(), [answer_to(1)]);
    script.server.send_packet(&probe(2), script.now);
    script.listen();
    let plaintext = channel.open(script.data.last().unwrap()).unwrap();
    assert_eq!(plaintext, *framing.wrap(&probe(2)));
    script
}

#[test]
fn framing_is_switched_off_where_the_client_can() {
    let peer = "IV_VER=2.4.12\nIV_COMP_STUBv2=1\n";
    assert_framed(COMP_LZO, Some(peer), Framing::StubV2);
}

#[test]
fn framing_is_kept_without_compression_where_it_cannot() {
    assert_framed(COMP_LZO, None, Framing::CompLzoNo);
}

#[test]
fn a_client_that_frames_without_saying_so_is_answered_in_kind() {
    assert_framed(OPTIONS_CBC, None, Framing::CompLzoNo);
    assert_framed(OPTIONS_CBC, None, Framing::Stub);
}

#[test]
fn compressed_packets_are_dropped() {
    let mut script = Script::new();
    let connected = script.connect(COMP_LZO, None);
    let mut channel = connected.channel(KeyId::FIRST, Cipher::Aes256Cbc, Auth::Sha256);
    script.send_data(&mut channel, &[&[0x66][..], &answer_to(1)].concat());
    assert!(script.packets().is_empty());
    assert_eq!(script.down(), None);
}

#[test]
fn the_push_says_which_framing() {
    let mut script = Script::new();
    let stub = script.connect(COMP_LZO, Some("IV_VER=2.4.12\nIV_COMP_STUBv2=1\n"));
    assert!(stub.push.compress_stub_v2 && !stub.push.comp_lzo_no);
    let lzo = Script::new().connect(COMP_LZO, None);
    assert!(lzo.push.comp_lzo_no && !lzo.push.compress_stub_v2);
    let none = Script::new().connect(OPTIONS_CBC, None);
    assert!(!none.push.comp_lzo_no && !none.push.compress_stub_v2);
}
