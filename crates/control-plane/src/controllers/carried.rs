//! The stream of a router that comes from a controller elsewhere: bytes out of the pieces on its connection.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use holdfast_api_types::controller::stream::{HEAD_LEN, PIECE_AT_MOST, Piece};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The bytes of a stream. To drop it closes the connection, upon which the controller closes the stream.
///
/// The last that was written may wait in here until somebody writes, flushes or reads.
#[derive(Debug)]
pub(crate) struct Carried<T> {
    connection: T,
    reading: Reading,
    /// A piece of ours, of which so many bytes are sent.
    unsent: Vec<u8>,
    sent: usize,
    is_ended: bool,
}

/// What comes next.
#[derive(Debug)]
enum Reading {
    Head {
        bytes: [u8; HEAD_LEN],
        read: usize,
    },
    Bytes {
        left: usize,
    },
    /// Why the stream is broken.
    Cause {
        text: Vec<u8>,
        read: usize,
    },
    /// The router has said all.
    Ended,
    Failed(String),
}

impl Reading {
    const NEXT: Self = Self::Head {
        bytes: [0; HEAD_LEN],
        read: 0,
    };
}

impl<T: AsyncRead + AsyncWrite + Unpin> Carried<T> {
    /// Over a connection that carries nothing else.
    pub(crate) fn new(connection: T) -> Self {
        Self {
            connection,
            reading: Reading::NEXT,
            unsent: Vec::new(),
            sent: 0,
            is_ended: false,
        }
    }

    /// Puts a piece on its way; the one before it has to be gone.
    fn push(&mut self, piece: Piece, bytes: &[u8]) {
        self.unsent.clear();
        self.sent = 0;
        self.unsent.extend_from_slice(&piece.head());
        self.unsent.extend_from_slice(bytes);
    }

    fn poll_sent(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.sent < self.unsent.len() {
            let unsent = &self.unsent[self.sent..];
            let count = ready!(Pin::new(&mut self.connection).poll_write(cx, unsent))?;
            if count == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.sent += count;
        }
        Pin::new(&mut self.connection).poll_flush(cx)
    }

    /// Reads what is wanted next, but no bytes of the stream. Those are next when it is ready.
    fn poll_to_bytes(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            self.reading = match &mut self.reading {
                Reading::Head { bytes, read } => {
                    ready!(fill(&mut self.connection, cx, bytes, read))?;
                    match Piece::of(*bytes).map_err(io::Error::other)? {
                        Piece::Bytes(length) => Reading::Bytes {
                            left: length.into(),
                        },
                        Piece::End => Reading::Ended,
                        Piece::Failed(length) => Reading::Cause {
                            text: vec![0; length.into()],
                            read: 0,
                        },
                    }
                }
                Reading::Bytes { left: 0 } => Reading::NEXT,
                Reading::Cause { text, read } => {
                    ready!(fill(&mut self.connection, cx, text, read))?;
                    Reading::Failed(String::from_utf8_lossy(text).into_owned())
                }
                Reading::Bytes { .. } | Reading::Ended => return Poll::Ready(Ok(())),
                Reading::Failed(cause) => {
                    let cause = cause.clone();
                    return Poll::Ready(Err(io::Error::new(
                        io::ErrorKind::ConnectionAborted,
                        cause,
                    )));
                }
            };
        }
    }
}

/// Reads on until all of `bytes` are there.
fn fill(
    connection: &mut (impl AsyncRead + Unpin),
    cx: &mut Context<'_>,
    bytes: &mut [u8],
    read: &mut usize,
) -> Poll<io::Result<()>> {
    while *read < bytes.len() {
        let mut room = ReadBuf::new(&mut bytes[*read..]);
        ready!(Pin::new(&mut *connection).poll_read(cx, &mut room))?;
        match room.filled().len() {
            0 => return Poll::Ready(Err(broken())),
            count => *read += count,
        }
    }
    Poll::Ready(Ok(()))
}

fn broken() -> io::Error {
    io::Error::new(
        io::ErrorKind::ConnectionAborted,
        "the connection to its controller has broken",
    )
}

