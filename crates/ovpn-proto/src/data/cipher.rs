use aws_lc_rs::aead;

/// Data ciphers. 64-bit ciphers (BF-CBC, DES) are broken by long-lived tunnels and not among them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are the documentation")]
pub enum Cipher {
    Aes128Gcm,
    Aes192Gcm,
    Aes256Gcm,
    Chacha20Poly1305,
    Aes128Cbc,
    Aes192Cbc,
    Aes256Cbc,
}

impl Cipher {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Aes128Gcm,
        Self::Aes192Gcm,
        Self::Aes256Gcm,
        Self::Chacha20Poly1305,
        Self::Aes128Cbc,
        Self::Aes192Cbc,
        Self::Aes256Cbc,
    ];

    /// OpenVPN's spelling.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Aes128Gcm => "AES-128-GCM",
            Self::Aes192Gcm => "AES-192-GCM",
            Self::Aes256Gcm => "AES-256-GCM",
            Self::Chacha20Poly1305 => "CHACHA20-POLY1305",
            Self::Aes128Cbc => "AES-128-CBC",
            Self::Aes192Cbc => "AES-192-CBC",
            Self::Aes256Cbc => "AES-256-CBC",
        }
    }

    /// The cipher of that name in any mix of cases; `None` for those not supported.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|cipher| cipher.name().eq_ignore_ascii_case(name))
    }

    /// Key length in bytes.
    pub const fn key_len(self) -> usize {
        match self {
            Self::Aes128Gcm | Self::Aes128Cbc => 16,
            Self::Aes192Gcm | Self::Aes192Cbc => 24,
            Self::Aes256Gcm | Self::Aes256Cbc | Self::Chacha20Poly1305 => 32,
        }
    }

    /// True when the cipher authenticates by itself and needs no HMAC.
    pub const fn is_aead(self) -> bool {
        match self {
            Self::Aes128Gcm | Self::Aes192Gcm | Self::Aes256Gcm | Self::Chacha20Poly1305 => true,
            Self::Aes128Cbc | Self::Aes192Cbc | Self::Aes256Cbc => false,
        }
    }

    /// The implementation of an AEAD cipher.
    pub(super) fn aead(self) -> Option<&'static aead::Algorithm> {
        match self {
            Self::Aes128Gcm => Some(&aead::AES_128_GCM),
            Self::Aes192Gcm => Some(&aead::AES_192_GCM),
            Self::Aes256Gcm => Some(&aead::AES_256_GCM),
            Self::Chacha20Poly1305 => Some(&aead::CHACHA20_POLY1305),
            Self::Aes128Cbc | Self::Aes192Cbc | Self::Aes256Cbc => None,
        }
    }
}

/// Digests of the HMAC that authenticates CBC ciphers. AEAD ciphers have no use for one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are the documentation")]
pub enum Auth {
    Sha1,
    Sha256,
    Sha512,
}

impl Auth {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Sha1, Self::Sha256, Self::Sha512];

    /// OpenVPN's spelling.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
            Self::Sha512 => "SHA512",
        }
    }

    /// The digest of that name in any mix of cases; `None` for those not supported, which includes
    /// `[null-digest]`.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|auth| auth.name().eq_ignore_ascii_case(name))
    }

    /// Length in bytes of the digest, and of the HMAC key.
    pub(crate) const fn len(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha512 => 64,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back_in_any_case() {
        for cipher in Cipher::ALL {
            assert_eq!(
                Cipher::from_name(&cipher.name().to_lowercase()),
                Some(cipher)
            );
        }
        for auth in Auth::ALL {
            assert_eq!(Auth::from_name(&auth.name().to_lowercase()), Some(auth));
        }
    }

    #[test]
    fn weak_and_absent_algorithms_are_not_known() {
        assert_eq!(Cipher::from_name("BF-CBC"), None);
        assert_eq!(Cipher::from_name("[null-cipher]"), None);
        assert_eq!(Auth::from_name("[null-digest]"), None);
    }
}
