//! One sentence: a command, or one reply to it.

use std::fmt;

use super::write_length;

/// The words of a sentence, without the empty one that ends it. The protocol names no text encoding, so
/// a word is bytes.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Sentence {
    words: Vec<Vec<u8>>,
}

impl Sentence {
    /// Appends a word. An empty one is left out: it would end the sentence.
    pub fn push(&mut self, word: impl Into<Vec<u8>>) {
        let word = word.into();
        if !word.is_empty() {
            self.words.push(word);
        }
    }

    /// Appends `=name=value`.
    pub fn push_attribute(&mut self, name: &str, value: &str) {
        self.push(format!("={name}={value}"));
    }

    /// Appends the bytes of the sentence to `out`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        for word in &self.words {
            write_length(out, word.len());
            out.extend_from_slice(word);
        }
        out.push(0);
    }

    /// The words, in order.
    pub fn words(&self) -> impl Iterator<Item = &[u8]> {
        self.words.iter().map(Vec::as_slice)
    }

    /// How many words it has.
    pub fn len(&self) -> usize {
        self.words.len()
    }

    /// Whether it has none. Such sentences are ignored by both sides.
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }
}

impl<W: Into<Vec<u8>>> FromIterator<W> for Sentence {
    fn from_iter<I: IntoIterator<Item = W>>(words: I) -> Self {
        let mut sentence = Self::default();
        words.into_iter().for_each(|word| sentence.push(word));
        sentence
    }
}

/// Names, not values: a log-in's password is one of the words.
impl fmt::Debug for Sentence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut list = f.debug_list();
        for word in &self.words {
            let text = String::from_utf8_lossy(word);
            let shown = match text.strip_prefix('=').and_then(|rest| rest.split_once('=')) {
                Some((name, _)) => format!("={name}=…"),
                None => text.into_owned(),
            };
            list.entry(&shown);
        }
        list.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_in_has_the_documented_bytes() {
        let sentence: Sentence = ["/login", "=name=wf-api", "=password=s3cret"]
            .into_iter()
            .collect();
        let mut bytes = Vec::new();
        sentence.encode(&mut bytes);
        assert_eq!(bytes, b"\x06/login\x0c=name=wf-api\x10=password=s3cret\x00");
    }

    #[test]
    fn debug_output_has_no_values() {
        let sentence: Sentence = ["/login", "=password=s3cret", ".tag=1"]
            .into_iter()
            .collect();
        assert_eq!(
            format!("{sentence:?}"),
            r#"["/login", "=password=…", ".tag=1"]"#
        );
    }
}
