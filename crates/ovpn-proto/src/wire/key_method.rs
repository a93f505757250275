//! Key method 2: the first message of each TLS session, the client's before the server's.
//!
//! ```text
//! 0 u32 | method u8 = 2 | pre-master [48], client only | random1 [32] | random2 [32]
//! options | user name | password | peer info         each: length u16, text, NUL; the length counts the NUL
//! ```
//!
//! The message may end after any of the texts; RouterOS sends no peer info at all.

use std::fmt;

use rand_core::Rng;
use zeroize::{Zeroize, Zeroizing};

use super::reader::Reader;
use crate::keys::Role;

/// One side's share of the secrets that the data keys are derived from.
#[derive(Clone, PartialEq, Eq)]
pub struct KeySource {
    /// Only the client has one.
    pub pre_master: Option<[u8; 48]>,
    /// Goes into the master secret.
    pub random1: [u8; 32],
    /// Goes into the key expansion.
    pub random2: [u8; 32],
}

impl KeySource {
    /// Draws the share of one side; it serves for one negotiation. `rng` must be fit for
    /// cryptography.
    pub fn generate(own: Role, rng: &mut (impl Rng + ?Sized)) -> Self {
        let mut source = Self {
            pre_master: None,
            random1: [0; 32],
            random2: [0; 32],
        };
        if own == Role::Client {
            rng.fill_bytes(source.pre_master.insert([0; 48]));
        }
        rng.fill_bytes(&mut source.random1);
        rng.fill_bytes(&mut source.random2);
        source
    }

    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.pre_master.as_ref().map_or(&[], <[u8; 48]>::as_slice));
        out.extend_from_slice(&self.random1);
        out.extend_from_slice(&self.random2);
    }

    fn decode(sender: Role, reader: &mut Reader<'_>) -> Option<Self> {
        let pre_master = match sender {
            Role::Client => Some(reader.array()?),
            Role::Server => None,
        };
        Some(Self {
            pre_master,
            random1: reader.array()?,
            random2: reader.array()?,
        })
    }
}

impl Drop for KeySource {
    fn drop(&mut self) {
        self.pre_master.zeroize();
        self.random1.zeroize();
        self.random2.zeroize();
    }
}

impl fmt::Debug for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeySource(..)")
    }
}

/// A key method 2 message of either side.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyMethod2 {
    /// Secrets; with a pre-master secret it is a client's message.
    pub source: KeySource,
    /// The options string, see [`OccOptions`](super::OccOptions).
    pub options: String,
    /// Empty from a server.
    pub username: String,
    /// Empty from a server.
    pub password: Zeroizing<String>,
    /// See [`PeerInfo`](super::PeerInfo). `None` when the message ends before it.
    pub peer_info: Option<String>,
}

impl KeyMethod2 {
    /// Appends the message to `out`. A client's message ends after the password when there is no peer
    /// info; a server's always has all its texts, empty ones where it has nothing to say, as stock
    /// servers send them.
    ///
    /// # Panics
    /// If a text is longer than 65534 bytes; see the limits of [`KeyMethodError::TooLong`].
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&[0, 0, 0, 0, METHOD]);
        self.source.encode(out);
        encode_text(&self.options, out);
        encode_text(&self.username, out);
        encode_text(&self.password, out);
        match (&self.peer_info, self.source.pre_master) {
            (Some(peer_info), _) => encode_text(peer_info, out),
            (None, Some(_)) => {}
            (None, None) => encode_text("", out),
        }
    }

    /// Reads a client's message from the front of what the TLS session has delivered, and says how many
    /// bytes it took; `None` when more bytes are needed.
    ///
    /// A message that ends at the border of a text cannot be told from one whose rest is still to come.
    /// It is taken as complete, which is right because peers send the message in one TLS record: give
    /// this function whole records.
    ///
    /// # Errors
    /// What the peer sent is not key method 2, or is beyond the limits; close the connection.
    pub fn decode_client(bytes: &[u8]) -> Result<Option<(Self, usize)>, KeyMethodError> {
        Self::decode(Role::Client, bytes)
    }

    /// Reads a server's message; the rest as for [`decode_client`](Self::decode_client).
    ///
    /// # Errors
    /// As for [`decode_client`](Self::decode_client).
    pub fn decode_server(bytes: &[u8]) -> Result<Option<(Self, usize)>, KeyMethodError> {
        Self::decode(Role::Server, bytes)
    }

    fn decode(sender: Role, bytes: &[u8]) -> Result<Option<(Self, usize)>, KeyMethodError> {
        let mut reader = Reader::new(bytes);
        let message = Self::read(sender, &mut reader)?;
        let taken = if message.is_some() {
            bytes.len() - reader.rest().len()
        } else {
            bytes.len()
        };
        if taken > MAX_MESSAGE {
            return Err(KeyMethodError::TooLong {
                field: "message",
                limit: MAX_MESSAGE,
            });
        }
        Ok(message.map(|message| (message, taken)))
    }

    /// `Ok(None)` when the input ends too early.
    fn read(sender: Role, reader: &mut Reader<'_>) -> Result<Option<Self>, KeyMethodError> {
        let Some([_, _, _, _, method]) = reader.array() else {
            return Ok(None);
        };
        // Stock peers look at the lower half of the byte only, and skip the four bytes before it.
        if method & 0x0f != METHOD {
            return Err(KeyMethodError::UnknownMethod(method));
        }
        let Some(source) = KeySource::decode(sender, reader) else {
            return Ok(None);
        };
        let Some(options) = OPTIONS.read(reader)? else {
            return Ok(None);
        };
        let Some(username) = USERNAME.read_optional(reader)? else {
            return Ok(None);
        };
        let Some(password) = PASSWORD.read_optional(reader)? else {
            return Ok(None);
        };
        let Some(peer_info) = PEER_INFO.read_optional(reader)? else {
            return Ok(None);
        };
        let username = username.unwrap_or_default();
        if username.chars().any(char::is_control) {
            return Err(KeyMethodError::ControlCharacter {
                field: USERNAME.name,
            });
        }
        Ok(Some(Self {
            source,
            options: options.to_owned(),
            username: username.to_owned(),
            password: Zeroizing::new(password.unwrap_or_default().to_owned()),
            peer_info: peer_info.map(str::to_owned),
        }))
    }
}

