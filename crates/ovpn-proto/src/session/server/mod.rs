//! The server's side of one connection.

mod config;
mod progress;
mod receive;

use std::{
    collections::VecDeque,
    mem,
    net::Ipv4Addr,
    sync::Arc,
    time::{Duration, Instant},
};

use holdfast_api_types::Route;
use rand_core::CryptoRng;
use zeroize::Zeroizing;

pub use self::config::{Limits, ServerConfig};
use super::{
    allowance::Allowance,
    core::Core,
    negotiate::{Abilities, Choice},
};
use crate::{
    data::Cipher,
    error::DownCause,
    keys::{KeyMaterial, Role},
    wire::{KeyMethod2, PeerInfo, push_update},
};

/// Text messages of a peer beyond its burst.
const TEXT_EVERY: Duration = Duration::from_secs(2);

/// Renegotiations of a peer beyond its burst; each costs a TLS handshake.
const RENEGOTIATION_EVERY: Duration = Duration::from_secs(60);

/// Seconds that a client is to wait when there can be no verdict. Without a number a stock client with
/// `connect-retry 0` comes back at once, two hundred times a second.
const COME_BACK_AFTER_S: u32 = 2;

/// What a logged-in tunnel gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// The router's address in the tunnel.
    pub address: Ipv4Addr,
    /// Prefix length of the tunnel's network.
    pub prefix: u8,
    /// Our address in the tunnel.
    pub server: Ipv4Addr,
    /// Routes to install.
    pub routes: Vec<Route>,
    /// Seconds of silence after which either side sends a ping.
    pub ping: u32,
    /// Seconds of silence after which the client reconnects.
    pub ping_restart: u32,
}

/// What happened. The driver drains these after every call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServerEvent {
    /// A peer logs in. Owed: [`ServerSession::grant`], [`ServerSession::reject`] or
    /// [`ServerSession::unavailable`].
    Authorize(Login),
    /// A known peer proves itself again for a new key. Owed: [`ServerSession::confirm`] or one of the
    /// refusals.
    Reauthorize(Login),
    /// The peer acknowledged its push: the tunnel is up.
    Up(Established),
    /// The peer acknowledged the routes of [`ServerSession::update_routes`].
    RoutesUpdated,
    /// An IP packet from inside the tunnel.
    Packet(Vec<u8>),
    /// A new key is in use.
    Rekeyed,
    /// The session is over. Nothing follows; the connection is to be closed once all output is written.
    Down(DownCause),
}

/// Who wants in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// User name as sent, at most 256 bytes, printable.
    pub username: String,
    /// Password as sent.
    pub password: Zeroizing<String>,
    /// What the client says about itself, unverified.
    pub peer: PeerInfo,
}

/// Facts of an established tunnel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Established {
    /// Data channel cipher.
    pub cipher: Cipher,
    /// Whether routes can be replaced in place.
    pub push_update: bool,
}

/// How far the connection has come. Each state owns what is valid only in it.
#[derive(Debug)]
enum State {
    ExpectReset {
        until: Instant,
    },
    ExpectLogin {
        until: Instant,
        bytes: usize,
        packets: u32,
    },
    ExpectVerdict {
        until: Instant,
        pending: Box<Pending>,
    },
    ExpectPushable {
        until: Instant,
        pending: Box<Pending>,
        grant: Box<Grant>,
    },
    ExpectPushAck {
        until: Instant,
        abilities: Abilities,
    },
    Up(Up),
    Closing {
        until: Instant,
        cause: DownCause,
    },
    Closed,
}

/// What a log-in has agreed, until it is pushed.
#[derive(Debug)]
struct Pending {
    choice: Choice,
    material: KeyMaterial,
    /// Whether the client has asked for its push.
    asked: bool,
}

#[derive(Debug)]
struct Up {
    abilities: Abilities,
    renegotiate_at: Option<Instant>,
    /// Set while a new key waits for the verdict.
    reauthorizing: Option<Box<Exchange>>,
    /// Set when the verdict on the newest key is in, until its last message is acknowledged.
    confirmed: Option<Box<KeyMaterial>>,
    routes_unacknowledged: bool,
}

