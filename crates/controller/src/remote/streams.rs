//! Streams to routers, brought to the control plane: each over a connection of its own.

use std::{io, sync::Arc, time::Duration};

use holdfast_api_types::{
    RunId, StreamId,
    controller::stream::{HEAD_LEN, PIECE_AT_MOST, Piece},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, split},
    task::JoinSet,
};

use super::{Remote, api::Api};
use crate::control_plane::{ControlPlane, TunnelStream};

/// How long the control plane may take to accept a stream. Whoever has ordered it waits for 2 s in all.
const ACCEPTED_WITHIN: Duration = Duration::from_secs(2);

/// For so long the control plane may read why a stream is broken, before the connection is closed.
const LINGER: Duration = Duration::from_secs(5);

impl Remote {
    /// Brings streams that have been opened to the control plane, for ever.
    pub(super) async fn carry_streams(&self) {
        let mut carried = JoinSet::new();
        loop {
            tokio::select! {
                () = self.streams_waiting.notified() => {
                    let opened = std::mem::take(&mut self.lock().opened);
                    for (stream, bytes) in opened {
                        carried.spawn(carry(self.api.clone(), self.run.clone(), stream, bytes));
                    }
                }
                Some(ended) = carried.join_next() => {
                    if let Ok(Err(NotCarried { stream, cause })) = ended {
                        self.stream_failed(stream, cause);
                    }
                }
            }
        }
    }
}

/// The control plane does not take a stream that it has ordered.
struct NotCarried {
    stream: StreamId,
    cause: String,
}

/// Carries a stream to its end.
async fn carry(
    api: Arc<Api>,
    run: RunId,
    stream: StreamId,
    bytes: TunnelStream,
) -> Result<(), NotCarried> {
    let connection = match api.bring(&run, &stream, ACCEPTED_WITHIN).await {
        Ok(Some(connection)) => connection,
        Ok(None) => {
            tracing::debug!(stream.id = %stream, "nobody waits for a stream any more");
            return Ok(());
        }
        Err(err) => {
            let cause = format!("its controller cannot bring the stream: {err}");
            return Err(NotCarried { stream, cause });
        }
    };
    let ended = exchange(bytes, connection).await;
    tracing::debug!(stream.id = %stream, ?ended, "a stream is over");
    Ok(())
}

/// Moves bytes between a router and the control plane until both have said all, or one of them is gone. Whichever end is
/// slow holds up the other.
async fn exchange(
    router: impl AsyncRead + AsyncWrite,
    connection: impl AsyncRead + AsyncWrite,
) -> io::Result<()> {
    let (from_router, to_router) = split(router);
    let (from_plane, to_plane) = split(connection);
    tokio::try_join!(send(from_router, to_plane), receive(from_plane, to_router)).map(|_| ())
}

/// From the router, in pieces.
async fn send(
    mut router: impl AsyncRead + Unpin,
    mut plane: impl AsyncWrite + Unpin,
) -> io::Result<()> {
    let mut buffer = vec![0; HEAD_LEN + PIECE_AT_MOST];
    loop {
        let read = router.read(&mut buffer[HEAD_LEN..]).await;
        let (piece, length) = match &read {
            Ok(0) => (Piece::End, 0),
            Ok(count) => (Piece::Bytes(in_piece(*count)), *count),
            Err(err) => {
                let cause = err.to_string();
                let length = cause.len().min(PIECE_AT_MOST);
                buffer[HEAD_LEN..HEAD_LEN + length].copy_from_slice(&cause.as_bytes()[..length]);
                (Piece::Failed(in_piece(length)), length)
            }
        };
        buffer[..HEAD_LEN].copy_from_slice(&piece.head());
        plane.write_all(&buffer[..HEAD_LEN + length]).await?;
        plane.flush().await?;
        match read {
            Ok(0) => return Ok(()),
            Ok(_) => {}
            Err(err) => {
                // If we closed while it still sends, the cause would be lost on the way.
                tokio::time::sleep(LINGER).await;
                return Err(err);
            }
        }
    }
}

