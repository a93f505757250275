//! The two ends of a stream: one in its tunnel, the other with whoever has ordered it.

use std::{
    io,
    pin::Pin,
    sync::{Arc, OnceLock},
    task::{Context, Poll, ready},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf, duplex},
    sync::oneshot,
};

/// Bytes that wait between the two in each direction; beyond them the one waits for the other.
const WAITING_AT_MOST: usize = 16 * 1024;

/// A TCP connection to a router, through its tunnel.
///
/// When the tunnel is gone, or the router breaks the connection off, it ends with an error that says so. To drop it
/// closes the connection.
#[derive(Debug)]
pub struct TunnelStream {
    bytes: DuplexStream,
    failed: Arc<OnceLock<String>>,
    _held: oneshot::Sender<()>,
}

/// The end in the tunnel.
#[derive(Debug)]
pub(super) struct TunnelEnd {
    pub(super) bytes: DuplexStream,
    failed: Arc<OnceLock<String>>,
    dropped: oneshot::Receiver<()>,
    is_dropped: bool,
}

/// Both ends of a new stream.
pub(super) fn pair() -> (TunnelEnd, TunnelStream) {
    let (ours, theirs) = duplex(WAITING_AT_MOST);
    let failed = Arc::<OnceLock<String>>::default();
    let (held, dropped) = oneshot::channel();
    let end = TunnelEnd {
        bytes: ours,
        failed: failed.clone(),
        dropped,
        is_dropped: false,
    };
    let stream = TunnelStream {
        bytes: theirs,
        failed,
        _held: held,
    };
    (end, stream)
}

impl TunnelEnd {
    /// Ends the stream with an error.
    pub(super) fn fail(self, cause: &str) {
        // The first cause is the one that counts.
        let _ = self.failed.set(cause.to_owned());
    }

    /// Whether nobody has the other end any more. If somebody has, the task is woken when that changes.
    pub(super) fn poll_dropped(&mut self, cx: &mut Context<'_>) -> bool {
        if !self.is_dropped {
            self.is_dropped = Pin::new(&mut self.dropped).poll(cx).is_ready();
        }
        self.is_dropped
    }
}

impl TunnelStream {
    fn failure(&self) -> Option<io::Error> {
        let cause = self.failed.get()?;
        Some(io::Error::new(
            io::ErrorKind::ConnectionAborted,
            cause.clone(),
        ))
    }
}

impl AsyncRead for TunnelStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.bytes).poll_read(cx, buf))?;
        let is_over = buf.filled().len() == before && buf.remaining() > 0;
        Poll::Ready(match self.failure().filter(|_| is_over) {
            Some(failure) => Err(failure),
            None => Ok(()),
        })
    }
}

impl AsyncWrite for TunnelStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.bytes).poll_write(cx, buf));
        Poll::Ready(written.map_err(|err| self.failure().unwrap_or(err)))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.bytes).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.bytes).poll_shutdown(cx)
    }
}
