use aes::{Aes128, Aes192, Aes256};
use cbc::{
    Decryptor, Encryptor,
    cipher::{
        BlockCipherDecrypt, BlockCipherEncrypt, BlockModeDecrypt, BlockModeEncrypt, KeyInit,
        KeyIvInit, block_padding::Pkcs7,
    },
};
use hmac::{Hmac, Mac};
use rand_core::Rng;
use sha1::Sha1;
use sha2::{Sha256, Sha512};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::{
    channel::{DataError, Header},
    cipher::{Auth, Cipher},
};
use crate::keys::DirectionKeys;

const BLOCK_LEN: usize = 16;
const PACKET_ID_LEN: usize = 4;

/// One direction under a CBC cipher with HMAC, as RouterOS and old clients use it.
///
/// ```text
/// packet = header || HMAC || IV [16] || CBC(PKCS7(packet id || plaintext))       HMAC over IV || ciphertext
/// ```
pub(super) struct CbcKeys {
    cipher: Cipher,
    auth: Auth,
    cipher_key: Zeroizing<[u8; 32]>,
    hmac_key: Zeroizing<[u8; 64]>,
}

impl CbcKeys {
    /// `cipher` must be a CBC cipher.
    pub(super) fn new(cipher: Cipher, auth: Auth, keys: DirectionKeys<'_>) -> Self {
        let cipher_key = Zeroizing::new(
            *keys
                .cipher
                .first_chunk()
                .expect("the slot is longer than any key"),
        );
        Self {
            cipher,
            auth,
            cipher_key,
            hmac_key: Zeroizing::new(*keys.hmac),
        }
    }

    pub(super) fn seal(
        &self,
        header: Header,
        packet_id: u32,
        plaintext: &[u8],
        rng: &mut (impl Rng + ?Sized),
        out: &mut Vec<u8>,
    ) {
        let mut iv = [0; BLOCK_LEN];
        rng.fill_bytes(&mut iv);
        let hmac_start = out.len() + header.len();
        let iv_start = hmac_start + self.auth.len();
        let text_start = iv_start + BLOCK_LEN;
        let text_len = PACKET_ID_LEN + plaintext.len();
        // PKCS7 always pads, by a whole block where nothing is missing.
        let padded_len = text_len + BLOCK_LEN - text_len % BLOCK_LEN;
        out.reserve(text_start + padded_len - out.len());
        out.extend_from_slice(header.as_slice());
        out.resize(iv_start, 0);
        out.extend_from_slice(&iv);
        out.extend_from_slice(&packet_id.to_be_bytes());
        out.extend_from_slice(plaintext);
        out.resize(text_start + padded_len, 0);
        self.encrypt(&iv, &mut out[text_start..], text_len);
        let (head, authenticated) = out.split_at_mut(iv_start);
        self.write_hmac(authenticated, &mut head[hmac_start..]);
    }

    pub(super) fn open(&self, header: Header, packet: &[u8]) -> Result<(u32, Vec<u8>), DataError> {
        let too_short = DataError::TooShort(packet.len());
        let (hmac, authenticated) = packet[header.len()..]
            .split_at_checked(self.auth.len())
            .ok_or(too_short)?;
        let (iv, ciphertext) = authenticated.split_first_chunk().ok_or(too_short)?;
        if ciphertext.len() < BLOCK_LEN {
            return Err(too_short);
        }
        let mut expected = [0; 64];
        let expected = &mut expected[..self.auth.len()];
        self.write_hmac(authenticated, expected);
        if bool::from(expected.ct_ne(hmac)) {
            return Err(DataError::Unauthenticated);
        }
        let mut text = ciphertext.to_vec();
        let text_len = self.decrypt(iv, &mut text).ok_or(DataError::Malformed)?;
        text.truncate(text_len);
        let packet_id = u32::from_be_bytes(*text.first_chunk().ok_or(DataError::Malformed)?);
        text.drain(..PACKET_ID_LEN);
        Ok((packet_id, text))
    }

    /// Pads and encrypts the first `text_len` bytes of `buffer` so that it is full.
    fn encrypt(&self, iv: &[u8; BLOCK_LEN], buffer: &mut [u8], text_len: usize) {
        let key = &self.cipher_key[..self.cipher.key_len()];
        match key.len() {
            16 => encrypt::<Aes128>(key, iv, buffer, text_len),
            24 => encrypt::<Aes192>(key, iv, buffer, text_len),
            _ => encrypt::<Aes256>(key, iv, buffer, text_len),
        }
    }

    /// Decrypts in place and says how long the text is without its padding; `None` when it is not
    /// whole blocks or not padded.
    fn decrypt(&self, iv: &[u8; BLOCK_LEN], buffer: &mut [u8]) -> Option<usize> {
        let key = &self.cipher_key[..self.cipher.key_len()];
        match key.len() {
            16 => decrypt::<Aes128>(key, iv, buffer),
            24 => decrypt::<Aes192>(key, iv, buffer),
            _ => decrypt::<Aes256>(key, iv, buffer),
        }
    }

    /// Fills `out`, which has the digest's length.
    fn write_hmac(&self, data: &[u8], out: &mut [u8]) {
        let key = &self.hmac_key[..self.auth.len()];
        match self.auth {
            Auth::Sha1 => write_hmac::<Hmac<Sha1>>(key, data, out),
            Auth::Sha256 => write_hmac::<Hmac<Sha256>>(key, data, out),
            Auth::Sha512 => write_hmac::<Hmac<Sha512>>(key, data, out),
        }
    }
}

fn encrypt<C: BlockCipherEncrypt + KeyInit>(
    key: &[u8],
    iv: &[u8; BLOCK_LEN],
    buffer: &mut [u8],
    text_len: usize,
) {
    Encryptor::<C>::new_from_slices(key, iv)
        .expect("key and IV have the cipher's lengths")
        .encrypt_padded::<Pkcs7>(buffer, text_len)
        .expect("the buffer has room for the padding");
}

fn decrypt<C: BlockCipherDecrypt + KeyInit>(
    key: &[u8],
    iv: &[u8; BLOCK_LEN],
    buffer: &mut [u8],
) -> Option<usize> {
    let decryptor =
        Decryptor::<C>::new_from_slices(key, iv).expect("key and IV have the cipher's lengths");
    decryptor
        .decrypt_padded::<Pkcs7>(buffer)
        .ok()
        .map(<[u8]>::len)
}

fn write_hmac<M: Mac + KeyInit>(key: &[u8], data: &[u8], out: &mut [u8]) {
    let mac = <M as KeyInit>::new_from_slice(key).expect("HMAC takes a key of any length");
    out.copy_from_slice(&mac.chain_update(data).finalize().into_bytes());
}
