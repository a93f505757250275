//! The client's side of one connection: load generator, agent, tests.

mod config;

use std::{
    collections::VecDeque,
    mem,
    net::Ipv4Addr,
    sync::Arc,
    time::{Duration, Instant},
};

use holdfast_api_types::Route;
use rand_core::CryptoRng;

pub use self::config::{ClientConfig, Habits};
use super::core::{Agreement, Core, Keepalive};
use crate::{
    control::{Phase, Sources},
    data::Framing,
    error::{DownCause, PeerError},
    keys::Role,
    wire::{
        Control, ControlOpcode, KeyId, KeyMethod2, KeySource, Packet, PeerInfo, PushReader,
        PushReply, PushUpdateReader, RouteChange, Text,
    },
};

/// From the first byte to the push (OpenVPN's `--hand-window`).
const HANDSHAKE_WINDOW: Duration = Duration::from_secs(60);

/// A client that has to ask waits this long first, as OpenVPN 2.4 does.
const FIRST_PUSH_REQUEST: Duration = Duration::from_secs(1);

/// And this long between later requests.
const NEXT_PUSH_REQUEST: Duration = Duration::from_secs(5);

/// What happened. The driver drains these after every call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientEvent {
    /// Logged in; the push says what to configure.
    Connected(Box<PushReply>),
    /// The server takes all pushed routes back; the tunnel stays up.
    RoutesWithdrawn,
    /// These routes replace all pushed ones.
    RoutesReplaced(Vec<Route>),
    /// An IP packet from inside the tunnel.
    Packet(Vec<u8>),
    /// A new key is in use.
    Rekeyed,
    /// The session is over; pushed routes are to be withdrawn.
    Down(DownCause),
}

enum State {
    /// Until the server's reset.
    ExpectReset,
    /// TLS and key method 2 on the first key.
    Exchanging,
    /// Both key sources known; the push says how to use them.
    ExpectPush {
        sources: Box<(KeySource, KeySource)>,
        ask_at: Option<Instant>,
        push: PushReader,
    },
    Up {
        renegotiate_at: Option<Instant>,
        updates: PushUpdateReader,
        route_gateway: Ipv4Addr,
    },
    Closed,
}

/// One connection to a server. The same four kinds of methods as
/// [`ServerSession`](super::ServerSession).
pub struct ClientSession<R> {
    config: Arc<ClientConfig>,
    core: Core<R>,
    state: State,
    deadline: Instant,
    /// Our half of the key exchange that is under way.
    own_source: Option<KeySource>,
    /// Both halves of a renegotiation that waits for acknowledgements.
    renegotiated: Option<Box<(KeySource, KeySource)>>,
    events: VecDeque<ClientEvent>,
}

impl<R: CryptoRng> ClientSession<R> {
    /// A session for a connection that was just made; its reset is ready to be sent.
    pub fn new(config: Arc<ClientConfig>, rng: R, now: Instant) -> Self {
        let mut session = Self {
            core: Core::new(Role::Client, config.tls.clone(), rng, now),
            config,
            state: State::ExpectReset,
            deadline: now + HANDSHAKE_WINDOW,
            own_source: None,
            renegotiated: None,
            events: VecDeque::new(),
        };
        let result = session.begin(now);
        session.settle(result, now);
        session
    }

    /// Bytes came from the server.
    pub fn handle_bytes(&mut self, bytes: &[u8], now: Instant) {
        if self.is_closed() {
            return;
        }
        let result = self.take_bytes(bytes, now);
        self.settle(result, now);
    }

    /// The server closed the connection.
    pub fn handle_eof(&mut self, now: Instant) {
        self.settle(Err(DownCause::PeerClosed), now);
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.is_closed() {
            return;
        }
        let result = self.take_time(now);
        self.settle(result, now);
    }

    /// Sends an IP packet into the tunnel. Dropped while the tunnel is not up.
    pub fn send_packet(&mut self, ip: &[u8], now: Instant) {
        if self.is_up() {
            let result = self.core.send_data(ip, now);
            self.settle(result, now);
        }
    }

    /// Starts a renegotiation unless one is under way.
    pub fn renegotiate(&mut self, now: Instant) {
        if self.is_up() && !self.core.is_negotiating() {
            let result = self.core.begin_soft_reset(now);
            self.settle(result, now);
        }
    }

