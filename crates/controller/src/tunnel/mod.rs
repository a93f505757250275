//! One connection: socket, OpenVPN session, probes. The only place where these meet.

mod door;
mod link;
mod login;
mod socket;
mod stream;

use std::{
    future::poll_fn,
    net::SocketAddr,
    sync::Arc,
    task::Poll,
    time::{Duration, Instant},
};

use holdfast_api_types::StreamId;
use holdfast_failover::Role;
use holdfast_ovpn_proto::{DownCause, ServerEvent, ServerSession};
use rand::rngs::SysRng;
use rand_core::UnwrapErr;
use tokio::{net::TcpStream, time::Sleep};

pub use self::stream::TunnelStream;
use self::{
    link::Link,
    socket::{Ready, Socket},
    stream::{StreamEvent, Streams},
};
use crate::{
    Shared,
    control_plane::{ControlPlane, Report, ReportKind},
    registry::{self, Close, Mailbox, Orders},
};

/// A timer that fires so much too late tells that the process was stopped, or starved of its processor.
const LATE: Duration = Duration::from_millis(100);

/// A drain lets go of a site's standbys first. Were the active tunnel's routes the first to vanish, traffic
/// would visit a standby for a moment, and connections would not survive the visit.
const ACTIVE_LEAVES_LAST: Duration = Duration::from_millis(500);

/// Drives one accepted connection to its end.
pub(crate) async fn drive<C: ControlPlane>(
    stream: TcpStream,
    remote: SocketAddr,
    slot: usize,
    shared: Arc<Shared<C>>,
) {
    let (id, mailbox) = shared.registry.connect(remote.ip());
    let mut socket = Socket::new(stream);
    let first = match Box::pin(door::wait(&mut socket, id, &mailbox, &shared)).await {
        Ok(first) => first,
        Err(cause) => {
            shared.registry.leave_admission(id);
            shared.metrics.ended(cause.label(), false);
            tracing::debug!(%remote, cause = chain(&cause), "connection ended before its handshake");
            return;
        }
    };
    let config = shared.session.load_full();
    let mut tunnel = Tunnel {
        // Its deadlines begin here: time spent in the queue was ours.
        session: ServerSession::new(config, UnwrapErr(SysRng), Instant::now()),
        socket,
        remote,
        slot,
        id,
        mailbox,
        link: None,
        streams: None,
        restart_at: None,
        planned: false,
        shared,
    };
    tunnel.take(Ready::Bytes(first));
    let cause = tunnel.run().await;
    tunnel.finish(&cause);
}

struct Tunnel<C> {
    shared: Arc<Shared<C>>,
    socket: Socket,
    remote: SocketAddr,
    slot: usize,
    id: u64,
    mailbox: Arc<Mailbox>,
    session: ServerSession<UnwrapErr<SysRng>>,
    /// Set once the tunnel has logged in.
    link: Option<Box<Link>>,
    /// Set while streams are open.
    streams: Option<Box<Streams>>,
    restart_at: Option<(Instant, String)>,
    /// Whether the end that comes is of our own making.
    planned: bool,
}

impl<C: ControlPlane> Tunnel<C> {
    // --- the loop ---------------------------------------------------------------------------

    async fn run(&mut self) -> DownCause {
        let stop = self.shared.stop.clone();
        let stopped = stop.cancelled();
        let sleep = tokio::time::sleep(Duration::ZERO);
        tokio::pin!(stopped, sleep);
        loop {
            // What the last turn caused goes out before anything else is looked at.
            if let Some(cause) = self.settle().await {
                return cause;
            }
            self.arm(sleep.as_mut());
            tokio::select! {
                biased;
                // 1. Orders: whoever sends without a pause must not keep them waiting.
                () = &mut stopped => {
                    self.planned = true;
                    return stopping();
                }
                () = self.mailbox.posted() => self.obey(),
                // 2. Bytes before time: a reply that waits in the socket must not count as missing.
                ready = self.socket.ready() => self.take(ready),
                () = moved(&mut self.streams) => {}
                // 3. Time.
                () = sleep.as_mut() => {
                    if sleep.deadline().elapsed() > LATE {
                        self.catch_up().await;
                    }
                    self.pass_time();
                }
            }
        }
    }