/// To the router, out of pieces.
async fn receive(
    mut plane: impl AsyncRead + Unpin,
    mut router: impl AsyncWrite + Unpin,
) -> io::Result<()> {
    let mut buffer = vec![0; PIECE_AT_MOST];
    loop {
        let mut head = [0; HEAD_LEN];
        plane.read_exact(&mut head).await?;
        match Piece::of(head).map_err(io::Error::other)? {
            Piece::Bytes(length) => {
                let bytes = &mut buffer[..usize::from(length)];
                plane.read_exact(bytes).await?;
                // A router that is gone is told of by the other direction; until then the rest is passed over.
                let _ = router.write_all(bytes).await;
            }
            Piece::End => {
                let _ = router.shutdown().await;
                return Ok(());
            }
            Piece::Failed(_) => {
                return Err(io::Error::other(
                    "the control plane has given the stream up",
                ));
            }
        }
    }
}

fn in_piece(length: usize) -> u16 {
    u16::try_from(length).expect("a piece is shorter than 64 KiB")
}

#[cfg(test)]
mod tests {
    use std::{
        pin::Pin,
        task::{Context, Poll},
    };

    use tokio::io::{DuplexStream, ReadBuf, duplex, join, sink};

    use super::*;

    /// A router that is cut off before it has said anything.
    struct CutOff;

    impl AsyncRead for CutOff {
        fn poll_read(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
            _: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            Poll::Ready(Err(io::Error::other("its tunnel is gone: no answer")))
        }
    }

    async fn next(plane: &mut DuplexStream) -> (Piece, Vec<u8>) {
        let mut head = [0; HEAD_LEN];
        plane.read_exact(&mut head).await.unwrap();
        let piece = Piece::of(head).unwrap();
        let length = match piece {
            Piece::Bytes(length) | Piece::Failed(length) => usize::from(length),
            Piece::End => 0,
        };
        let mut bytes = vec![0; length];
        plane.read_exact(&mut bytes).await.unwrap();
        (piece, bytes)
    }

    #[tokio::test]
    async fn bytes_and_their_end_go_both_ways() {
        let (ours, mut router) = duplex(64);
        let (connection, mut plane) = duplex(64);
        let carried = tokio::spawn(exchange(ours, connection));

        router.write_all(b"!done").await.unwrap();
        assert_eq!(next(&mut plane).await, (Piece::Bytes(5), b"!done".to_vec()));
        router.shutdown().await.unwrap();
        assert_eq!(next(&mut plane).await.0, Piece::End);

        plane.write_all(&Piece::Bytes(5).head()).await.unwrap();
        plane.write_all(b"/quit").await.unwrap();
        plane.write_all(&Piece::End.head()).await.unwrap();
        let mut told = Vec::new();
        router.read_to_end(&mut told).await.unwrap();
        assert_eq!(told, b"/quit");
        carried.await.unwrap().unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn why_a_stream_breaks_is_told_also_while_the_other_side_still_sends() {
        let (connection, mut plane) = duplex(64);
        let carried = tokio::spawn(exchange(join(CutOff, sink()), connection));
        let mut sent = Piece::Bytes(40).head().to_vec();
        sent.resize(HEAD_LEN + 40, 7);
        for _ in 0..10 {
            plane.write_all(&sent).await.unwrap();
        }
        let (piece, cause) = next(&mut plane).await;
        assert!(matches!(piece, Piece::Failed(_)), "{piece:?}");
        assert_eq!(cause, b"its tunnel is gone: no answer");
        carried.await.unwrap().unwrap_err();
        assert_eq!(plane.read(&mut [0]).await.unwrap(), 0, "it is closed");
    }

    #[tokio::test]
    async fn a_control_plane_that_is_gone_ends_the_stream() {
        let (ours, mut router) = duplex(64);
        let (connection, plane) = duplex(64);
        let carried = tokio::spawn(exchange(ours, connection));
        drop(plane);
        carried.await.unwrap().unwrap_err();
        assert_eq!(router.read(&mut [0]).await.unwrap(), 0);
    }
}