    /// Appends the bytes that wait to be sent; false when there are none.
    pub fn poll_transmit(&mut self, out: &mut Vec<u8>) -> bool {
        self.core.poll_transmit(out)
    }

    /// The next thing that happened.
    pub fn poll_event(&mut self) -> Option<ClientEvent> {
        self.events.pop_front()
    }

    /// When to call [`Self::handle_timeout`] next, and what for.
    pub fn poll_timeout(&self) -> Option<(Instant, &'static str)> {
        let own = match &self.state {
            State::ExpectReset | State::Exchanging => Some((self.deadline, "handshake")),
            State::ExpectPush { ask_at, .. } => {
                let ask = ask_at.map(|at| (at, "push request"));
                ask.into_iter()
                    .chain([(self.deadline, "push")])
                    .min_by_key(|(at, _)| *at)
            }
            State::Up { renegotiate_at, .. } => {
                renegotiate_at.map(|at| (at, "renegotiation is due"))
            }
            State::Closed => return None,
        };
        own.into_iter()
            .chain(self.core.poll_timeout())
            .min_by_key(|(at, _)| *at)
    }

    /// Whether the push has arrived.
    pub fn is_up(&self) -> bool {
        matches!(self.state, State::Up { .. })
    }

    fn is_closed(&self) -> bool {
        matches!(self.state, State::Closed)
    }

    // --- every call ends here ---------------------------------------------------------------

    fn settle(&mut self, result: Result<(), DownCause>, now: Instant) {
        let result = result
            .and_then(|()| self.progress(now))
            .and_then(|()| self.core.flush());
        if let Err(cause) = result {
            // A TLS alert may be waiting.
            let _ = self.core.flush();
            if !matches!(mem::replace(&mut self.state, State::Closed), State::Closed) {
                self.events.push_back(ClientEvent::Down(cause));
            }
        }
    }

    /// Moves on as far as what is known allows.
    fn progress(&mut self, now: Instant) -> Result<(), DownCause> {
        loop {
            self.core.collect()?;
            if !self.advance(now)? {
                return Ok(());
            }
        }
    }

    /// Takes one step that acknowledgements have made possible; false when there is none.
    fn advance(&mut self, now: Instant) -> Result<bool, DownCause> {
        if self.is_closed() {
            return Ok(false);
        }
        let secured = self.core.newest().is_some_and(|key| key.is_secured());
        let expects = self
            .core
            .newest()
            .is_some_and(|key| key.phase == Phase::ExpectKeyMethod);
        if secured && expects && self.own_source.is_none() {
            self.send_key_method()?;
            return Ok(true);
        }
        if self.core.is_acknowledged() && self.renegotiated.is_some() {
            return self.activate_renegotiated(now);
        }
        Ok(false)
    }

    // --- the handshake ----------------------------------------------------------------------

    fn begin(&mut self, now: Instant) -> Result<(), DownCause> {
        let tls = self.config.tls.clone();
        let Habits {
            double_reset,
            early_hello,
            ..
        } = self.config.habits;
        let key = self.core.begin_key(KeyId::FIRST, 0, now);
        for _ in 0..=u8::from(double_reset) {
            key.reliability
                .send(ControlOpcode::HardResetClientV2, Vec::new())?;
        }
        if early_hello {
            key.start_tls(tls.as_ref())?;
        }
        Ok(())
    }

    fn send_key_method(&mut self) -> Result<(), DownCause> {
        let source = self.core.key_source();
        let message = KeyMethod2 {
            source: source.clone(),
            options: self.config.options(),
            username: self.config.username.clone(),
            password: self.config.password.clone(),
            peer_info: self.config.habits.peer_info.as_ref().map(PeerInfo::render),
        };
        self.own_source = Some(source);
        self.core.send_key_method(&message)
    }

    fn take_bytes(&mut self, bytes: &[u8], now: Instant) -> Result<(), DownCause> {
        self.core.extend(bytes);
        while let Some(frame) = self.core.next_frame()? {
            match Packet::decode(&frame).map_err(PeerError::Packet)? {
                Packet::Control(control) => self.take_control(&control, now)?,
                Packet::Data(data) => {
                    let ip = self.core.handle_data(&data, now)?;
                    self.events.extend(ip.map(ClientEvent::Packet));
                }
            }
            // The next packet may rely on what this one has acknowledged, in the same segment.
            self.progress(now)?;
        }
        Ok(())
    }

