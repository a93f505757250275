//! Packets on TCP: a `u16` length, big-endian and not counting itself, then the packet.

/// Longest packet accepted, in bytes. Stock peers accept at most 1768; this leaves room for an inner
/// packet of 1600 bytes with CBC, SHA-512 and a compression byte.
pub const MAX_FRAME: usize = 2048;

const LENGTH_SIZE: usize = 2;

/// Cuts a TCP byte stream into packets, however the segments fall.
///
/// It holds only the bytes not consumed yet and no memory at all when there are none, so that an idle
/// tunnel costs nothing here.
#[derive(Debug, Default)]
pub struct Deframer {
    buffer: Vec<u8>,
    /// Bytes at the front of `buffer` that belong to frames already handed out.
    consumed: usize,
}

impl Deframer {
    /// Takes bytes as they came from the peer. Call [`next_frame`](Self::next_frame) until it returns
    /// `None` before adding more: then what is held never exceeds one frame and one read.
    pub fn extend(&mut self, bytes: &[u8]) {
        self.buffer.drain(..self.consumed);
        self.consumed = 0;
        self.buffer.extend_from_slice(bytes);
    }

    /// The next complete packet, without its length, or `None` when more bytes are needed.
    ///
    /// # Errors
    /// A length no peer may send. The stream has no border to resume at: close the connection.
    pub fn next_frame(&mut self) -> Result<Option<Vec<u8>>, FrameError> {
        let pending = &self.buffer[self.consumed..];
        let Some((length, rest)) = pending.split_first_chunk::<LENGTH_SIZE>() else {
            self.release_if_empty();
            return Ok(None);
        };
        let length = usize::from(u16::from_be_bytes(*length));
        if length == 0 {
            return Err(FrameError::Empty);
        }
        if length > MAX_FRAME {
            return Err(FrameError::TooLong(length));
        }
        let Some(frame) = rest.get(..length).map(<[u8]>::to_vec) else {
            return Ok(None);
        };
        self.consumed += LENGTH_SIZE + length;
        self.release_if_empty();
        Ok(Some(frame))
    }

    /// How many bytes are held that no frame has consumed.
    pub fn buffered(&self) -> usize {
        self.buffer.len() - self.consumed
    }

    fn release_if_empty(&mut self) {
        if self.buffered() == 0 {
            *self = Self::default();
        }
    }
}

/// Appends `packet` to `out` with its length in front.
///
/// # Panics
/// If `packet` is longer than 65535 bytes, which nothing in this crate builds.
pub fn write_frame(out: &mut Vec<u8>, packet: &[u8]) {
    let length = u16::try_from(packet.len()).expect("a packet fits its length field");
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(packet);
}

/// A length field that cannot be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// A packet has at least its first byte.
    #[error("frame of length 0")]
    Empty,
    /// Longer than [`MAX_FRAME`]; most likely the peer does not speak OpenVPN.
    #[error("frame of {0} bytes, at most {MAX_FRAME} are allowed")]
    TooLong(usize),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames(deframer: &mut Deframer) -> Vec<Vec<u8>> {
        std::iter::from_fn(|| deframer.next_frame().unwrap()).collect()
    }

    #[test]
    fn frames_come_out_whole_however_the_stream_is_split() {
        let mut stream = Vec::new();
        let packets: [&[u8]; 3] = [b"one", &[7; MAX_FRAME], b"3"];
        packets
            .iter()
            .for_each(|packet| write_frame(&mut stream, packet));
        for step in [1, 2, 3, 5, 1000, stream.len()] {
            let mut deframer = Deframer::default();
            let mut out = Vec::new();
            for segment in stream.chunks(step) {
                deframer.extend(segment);
                out.extend(frames(&mut deframer));
            }
            assert_eq!(out, packets, "segments of {step} bytes");
            assert_eq!(deframer.buffered(), 0);
        }
    }

    #[test]
    fn an_empty_deframer_holds_no_memory() {
        let mut deframer = Deframer::default();
        deframer.extend(&[0, 1, 42]);
        assert_eq!(frames(&mut deframer), [[42]]);
        assert_eq!(deframer.buffer.capacity(), 0);
    }

    #[test]
    fn a_partial_frame_stays_buffered() {
        let mut deframer = Deframer::default();
        deframer.extend(&[0, 1, 42, 0, 3, 1, 2]);
        assert_eq!(frames(&mut deframer), [[42]]);
        assert_eq!(deframer.buffered(), 4);
        deframer.extend(&[3]);
        assert_eq!(frames(&mut deframer), [[1, 2, 3]]);
    }

    #[test]
    fn impossible_lengths_are_errors_before_anything_is_buffered_for_them() {
        let mut deframer = Deframer::default();
        deframer.extend(&[0, 0]);
        assert_eq!(deframer.next_frame(), Err(FrameError::Empty));
        let mut deframer = Deframer::default();
        deframer.extend(b"GET / HTTP/1.1");
        assert_eq!(deframer.next_frame(), Err(FrameError::TooLong(0x4745)));
        let mut deframer = Deframer::default();
        deframer.extend(&2049_u16.to_be_bytes());
        assert_eq!(deframer.next_frame(), Err(FrameError::TooLong(2049)));
    }
}
