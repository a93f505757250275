//! Epoch data keys of OpenVPN 2.7: a chain of keys derived from one negotiation.
//!
//! ```text
//! packet = header [4] || epoch u16 || counter u48 || ciphertext || tag [16]         DATA_V2 only
//! nonce  = (epoch || counter || 0 u32) xor IV        additional data = header || epoch || counter
//! ```
//!
//! The controller does not push `aead-epoch` yet, so no session uses these; the functions are complete
//! and checked against a recorded session.

use std::fmt;

use aws_lc_rs::aead::{Aad, LessSafeKey, NONCE_LEN, Nonce};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::{Cipher, DataError, aead};
use crate::{
    keys::DirectionKeys,
    wire::{KeyId, packet::data_v2_header},
};

const HEADER_LEN: usize = 4;
const COUNTER_LEN: usize = 8;
const TAG_LEN: usize = 16;

/// The secret of one epoch and direction.
pub struct EpochSecret {
    epoch: u16,
    secret: Zeroizing<[u8; 32]>,
}

impl EpochSecret {
    /// The secret of epoch 1, which comes straight from the negotiation.
    pub fn first(keys: DirectionKeys<'_>) -> Self {
        let secret = Zeroizing::new(
            *keys
                .cipher
                .first_chunk()
                .expect("the slot is longer than a secret"),
        );
        Self { epoch: 1, secret }
    }

    /// The secret of the epoch after this one; `None` after the last.
    pub fn next(&self) -> Option<Self> {
        let mut secret = Zeroizing::new([0; 32]);
        expand_label(&self.secret, "datakey upd", &mut *secret);
        Some(Self {
            epoch: self.epoch.checked_add(1)?,
            secret,
        })
    }

    /// What seals and opens the packets of this epoch; `None` for a CBC cipher.
    pub fn key(&self, cipher: Cipher) -> Option<EpochKey> {
        let algorithm = cipher.aead()?;
        let mut key = Zeroizing::new([0; 32]);
        let key = &mut key[..cipher.key_len()];
        expand_label(&self.secret, "data_key", key);
        let mut iv = [0; NONCE_LEN];
        expand_label(&self.secret, "data_iv", &mut iv);
        Some(EpochKey {
            epoch: self.epoch,
            key: aead::expand(algorithm, key),
            iv,
        })
    }
}

impl fmt::Debug for EpochSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EpochSecret({}, ..)", self.epoch)
    }
}

/// Seals and opens the packets of one epoch and direction. Counting and the replay rule are the
/// caller's.
pub struct EpochKey {
    epoch: u16,
    key: LessSafeKey,
    iv: [u8; NONCE_LEN],
}

impl EpochKey {
    /// Appends the packet that carries `plaintext` to `out`. The counter starts at 1 in each epoch, must
    /// not repeat, and has 48 bits.
    pub fn seal(
        &self,
        key_id: KeyId,
        peer_id: u32,
        counter: u64,
        plaintext: &[u8],
        out: &mut Vec<u8>,
    ) {
        let start = out.len();
        let text_start = HEADER_LEN + COUNTER_LEN;
        out.extend_from_slice(&data_v2_header(key_id, peer_id));
        out.extend_from_slice(&numbering(self.epoch, counter));
        out.extend_from_slice(plaintext);
        let (head, text) = out[start..].split_at_mut(text_start);
        let nonce = self.nonce(numbering(self.epoch, counter));
        let tag = self
            .key
            .seal_in_place_separate_tag(nonce, Aad::from(&*head), text)
            .expect("a packet is far shorter than what the cipher can seal");
        out.extend_from_slice(tag.as_ref());
    }

