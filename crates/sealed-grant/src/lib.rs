//! A grant under seal: what a controller admits a tunnel by while its control plane is away.
//!
//! The control plane seals the grant of a log-in with the tunnel's own password and gives it to the controller,
//! which cannot read it. When the router logs in again and nobody can be asked, its password opens the grant:
//! that *is* the password check. What is sealed says itself until when it is good.
//!
//! The key is HKDF-SHA-256 of the password under a fresh salt, the cipher AES-256-GCM. No slow hash stands
//! before it, because tunnel passwords are 256 random bits that the control plane has made; do not seal with a
//! password that a person chose.
//!
//! | bytes | |
//! |---|---|
//! | 1 | version of the form: 1 |
//! | 32 | salt |
//! | rest | grant and expiry as JSON, encrypted, and the 16 bytes of the tag |
//!
//! Version and tunnel id are the associated data, so that a grant opens for its own tunnel only.
//!
//! This crate does no I/O: time and randomness are arguments.

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    hkdf::{HKDF_SHA256, Salt},
};
use holdfast_api_types::{
    TunnelId,
    controller::{SealedGrant, TunnelGrant},
};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// How long a sealed grant is good: a router that was seen in that time comes in without the control plane.
pub const LIFETIME: SignedDuration = SignedDuration::from_hours(24);

/// Bytes of salt.
pub const SALT_LEN: usize = 32;

const VERSION: u8 = 1;

/// Keys for other purposes could be derived from the same password; this keeps them apart.
const CONTEXT: &[u8] = b"holdfast sealed grant";

/// Why a sealed grant does not open.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// The password is wrong, the grant is another tunnel's, or somebody has changed it.
    #[error("the password does not open it")]
    Refused,
    /// It was good once.
    #[error("it expired at {at}")]
    Expired {
        /// When that was.
        at: Timestamp,
    },
    /// Sealed by a control plane that is newer than we are, or no sealed grant at all.
    #[error("its form is not known")]
    UnknownForm,
}

/// What is under the seal.
#[derive(Serialize, Deserialize)]
struct Content {
    grant: TunnelGrant,
    expires_at: Timestamp,
}

/// Seals a grant with the password of its tunnel. The salt must be random and new for every grant.
pub fn seal(
    grant: &TunnelGrant,
    password: &str,
    expires_at: Timestamp,
    salt: [u8; SALT_LEN],
) -> SealedGrant {
    let tunnel = &grant.tunnel;
    let content = Content {
        grant: grant.clone(),
        expires_at,
    };
    let mut content = serde_json::to_vec(&content).expect("a grant has a JSON form");
    key(password, &salt)
        .seal_in_place_append_tag(nonce(), associated(tunnel), &mut content)
        .expect("a grant is shorter than the 64 GiB that one nonce may encrypt");
    SealedGrant::from([&[VERSION], &salt[..], &content].concat())
}

/// Opens what [`seal`] has made, for this tunnel, with this password.
///
/// # Errors
/// When the tunnel or the password is another, when it was changed since, and when it is out of date.
pub fn open(
    sealed: &SealedGrant,
    tunnel: &TunnelId,
    password: &str,
    now: Timestamp,
) -> Result<TunnelGrant, OpenError> {
    let Some((&VERSION, rest)) = sealed.as_bytes().split_first() else {
        return Err(OpenError::UnknownForm);
    };
    let (salt, content) = rest
        .split_first_chunk::<SALT_LEN>()
        .ok_or(OpenError::UnknownForm)?;
    let mut content = content.to_vec();
    let content = key(password, salt)
        .open_in_place(nonce(), associated(tunnel), &mut content)
        .map_err(|_| OpenError::Refused)?;
    let Content { grant, expires_at } =
        serde_json::from_slice(content).map_err(|_| OpenError::UnknownForm)?;
    if now >= expires_at {
        return Err(OpenError::Expired { at: expires_at });
    }
    Ok(grant)
}

fn key(password: &str, salt: &[u8; SALT_LEN]) -> LessSafeKey {
    let secret = Salt::new(HKDF_SHA256, salt).extract(password.as_bytes());
    let key = secret
        .expand(&[CONTEXT], &AES_256_GCM)
        .expect("HKDF-SHA-256 yields up to 8,160 bytes, and a key has 32");
    LessSafeKey::new(UnboundKey::from(key))
}

/// Always the same: the salt makes a new key for every grant, and a key encrypts once.
fn nonce() -> Nonce {
    Nonce::assume_unique_for_key([0; NONCE_LEN])
}

fn associated(tunnel: &TunnelId) -> Aad<Vec<u8>> {
    Aad::from([&[VERSION], tunnel.as_str().as_bytes()].concat())
}