impl fmt::Debug for KeyMethod2 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyMethod2")
            .field("options", &self.options)
            .field("username", &self.username)
            .field("peer_info", &self.peer_info)
            .finish_non_exhaustive()
    }
}

/// Why bytes are not a key method 2 message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyMethodError {
    /// The method byte.
    #[error("key method {0} is not supported")]
    UnknownMethod(u8),
    /// Beyond the limit: 1024 bytes of options, 256 of user name, 1024 of password, 3072 of peer info,
    /// 4096 in all.
    #[error("{field} is longer than {limit} bytes")]
    TooLong {
        /// Which text.
        field: &'static str,
        /// In bytes, with the NUL.
        limit: usize,
    },
    /// A text does not end with a NUL.
    #[error("{field} has no terminating NUL")]
    Unterminated {
        /// Which text.
        field: &'static str,
    },
    /// A NUL inside a text, or a control character in the user name.
    #[error("{field} contains a control character")]
    ControlCharacter {
        /// Which text.
        field: &'static str,
    },
    /// Texts are UTF-8 by convention.
    #[error("{field} is not UTF-8")]
    NotUtf8 {
        /// Which text.
        field: &'static str,
    },
}

const METHOD: u8 = 2;
const MAX_MESSAGE: usize = 4096;

const OPTIONS: Field = Field {
    name: "options string",
    limit: 1024,
};
const USERNAME: Field = Field {
    name: "user name",
    limit: 256,
};
const PASSWORD: Field = Field {
    name: "password",
    limit: 1024,
};
const PEER_INFO: Field = Field {
    name: "peer info",
    limit: 3072,
};

/// One of the texts of the message.
struct Field {
    name: &'static str,
    limit: usize,
}

impl Field {
    /// `Some(None)` when the message ends before the text, or when a text message follows in its place:
    /// its first two bytes read as a length would be far above the limit.
    fn read_optional<'a>(
        &self,
        reader: &mut Reader<'a>,
    ) -> Result<Option<Option<&'a str>>, KeyMethodError> {
        if reader.is_empty() || reader.rest().starts_with(b"PUSH_REQUEST") {
            return Ok(Some(None));
        }
        Ok(self.read(reader)?.map(Some))
    }

    /// `None` when the input ends too early.
    fn read<'a>(&self, reader: &mut Reader<'a>) -> Result<Option<&'a str>, KeyMethodError> {
        let Self { name: field, limit } = *self;
        let Some(length) = reader.u16() else {
            return Ok(None);
        };
        if usize::from(length) > limit {
            return Err(KeyMethodError::TooLong { field, limit });
        }
        let Some(bytes) = reader.take(length.into()) else {
            return Ok(None);
        };
        // An empty text is sent as no bytes by some peers and as a lone NUL by others.
        if bytes.is_empty() {
            return Ok(Some(""));
        }
        let text = bytes
            .strip_suffix(&[0])
            .ok_or(KeyMethodError::Unterminated { field })?;
        if text.contains(&0) {
            return Err(KeyMethodError::ControlCharacter { field });
        }
        str::from_utf8(text)
            .map(Some)
            .map_err(|_| KeyMethodError::NotUtf8 { field })
    }
}

