//! Data keys: 256 bytes that both sides derive for each negotiated key, by OpenVPN's own derivation
//! (works with every client) or from the TLS session's exporter.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;
use sha1::Sha1;
use zeroize::Zeroizing;

use crate::wire::{KeySource, SessionId};

/// Label for the exporter of the TLS session; it is used without a context, which in TLS 1.2 is not the
/// same as an empty one.
pub const EXPORT_LABEL: &[u8] = b"EXPORTER-OpenVPN-datakeys";

/// One of the two sides of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Dials, and is the TLS client of every negotiation.
    Client,
    /// Listens.
    Server,
}

impl Role {
    /// The other side.
    #[must_use]
    pub const fn peer(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }
}

/// The 256 bytes, wiped when dropped.
///
/// ```text
/// 0..64 cipher key, client to server      128..192 cipher key, server to client
/// 64..128 HMAC key or implicit IV, same   192..256 HMAC key or implicit IV, same
/// ```
pub struct KeyMaterial(Zeroizing<[u8; 256]>);

impl KeyMaterial {
    /// OpenVPN's own derivation, from both shares and the session ids of the control packets. A share
    /// without a pre-master secret in the client's place counts as one of zeros, which no peer agrees
    /// with.
    pub fn from_prf(
        client: &KeySource,
        server: &KeySource,
        client_sid: SessionId,
        server_sid: SessionId,
    ) -> Self {
        let pre_master = Zeroizing::new(client.pre_master.unwrap_or([0; 48]));
        let mut master = Zeroizing::new([0; 48]);
        let seed = [
            &b"OpenVPN master secret"[..],
            &client.random1,
            &server.random1,
        ];
        prf(&*pre_master, &seed, &mut *master);
        let mut material = Zeroizing::new([0; 256]);
        let seed = [
            &b"OpenVPN key expansion"[..],
            &client.random2,
            &server.random2,
            &client_sid.0,
            &server_sid.0,
        ];
        prf(&*master, &seed, &mut *material);
        Self(material)
    }

    /// What the TLS session exports for [`EXPORT_LABEL`].
    pub fn from_export(bytes: [u8; 256]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The keys for packets that `sender` sends.
    pub fn direction(&self, sender: Role) -> DirectionKeys<'_> {
        let start = match sender {
            Role::Client => 0,
            Role::Server => 128,
        };
        let slot = |start: usize| {
            self.0[start..]
                .first_chunk()
                .expect("the material has four slots of 64 bytes")
        };
        DirectionKeys {
            cipher: slot(start),
            hmac: slot(start + 64),
        }
    }
}

impl fmt::Debug for KeyMaterial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyMaterial(..)")
    }
}

/// The two slots of one direction. Ciphers and digests use as many leading bytes as they need.
#[derive(Clone, Copy)]
pub struct DirectionKeys<'a> {
    /// Cipher key.
    pub cipher: &'a [u8; 64],
    /// HMAC key of CBC ciphers; its first 8 bytes are the implicit IV of AEAD ciphers.
    pub hmac: &'a [u8; 64],
}

impl fmt::Debug for DirectionKeys<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DirectionKeys(..)")
    }
}

/// The pseudo-random function of TLS 1.0 (RFC 2246 §5): MD5 keyed with the first half of the secret, xor
/// SHA-1 keyed with the second. `out` must be zeros.
fn prf(secret: &[u8], seed: &[&[u8]], out: &mut [u8]) {
    let half = secret.len().div_ceil(2);
    xor_expansion::<Hmac<Md5>>(&secret[..half], seed, out);
    xor_expansion::<Hmac<Sha1>>(&secret[secret.len() - half..], seed, out);
}

/// Xors `P_hash(secret, seed)` of RFC 2246 §5 onto `out`.
fn xor_expansion<M: Mac + KeyInit + Clone>(secret: &[u8], seed: &[&[u8]], out: &mut [u8]) {
    let keyed = <M as KeyInit>::new_from_slice(secret).expect("HMAC takes a key of any length");
    let with_seed = |mac: M| {
        seed.iter()
            .fold(mac, |mac, part| mac.chain_update(part))
            .finalize()
            .into_bytes()
    };
    let mut link = with_seed(keyed.clone());
    for chunk in out.chunks_mut(M::output_size()) {
        let block = with_seed(keyed.clone().chain_update(&link));
        chunk
            .iter_mut()
            .zip(block)
            .for_each(|(byte, mask)| *byte ^= mask);
        link = keyed.clone().chain_update(&link).finalize().into_bytes();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_two_directions_take_the_four_slots_in_order() {
        let mut bytes = [0; 256];
        bytes
            .iter_mut()
            .enumerate()
            .for_each(|(index, byte)| *byte = (index / 64) as u8);
        let material = KeyMaterial::from_export(bytes);
        let slots = |sender| {
            let keys = material.direction(sender);
            (keys.cipher[0], keys.cipher[63], keys.hmac[0], keys.hmac[63])
        };
        assert_eq!(slots(Role::Client), (0, 0, 1, 1));
        assert_eq!(slots(Role::Server), (2, 2, 3, 3));
    }

    #[test]
    fn keys_do_not_show_in_debug_output() {
        let material = KeyMaterial::from_export([7; 256]);
        assert_eq!(
            format!("{material:?} {:?}", material.direction(Role::Client)),
            "KeyMaterial(..) DirectionKeys(..)"
        );
    }
}