    fn take_control(&mut self, control: &Control<'_>, now: Instant) -> Result<(), DownCause> {
        self.core.check_sessions(control)?;
        self.core.touch_received(now);
        match control.opcode {
            ControlOpcode::HardResetClientV2 => {
                return Err(PeerError::Unexpected("client reset from a server").into());
            }
            ControlOpcode::HardResetServerV2 => {
                if matches!(self.state, State::ExpectReset) {
                    self.state = State::Exchanging;
                }
                self.start_tls()?;
            }
            ControlOpcode::SoftResetV1 => self.take_soft_reset(control, now)?,
            ControlOpcode::ControlV1 | ControlOpcode::AckV1 => {}
        }
        if self.core.handle_control(control)? {
            self.read_messages(control.key_id, now)?;
        }
        Ok(())
    }

    fn take_soft_reset(&mut self, control: &Control<'_>, now: Instant) -> Result<(), DownCause> {
        let newest = self.core.newest().map(|key| key.id);
        if newest != Some(control.key_id) && !self.core.is_negotiating() {
            if newest.map(KeyId::next) != Some(control.key_id) {
                return Err(PeerError::Unexpected("key id of a soft reset").into());
            }
            // Nothing may be sent for the old key from here on, not even what is owed.
            let key = self.core.begin_key(control.key_id, 0, now);
            key.reliability
                .send(ControlOpcode::SoftResetV1, Vec::new())?;
        }
        self.start_tls()
    }

    fn start_tls(&mut self) -> Result<(), DownCause> {
        let tls = self.config.tls.clone();
        if let Some(key) = self.core.key() {
            key.start_tls(tls.as_ref())?;
        }
        Ok(())
    }

    fn read_messages(&mut self, key: KeyId, now: Instant) -> Result<(), DownCause> {
        let expects_key_method = self
            .core
            .key_by_id(key)
            .is_some_and(|key| key.phase == Phase::ExpectKeyMethod);
        if expects_key_method && !self.read_key_method(key, now)? {
            return Ok(());
        }
        while let Some(text) = self.core.read_text(key) {
            self.take_text(&text, now)?;
        }
        Ok(())
    }

    fn read_key_method(&mut self, key: KeyId, now: Instant) -> Result<bool, DownCause> {
        let Some(key) = self.core.key_by_id(key) else {
            return Ok(false);
        };
        let message = key
            .read_key_method(KeyMethod2::decode_server)
            .map_err(PeerError::KeyMethod)?;
        let Some(message) = message else {
            return Ok(false);
        };
        key.phase = Phase::Exchanged;
        let ours = self
            .own_source
            .take()
            .ok_or(PeerError::Unexpected("key method 2 message"))?;
        if matches!(self.state, State::Up { .. }) {
            self.renegotiated = Some(Box::new((ours, message.source)));
        } else {
            let asks = !self.config.habits.waits_for_push();
            self.state = State::ExpectPush {
                sources: Box::new((ours, message.source)),
                ask_at: asks.then_some(now + FIRST_PUSH_REQUEST),
                push: PushReader::default(),
            };
        }
        Ok(true)
    }

    fn activate_renegotiated(&mut self, now: Instant) -> Result<bool, DownCause> {
        let (Some(exchanged), Some(agreement)) = (self.renegotiated.take(), self.core.agreement)
        else {
            return Ok(false);
        };
        let sources = Sources {
            client: &exchanged.0,
            server: &exchanged.1,
        };
        let material = self.core.key_material(agreement.key_export, &sources)?;
        self.core.activate(&material, agreement, now);
        if let State::Up { renegotiate_at, .. } = &mut self.state {
            *renegotiate_at = self.config.renegotiate_after.map(|after| now + after);
        }
        self.events.push_back(ClientEvent::Rekeyed);
        Ok(true)
    }

    // --- text messages ----------------------------------------------------------------------