/// Our half of a key exchange, and what both halves make.
#[derive(Debug)]
struct Exchange {
    reply: KeyMethod2,
    material: KeyMaterial,
}

/// One connection of one client, from its first byte to its last.
///
/// Four kinds of methods: `handle_*` for what happened, plain verbs for what the application wants, `poll_*`
/// for what is to be done next, getters. After each call of the first two kinds the driver drains
/// [`Self::poll_event`] and [`Self::poll_transmit`] and re-arms its timer with [`Self::poll_timeout`].
pub struct ServerSession<R> {
    config: Arc<ServerConfig>,
    core: Core<R>,
    state: State,
    started: Instant,
    texts: Allowance,
    renegotiations: Allowance,
    events: VecDeque<ServerEvent>,
}

impl<R: CryptoRng> ServerSession<R> {
    /// A session for a connection that was just accepted.
    pub fn new(config: Arc<ServerConfig>, rng: R, now: Instant) -> Self {
        let until = now + config.limits.first_packet;
        Self {
            core: Core::new(Role::Server, config.tls.clone(), rng, now),
            texts: Allowance::new(config.limits.texts, TEXT_EVERY, now),
            renegotiations: Allowance::new(config.limits.renegotiations, RENEGOTIATION_EVERY, now),
            config,
            state: State::ExpectReset { until },
            started: now,
            events: VecDeque::new(),
        }
    }

    /// Bytes came from the peer.
    pub fn handle_bytes(&mut self, bytes: &[u8], now: Instant) {
        if self.is_closed() {
            return;
        }
        let result = self.take_bytes(bytes, now);
        self.settle(result, now);
    }

    /// The peer closed its side of the connection.
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

    /// Admits the peer of [`ServerEvent::Authorize`].
    pub fn grant(&mut self, grant: Grant, now: Instant) {
        let until = now + self.config.limits.push;
        let state = mem::replace(&mut self.state, State::Closed);
        self.state = if let State::ExpectVerdict { pending, .. } = state {
            let grant = Box::new(grant);
            State::ExpectPushable {
                until,
                pending,
                grant,
            }
        } else {
            state
        };
        self.settle(Ok(()), now);
    }

    /// Confirms the peer of [`ServerEvent::Reauthorize`].
    pub fn confirm(&mut self, now: Instant) {
        let result = self.accept_relogin();
        self.settle(result, now);
    }

    /// Refuses a log-in for good: stock clients stop when they read this.
    pub fn reject(&mut self, reason: &str, now: Instant) {
        let text = format!("AUTH_FAILED,{reason}");
        let result = self.farewell(&text, DownCause::Refused(reason.into()), now);
        self.settle(result, now);
    }

    /// There can be no verdict now. The client is to come back: it must not take this for a refusal.
    pub fn unavailable(&mut self, reason: &str, now: Instant) {
        let temporary = match &self.state {
            State::ExpectVerdict { pending, .. } => pending.choice.abilities.temporary_failure,
            State::Up(up) => up.abilities.temporary_failure,
            State::ExpectReset { .. }
            | State::ExpectLogin { .. }
            | State::ExpectPushable { .. }
            | State::ExpectPushAck { .. }
            | State::Closing { .. }
            | State::Closed => false,
        };
        let cause = DownCause::Requested(reason.into());
        let result = if temporary {
            let text = format!("AUTH_FAILED,TEMP[backoff {COME_BACK_AFTER_S}]:{reason}");
            self.farewell(&text, cause, now)
        } else {
            Err(cause)
        };
        self.settle(result, now);
    }

    /// Sends an IP packet into the tunnel. Dropped while the tunnel is not up.
    pub fn send_packet(&mut self, ip: &[u8], now: Instant) {
        if self.is_up() {
            let result = self.core.send_data(ip, now);
            self.settle(result, now);
        }
    }

    /// Replaces the tunnel's routes in place. False when this client can only get them at a new log-in.
    pub fn update_routes(&mut self, routes: &[Route], now: Instant) -> bool {
        let State::Up(up) = &mut self.state else {
            return false;
        };
        if !up.abilities.push_update {
            return false;
        }
        up.routes_unacknowledged = true;
        let result = self.core.send_text(push_update::replace_routes(routes));
        self.settle(result, now);
        true
    }

