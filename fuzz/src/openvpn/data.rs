//! Data packets.

use std::array;

use hmac::{Hmac, KeyInit, Mac};
use holdfast_ovpn_proto::{
    data::{Auth, Cipher, DataChannel, DataError, Framing, Payload},
    icmp::{Echo, reply_to},
    keys::{KeyMaterial, Role},
    wire::KeyId,
};
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use sha2::Sha256;

use super::input::Input;

const FRAMINGS: [Framing; 4] = [
    Framing::None,
    Framing::CompLzoNo,
    Framing::Stub,
    Framing::StubV2,
];

/// Opens arbitrary bytes, which must fail; seals arbitrary bytes, which must open again, and only once, and
/// not when they are changed; reads arbitrary plaintext.
pub fn data(data: &[u8]) {
    let mut input = Input::new(data);
    let (Some(cipher), Some(auth), Some(key), Some(framing)) = (
        input.choose(&Cipher::ALL),
        input.choose(&Auth::ALL),
        input.byte(),
        input.choose(&FRAMINGS),
    ) else {
        return;
    };
    let Some(damage) = input.number() else {
        return;
    };
    let bytes = input.rest();
    let ends = Ends::new(cipher, auth, KeyId::new(key));
    ends.open_forged(bytes);
    if !cipher.is_aead() && auth == Auth::Sha256 {
        ends.open_authentic_but_malformed(bytes);
    }
    ends.seal_and_open(bytes, damage.into());
    read(framing, bytes);
}

/// Both ends of a data channel.
struct Ends {
    material: KeyMaterial,
    cipher: Cipher,
    auth: Auth,
    key: KeyId,
    peer_id: Option<u32>,
}

impl Ends {
    fn new(cipher: Cipher, auth: Auth, key: KeyId) -> Self {
        Self {
            material: KeyMaterial::from_export(array::from_fn(|index| index as u8)),
            cipher,
            auth,
            key,
            peer_id: key.get().is_multiple_of(2).then_some(7),
        }
    }

    fn channel(&self, own: Role) -> DataChannel {
        DataChannel::new(
            self.cipher,
            self.auth,
            &self.material,
            own,
            self.key,
            self.peer_id,
        )
    }

    fn open_forged(&self, packet: &[u8]) {
        assert!(self.channel(Role::Server).open(packet).is_err());
    }

    /// What only the peer itself could send: a right HMAC over anything.
    fn open_authentic_but_malformed(&self, sealed: &[u8]) {
        let keys = self.material.direction(Role::Client);
        let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(&keys.hmac[..32])
            .expect("HMAC takes a key of any length");
        mac.update(sealed);
        let packet = [
            &[6 << 3 | self.key.get()][..],
            &mac.finalize().into_bytes(),
            sealed,
        ]
        .concat();
        let opened = self.channel(Role::Server).open(&packet);
        assert_ne!(opened, Err(DataError::Unauthenticated));
    }

    fn seal_and_open(&self, plaintext: &[u8], damage: usize) {
        let mut packet = Vec::new();
        self.channel(Role::Client)
            .seal(plaintext, &mut ChaCha8Rng::seed_from_u64(1), &mut packet)
            .expect("there are packet ids left");
        let mut server = self.channel(Role::Server);
        assert_eq!(server.open(&packet).as_deref(), Ok(plaintext));
        assert!(server.open(&packet).is_err(), "opened twice");
        // The headers of CBC packets and the one byte of DATA_V1 are not authenticated.
        let header = if self.peer_id.is_some() { 4 } else { 1 };
        let bit = damage % ((packet.len() - header) * 8);
        packet[header + bit / 8] ^= 1 << (bit % 8);
        assert!(self.channel(Role::Server).open(&packet).is_err(), "damaged");
    }
}

fn read(framing: Framing, bytes: &[u8]) {
    assert_eq!(framing.unwrap(&framing.wrap(bytes)).as_deref(), Some(bytes));
    let Some(plaintext) = framing.unwrap(bytes) else {
        return;
    };
    if let Payload::Ip(ip) = Payload::classify(&plaintext) {
        assert!(plaintext.starts_with(ip));
        if let Some(reply) = reply_to(ip) {
            let asked = Echo::parse(ip).expect("it was answered");
            let answered = Echo::parse(&reply).expect("our own is sound");
            assert_eq!((asked.id, asked.sequence), (answered.id, answered.sequence));
        }
    }
}