fn encode_text(text: &str, out: &mut Vec<u8>) {
    let length = if text.is_empty() { 0 } else { text.len() + 1 };
    let length = u16::try_from(length).expect("texts of key method 2 are short");
    out.extend_from_slice(&length.to_be_bytes());
    if length > 0 {
        out.extend_from_slice(text.as_bytes());
        out.push(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message() -> KeyMethod2 {
        KeyMethod2 {
            source: KeySource {
                pre_master: Some([1; 48]),
                random1: [2; 32],
                random2: [3; 32],
            },
            options: "V4,dev-type tun".into(),
            username: "fibre".into(),
            password: Zeroizing::new("secret".into()),
            peer_info: Some("IV_VER=2.6.14\n".into()),
        }
    }

    fn encode(message: &KeyMethod2) -> Vec<u8> {
        let mut out = Vec::new();
        message.encode(&mut out);
        out
    }

    #[test]
    fn every_cut_asks_for_more_or_ends_at_a_text() {
        let bytes = encode(&message());
        let borders: Vec<usize> = (0..=bytes.len())
            .filter(|length| {
                KeyMethod2::decode_client(&bytes[..*length])
                    .unwrap()
                    .is_some()
            })
            .collect();
        let options_end = 5 + 48 + 64 + 2 + "V4,dev-type tun".len() + 1;
        assert_eq!(
            borders,
            [options_end, options_end + 8, options_end + 17, bytes.len()]
        );
    }

    #[test]
    fn peer_info_may_be_absent() {
        let absent = KeyMethod2 {
            peer_info: None,
            ..message()
        };
        let bytes = encode(&absent);
        assert_eq!(
            KeyMethod2::decode_client(&bytes).unwrap(),
            Some((absent, bytes.len()))
        );
    }

    #[test]
    fn a_text_message_may_follow_in_place_of_absent_peer_info() {
        let absent = KeyMethod2 {
            peer_info: None,
            ..message()
        };
        let mut bytes = encode(&absent);
        let length = bytes.len();
        bytes.extend_from_slice(b"PUSH_REQUEST\0");
        assert_eq!(
            KeyMethod2::decode_client(&bytes).unwrap(),
            Some((absent, length))
        );
    }

    #[test]
    fn what_follows_the_message_is_left_alone() {
        let mut bytes = encode(&message());
        let length = bytes.len();
        bytes.extend_from_slice(b"PUSH_REQUEST\0");
        assert_eq!(
            KeyMethod2::decode_client(&bytes).unwrap(),
            Some((message(), length))
        );
    }

    #[test]
    fn a_server_sends_three_empty_texts() {
        let reply = KeyMethod2 {
            source: KeySource {
                pre_master: None,
                random1: [2; 32],
                random2: [3; 32],
            },
            username: String::new(),
            password: Zeroizing::default(),
            peer_info: None,
            ..message()
        };
        let bytes = encode(&reply);
        assert!(bytes.ends_with(&[0, 0, 0, 0, 0, 0, 0]));
        let (read, taken) = KeyMethod2::decode_server(&bytes).unwrap().unwrap();
        assert_eq!(taken, bytes.len());
        assert_eq!(
            read,
            KeyMethod2 {
                peer_info: Some(String::new()),
                ..reply
            }
        );
    }

    #[test]
    fn a_lone_nul_is_an_empty_text() {
        let mut bytes = encode(&KeyMethod2 {
            peer_info: None,
            ..message()
        });
        bytes.extend_from_slice(&[0, 1, 0]);
        let (read, _) = KeyMethod2::decode_client(&bytes).unwrap().unwrap();
        assert_eq!(read.peer_info.as_deref(), Some(""));
    }

    #[test]
    fn bad_texts_are_refused_by_name() {
        let refused =
            |message: KeyMethod2| KeyMethod2::decode_client(&encode(&message)).unwrap_err();
        assert_eq!(
            refused(KeyMethod2 {
                username: "a\nb".into(),
                ..message()
            }),
            KeyMethodError::ControlCharacter { field: "user name" }
        );
        assert_eq!(
            refused(KeyMethod2 {
                options: "a\0b".into(),
                ..message()
            }),
            KeyMethodError::ControlCharacter {
                field: "options string"
            }
        );
        assert_eq!(
            refused(KeyMethod2 {
                username: "x".repeat(256),
                ..message()
            }),
            KeyMethodError::TooLong {
                field: "user name",
                limit: 256
            }
        );
        let everything = KeyMethod2 {
            options: "x".repeat(1000),
            password: Zeroizing::new("x".repeat(1000)),
            peer_info: Some("x".repeat(3000)),
            ..message()
        };
        assert_eq!(
            refused(everything),
            KeyMethodError::TooLong {
                field: "message",
                limit: 4096
            }
        );
    }

    #[test]
    fn bad_bytes_are_refused_by_name() {
        let refused = |at_end: u8, value: u8| {
            let mut bytes = encode(&message());
            let index = bytes.len() - usize::from(at_end);
            bytes[index] = value;
            KeyMethod2::decode_client(&bytes).unwrap_err()
        };
        assert_eq!(
            refused(1, b'x'),
            KeyMethodError::Unterminated { field: "peer info" }
        );
        assert_eq!(
            refused(2, 0xff),
            KeyMethodError::NotUtf8 { field: "peer info" }
        );
        assert_eq!(
            KeyMethod2::decode_client(&[0, 0, 0, 0, 1]),
            Err(KeyMethodError::UnknownMethod(1))
        );
    }

    #[test]
    fn secrets_do_not_show_in_debug_output() {
        let text = format!("{:?} {:?}", message(), message().source);
        assert!(!text.contains("secret") && !text.contains("[1,"), "{text}");
        assert!(text.contains("fibre"), "{text}");
    }
}
