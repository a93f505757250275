use rand_core::Rng;

use super::{
    aead::AeadKey,
    cbc::CbcKeys,
    cipher::{Auth, Cipher},
};
use crate::{
    keys::{DirectionKeys, KeyMaterial, Role},
    wire::{
        KeyId, Packet,
        packet::{data_v1_header, data_v2_header},
    },
};

/// Both directions of one negotiated key.
///
/// Own packets count from 1 without gaps: never drop a packet after sealing it, since some peers insist
/// on every number. The peer's must count strictly up, which on TCP no honest peer violates.
pub struct DataChannel {
    key_id: KeyId,
    header: Header,
    sealing: DirectionCipher,
    opening: DirectionCipher,
    /// Packet id of the packet sealed last; 0 before the first.
    sealed: u32,
    /// Packet id of the packet opened last; 0 before the first.
    opened: u32,
}

impl DataChannel {
    /// The channel of side `own`. With a `peer_id` it sends `DATA_V2`, else `DATA_V1`; it opens both.
    /// `auth` matters for CBC ciphers only.
    pub fn new(
        cipher: Cipher,
        auth: Auth,
        keys: &KeyMaterial,
        own: Role,
        key_id: KeyId,
        peer_id: Option<u32>,
    ) -> Self {
        let header = match peer_id {
            None => Header::V1(data_v1_header(key_id)),
            Some(peer_id) => Header::V2(data_v2_header(key_id, peer_id)),
        };
        Self {
            key_id,
            header,
            sealing: DirectionCipher::new(cipher, auth, keys.direction(own)),
            opening: DirectionCipher::new(cipher, auth, keys.direction(own.peer())),
            sealed: 0,
            opened: 0,
        }
    }

    /// Appends the packet that carries `plaintext` to `out`. `rng` draws the IV of CBC ciphers
    /// and must be unpredictable.
    ///
    /// # Errors
    /// [`DataError::PacketIdsExhausted`] after 2^32 - 1 packets; nothing is appended. Negotiate a new key
    /// long before, see [`packets_sealed`](Self::packets_sealed).
    pub fn seal(
        &mut self,
        plaintext: &[u8],
        rng: &mut (impl Rng + ?Sized),
        out: &mut Vec<u8>,
    ) -> Result<(), DataError> {
        let packet_id = self
            .sealed
            .checked_add(1)
            .ok_or(DataError::PacketIdsExhausted)?;
        match &self.sealing {
            DirectionCipher::Aead(key) => key.seal(self.header, packet_id, plaintext, out),
            DirectionCipher::Cbc(keys) => keys.seal(self.header, packet_id, plaintext, rng, out),
        }
        self.sealed = packet_id;
        Ok(())
    }

    /// The plaintext of a whole data packet, header included.
    ///
    /// The peer id in the header is not compared with the pushed one: the connection already says who
    /// the peer is.
    ///
    /// # Errors
    /// The packet is not the peer's next one under this key. Except for [`DataError::WrongKey`], close
    /// the connection.
    pub fn open(&mut self, packet: &[u8]) -> Result<Vec<u8>, DataError> {
        let (packet_id, plaintext) = match (Header::of(packet, self.key_id)?, &self.opening) {
            (header, DirectionCipher::Aead(key)) => key.open(header, packet)?,
            (header, DirectionCipher::Cbc(keys)) => keys.open(header, packet)?,
        };
        if packet_id <= self.opened {
            return Err(DataError::Replayed {
                packet_id,
                last: self.opened,
            });
        }
        self.opened = packet_id;
        Ok(plaintext)
    }

    /// How many packets this side has sent under the key.
    pub fn packets_sealed(&self) -> u32 {
        self.sealed
    }
}

impl std::fmt::Debug for DataChannel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DataChannel")
            .field("key_id", &self.key_id)
            .field("sealed", &self.sealed)
            .field("opened", &self.opened)
            .finish_non_exhaustive()
    }
}

