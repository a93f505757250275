//! The one place that draws random numbers: ids of rows, and secrets that we hand out.

use std::{
    fmt,
    str::FromStr,
    sync::{Mutex, PoisonError},
};

use holdfast_api_types::InvalidId;
use jiff::Timestamp;
use rand::{Rng, RngExt};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use ulid::Ulid;

/// A new id: a ULID, 26 characters, of which the first ten are the time. Ids sort by their creation, also those that
/// this process makes within one millisecond: lists are sorted by them.
pub fn new_id<Id: FromStr<Err = InvalidId>>(now: Timestamp) -> Id {
    let text = ulid(now).to_string();
    text.parse().expect("a ULID is an id")
}

/// A new ULID, for what needs no type of its own.
pub(crate) fn ulid(now: Timestamp) -> Ulid {
    static SEQUENCE: Mutex<Sequence> = Mutex::new(Sequence(Ulid::nil()));
    let mut sequence = SEQUENCE.lock().unwrap_or_else(PoisonError::into_inner);
    sequence.next(now)
}

/// The ULID that was made last.
struct Sequence(Ulid);

impl Sequence {
    fn next(&mut self, now: Timestamp) -> Ulid {
        let since_epoch = u64::try_from(now.as_millisecond()).unwrap_or(0);
        self.0 = match self.0.increment() {
            Ok(next) if self.0.timestamp_ms() == since_epoch => next,
            _ => Ulid::from_parts(since_epoch, rand::rng().random()),
        };
        self.0
    }
}

/// What a secret opens; its first characters say so, which lets people and secret scanners recognize a leaked one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecretKind {
    /// A log-in session, kept in a cookie.
    Session,
    /// An API token.
    ApiToken,
    /// The link with which the first owner is made.
    SetupLink,
    /// A route controller's token.
    ControllerToken,
    /// A line that adopts a router.
    Adoption,
    /// What a router shows when it checks in.
    CheckIn,
    /// A tunnel's password, typed or pasted into routers: without a prefix.
    TunnelPassword,
}

impl SecretKind {
    /// How secrets of this kind begin.
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Session => "hfs_",
            Self::ApiToken => "hft_",
            Self::SetupLink => "hfl_",
            Self::ControllerToken => "hfc_",
            Self::Adoption => "hfa_",
            Self::CheckIn => "hfr_",
            Self::TunnelPassword => "",
        }
    }
}

/// A new secret of 256 random bits, as text.
pub fn new_secret(kind: SecretKind) -> SecretString {
    let bytes: [u8; 32] = random();
    format!("{}{}", kind.prefix(), hex::encode(bytes)).into()
}

/// A first password for a user: 96 random bits, short enough to be read out.
pub fn new_password() -> SecretString {
    let bytes: [u8; 12] = random();
    hex::encode(bytes).into()
}

/// Random bytes from the thread's cryptographic generator, which the operating system seeds.
pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    rand::rng().fill_bytes(&mut bytes);
    bytes
}

/// The SHA-256 of a secret: all that is stored of it. Our secrets have 256 random bits, so nothing slower is needed.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SecretHash([u8; 32]);

impl SecretHash {
    /// Hashes a presented secret.
    pub fn of(secret: &SecretString) -> Self {
        Self(Sha256::digest(secret.expose_secret().as_bytes()).into())
    }

    /// A hash that was stored.
    pub fn stored(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretHash(..)")
    }
}

#[cfg(test)]
mod tests {
    use holdfast_api_types::SiteId;

    use super::*;

    #[test]
    fn ids_are_26_characters_and_sort_by_time() {
        let earlier: SiteId = new_id("2026-11-23T10:00:00Z".parse().unwrap());
        let later: SiteId = new_id("2026-11-23T10:00:00.001Z".parse().unwrap());
        assert_eq!(earlier.as_str().len(), 26);
        assert!(earlier < later);
    }

    #[test]
    fn ids_of_one_instant_differ_and_sort_by_their_creation() {
        let now = "2026-11-23T10:00:00Z".parse().unwrap();
        let mut sequence = Sequence(Ulid::nil());
        let ids: Vec<_> = (0..100).map(|_| sequence.next(now).to_string()).collect();
        assert!(
            ids.is_sorted_by(|earlier, later| earlier < later),
            "{ids:?}"
        );
    }

    #[test]
    fn a_secret_says_what_it_opens_and_hides_in_debug_output() {
        let secret = new_secret(SecretKind::ApiToken);
        let text = secret.expose_secret();
        assert!(text.starts_with("hft_"));
        assert_eq!(text.len(), 4 + 64);
        assert!(!format!("{secret:?} {:?}", SecretHash::of(&secret)).contains(&text[4..]));
    }
}