    /// Drains what the session and the watch want, until both are quiet. The cause when it is over.
    async fn settle(&mut self) -> Option<DownCause> {
        let mut ended = None;
        loop {
            while let Some(event) = self.session.poll_event() {
                match event {
                    // Boxed, as the door's wait is: their room would be part of every idle tunnel.
                    ServerEvent::Authorize(login) => Box::pin(self.authorize(login)).await,
                    ServerEvent::Reauthorize(login) => Box::pin(self.reauthorize(login)).await,
                    ServerEvent::Down(cause) => ended = Some(cause),
                    ServerEvent::Up(up) => self.come_up(up.cipher.name()),
                    ServerEvent::RoutesUpdated => self.routes_received(),
                    ServerEvent::Packet(packet) => self.take_packet(&packet),
                    ServerEvent::Rekeyed => self.shared.metrics.rekeyed(),
                }
            }
            if !self.serve_link() {
                break;
            }
        }
        self.serve_streams();
        self.session.poll_transmit(self.socket.output());
        if self.socket.flush().is_err() && ended.is_none() {
            self.session.handle_eof(Instant::now());
            return Some(DownCause::PeerClosed);
        }
        ended
    }

    fn take(&mut self, ready: Ready) {
        let now = Instant::now();
        match ready {
            // The next turn of the loop writes.
            Ready::Writable => return,
            Ready::Closed => self.session.handle_eof(now),
            Ready::Bytes(bytes) => self.session.handle_bytes(&bytes, now),
        }
        match &mut self.link {
            Some(link) => link.heard(self.session.last_received()),
            None => self.shared.registry.handshake_moved(self.id),
        }
    }

    fn arm(&mut self, sleep: std::pin::Pin<&mut Sleep>) {
        let session = self.session.poll_timeout().map(|(at, _)| at);
        let link = self.link.as_ref().and_then(|link| link.poll_timeout());
        let stuck = self.socket.stuck_at();
        let restart = self.restart_at.as_ref().map(|(at, _)| *at);
        let streams = self.streams.as_mut();
        let streams = streams.and_then(|streams| streams.poll_timeout(Instant::now()));
        let next = [session, link, stuck, restart, streams];
        let next = next.into_iter().flatten().min();
        let next = next.unwrap_or_else(|| Instant::now() + Duration::from_secs(3600));
        sleep.reset(next.into());
    }

    /// This process has stood still, and nobody has looked yet at what came meanwhile.
    async fn catch_up(&mut self) {
        // The runtime polls its sockets before it wakes us again.
        tokio::task::yield_now().await;
        if let Some(ready) = self.socket.ready_now().await {
            self.take(ready);
        }
    }

    fn pass_time(&mut self) {
        let now = Instant::now();
        if self.socket.stuck_at().is_some_and(|at| now >= at) {
            return self.session.close("the peer does not read", now);
        }
        if self.restart_at.as_ref().is_some_and(|(at, _)| now >= *at)
            && let Some((_, reason)) = self.restart_at.take()
        {
            self.planned = true;
            return self.session.restart(&reason, now);
        }
        if let Some(link) = &mut self.link {
            link.handle_timeout(now);
        }
        if let Some(streams) = &mut self.streams {
            streams.advance(now);
        }
        self.session.handle_timeout(now);
    }

    fn obey(&mut self) {
        let now = Instant::now();
        let Orders {
            admitted: _,
            routes,
            burst,
            role,
            restart,
            close,
            streams,
        } = self.mailbox.take();
        for (stream, port) in streams {
            self.open_stream(stream, port, now);
        }
        if let Some(link) = &mut self.link {
            if burst {
                link.burst(now);
            }
            if let Some(role) = role {
                link.set_role(role, now);
            }
        }
        if let Some((at, reason)) = restart {
            let is_active = self
                .link
                .as_ref()
                .is_some_and(|link| link.role() == Role::Active);
            let last = if is_active {
                ACTIVE_LEAVES_LAST
            } else {
                Duration::ZERO
            };
            self.restart_at = Some((at + last, reason));
        }
        if let Some(routes) = routes {
            self.push(&routes, now);
        }
        if let Some(Close { cause, planned }) = close {
            self.planned = planned;
            self.session.close(&cause, now);
        }
    }

    fn push(&mut self, routes: &[holdfast_api_types::Route], now: Instant) {
        if self.session.update_routes(routes, now) {
            self.shared.metrics.pushed_in_place();
            if let Some(link) = &mut self.link {
                link.routes_sent(now);
            }
        } else if self.session.is_up() {
            // No in-band way: the client gets them in the answer to its next log-in.
            self.planned = true;
            self.session.close("new routes need a new log-in", now);
        }
    }

    fn come_up(&mut self, cipher: &str) {
        self.shared.metrics.came_up();
        self.report(ReportKind::Up {
            remote: self.remote,
            slot: self.slot,
            cipher: cipher.to_owned(),
        });
        if let Some(link) = &mut self.link {
            link.start(Instant::now());
        }
    }

    fn routes_received(&mut self) {
        if let Some(link) = &mut self.link {
            link.routes_received(Instant::now());
        }
    }

    // --- the established tunnel -------------------------------------------------------------