/// Why a data packet cannot be sealed or opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DataError {
    /// 2^32 - 1 packets have been sealed under this key.
    #[error("no packet ids are left under this key")]
    PacketIdsExhausted,
    /// Not a data packet at all.
    #[error("not a data packet")]
    NotData,
    /// Sealed with another key of the session.
    #[error("packet belongs to key {}", .0.get())]
    WrongKey(KeyId),
    /// Shorter than the smallest sealed packet.
    #[error("packet of {0} bytes is too short")]
    TooShort(usize),
    /// Not sealed by the peer, or damaged.
    #[error("packet fails authentication")]
    Unauthenticated,
    /// Authentic, but not what the format prescribes; only the peer itself can have sent it.
    #[error("packet is malformed under its seal")]
    Malformed,
    /// Packet id not above the last one, or 0.
    #[error("packet id {packet_id} after {last}")]
    Replayed {
        /// Of the refused packet.
        packet_id: u32,
        /// Of the last packet accepted.
        last: u32,
    },
}

/// One direction of the data channel.
///
/// The AEAD key lives expanded in about 600 bytes of heap; a CBC key is kept raw and expanded for each
/// packet, because cipher and HMAC state would be ten times as large and only old routers use it.
enum DirectionCipher {
    Aead(AeadKey),
    Cbc(CbcKeys),
}

impl DirectionCipher {
    fn new(cipher: Cipher, auth: Auth, keys: DirectionKeys<'_>) -> Self {
        match cipher.aead() {
            Some(algorithm) => Self::Aead(AeadKey::new(algorithm, keys)),
            None => Self::Cbc(CbcKeys::new(cipher, auth, keys)),
        }
    }
}

/// The header of a data packet.
#[derive(Debug, Clone, Copy)]
pub(super) enum Header {
    V1(u8),
    V2([u8; 4]),
}

impl Header {
    /// The header of `packet`, which must belong to `key_id`.
    fn of(packet: &[u8], key_id: KeyId) -> Result<Self, DataError> {
        let Ok(Packet::Data(data)) = Packet::decode(packet) else {
            return Err(DataError::NotData);
        };
        if data.key_id != key_id {
            return Err(DataError::WrongKey(data.key_id));
        }
        Ok(match data.peer_id {
            None => Self::V1(data_v1_header(key_id)),
            Some(peer_id) => Self::V2(data_v2_header(key_id, peer_id)),
        })
    }

    pub(super) fn as_slice(&self) -> &[u8] {
        match self {
            Self::V1(byte) => std::slice::from_ref(byte),
            Self::V2(bytes) => bytes,
        }
    }

    /// How many bytes at the front of the header an AEAD seal leaves out: the one byte of `DATA_V1` is
    /// not authenticated.
    pub(super) const fn unauthenticated(self) -> usize {
        match self {
            Self::V1(_) => 1,
            Self::V2(_) => 0,
        }
    }

    pub(super) const fn len(self) -> usize {
        match self {
            Self::V1(_) => 1,
            Self::V2(_) => 4,
        }
    }
}

#[cfg(test)]
mod tests {
    use rand_chacha::{ChaCha12Rng, rand_core::SeedableRng};

    use super::*;

    /// A client and a server with the same keys.
    fn pair(cipher: Cipher) -> (DataChannel, DataChannel) {
        let mut bytes = [0; 256];
        bytes
            .iter_mut()
            .enumerate()
            .for_each(|(index, byte)| *byte = index as u8);
        let keys = KeyMaterial::from_export(bytes);
        let channel =
            |own| DataChannel::new(cipher, Auth::Sha256, &keys, own, KeyId::FIRST, Some(7));
        (channel(Role::Client), channel(Role::Server))
    }

    fn seal(channel: &mut DataChannel, plaintext: &[u8]) -> Vec<u8> {
        let mut packet = Vec::new();
        channel
            .seal(plaintext, &mut ChaCha12Rng::seed_from_u64(1), &mut packet)
            .unwrap();
        packet
    }

