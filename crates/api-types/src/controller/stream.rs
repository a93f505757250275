//! The bytes of a stream to a router, on their way between a controller and a control plane that are two processes.
//!
//! The controller sends `GET streams/{id}?run=RUN` with `Upgrade: holdfast-stream`. After the answer 101 the connection
//! carries pieces, both ways. Each has a head of three bytes: its kind, and how many bytes follow, in network order.
//! A connection that ends without [`Piece::End`] has broken.

/// What the connection is upgraded to.
pub const PROTOCOL: &str = "holdfast-stream";

/// Length of a [`Piece`]'s head in bytes.
pub const HEAD_LEN: usize = 3;

/// Most bytes in one piece.
pub const PIECE_AT_MOST: usize = 16 * 1024;

/// A piece of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece {
    /// So many bytes of the stream follow.
    Bytes(u16),
    /// The sender has said all. It may still be told more.
    End,
    /// The stream is broken, and nothing comes after this. So many bytes follow: the cause, in words a person reads.
    Failed(u16),
}

/// A head that is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a piece of the stream cannot be read: its kind is {0}, its length {1}")]
pub struct UnknownPiece(u8, u16);

impl Piece {
    /// As it is sent.
    pub fn head(self) -> [u8; HEAD_LEN] {
        let (kind, length) = match self {
            Self::Bytes(length) => (0, length),
            Self::End => (1, 0),
            Self::Failed(length) => (2, length),
        };
        let [high, low] = length.to_be_bytes();
        [kind, high, low]
    }

    /// Reads a head.
    ///
    /// # Errors
    /// Its kind is not known, or it is longer than [`PIECE_AT_MOST`].
    pub fn of(head: [u8; HEAD_LEN]) -> Result<Self, UnknownPiece> {
        let [kind, high, low] = head;
        let length = u16::from_be_bytes([high, low]);
        match kind {
            0 if usize::from(length) <= PIECE_AT_MOST => Ok(Self::Bytes(length)),
            1 if length == 0 => Ok(Self::End),
            2 if usize::from(length) <= PIECE_AT_MOST => Ok(Self::Failed(length)),
            _ => Err(UnknownPiece(kind, length)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_head_reads_back() {
        for (piece, head) in [
            (Piece::Bytes(0x0102), [0, 1, 2]),
            (Piece::Bytes(16 * 1024), [0, 0x40, 0]),
            (Piece::End, [1, 0, 0]),
            (Piece::Failed(5), [2, 0, 5]),
        ] {
            assert_eq!(piece.head(), head);
            assert_eq!(Piece::of(head), Ok(piece));
        }
    }

    #[test]
    fn what_is_no_head_is_refused() {
        for head in [[0, 0x40, 1], [1, 0, 1], [2, 0xff, 0xff], [3, 0, 0]] {
            let err = Piece::of(head).unwrap_err().to_string();
            assert!(err.contains(&format!("its kind is {}", head[0])), "{err}");
        }
    }
}
