//! Streams to ports of the router, inside its tunnel. All of this exists only while a stream is open.

mod pipe;
mod stack;

use std::{
    net::Ipv4Addr,
    pin::Pin,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use holdfast_api_types::StreamId;
use rand::RngExt;
use smoltcp::{
    iface::SocketHandle,
    socket::tcp::{Socket, State},
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

pub use self::pipe::TunnelStream;
use self::{pipe::TunnelEnd, stack::Stack};

/// Streams that one tunnel has at once.
const STREAMS_AT_MOST: usize = 4;

/// How long the router may take to answer.
const CONNECT_WITHIN: Duration = Duration::from_secs(2);

/// How long a stream that nobody has any more may take to end.
const END_WITHIN: Duration = Duration::from_secs(5);

/// The streams of one tunnel.
pub(super) struct Streams {
    stack: Stack,
    open: Vec<Stream>,
    events: Vec<StreamEvent>,
    router: Ipv4Addr,
}

/// What became of a stream that was ordered.
#[derive(Debug)]
pub(super) enum StreamEvent {
    /// The router has answered.
    Opened(StreamId, TunnelStream),
    /// It has not, and why.
    Failed(StreamId, String),
    /// A stream that was open is over, after so many bytes to the router and from it.
    Ended { sent: u64, received: u64 },
}

struct Stream {
    id: StreamId,
    port: u16,
    socket: SocketHandle,
    phase: Phase,
}

enum Phase {
    Connecting { until: Instant },
    Open(Box<Open>),
}

struct Open {
    end: TunnelEnd,
    /// The other end has said all that it had to say.
    is_sent: bool,
    /// The router has, and all of it was passed on.
    is_received: bool,
    /// Nobody has the other end any more.
    end_by: Option<Instant>,
    sent: u64,
    received: u64,
}

impl Streams {
    /// None yet, in the tunnel between these addresses.
    pub(super) fn new(server: Ipv4Addr, router: Ipv4Addr, now: Instant) -> Self {
        Self {
            stack: Stack::new(server, router, rand::rng().random(), now),
            open: Vec::new(),
            events: Vec::new(),
            router,
        }
    }

    /// Begins to connect to a port of the router.
    pub(super) fn open(&mut self, id: StreamId, port: u16, now: Instant) {
        if self.open.len() >= STREAMS_AT_MOST {
            let cause = format!("its tunnel has {STREAMS_AT_MOST} streams already");
            return self.events.push(StreamEvent::Failed(id, cause));
        }
        // Those that end by themselves have it taken from them long before it is drawn again.
        let local_port = rand::rng().random_range(49152..=65535);
        match self.stack.connect(port, local_port) {
            Ok(socket) => self.open.push(Stream {
                id,
                port,
                socket,
                phase: Phase::Connecting {
                    until: now + CONNECT_WITHIN,
                },
            }),
            Err(_) => {
                let cause = format!("{port} is not a port that can be connected to");
                self.events.push(StreamEvent::Failed(id, cause));
            }
        }
        self.advance(now);
    }

    /// Whether a packet of the tunnel belongs to a stream.
    pub(super) fn wants(&self, packet: &[u8]) -> bool {
        self.stack.wants(packet)
    }

    /// Takes such a packet.
    pub(super) fn handle_packet(&mut self, packet: &[u8], now: Instant) {
        self.stack.handle_packet(packet, now);
        self.advance(now);
    }

    /// Does what is due.
    pub(super) fn advance(&mut self, now: Instant) {
        for mut stream in std::mem::take(&mut self.open) {
            match stream.settle(&mut self.stack, self.router, &mut self.events, now) {
                Settled::Goes => self.open.push(stream),
                Settled::Over => self.stack.remove(stream.socket),
            }
        }
        self.stack.advance(now);
    }

    /// Moves bytes as far as they go; ready when some have moved, upon which there may be packets.
    pub(super) fn poll_move(&mut self, cx: &mut Context<'_>, now: Instant) -> Poll<()> {
        let mut has_moved = false;
        for stream in &mut self.open {
            if let Phase::Open(open) = &mut stream.phase {
                has_moved |= open.exchange(self.stack.socket(stream.socket), cx, now);
            }
        }
        if !has_moved {
            return Poll::Pending;
        }
        self.advance(now);
        Poll::Ready(())
    }

    /// The next packet for the router.
    pub(super) fn poll_packet(&mut self) -> Option<Vec<u8>> {
        self.stack.poll_packet()
    }

    /// What has become of a stream.
    pub(super) fn poll_event(&mut self) -> Option<StreamEvent> {
        (!self.events.is_empty()).then(|| self.events.remove(0))
    }

    /// When [`Self::advance`] is due.
    pub(super) fn poll_timeout(&mut self, now: Instant) -> Option<Instant> {
        let streams = self.open.iter().filter_map(|stream| match &stream.phase {
            Phase::Connecting { until } => Some(*until),
            Phase::Open(open) => open.end_by,
        });
        let streams = streams.min();
        streams
            .into_iter()
            .chain(self.stack.poll_timeout(now))
            .min()
    }

    /// Whether there is no stream, and nothing left to be said of one.
    pub(super) fn is_over(&self) -> bool {
        self.open.is_empty() && self.events.is_empty()
    }

    /// The tunnel is gone, for this reason.
    pub(super) fn fail(&mut self, cause: &str) {
        let cause = format!("its tunnel is gone: {cause}");
        for stream in self.open.drain(..) {
            self.events.push(match stream.phase {
                Phase::Connecting { .. } => StreamEvent::Failed(stream.id, cause.clone()),
                Phase::Open(open) => open.fail(&cause),
            });
        }
    }
}

enum Settled {
    Goes,
    Over,
}

impl Stream {
    fn settle(
        &mut self,
        stack: &mut Stack,
        router: Ipv4Addr,
        events: &mut Vec<StreamEvent>,
        now: Instant,
    ) -> Settled {
        let socket = stack.socket(self.socket);
        let state = socket.state();
        match &mut self.phase {
            Phase::Connecting { until } => {
                if state == State::Closed {
                    let cause = format!("{router} port {} refuses connections", self.port);
                    events.push(StreamEvent::Failed(self.id.clone(), cause));
                    return Settled::Over;
                }
                if state != State::SynSent {
                    let (end, stream) = pipe::pair();
                    events.push(StreamEvent::Opened(self.id.clone(), stream));
                    self.phase = Phase::Open(Box::new(Open::new(end)));
                } else if now >= *until {
                    let within = CONNECT_WITHIN.as_secs();
                    let cause = format!(
                        "no answer from {router} port {} within {within} s",
                        self.port
                    );
                    events.push(StreamEvent::Failed(self.id.clone(), cause));
                    return Settled::Over;
                }
                Settled::Goes
            }
            Phase::Open(open) => {
                if open.end_by.is_some_and(|by| now >= by) {
                    socket.abort();
                }
                let is_over = (state == State::Closed && !socket.can_recv())
                    || (state == State::TimeWait && open.is_received);
                if !is_over {
                    return Settled::Goes;
                }
                let Phase::Open(open) =
                    std::mem::replace(&mut self.phase, Phase::Connecting { until: now })
                else {
                    return Settled::Over;
                };
                events.push(match open.is_sent && open.is_received {
                    true => open.ended(),
                    false => open.fail("the router has broken the connection off"),
                });
                Settled::Over
            }
        }
    }
}

impl Open {
    fn new(end: TunnelEnd) -> Self {
        Self {
            end,
            is_sent: false,
            is_received: false,
            end_by: None,
            sent: 0,
            received: 0,
        }
    }

    fn ended(&self) -> StreamEvent {
        StreamEvent::Ended {
            sent: self.sent,
            received: self.received,
        }
    }

    fn fail(self, cause: &str) -> StreamEvent {
        let ended = self.ended();
        self.end.fail(cause);
        ended
    }

    /// Moves bytes both ways; whether any have moved, or either side has finished.
    fn exchange(
        &mut self,
        socket: &mut Socket<'static>,
        cx: &mut Context<'_>,
        now: Instant,
    ) -> bool {
        let mut has_moved = self.send(socket, cx);
        has_moved |= self.receive(socket, cx);
        if self.end.poll_dropped(cx) && self.end_by.is_none() {
            self.end_by = Some(now + END_WITHIN);
            has_moved = true;
        }
        has_moved
    }

    fn send(&mut self, socket: &mut Socket<'static>, cx: &mut Context<'_>) -> bool {
        let mut has_moved = false;
        while !self.is_sent && socket.can_send() {
            let bytes = &mut self.end.bytes;
            let read = socket.send(|room| {
                let mut buffer = ReadBuf::new(room);
                let read = Pin::new(bytes).poll_read(cx, &mut buffer);
                let count = buffer.filled().len();
                (count, read.map_ok(|()| count))
            });
            match read {
                Ok(Poll::Ready(Ok(count))) if count > 0 => self.sent += count as u64,
                Ok(Poll::Ready(_)) => {
                    self.is_sent = true;
                    socket.close();
                }
                Ok(Poll::Pending) | Err(_) => break,
            }
            has_moved = true;
        }
        has_moved
    }

    fn receive(&mut self, socket: &mut Socket<'static>, cx: &mut Context<'_>) -> bool {
        let mut has_moved = false;
        while socket.can_recv() {
            let bytes = &mut self.end.bytes;
            let written = socket.recv(|received| {
                // What nobody wants to read any more is taken from the router all the same, so that it can end.
                let written = Pin::new(bytes)
                    .poll_write(cx, received)
                    .map(|written| written.unwrap_or(received.len()));
                match written {
                    Poll::Ready(count) => (count, Some(count)),
                    Poll::Pending => (0, None),
                }
            });
            let Ok(Some(count)) = written else { break };
            self.received += count as u64;
            has_moved = true;
        }
        let has_finished = matches!(
            socket.state(),
            State::CloseWait | State::LastAck | State::Closing | State::TimeWait
        );
        if has_finished && !socket.can_recv() && !self.is_received {
            // It does nothing but tell the other end, which never waits.
            let _ = Pin::new(&mut self.end.bytes).poll_shutdown(cx);
            self.is_received = true;
            has_moved = true;
        }
        has_moved
    }
}

#[cfg(test)]
mod tests;