    #[test]
    fn packet_ids_start_at_one_and_are_counted() {
        let (mut client, _) = pair(Cipher::Aes256Gcm);
        assert_eq!(client.packets_sealed(), 0);
        assert_eq!(seal(&mut client, b"x")[4..8], [0, 0, 0, 1]);
        assert_eq!(seal(&mut client, b"x")[4..8], [0, 0, 0, 2]);
        assert_eq!(client.packets_sealed(), 2);
    }

    #[test]
    fn repeated_and_older_packets_are_refused_and_gaps_are_not() {
        for cipher in [Cipher::Aes128Gcm, Cipher::Aes128Cbc] {
            let (mut client, mut server) = pair(cipher);
            let packets: Vec<_> = (0..3).map(|_| seal(&mut client, b"x")).collect();
            assert!(server.open(&packets[0]).is_ok());
            assert!(server.open(&packets[2]).is_ok());
            assert_eq!(
                server.open(&packets[2]),
                Err(DataError::Replayed {
                    packet_id: 3,
                    last: 3
                })
            );
            assert_eq!(
                server.open(&packets[1]),
                Err(DataError::Replayed {
                    packet_id: 2,
                    last: 3
                })
            );
        }
    }

    #[test]
    fn packet_id_zero_is_refused() {
        let (mut client, mut server) = pair(Cipher::Aes256Gcm);
        let DirectionCipher::Aead(key) = &client.sealing else {
            panic!("GCM is AEAD")
        };
        let mut packet = Vec::new();
        key.seal(client.header, 0, b"x", &mut packet);
        assert_eq!(
            server.open(&packet),
            Err(DataError::Replayed {
                packet_id: 0,
                last: 0
            })
        );
        assert!(server.open(&seal(&mut client, b"x")).is_ok());
    }

    #[test]
    fn a_forged_packet_does_not_move_the_replay_rule() {
        let (mut client, mut server) = pair(Cipher::Aes256Gcm);
        let mut forged = seal(&mut client, b"x");
        forged[4..8].fill(0xff);
        assert_eq!(server.open(&forged), Err(DataError::Unauthenticated));
        assert!(server.open(&seal(&mut client, b"x")).is_ok());
    }

    #[test]
    fn packet_ids_end_without_wrapping() {
        let (mut client, _) = pair(Cipher::Aes256Gcm);
        client.sealed = u32::MAX - 1;
        seal(&mut client, b"the last");
        let mut out = Vec::new();
        let result = client.seal(b"one more", &mut ChaCha12Rng::seed_from_u64(1), &mut out);
        assert_eq!((result, out.len()), (Err(DataError::PacketIdsExhausted), 0));
    }

    #[test]
    fn a_packet_of_another_key_is_named_and_a_reflected_one_refused() {
        let (mut client, mut server) = pair(Cipher::Aes256Gcm);
        let mut packet = seal(&mut client, b"x");
        assert_eq!(
            client.open(&packet),
            Err(DataError::Unauthenticated),
            "own packet sent back"
        );
        packet[0] |= 3;
        assert_eq!(
            server.open(&packet),
            Err(DataError::WrongKey(KeyId::new(3)))
        );
        assert_eq!(server.open(&[0x28; 30]), Err(DataError::NotData));
    }

    #[test]
    fn every_length_up_to_the_first_valid_one_is_too_short() {
        for (cipher, header) in [
            (Cipher::Chacha20Poly1305, 0x48),
            (Cipher::Aes192Cbc, 0x48),
            (Cipher::Aes192Cbc, 0x30),
        ] {
            let (_, mut server) = pair(cipher);
            let header_len = if header == 0x48 { 4 } else { 1 };
            let body = if cipher.is_aead() {
                4 + 16
            } else {
                32 + 16 + 16
            };
            for length in header_len..header_len + body {
                let packet = [&[header][..], &vec![0; length - 1]].concat();
                assert_eq!(server.open(&packet), Err(DataError::TooShort(length)));
            }
            let packet = [&[header][..], &vec![0; header_len + body - 1]].concat();
            assert_eq!(server.open(&packet), Err(DataError::Unauthenticated));
        }
    }
}