    /// The counter and the plaintext of a whole `DATA_V2` packet.
    ///
    /// # Errors
    /// The packet is too short, of another epoch, or not sealed with this key.
    pub fn open(&self, packet: &[u8]) -> Result<(u64, Vec<u8>), DataError> {
        let too_short = DataError::TooShort(packet.len());
        let (head, sealed) = packet
            .split_first_chunk::<{ HEADER_LEN + COUNTER_LEN }>()
            .ok_or(too_short)?;
        if sealed.len() < TAG_LEN {
            return Err(too_short);
        }
        let numbering = *head.last_chunk().expect("the numbers end the header");
        let mut text = sealed.to_vec();
        let plaintext_len = self
            .key
            .open_in_place(self.nonce(numbering), Aad::from(head), &mut text)
            .map_err(|_| DataError::Unauthenticated)?
            .len();
        text.truncate(plaintext_len);
        Ok((u64::from_be_bytes(numbering) & COUNTER_MASK, text))
    }

    fn nonce(&self, numbering: [u8; COUNTER_LEN]) -> Nonce {
        let mut nonce = self.iv;
        nonce
            .iter_mut()
            .zip(numbering)
            .for_each(|(byte, mask)| *byte ^= mask);
        Nonce::assume_unique_for_key(nonce)
    }
}

impl fmt::Debug for EpochKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EpochKey({}, ..)", self.epoch)
    }
}

/// The epoch a packet claims, which says the key to open it with; `None` when it is too short.
pub fn epoch_of(packet: &[u8]) -> Option<u16> {
    packet
        .get(HEADER_LEN..)?
        .first_chunk()
        .map(|epoch| u16::from_be_bytes(*epoch))
}

const COUNTER_MASK: u64 = (1 << 48) - 1;

/// Epoch and counter as they stand in the packet.
fn numbering(epoch: u16, counter: u64) -> [u8; COUNTER_LEN] {
    (u64::from(epoch) << 48 | counter & COUNTER_MASK).to_be_bytes()
}

/// HKDF-Expand (RFC 5869) with SHA-256 and OpenVPN's label around it. `out` is at most one digest long,
/// so that the first block is all there is.
fn expand_label(secret: &[u8; 32], label: &str, out: &mut [u8]) {
    const FIRST_BLOCK: u8 = 1;
    const NO_CONTEXT: u8 = 0;
    let label = ["ovpn ", label].concat();
    let lengths = [0, out.len() as u8, label.len() as u8];
    let block = <Hmac<Sha256> as KeyInit>::new_from_slice(secret)
        .expect("HMAC takes a key of any length")
        .chain_update(lengths)
        .chain_update(label)
        .chain_update([NO_CONTEXT, FIRST_BLOCK])
        .finalize()
        .into_bytes();
    out.copy_from_slice(&block[..out.len()]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::{KeyMaterial, Role};

    fn key() -> EpochKey {
        let material = KeyMaterial::from_export([3; 256]);
        EpochSecret::first(material.direction(Role::Client))
            .key(Cipher::Aes256Gcm)
            .unwrap()
    }

    #[test]
    fn epoch_and_counter_come_out_of_the_packet() {
        let mut packet = Vec::new();
        key().seal(KeyId::FIRST, 7, COUNTER_MASK, b"text", &mut packet);
        assert_eq!(epoch_of(&packet), Some(1));
        assert_eq!(key().open(&packet), Ok((COUNTER_MASK, b"text".to_vec())));
    }

    #[test]
    fn every_flipped_bit_is_refused() {
        let mut packet = Vec::new();
        key().seal(KeyId::FIRST, 7, 1, b"text", &mut packet);
        for bit in 0..packet.len() * 8 {
            let mut damaged = packet.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(
                key().open(&damaged),
                Err(DataError::Unauthenticated),
                "bit {bit}"
            );
        }
        for length in 0..HEADER_LEN + COUNTER_LEN + TAG_LEN {
            assert_eq!(
                key().open(&packet[..length]),
                Err(DataError::TooShort(length))
            );
        }
    }

    #[test]
    fn a_cbc_cipher_has_no_epochs_and_the_last_epoch_no_next() {
        let secret = EpochSecret {
            epoch: u16::MAX,
            secret: Zeroizing::new([1; 32]),
        };
        assert!(secret.key(Cipher::Aes256Cbc).is_none());
        assert!(secret.next().is_none());
    }
}
