//! Properties of codec and data channel over arbitrary inputs.

use aes_gcm::{
    Aes128Gcm, Aes256Gcm, KeyInit,
    aead::{Aead, Payload as Sealed},
};
use holdfast_ovpn_proto::{
    data::{Auth, Cipher, DataChannel, DataError, Framing, Payload, epoch::EpochSecret},
    keys::{KeyMaterial, Role},
    wire::{
        Acks, Control, ControlOpcode, Deframer, KeyId, KeyMethod2, KeySource, OccOptions, Packet,
        PeerInfo, PushReader, PushUpdateReader, SessionId, Text, write_frame,
    },
};
use proptest::{collection::vec, prelude::*, sample::select};
use rand_chacha::{ChaCha12Rng, rand_core::SeedableRng};

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn control_packets_survive_encoding(parts in control_parts(), payload in vec(any::<u8>(), 0..64)) {
        let control = parts.control(&payload);
        let mut bytes = Vec::new();
        control.encode(&mut bytes);
        prop_assert_eq!(Packet::decode(&bytes), Ok(Packet::Control(control)));
    }

    #[test]
    fn frames_survive_any_segmentation(
        packets in vec(vec(any::<u8>(), 1..300), 0..8),
        cuts in vec(1_usize..400, 1..20),
    ) {
        let mut stream = Vec::new();
        packets.iter().for_each(|packet| write_frame(&mut stream, packet));
        let mut deframer = Deframer::default();
        let mut out = Vec::new();
        let mut rest = &stream[..];
        for cut in cuts.iter().cycle() {
            let (segment, tail) = rest.split_at((*cut).min(rest.len()));
            rest = tail;
            deframer.extend(segment);
            while let Some(packet) = deframer.next_frame().unwrap() {
                out.push(packet);
            }
            if rest.is_empty() {
                break;
            }
        }
        prop_assert_eq!(out, packets);
        prop_assert_eq!(deframer.buffered(), 0);
    }

    #[test]
    fn key_method_messages_survive_encoding(
        pre_master in proptest::option::of(any::<[u8; 32]>()),
        random1: [u8; 32],
        random2: [u8; 32],
        (options, username, password) in ("[ -~]{1,200}", "[ -~äß]{0,60}", "[^\0]{0,60}"),
        peer_info in proptest::option::of("[ -~\n]{1,300}"),
    ) {
        let is_client = pre_master.is_some();
        let pre_master = pre_master.map(|half| std::array::from_fn(|index| half[index % 32]));
        let message = KeyMethod2 {
            source: KeySource { pre_master, random1, random2 },
            options,
            username,
            password: password.into(),
            peer_info: if is_client { peer_info } else { Some(peer_info.unwrap_or_default()) },
        };
        let mut bytes = Vec::new();
        message.encode(&mut bytes);
        let decode = if is_client { KeyMethod2::decode_client } else { KeyMethod2::decode_server };
        prop_assert_eq!(decode(&bytes), Ok(Some((message, bytes.len()))));
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in vec(any::<u8>(), 0..300)) {
        if let Ok(Packet::Control(control)) = Packet::decode(&bytes) {
            control.encode(&mut Vec::new());
        }
        // The head of a genuine message makes the fields behind it reachable.
        let login = [&[0, 0, 0, 0, 2], &[0; 112][..], &bytes].concat();
        let _ = KeyMethod2::decode_client(&bytes);
        let _ = KeyMethod2::decode_client(&login);
        let _ = KeyMethod2::decode_server(&login);
        let _ = Text::parse(&bytes);
        let _ = Payload::classify(&bytes);
        let mut deframer = Deframer::default();
        deframer.extend(&bytes);
        while let Ok(Some(_)) = deframer.next_frame() {}
    }

    #[test]
    fn arbitrary_texts_never_panic(text in "(route |ifconfig |ping |-|\\?|push-continuation 2|[0-9.]{1,9}| |,|\n|IV_PROTO=|IV_CIPHERS=|\\PC){0,40}") {
        let _ = PushReader::default().push(&text);
        let _ = PushUpdateReader::default().push(&text, [10, 0, 0, 1].into());
        OccOptions::parse(&text);
        let info = PeerInfo::parse(Some(&text));
        prop_assert_eq!(PeerInfo::parse(Some(&info.render())), info);
    }

    #[test]
    fn what_is_sealed_opens_once_under_every_cipher(setup in setup(), plaintext in vec(any::<u8>(), 0..1600)) {
        for setup in setup.under_every_cipher() {
            let (mut sender, mut receiver) = setup.channels();
            for packet_id in 1..=2 {
                let packet = setup.seal(&mut sender, &plaintext);
                prop_assert_eq!(receiver.open(&packet), Ok(plaintext.clone()));
                prop_assert_eq!(receiver.open(&packet), Err(DataError::Replayed { packet_id, last: packet_id }));
            }
        }
    }

    #[test]
    fn a_flipped_bit_is_refused(setup in setup(), plaintext in vec(any::<u8>(), 0..100), position: prop::sample::Index, bit in 0_u32..8) {
        let (mut sender, mut receiver) = setup.channels();
        let packet = setup.seal(&mut sender, &plaintext);
        let mut damaged = packet.clone();
        // The opcode byte of DATA_V1 and the header under HMAC are not authenticated.
        let authenticated_from = match (setup.cipher.is_aead(), setup.peer_id) {
            (true, Some(_)) => 0,
            (false, Some(_)) => 4,
            (_, None) => 1,
        };
        let index = authenticated_from + position.index(packet.len() - authenticated_from);
        damaged[index] ^= 1_u8 << bit;
        prop_assert!(receiver.open(&damaged).is_err());
        prop_assert_eq!(receiver.open(&packet), Ok(plaintext), "the genuine packet still opens");
    }

    #[test]
    fn arbitrary_packets_never_open(setup in setup(), mut packet in vec(any::<u8>(), 1..200), v2: bool) {
        packet[0] = if v2 { 9 << 3 } else { 6 << 3 };
        prop_assert!(setup.channels().1.open(&packet).is_err());
        let key = EpochSecret::first(setup.keys().direction(Role::Client)).key(Cipher::Aes128Gcm).unwrap();
        prop_assert!(key.open(&packet).is_err());
    }

    #[test]
    fn a_second_implementation_of_gcm_opens_our_packets(
        material in any::<[u8; 32]>(),
        wide: bool,
        peer_id in peer_id(),
        plaintext in vec(any::<u8>(), 0..300),
    ) {
        let cipher = if wide { Cipher::Aes256Gcm } else { Cipher::Aes128Gcm };
        let setup = Setup { cipher, auth: Auth::Sha1, peer_id, sender: Role::Client, material };
        let packet = setup.seal(&mut setup.channels().0, &plaintext);
        let header_len = if peer_id.is_some() { 4 } else { 1 };
        let (head, ciphertext) = packet.split_at(header_len + 4 + 16);
        let (authenticated, tag) = head.split_at(header_len + 4);
        let keys = setup.keys();
        let keys = keys.direction(Role::Client);
        let nonce: [u8; 12] = [&authenticated[header_len..], &keys.hmac[..8]].concat().try_into().unwrap();
        let msg = [ciphertext, tag].concat();
        let aad = if peer_id.is_some() { authenticated } else { &authenticated[1..] };
        let sealed = Sealed { msg: &msg, aad };
        let opened = match wide {
            true => Aes256Gcm::new_from_slice(&keys.cipher[..32]).unwrap().decrypt(&nonce.into(), sealed),
            false => Aes128Gcm::new_from_slice(&keys.cipher[..16]).unwrap().decrypt(&nonce.into(), sealed),
        };
        prop_assert_eq!(opened.unwrap(), plaintext);
    }

    #[test]
    fn framing_comes_off_as_it_went_on(
        framing in select(vec![Framing::None, Framing::CompLzoNo, Framing::Stub, Framing::StubV2]),
        first in select(vec![0x00, 0x45, 0x50, 0xfa, 0xfb]),
        mut packet in vec(any::<u8>(), 0..40),
    ) {
        if let Some(byte) = packet.first_mut() {
            *byte = first;
        }
        prop_assert_eq!(framing.unwrap(&framing.wrap(&packet)).unwrap().into_owned(), packet);
    }
}