    fn take_text(&mut self, text: &[u8], now: Instant) -> Result<(), DownCause> {
        match Text::parse(text).map_err(PeerError::Text)? {
            Text::PushReply(options) => self.take_push(options, now),
            Text::PushUpdate(items) => self.take_push_update(items),
            Text::AuthFailed(reason) => Err(DownCause::Refused(reason.into())),
            Text::Restart(reason) => Err(DownCause::PeerLeft(format!("restart: {reason}"))),
            Text::Halt(reason) => Err(DownCause::PeerLeft(format!("halt: {reason}"))),
            Text::Exit => Err(DownCause::PeerLeft("exit message".into())),
            Text::PushRequest | Text::AuthPending(_) | Text::Info(_) | Text::Unknown(_) => Ok(()),
        }
    }

    fn take_push(&mut self, options: &str, now: Instant) -> Result<(), DownCause> {
        // A second reply changes nothing, as with stock clients.
        let State::ExpectPush { push, .. } = &mut self.state else {
            return Ok(());
        };
        let reply = push.push(options);
        let Some(reply) = reply.map_err(PeerError::Push)? else {
            return Ok(());
        };
        let up = State::Up {
            renegotiate_at: self.config.renegotiate_after.map(|after| now + after),
            updates: PushUpdateReader::default(),
            route_gateway: reply.route_gateway,
        };
        let State::ExpectPush {
            sources: exchanged, ..
        } = mem::replace(&mut self.state, up)
        else {
            unreachable!("matched above");
        };
        let agreement = Agreement {
            cipher: reply.cipher.unwrap_or(self.config.cipher),
            auth: self.config.auth,
            peer_id: reply.peer_id,
            key_export: reply.key_export,
            framing: match (reply.compress_stub_v2, reply.comp_lzo_no) {
                (true, _) => Framing::StubV2,
                (false, true) => Framing::CompLzoNo,
                (false, false) => Framing::None,
            },
        };
        let sources = Sources {
            client: &exchanged.0,
            server: &exchanged.1,
        };
        let material = self.core.key_material(agreement.key_export, &sources)?;
        self.core.activate(&material, agreement, now);
        self.core.keepalive = keepalive(&reply);
        self.events
            .push_back(ClientEvent::Connected(Box::new(reply)));
        Ok(())
    }

    fn take_push_update(&mut self, items: &str) -> Result<(), DownCause> {
        let State::Up {
            updates,
            route_gateway,
            ..
        } = &mut self.state
        else {
            return Ok(());
        };
        match updates
            .push(items, *route_gateway)
            .map_err(PeerError::Push)?
        {
            Some(RouteChange::Withdrawn) => self.events.push_back(ClientEvent::RoutesWithdrawn),
            Some(RouteChange::Replaced(routes)) => {
                self.events.push_back(ClientEvent::RoutesReplaced(routes));
            }
            None => {}
        }
        Ok(())
    }

    // --- time -------------------------------------------------------------------------------

    fn take_time(&mut self, now: Instant) -> Result<(), DownCause> {
        self.core.handle_timeout(now)?;
        match &mut self.state {
            State::ExpectReset | State::Exchanging | State::ExpectPush { .. }
                if now >= self.deadline =>
            {
                Err(DownCause::HandshakeTimeout {
                    awaited: "the push",
                    after: HANDSHAKE_WINDOW,
                })
            }
            State::ExpectPush {
                ask_at: Some(at), ..
            } if now >= *at => {
                *at = now + NEXT_PUSH_REQUEST;
                self.core.send_text("PUSH_REQUEST".into())
            }
            State::Up { renegotiate_at, .. } if renegotiate_at.is_some_and(|at| now >= at) => {
                *renegotiate_at = None;
                if self.core.is_negotiating() {
                    Ok(())
                } else {
                    self.core.begin_soft_reset(now)
                }
            }
            State::ExpectReset
            | State::Exchanging
            | State::ExpectPush { .. }
            | State::Up { .. }
            | State::Closed => Ok(()),
        }
    }
}

fn keepalive(reply: &PushReply) -> Option<Keepalive> {
    let seconds = |seconds: u32| Duration::from_secs(seconds.into());
    (reply.ping > 0 && reply.ping_restart > 0).then(|| Keepalive {
        ping: seconds(reply.ping),
        silence: seconds(reply.ping_restart),
    })
}
