//! The TCP connection of one tunnel: as few system calls as it takes, and no buffer while nothing moves.

use std::{
    future::poll_fn,
    io,
    mem::MaybeUninit,
    pin::Pin,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncRead, ReadBuf},
    net::TcpStream,
};

/// Read at once; on the stack, so that an idle tunnel holds no buffer.
const READ_CHUNK: usize = 8 * 1024;

/// Output that waits for the peer to read. Beyond it packets for the tunnel are dropped, as a full line
/// would: whoever asks and does not read must not fill our memory.
const OUTPUT_AT_MOST: usize = 64 * 1024;

/// Output that makes no progress for this long means a dead or hostile reader.
const STUCK_AFTER: Duration = Duration::from_secs(10);

pub(super) struct Socket {
    stream: TcpStream,
    /// Bytes the kernel has not taken yet.
    out: Vec<u8>,
    stuck_since: Option<Instant>,
}

/// What the connection has come to.
#[derive(Debug)]
pub(super) enum Ready {
    /// These came in.
    Bytes(Vec<u8>),
    /// The peer will send no more.
    Closed,
    /// There is room for output that was stuck.
    Writable,
}

impl Socket {
    pub(super) fn new(stream: TcpStream) -> Self {
        Self {
            stream,
            out: Vec::new(),
            stuck_since: None,
        }
    }

    /// Waits until something can be done. Bytes are taken from the kernel only when they are returned, so
    /// the wait may be abandoned at any time.
    pub(super) async fn ready(&mut self) -> Ready {
        poll_fn(|cx| self.poll_ready(cx)).await
    }

    /// What is there now, without waiting.
    pub(super) async fn ready_now(&mut self) -> Option<Ready> {
        poll_fn(|cx| {
            Poll::Ready(match self.poll_ready(cx) {
                Poll::Ready(ready) => Some(ready),
                Poll::Pending => None,
            })
        })
        .await
    }

    /// A buffer for output; [`Self::flush`] hands it to the kernel.
    pub(super) fn output(&mut self) -> &mut Vec<u8> {
        &mut self.out
    }

    /// Whether so much output waits that packets have to be dropped.
    pub(super) fn is_full(&self) -> bool {
        self.out.len() >= OUTPUT_AT_MOST
    }

    /// When the peer has not read for too long.
    pub(super) fn stuck_at(&self) -> Option<Instant> {
        self.stuck_since.map(|since| since + STUCK_AFTER)
    }

    /// Writes as much as the kernel takes.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        while !self.out.is_empty() {
            match self.stream.try_write(&self.out) {
                Ok(written) => {
                    self.out.drain(..written);
                    self.stuck_since = None;
                }
                Err(err) if err.kind() == io::ErrorKind::WouldBlock => {
                    self.stuck_since.get_or_insert_with(Instant::now);
                    return Ok(());
                }
                Err(err) => return Err(err),
            }
        }
        self.stuck_since = None;
        self.out = Vec::new();
        Ok(())
    }

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Ready> {
        let mut chunk = [const { MaybeUninit::uninit() }; READ_CHUNK];
        let mut buffer = ReadBuf::uninit(&mut chunk);
        // Unlike `try_read`, this takes a read that did not fill the buffer for the last one: no second
        // system call just to hear that there is nothing more.
        if let Poll::Ready(read) = Pin::new(&mut self.stream).poll_read(cx, &mut buffer) {
            return Poll::Ready(match (read, buffer.filled()) {
                (Err(_), _) | (Ok(()), []) => Ready::Closed,
                (Ok(()), bytes) => Ready::Bytes(bytes.to_vec()),
            });
        }
        if !self.out.is_empty() && self.stream.poll_write_ready(cx).is_ready() {
            return Poll::Ready(Ready::Writable);
        }
        Poll::Pending
    }
}