    fn take_packet(&mut self, packet: &[u8]) {
        let now = Instant::now();
        if let Some(streams) = &mut self.streams
            && streams.wants(packet)
        {
            return streams.handle_packet(packet, now);
        }
        let Some(link) = &mut self.link else { return };
        if let Some(answer) = link.take_packet(packet, now) {
            self.send(&answer, now);
        }
    }

    fn send(&mut self, packet: &[u8], now: Instant) {
        if !self.socket.is_full() {
            self.session.send_packet(packet, now);
        }
    }

    fn open_stream(&mut self, stream: StreamId, port: u16, now: Instant) {
        let Some(link) = self.link.as_ref().filter(|_| self.session.is_up()) else {
            let cause = "its tunnel is not up".into();
            return self.shared.control_plane.stream_failed(stream, cause);
        };
        let (server, router) = link.ends();
        let streams = self
            .streams
            .get_or_insert_with(|| Box::new(Streams::new(server, router, now)));
        streams.open(stream, port, now);
    }

    /// Sends what the streams have for the router, as far as there is room, and tells what has become of them.
    fn serve_streams(&mut self) {
        let now = Instant::now();
        let Some(streams) = &mut self.streams else {
            return;
        };
        while !self.socket.is_full() {
            let Some(packet) = streams.poll_packet() else {
                break;
            };
            self.session.send_packet(&packet, now);
            self.session.poll_transmit(self.socket.output());
        }
        self.tell_of_streams();
        self.streams.take_if(|streams| streams.is_over());
    }

    fn tell_of_streams(&mut self) {
        let Shared {
            control_plane,
            metrics,
            ..
        } = &*self.shared;
        while let Some(event) = self
            .streams
            .as_mut()
            .and_then(|streams| streams.poll_event())
        {
            match event {
                StreamEvent::Opened(stream, bytes) => {
                    metrics.stream_opened();
                    control_plane.stream_opened(stream, bytes);
                }
                StreamEvent::Failed(stream, cause) => control_plane.stream_failed(stream, cause),
                StreamEvent::Ended { sent, received } => metrics.stream_ended(sent, received),
            }
        }
    }

    /// Sends the probes that are due and reports what the watch found. False when there was nothing.
    fn serve_link(&mut self) -> bool {
        let now = Instant::now();
        let Some(link) = &mut self.link else {
            return false;
        };
        if let Some(probe) = link.poll_probe(now) {
            self.send(&probe, now);
            self.shared.metrics.probe_sent();
            return true;
        }
        let Some(report) = link.poll_report(now) else {
            return false;
        };
        self.report(report);
        true
    }

    fn report(&self, kind: ReportKind) {
        if let Some(link) = &self.link {
            let report = Report {
                tunnel: link.tunnel().clone(),
                connection: self.id,
                kind,
            };
            self.shared.control_plane.report(report);
            registry::deliver(&self.shared);
        }
    }

    fn finish(&mut self, cause: &DownCause) {
        // Whatever still fits goes out; then the kernel sends our FIN.
        self.session.poll_transmit(self.socket.output());
        let _ = self.socket.flush();
        self.shared
            .metrics
            .ended(cause.label(), self.link.is_some());
        if self.link.is_none() {
            self.shared.registry.leave_admission(self.id);
            self.log_stranger(cause);
            return;
        }
        self.shared.registry.release(self.id);
        self.end_streams(&chain(cause));
        self.report(ReportKind::Down {
            cause: chain(cause),
            planned: self.planned,
        });
    }

    fn end_streams(&mut self, cause: &str) {
        for (stream, _) in self.mailbox.take().streams {
            let cause = format!("its tunnel is gone: {cause}");
            self.shared.control_plane.stream_failed(stream, cause);
        }
        if let Some(streams) = &mut self.streams {
            streams.fail(cause);
        }
        self.tell_of_streams();
    }

    /// Tells the operator why a client does not come in, as far as strangers may fill the log.
    fn log_stranger(&self, cause: &DownCause) {
        let Some(left_out) = self.shared.stranger_lines.take(Instant::now()) else {
            return;
        };
        // Stock clients send no alert for a certificate that they refuse.
        let guess = match matches!(cause, DownCause::PeerClosed) {
            true => ": a client that does not trust our CA does that",
            false => "",
        };
        let cause = format!("{}{guess}", chain(cause));
        tracing::info!(remote = %self.remote, cause, left_out, "connection ended before its log-in");
    }
}

/// Waits until bytes of a stream have moved.
async fn moved(streams: &mut Option<Box<Streams>>) {
    poll_fn(|cx| match streams {
        Some(streams) => streams.poll_move(cx, Instant::now()),
        None => Poll::Pending,
    })
    .await;
}

fn stopping() -> DownCause {
    DownCause::Requested("the controller stops".into())
}

/// The error and everything that caused it, on one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
