use aws_lc_rs::aead::{Aad, Algorithm, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

use super::channel::{DataError, Header};
use crate::keys::DirectionKeys;

const PACKET_ID_LEN: usize = 4;
const TAG_LEN: usize = 16;
const IMPLICIT_IV_LEN: usize = NONCE_LEN - PACKET_ID_LEN;

/// One direction under an AEAD cipher.
///
/// ```text
/// packet = header || packet id || tag [16] || ciphertext
/// nonce  = packet id || implicit IV [8]            additional data = header (DATA_V2 only) || packet id
/// ```
pub(super) struct AeadKey {
    key: LessSafeKey,
    implicit_iv: [u8; IMPLICIT_IV_LEN],
}

impl AeadKey {
    pub(super) fn new(algorithm: &'static Algorithm, keys: DirectionKeys<'_>) -> Self {
        let implicit_iv = *keys
            .hmac
            .first_chunk()
            .expect("the slot is longer than an IV");
        Self {
            key: expand(algorithm, &keys.cipher[..algorithm.key_len()]),
            implicit_iv,
        }
    }

    pub(super) fn seal(&self, header: Header, packet_id: u32, plaintext: &[u8], out: &mut Vec<u8>) {
        let start = out.len();
        let tag_start = header.len() + PACKET_ID_LEN;
        let text_start = tag_start + TAG_LEN;
        out.reserve(text_start + plaintext.len());
        out.extend_from_slice(header.as_slice());
        out.extend_from_slice(&packet_id.to_be_bytes());
        out.extend_from_slice(&[0; TAG_LEN]);
        out.extend_from_slice(plaintext);
        let (head, text) = out[start..].split_at_mut(text_start);
        let aad = Aad::from(&head[header.unauthenticated()..tag_start]);
        let tag = self
            .key
            .seal_in_place_separate_tag(self.nonce(packet_id), aad, text)
            .expect("a packet is far shorter than what the cipher can seal");
        head[tag_start..].copy_from_slice(tag.as_ref());
    }

    pub(super) fn open(&self, header: Header, packet: &[u8]) -> Result<(u32, Vec<u8>), DataError> {
        let tag_start = header.len() + PACKET_ID_LEN;
        let (head, text) = packet
            .split_at_checked(tag_start + TAG_LEN)
            .ok_or(DataError::TooShort(packet.len()))?;
        let (authenticated, tag) = head.split_at(tag_start);
        let packet_id =
            u32::from_be_bytes(*authenticated.last_chunk().expect("the packet id ends it"));
        let aad = Aad::from(&authenticated[header.unauthenticated()..]);
        let mut plaintext = text.to_vec();
        self.key
            .open_in_place_separate_tag(self.nonce(packet_id), aad, tag, &mut plaintext)
            .map_err(|_| DataError::Unauthenticated)?;
        Ok((packet_id, plaintext))
    }

    fn nonce(&self, packet_id: u32) -> Nonce {
        let mut nonce = [0; NONCE_LEN];
        nonce[..PACKET_ID_LEN].copy_from_slice(&packet_id.to_be_bytes());
        nonce[PACKET_ID_LEN..].copy_from_slice(&self.implicit_iv);
        Nonce::assume_unique_for_key(nonce)
    }
}

/// `key` must have the length the algorithm asks for.
pub(super) fn expand(algorithm: &'static Algorithm, key: &[u8]) -> LessSafeKey {
    LessSafeKey::new(UnboundKey::new(algorithm, key).expect("the key has the cipher's length"))
}
