//! The bytes: words with their length in front, sentences of words with an empty word behind.
//!
//! ```text
//! length        first byte   bytes of the length
//! < 0x80        0xxxxxxx     1
//! < 0x4000      10xxxxxx     2
//! < 0x20_0000   110xxxxx     3
//! < 0x1000_0000 1110xxxx     4
//! above         11110000     5
//! ```
//!
//! A first byte from 0xF8 on is reserved; after one, the stream has no border to resume at.

mod decoder;
mod length;
mod sentence;

pub use decoder::{Bounds, Decoder};
pub use length::{read_length, write_length};
pub use sentence::Sentence;

/// Why a stream cannot be cut into sentences. None of them can be mended: close the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    /// No length begins with this byte.
    #[error("a length that begins with the byte {0:#04x}")]
    Length(u8),
    /// A word longer than [`Bounds::word`].
    #[error("a word of {length} bytes, at most {bound} are allowed")]
    WordTooLong {
        /// Its length in bytes.
        length: usize,
        /// The bound it broke.
        bound: usize,
    },
    /// A sentence of more words than [`Bounds::words`].
    #[error("a sentence of more than {0} words")]
    TooManyWords(usize),
    /// A sentence of more bytes than [`Bounds::sentence`].
    #[error("a sentence of more than {0} bytes")]
    SentenceTooLong(usize),
}
