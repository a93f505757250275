//! One connection: socket, OpenVPN session, probes. The only place where these meet.

mod door;
mod link;

use std::{
    io,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use holdfast_failover::Role;
use holdfast_ovpn_proto::{DownCause, Grant, Login, ServerEvent, ServerSession};
use rand::rngs::SysRng;
use rand_core::UnwrapErr;
use secrecy::SecretString;
use tokio::{net::TcpStream, time::Sleep};

use self::link::Link;
use crate::{
    Shared,
    control_plane::{
        ControlPlane, LoginRequest, LoginVerdict, Report, ReportKind, StillGood, TunnelGrant,
    },
    registry::{Close, Mailbox, Orders},
};

/// Read at once; on the stack, so that an idle tunnel holds no buffer.
const READ_CHUNK: usize = 8 * 1024;

/// Chunks read before other tunnels of this thread get their turn.
const READ_BUDGET: usize = 8;

/// A wrong password costs its sender this much before it hears so.
const REFUSAL_DELAY: Duration = Duration::from_secs(1);

/// Output that waits for the peer to read. Beyond it packets for the tunnel are dropped, as a full line
/// would: whoever asks and does not read must not fill our memory.
const OUTPUT_AT_MOST: usize = 64 * 1024;

/// How long we wait for a verdict before the router is told to come back.
const VERDICT_WITHIN: Duration = Duration::from_secs(8);

/// Output that makes no progress for this long means a dead or hostile reader.
const STUCK_AFTER: Duration = Duration::from_secs(10);

/// A timer that fires so much too late tells that the process was stopped, or starved of its processor.
const LATE: Duration = Duration::from_millis(100);

/// A drain lets go of a site's standbys first. Were the active tunnel's routes the first to vanish, traffic
/// would visit a standby for a moment, and connections would not survive the visit.
const ACTIVE_LEAVES_LAST: Duration = Duration::from_millis(500);

/// How our own agent names itself in IV_VER.
const OUR_AGENT: &str = "holdfast-";

/// Drives one accepted connection to its end.
pub(crate) async fn drive<C: ControlPlane>(
    stream: TcpStream,
    remote: SocketAddr,
    slot: usize,
    shared: Arc<Shared<C>>,
) {
    let (id, mailbox) = shared.registry.connect(remote.ip());
    if let Err(cause) = door::wait(&stream, id, &mailbox, &shared).await {
        shared.registry.leave_admission(id);
        shared.metrics.ended(cause.label(), false);
        tracing::debug!(%remote, cause = chain(&cause), "connection ended before its handshake");
        return;
    }
    let config = shared.session.load_full();
    let mut tunnel = Tunnel {
        // Its deadlines begin here: time spent in the queue was ours.
        session: ServerSession::new(config, UnwrapErr(SysRng), Instant::now()),
        stream,
        remote,
        slot,
        id,
        mailbox,
        link: None,
        out: Vec::new(),
        stuck_since: None,
        restart_at: None,
        planned: false,
        shared,
    };
    let cause = tunnel.run().await;
    tunnel.finish(&cause);
}

struct Tunnel<C> {
    shared: Arc<Shared<C>>,
    stream: TcpStream,
    remote: SocketAddr,
    slot: usize,
    id: u64,
    mailbox: Arc<Mailbox>,
    session: ServerSession<UnwrapErr<SysRng>>,
    /// Set once the tunnel has logged in.
    link: Option<Box<Link>>,
    /// Bytes the socket has not taken yet.
    out: Vec<u8>,
    stuck_since: Option<Instant>,
    restart_at: Option<(Instant, String)>,
    /// Whether the end that comes is of our own making.
    planned: bool,
}

impl<C: ControlPlane> Tunnel<C> {
    // --- the loop ---------------------------------------------------------------------------

    async fn run(&mut self) -> DownCause {
        let sleep = tokio::time::sleep(Duration::ZERO);
        tokio::pin!(sleep);
        loop {
            // What the last turn caused goes out before anything else is looked at.
            if let Some(cause) = self.settle().await {
                return cause;
            }
            self.arm(sleep.as_mut());
            tokio::select! {
                biased;
                // 1. Orders: whoever sends without a pause must not keep them waiting.
                () = self.shared.stop.cancelled() => {
                    self.planned = true;
                    return stopping();
                }
                () = self.mailbox.posted() => self.obey(),
                // 2. Bytes before time: a reply that waits in the socket must not count as missing.
                ready = self.stream.readable() => match ready {
                    Ok(()) => self.read(),
                    Err(_) => self.session.handle_eof(Instant::now()),
                },
                // 3. Room for output that was stuck.
                _ = self.stream.writable(), if !self.out.is_empty() => {}
                // 4. Time.
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
                    ServerEvent::Authorize(login) => self.authorize(login).await,
                    ServerEvent::Reauthorize(login) => self.reauthorize(login).await,
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
        self.session.poll_transmit(&mut self.out);
        if self.write().is_err() && ended.is_none() {
            self.session.handle_eof(Instant::now());
            return Some(DownCause::PeerClosed);
        }
        ended
    }

    fn read(&mut self) {
        let mut chunk = [0; READ_CHUNK];
        for _ in 0..READ_BUDGET {
            let now = Instant::now();
            match self.stream.try_read(&mut chunk) {
                Ok(0) => return self.session.handle_eof(now),
                Ok(length) => {
                    self.session.handle_bytes(&chunk[..length], now);
                    if self.link.is_none() {
                        self.shared.registry.handshake_moved(self.id);
                    }
                }
                Err(err) if err.kind() == io::ErrorKind::WouldBlock => break,
                Err(_) => return self.session.handle_eof(now),
            }
        }
        let heard = self.session.last_received();
        if let Some(link) = &mut self.link {
            link.heard(heard);
        }
    }

    fn write(&mut self) -> io::Result<()> {
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
        // An idle tunnel holds no buffer.
        self.out = Vec::new();
        Ok(())
    }

    fn arm(&self, sleep: std::pin::Pin<&mut Sleep>) {
        let session = self.session.poll_timeout().map(|(at, _)| at);
        let link = self.link.as_ref().and_then(|link| link.poll_timeout());
        let stuck = self.stuck_since.map(|since| since + STUCK_AFTER);
        let restart = self.restart_at.as_ref().map(|(at, _)| *at);
        let next = [session, link, stuck, restart].into_iter().flatten().min();
        let next = next.unwrap_or_else(|| Instant::now() + Duration::from_secs(3600));
        sleep.reset(next.into());
    }

    /// This process has stood still, and nobody has looked yet at what came meanwhile.
    async fn catch_up(&mut self) {
        // The runtime polls its sockets before it wakes us again.
        tokio::task::yield_now().await;
        self.read();
    }

    fn pass_time(&mut self) {
        let now = Instant::now();
        if self
            .stuck_since
            .is_some_and(|since| now >= since + STUCK_AFTER)
        {
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
        } = self.mailbox.take();
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

    // --- the log-in -------------------------------------------------------------------------

    async fn authorize(&mut self, login: Login) {
        let ours = login
            .peer
            .version
            .as_deref()
            .is_some_and(|version| version.starts_with(OUR_AGENT));
        // Backups wait here for their primary, which must find a free place meanwhile.
        self.shared.registry.handshake_complete(self.id);
        if self.shared.draining.is_cancelled() {
            return self
                .session
                .unavailable("this controller stops", Instant::now());
        }
        let request = self.request(login);
        let username = request.username.clone();
        let verdict = self.shared.control_plane.authorize(request);
        let verdict = tokio::time::timeout(VERDICT_WITHIN, verdict).await;
        let now = Instant::now();
        let no_verdict = LoginVerdict::Unavailable("no verdict in time".into());
        match verdict.unwrap_or(no_verdict) {
            LoginVerdict::Granted(grant) => self.admit(*grant, ours, now),
            LoginVerdict::Refused(reason) => {
                if let Some(left_out) = self.shared.stranger_lines.take(now) {
                    tracing::warn!(tunnel.user = username, remote = %self.remote, reason, left_out, "log-in refused");
                }
                self.shared.metrics.refused();
                tokio::time::sleep(REFUSAL_DELAY).await;
                self.session.reject(&reason, Instant::now());
            }
            LoginVerdict::Unavailable(reason) => self.session.unavailable(&reason, now),
        }
    }

    async fn reauthorize(&mut self, login: Login) {
        let request = self.request(login);
        let verdict = self.shared.control_plane.reauthorize(request);
        let verdict = tokio::time::timeout(VERDICT_WITHIN, verdict).await;
        let now = Instant::now();
        match verdict.unwrap_or(StillGood::Yes) {
            StillGood::Yes => self.session.confirm(now),
            StillGood::No(reason) => self.session.reject(&reason, now),
        }
    }

    fn request(&self, login: Login) -> LoginRequest {
        LoginRequest {
            connection: self.id,
            username: login.username,
            password: SecretString::from(login.password.as_str()),
            remote: self.remote,
            slot: self.slot,
        }
    }

    fn admit(&mut self, grant: TunnelGrant, ours: bool, now: Instant) {
        self.shared
            .registry
            .admit(self.id, &grant.site, &self.mailbox);
        self.session.grant(
            Grant {
                address: grant.address,
                prefix: grant.prefix,
                server: grant.server,
                routes: grant.routes.clone(),
                ping: grant.profile.ping,
                ping_restart: grant.profile.ping_restart,
            },
            now,
        );
        let mut link = Link::new(&grant, self.id, self.shared.health_every, now);
        if ours {
            link.expect_swaps();
        }
        self.link = Some(Box::new(link));
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
        let Some(link) = &mut self.link else { return };
        if let Some(answer) = link.take_packet(packet, now) {
            self.send(&answer, now);
        }
    }

    fn send(&mut self, packet: &[u8], now: Instant) {
        if self.out.len() < OUTPUT_AT_MOST {
            self.session.send_packet(packet, now);
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
        }
    }

    fn finish(&mut self, cause: &DownCause) {
        // Whatever still fits goes out; then the kernel sends our FIN.
        self.session.poll_transmit(&mut self.out);
        let _ = self.write();
        self.shared
            .metrics
            .ended(cause.label(), self.link.is_some());
        let Some(link) = self.link.take() else {
            self.shared.registry.leave_admission(self.id);
            self.log_stranger(cause);
            return;
        };
        self.shared.registry.release(self.id);
        let kind = ReportKind::Down {
            cause: chain(cause),
            planned: self.planned,
        };
        let report = Report {
            tunnel: link.tunnel().clone(),
            connection: self.id,
            kind,
        };
        self.shared.control_plane.report(report);
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
