//! The two ways to log in: the password itself, since 6.43, and the answer to a challenge before.

use std::fmt::Write;

use md5::{Digest, Md5};
use secrecy::{ExposeSecret, SecretString};

use crate::{codec::Sentence, command::Command};

/// Who logs in.
#[derive(Debug, Clone)]
pub struct Login {
    /// User name.
    pub user: String,
    /// Password.
    pub password: SecretString,
}

/// How a user proves to be one.
#[derive(Debug, Clone)]
pub enum Proof {
    /// With the password.
    Password(SecretString),
    /// With the answer to a challenge.
    Response {
        /// What was asked.
        challenge: [u8; 16],
        /// What was answered, as hexadecimal digits.
        response: String,
    },
}

impl Login {
    /// The log-in of 6.43 and later. Older routers take its first word only, and answer with a challenge.
    pub(crate) fn plain(&self) -> Sentence {
        Command::new("/login")
            .with("name", &self.user)
            .with("password", self.password.expose_secret())
            .sentence(None)
    }

    /// The log-in before 6.43, once the challenge is there.
    pub(crate) fn answering(&self, challenge: &[u8; 16]) -> Sentence {
        let response = response(challenge, self.password.expose_secret());
        Command::new("/login")
            .with("name", &self.user)
            .with("response", response)
            .sentence(None)
    }
}

impl Proof {
    /// Whether this is the proof of somebody with that password.
    pub fn fits(&self, password: &str) -> bool {
        match self {
            Self::Password(given) => same(given.expose_secret(), password),
            Self::Response {
                challenge,
                response,
            } => same(
                &response.to_ascii_lowercase(),
                &self::response(challenge, password),
            ),
        }
    }
}

/// Compares without telling by the time it takes where two texts of one length differ.
fn same(one: &str, other: &str) -> bool {
    let difference = |(a, b): (u8, u8)| a ^ b;
    one.len() == other.len()
        && one
            .bytes()
            .zip(other.bytes())
            .map(difference)
            .fold(0, |all, byte| all | byte)
            == 0
}

/// `00` and the MD5 of a zero byte, the password and the challenge, as hexadecimal digits.
fn response(challenge: &[u8; 16], password: &str) -> String {
    let digest = Md5::new()
        .chain_update([0])
        .chain_update(password)
        .chain_update(challenge)
        .finalize();
    format!("00{}", to_hex(&digest))
}

/// Reads a challenge: 32 hexadecimal digits.
pub(crate) fn parse_challenge(text: &str) -> Option<[u8; 16]> {
    let digits = text.as_bytes();
    if digits.len() != 32 || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    u128::from_str_radix(text, 16).ok().map(u128::to_be_bytes)
}

/// Writes bytes as hexadecimal digits.
pub(crate) fn to_hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        write!(text, "{byte:02x}").expect("a String takes everything");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_response_is_the_md5_of_zero_password_and_challenge() {
        // printf '\0s3cret\x00\x01...\x0f' | md5sum
        let challenge = std::array::from_fn(|index| index as u8);
        assert_eq!(
            response(&challenge, "s3cret"),
            "004f77d7743a6acd7f5bfba1740b7221e4"
        );
    }

    #[test]
    fn proofs_fit_their_password_only() {
        let challenge = [7; 16];
        let plain = Proof::Password("right".into());
        let answer = Proof::Response {
            challenge,
            response: response(&challenge, "right").to_ascii_uppercase(),
        };
        for proof in [plain, answer] {
            assert!(proof.fits("right"));
            assert!(!proof.fits("wrong"));
            assert!(!proof.fits(""));
        }
    }

    #[test]
    fn a_challenge_is_32_hexadecimal_digits() {
        let challenge = std::array::from_fn(|index| index as u8);
        assert_eq!(parse_challenge(&to_hex(&challenge)), Some(challenge));
        for text in [
            "",
            "00",
            "+0000000000000000000000000000000",
            "zz000000000000000000000000000000",
        ] {
            assert_eq!(parse_challenge(text), None, "{text}");
        }
    }
}
