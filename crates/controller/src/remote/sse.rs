//! Server-sent events, as far as a list of commands needs them: only `data` counts. Pure.
//! <https://html.spec.whatwg.org/multipage/server-sent-events.html>

/// The longest message. A command has at most 30 routes, and a message is what came up at once.
const LONGEST: usize = 16 << 20;

/// Puts messages together from the pieces in which they arrive.
#[derive(Debug, Default)]
pub(super) struct Messages {
    /// The last line, as far as it is here.
    line: Vec<u8>,
    data: String,
}

/// A message of more than 16 MiB, or one that is not text.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the stream of commands makes no sense")]
pub(super) struct Garbled;

impl Messages {
    /// Takes a piece, and returns the messages that it completes.
    pub(super) fn take(&mut self, piece: &[u8]) -> Result<Vec<String>, Garbled> {
        let mut complete = Vec::new();
        let mut rest = piece;
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            self.line.extend_from_slice(&rest[..end]);
            rest = &rest[end + 1..];
            let line = std::mem::take(&mut self.line);
            complete.extend(self.end_line(&line)?);
        }
        self.line.extend_from_slice(rest);
        if self.line.len() + self.data.len() > LONGEST {
            return Err(Garbled);
        }
        Ok(complete)
    }

    fn end_line(&mut self, line: &[u8]) -> Result<Option<String>, Garbled> {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            let data = std::mem::take(&mut self.data);
            return Ok((!data.is_empty()).then_some(data));
        }
        if let Some(data) = line.strip_prefix(b"data:") {
            let data = data.strip_prefix(b" ").unwrap_or(data);
            if !self.data.is_empty() {
                self.data.push('\n');
            }
            self.data += std::str::from_utf8(data).map_err(|_| Garbled)?;
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: &[u8] =
        b": hello\n\nevent: orders\nid: 4\ndata: [1,\r\ndata:2]\r\n\r\n:\n\ndata: [3]\n\n";

    #[test]
    fn messages_come_out_whole_however_they_arrive() {
        for size in 1..STREAM.len() {
            let mut messages = Messages::default();
            let mut found = Vec::new();
            for piece in STREAM.chunks(size) {
                found.extend(messages.take(piece).unwrap());
            }
            assert_eq!(found, ["[1,\n2]", "[3]"], "in pieces of {size}");
        }
    }

    #[test]
    fn a_line_without_end_does_not_fill_our_memory() {
        let mut messages = Messages::default();
        let piece = vec![b'x'; LONGEST / 4];
        let taken = (0..8).map(|_| messages.take(&piece));
        assert!(taken.into_iter().any(|taken| taken == Err(Garbled)));
    }

    #[test]
    fn what_is_not_text_is_refused() {
        assert_eq!(Messages::default().take(b"data: \xff\n"), Err(Garbled));
    }
}