impl<T: AsyncRead + AsyncWrite + Unpin> AsyncRead for Carried<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        // Whoever waits for an answer need not have waited until the question was on its way.
        if let Poll::Ready(Err(err)) = self.poll_sent(cx) {
            return Poll::Ready(Err(err));
        }
        ready!(self.poll_to_bytes(cx))?;
        let this = &mut *self;
        let Reading::Bytes { left } = &mut this.reading else {
            return Poll::Ready(Ok(()));
        };
        let mut room = ReadBuf::new(buf.initialize_unfilled_to((*left).min(buf.remaining())));
        if room.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        ready!(Pin::new(&mut this.connection).poll_read(cx, &mut room))?;
        let count = room.filled().len();
        if count == 0 {
            return Poll::Ready(Err(broken()));
        }
        *left -= count;
        buf.advance(count);
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Carried<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_sent(cx))?;
        if self.is_ended {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let taken = &buf[..buf.len().min(PIECE_AT_MOST)];
        if let Ok(length @ 1..) = u16::try_from(taken.len()) {
            self.push(Piece::Bytes(length), taken);
            if let Poll::Ready(Err(err)) = self.poll_sent(cx) {
                return Poll::Ready(Err(err));
            }
        }
        Poll::Ready(Ok(taken.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_sent(cx)
    }

    /// The connection stays: the router may have more to say.
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_sent(cx))?;
        if !self.is_ended {
            self.is_ended = true;
            self.push(Piece::End, &[]);
        }
        self.poll_sent(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex, split};

    use super::*;

    async fn tell(controller: &mut DuplexStream, piece: Piece, bytes: &[u8]) {
        controller.write_all(&piece.head()).await.unwrap();
        controller.write_all(bytes).await.unwrap();
    }

    #[tokio::test]
    async fn a_stream_is_read_out_of_its_pieces_to_its_end() {
        let (ours, mut controller) = duplex(5);
        let mut carried = Carried::new(ours);
        let telling = async {
            tell(&mut controller, Piece::Bytes(3), b"!do").await;
            tell(&mut controller, Piece::Bytes(0), b"").await;
            tell(&mut controller, Piece::Bytes(9), b"ne=router").await;
            tell(&mut controller, Piece::End, b"").await;
        };
        let mut read = Vec::new();
        let (count, ()) = tokio::join!(carried.read_to_end(&mut read), telling);
        assert_eq!(count.unwrap(), 12);
        assert_eq!(read, b"!done=router");
    }

    #[tokio::test]
    async fn a_stream_that_breaks_says_why() {
        let (ours, mut controller) = duplex(64);
        let mut carried = Carried::new(ours);
        let cause = b"its tunnel is gone: no answer";
        let length = u16::try_from(cause.len()).unwrap();
        tell(&mut controller, Piece::Bytes(1), b"!").await;
        tell(&mut controller, Piece::Failed(length), cause).await;
        assert_eq!(carried.read_u8().await.unwrap(), b'!');
        for _ in 0..2 {
            let err = carried.read_u8().await.unwrap_err();
            assert_eq!(err.to_string(), "its tunnel is gone: no answer");
        }
    }

    #[tokio::test]
    async fn a_connection_that_ends_in_the_middle_is_no_end_of_the_stream() {
        for piece in [vec![], vec![0, 0], vec![0, 0, 2, b'!'], vec![2, 0, 9, b'i']] {
            let (ours, mut controller) = duplex(64);
            let mut carried = Carried::new(ours);
            controller.write_all(&piece).await.unwrap();
            drop(controller);
            let err = carried.read_to_end(&mut Vec::new()).await.unwrap_err();
            assert!(err.to_string().contains("has broken"), "{err}");
        }
    }

    #[tokio::test]
    async fn what_is_written_arrives_although_nobody_flushes() {
        let (ours, mut controller) = duplex(7);
        let (mut reading, mut writing) = split(Carried::new(ours));
        let asking = async {
            writing.write_all(b"/system/identity/print").await.unwrap();
            reading.read_u8().await.unwrap()
        };
        let answering = async {
            let mut asked = [0; HEAD_LEN + 22];
            controller.read_exact(&mut asked).await.unwrap();
            assert_eq!(&asked[..HEAD_LEN], &Piece::Bytes(22).head());
            assert_eq!(&asked[HEAD_LEN..], b"/system/identity/print");
            tell(&mut controller, Piece::Bytes(1), b"!").await;
        };
        let (answer, ()) = tokio::join!(asking, answering);
        assert_eq!(answer, b'!');
    }

    #[tokio::test]
    async fn the_end_of_what_we_say_is_told_and_nothing_can_follow() {
        let (ours, mut controller) = duplex(64);
        let mut carried = Carried::new(ours);
        carried.shutdown().await.unwrap();
        carried.shutdown().await.unwrap();
        let mut told = [9; HEAD_LEN];
        controller.read_exact(&mut told).await.unwrap();
        assert_eq!(Piece::of(told), Ok(Piece::End));
        let err = carried.write_all(b"more").await.unwrap_err();
        assert_eq!(err.kind(), io::ErrorKind::BrokenPipe);
    }

    #[tokio::test]
    async fn a_controller_that_does_not_read_holds_us_up() {
        let (ours, mut controller) = duplex(1024);
        let mut carried = Carried::new(ours);
        let lot = vec![7; 4 * PIECE_AT_MOST];
        let mut writing = std::pin::pin!(async {
            carried.write_all(&lot).await?;
            carried.flush().await
        });
        let mut cx = Context::from_waker(std::task::Waker::noop());
        assert!(writing.as_mut().poll(&mut cx).is_pending());
        let reading = async {
            let mut read = vec![0; lot.len() + 4 * HEAD_LEN];
            controller.read_exact(&mut read).await.unwrap();
        };
        let (written, ()) = tokio::join!(writing, reading);
        written.unwrap();
    }
}
