//! Cuts a TCP stream into sentences.

use std::{fmt, mem};

use super::{CodecError, Sentence, read_length};

/// How much of one sentence is accepted. What is held for a peer never exceeds one sentence and one read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Longest word, in bytes.
    pub word: usize,
    /// Most words of a sentence.
    pub words: usize,
    /// Most bytes of a sentence, its lengths not counted.
    pub sentence: usize,
}

impl Bounds {
    /// For a peer that has logged in: room for the source of a script, which is a word of its own.
    pub const TRUSTED: Self = Self {
        word: 1 << 20,
        words: 1024,
        sentence: 2 << 20,
    };
    /// For a peer that has not: room for a log-in.
    pub const STRANGER: Self = Self {
        word: 2048,
        words: 16,
        sentence: 4096,
    };
}

/// Cuts a byte stream into sentences, however the segments fall.
///
/// It holds only what belongs to a sentence that is not complete, and no memory at all between sentences.
pub struct Decoder {
    bounds: Bounds,
    buffer: Vec<u8>,
    /// Bytes at the front of `buffer` that are in `sentence`, or were handed out.
    consumed: usize,
    sentence: Sentence,
    /// Bytes in the words of `sentence`.
    held: usize,
}

/// Sizes, not bytes: a password may be among them.
impl fmt::Debug for Decoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoder")
            .field("bounds", &self.bounds)
            .field("buffered", &self.buffered())
            .finish_non_exhaustive()
    }
}

impl Decoder {
    /// One that accepts sentences within these bounds.
    pub fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            buffer: Vec::new(),
            consumed: 0,
            sentence: Sentence::default(),
            held: 0,
        }
    }

    /// Changes the bounds, from the next word on.
    pub fn set_bounds(&mut self, bounds: Bounds) {
        self.bounds = bounds;
    }

    /// Takes bytes as they came from the peer. Call [`next_sentence`](Self::next_sentence) until it
    /// returns `None` before adding more.
    pub fn extend(&mut self, bytes: &[u8]) {
        self.buffer.drain(..self.consumed);
        self.consumed = 0;
        self.buffer.extend_from_slice(bytes);
    }

    /// The next complete sentence, or `None` when more bytes are needed. Empty sentences are skipped.
    ///
    /// # Errors
    /// A length that cannot be, or a sentence out of bounds. Both are told as soon as the length is there,
    /// before anything is held for the word.
    pub fn next_sentence(&mut self) -> Result<Option<Sentence>, CodecError> {
        while let Some(word) = self.next_word()? {
            if !word.is_empty() {
                self.held += word.len();
                self.sentence.push(word);
                continue;
            }
            self.held = 0;
            let sentence = mem::take(&mut self.sentence);
            if !sentence.is_empty() {
                return Ok(Some(sentence));
            }
        }
        Ok(None)
    }

    /// How many bytes are held for a sentence that is not complete.
    pub fn buffered(&self) -> usize {
        self.buffer.len() - self.consumed + self.held
    }

    fn next_word(&mut self) -> Result<Option<Vec<u8>>, CodecError> {
        let pending = &self.buffer[self.consumed..];
        let Some((length, size)) = read_length(pending)? else {
            self.release_if_empty();
            return Ok(None);
        };
        self.check(length)?;
        let Some(word) = pending.get(size..size + length).map(<[u8]>::to_vec) else {
            return Ok(None);
        };
        self.consumed += size + length;
        self.release_if_empty();
        Ok(Some(word))
    }

    fn check(&self, length: usize) -> Result<(), CodecError> {
        let bounds = &self.bounds;
        if length > bounds.word {
            let bound = bounds.word;
            return Err(CodecError::WordTooLong { length, bound });
        }
        if length > 0 && self.sentence.len() >= bounds.words {
            return Err(CodecError::TooManyWords(bounds.words));
        }
        if self.held + length > bounds.sentence {
            return Err(CodecError::SentenceTooLong(bounds.sentence));
        }
        Ok(())
    }

    fn release_if_empty(&mut self) {
        if self.buffer.len() == self.consumed {
            self.buffer = Vec::new();
            self.consumed = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: Bounds = Bounds {
        word: 8,
        words: 2,
        sentence: 10,
    };

    fn decoder(bytes: &[u8]) -> Decoder {
        let mut decoder = Decoder::new(SMALL);
        decoder.extend(bytes);
        decoder
    }

    #[test]
    fn sentences_come_out_whole_however_the_stream_is_split() {
        let stream = b"\x02ab\x03cde\x00\x00\x01f\x00";
        for step in 1..=stream.len() {
            let mut decoder = Decoder::new(SMALL);
            let mut out = Vec::new();
            for segment in stream.chunks(step) {
                decoder.extend(segment);
                out.extend(std::iter::from_fn(|| decoder.next_sentence().unwrap()));
            }
            let expected: [Sentence; 2] = [
                ["ab", "cde"].into_iter().collect(),
                ["f"].into_iter().collect(),
            ];
            assert_eq!(out, expected, "segments of {step} bytes");
            assert_eq!(decoder.buffered(), 0);
            assert_eq!(decoder.buffer.capacity(), 0);
        }
    }

    #[test]
    fn a_word_that_is_too_long_is_refused_by_its_length_alone() {
        let error = CodecError::WordTooLong {
            length: 9,
            bound: 8,
        };
        assert_eq!(decoder(&[9]).next_sentence(), Err(error));
    }

    #[test]
    fn words_and_bytes_of_a_sentence_are_bounded_and_begin_anew_with_the_next() {
        let full = b"\x05aaaaa\x05bbbbb\x00";
        let mut decoder = decoder(&full.repeat(2));
        assert!(decoder.next_sentence().unwrap().is_some());
        assert!(decoder.next_sentence().unwrap().is_some());

        let mut decoder = self::decoder(b"\x01a\x01b\x01");
        assert_eq!(decoder.next_sentence(), Err(CodecError::TooManyWords(2)));
        let mut decoder = self::decoder(b"\x05aaaaa\x06");
        let error = CodecError::SentenceTooLong(10);
        assert_eq!(decoder.next_sentence(), Err(error));
    }
}