/// A control packet without its payload.
#[derive(Debug, Clone)]
struct ControlParts {
    opcode: ControlOpcode,
    key_id: u8,
    session_id: [u8; 8],
    remote: [u8; 8],
    acks: Vec<u32>,
    packet_id: u32,
}

impl ControlParts {
    fn control<'a>(&self, payload: &'a [u8]) -> Control<'a> {
        let (packet_id, payload) = match self.opcode {
            ControlOpcode::AckV1 => (None, &[][..]),
            ControlOpcode::HardResetClientV2 | ControlOpcode::HardResetServerV2 => {
                (Some(self.packet_id), &[][..])
            }
            ControlOpcode::SoftResetV1 | ControlOpcode::ControlV1 => {
                (Some(self.packet_id), payload)
            }
        };
        Control {
            opcode: self.opcode,
            key_id: KeyId::new(self.key_id),
            session_id: SessionId(self.session_id),
            acks: Acks::from_slice(&self.acks).unwrap(),
            remote_session_id: (!self.acks.is_empty()).then_some(SessionId(self.remote)),
            packet_id,
            payload,
        }
    }
}

fn control_parts() -> impl Strategy<Value = ControlParts> {
    let opcodes = select(vec![
        ControlOpcode::HardResetClientV2,
        ControlOpcode::HardResetServerV2,
        ControlOpcode::SoftResetV1,
        ControlOpcode::ControlV1,
        ControlOpcode::AckV1,
    ]);
    let session_id = any::<[u8; 8]>().prop_filter("zero is not a session id", |id| *id != [0; 8]);
    (
        opcodes,
        0_u8..8,
        session_id,
        any::<[u8; 8]>(),
        vec(any::<u32>(), 0..=8),
        any::<u32>(),
    )
        .prop_map(
            |(opcode, key_id, session_id, remote, acks, packet_id)| ControlParts {
                opcode,
                key_id,
                session_id,
                remote,
                acks,
                packet_id,
            },
        )
}