    /// Tells the client to reconnect, and closes once it has heard.
    pub fn restart(&mut self, reason: &str, now: Instant) {
        // [P] lets the client keep its password.
        let text = format!("RESTART,[P]{reason}");
        let result = self.farewell(&text, DownCause::Requested(reason.into()), now);
        self.settle(result, now);
    }

    /// Closes the connection at once. Stock clients then withdraw their routes and redial.
    pub fn close(&mut self, reason: &str, now: Instant) {
        self.settle(Err(DownCause::Requested(reason.into())), now);
    }

    /// Appends the bytes that wait to be sent; false when there are none.
    pub fn poll_transmit(&mut self, out: &mut Vec<u8>) -> bool {
        self.core.poll_transmit(out)
    }

    /// The next thing that happened.
    pub fn poll_event(&mut self) -> Option<ServerEvent> {
        let event = self.events.pop_front();
        if self.events.is_empty() {
            self.events = VecDeque::new();
        }
        event
    }

    /// When to call [`Self::handle_timeout`] next, and what for.
    pub fn poll_timeout(&self) -> Option<(Instant, &'static str)> {
        let own = match &self.state {
            State::ExpectReset { until } => Some((*until, "first packet")),
            State::ExpectLogin { until, .. } => Some((*until, "log-in")),
            State::ExpectVerdict { until, .. } => Some((*until, "verdict")),
            State::ExpectPushable { until, .. } | State::ExpectPushAck { until, .. } => {
                Some((*until, "push"))
            }
            State::Up(up) => up.renegotiate_at.map(|at| (at, "renegotiation is due")),
            State::Closing { until, .. } => return Some((*until, "linger")),
            State::Closed => return None,
        };
        own.into_iter()
            .chain(self.core.poll_timeout())
            .min_by_key(|(at, _)| *at)
    }

    /// When the peer last sent something that proves it alive.
    pub fn last_received(&self) -> Instant {
        self.core.last_received()
    }

    /// Whether the client has its addresses and routes.
    pub fn is_up(&self) -> bool {
        matches!(self.state, State::Up(_))
    }

    /// Whether the peer has not yet proved who it is.
    pub fn is_anonymous(&self) -> bool {
        matches!(
            self.state,
            State::ExpectReset { .. } | State::ExpectLogin { .. } | State::ExpectVerdict { .. }
        )
    }

    /// Whether the session is over and, once all output is written, so is the connection.
    pub fn is_closed(&self) -> bool {
        matches!(self.state, State::Closed)
    }

    fn is_closing(&self) -> bool {
        matches!(self.state, State::Closing { .. })
    }

    // --- every call ends here ---------------------------------------------------------------

    /// Moves on, sends what is ready, and turns an error into the end.
    fn settle(&mut self, result: Result<(), DownCause>, now: Instant) {
        let result = result
            .and_then(|()| self.progress(now))
            .and_then(|()| self.core.flush());
        if let Err(cause) = result {
            // A TLS alert may be waiting; it is the only explanation the peer will get.
            let _ = self.core.flush();
            self.finish(cause);
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

    fn finish(&mut self, cause: DownCause) {
        let cause = match mem::replace(&mut self.state, State::Closed) {
            State::Closed => return,
            // What began the end is the cause, not how the peer then went.
            State::Closing { cause, .. } => cause,
            State::ExpectReset { .. }
            | State::ExpectLogin { .. }
            | State::ExpectVerdict { .. }
            | State::ExpectPushable { .. }
            | State::ExpectPushAck { .. }
            | State::Up(_) => cause,
        };
        self.core.discard_input();
        self.events.push_back(ServerEvent::Down(cause));
    }
}

impl Login {
    fn of(message: &KeyMethod2) -> Self {
        Self {
            username: message.username.clone(),
            password: message.password.clone(),
            peer: PeerInfo::parse(message.peer_info.as_deref()),
        }
    }
}