/// Everything that two ends of a data channel agree on.
#[derive(Debug, Clone)]
struct Setup {
    cipher: Cipher,
    auth: Auth,
    peer_id: Option<u32>,
    sender: Role,
    material: [u8; 32],
}

impl Setup {
    fn keys(&self) -> KeyMaterial {
        KeyMaterial::from_export(std::array::from_fn(|index| {
            self.material[index % 32].wrapping_add(index as u8)
        }))
    }

    /// The same with each cipher, each digest and both packet formats.
    fn under_every_cipher(&self) -> impl Iterator<Item = Self> {
        let peer_ids = [None, Some(self.peer_id.unwrap_or(7))];
        Cipher::ALL.into_iter().flat_map(move |cipher| {
            Auth::ALL.into_iter().flat_map(move |auth| {
                peer_ids.map(|peer_id| Self {
                    cipher,
                    auth,
                    peer_id,
                    ..self.clone()
                })
            })
        })
    }

    /// The sender's end and the receiver's.
    fn channels(&self) -> (DataChannel, DataChannel) {
        let channel = |own| {
            DataChannel::new(
                self.cipher,
                self.auth,
                &self.keys(),
                own,
                KeyId::FIRST,
                self.peer_id,
            )
        };
        (channel(self.sender), channel(self.sender.peer()))
    }

    fn seal(&self, sender: &mut DataChannel, plaintext: &[u8]) -> Vec<u8> {
        let mut packet = Vec::new();
        sender
            .seal(
                plaintext,
                &mut ChaCha12Rng::from_seed(self.material),
                &mut packet,
            )
            .unwrap();
        packet
    }
}

fn setup() -> impl Strategy<Value = Setup> {
    let sender = select(vec![Role::Client, Role::Server]);
    (
        select(Cipher::ALL.to_vec()),
        select(Auth::ALL.to_vec()),
        peer_id(),
        sender,
        any::<[u8; 32]>(),
    )
        .prop_map(|(cipher, auth, peer_id, sender, material)| Setup {
            cipher,
            auth,
            peer_id,
            sender,
            material,
        })
}

fn peer_id() -> impl Strategy<Value = Option<u32>> {
    proptest::option::of(0_u32..0xff_ffff)
}
