use std::{
    net::Ipv4Addr,
    sync::Arc,
    time::{Duration, Instant},
};

use holdfast_api_types::Route;
use holdfast_ovpn_proto::{
    ClientConfig, ClientEvent, ClientSession, DownCause, Established, Grant, Habits, Limits,
    ServerConfig, ServerEvent, ServerSession,
    data::{Auth, Cipher},
    icmp::Echo,
    tls::TlsProvider,
};
use rand_chacha::{
    ChaCha12Rng,
    rand_core::{Rng, SeedableRng},
};
use zeroize::Zeroizing;

use super::{
    link::{Arrival, Link, Weather},
    pki::{self, TLS12, TLS13, Trust},
};

pub(crate) const CLIENT_ADDRESS: Ipv4Addr = Ipv4Addr::new(198, 18, 0, 2);
pub(crate) const SERVER_ADDRESS: Ipv4Addr = Ipv4Addr::new(198, 18, 0, 1);

/// Everything about a pair that a test may want otherwise.
pub(crate) struct Setup {
    pub(crate) seed: u64,
    pub(crate) weather: Weather,
    pub(crate) habits: Habits,
    /// The server's, best first.
    pub(crate) ciphers: Vec<Cipher>,
    /// The client's own, where nothing is negotiated.
    pub(crate) cipher: Cipher,
    pub(crate) auth: Auth,
    pub(crate) server_tls: Arc<dyn TlsProvider>,
    pub(crate) client_tls: Arc<dyn TlsProvider>,
    pub(crate) limits: Limits,
    pub(crate) server_renegotiates: Option<(Duration, Duration)>,
    pub(crate) client_renegotiates: Option<Duration>,
    pub(crate) grant: Grant,
    pub(crate) answer: Answer,
}

/// What the application says to a log-in, first or repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    Admit,
    Reject(&'static str),
    Unavailable(&'static str),
    /// Nothing, until the test does.
    Wait,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            seed: 1,
            weather: Weather::CALM,
            habits: Habits::openvpn_2_6(),
            ciphers: Cipher::ALL.to_vec(),
            cipher: Cipher::Aes256Cbc,
            auth: Auth::Sha256,
            server_tls: pki::server(&[TLS12, TLS13]),
            client_tls: pki::client(&[TLS12, TLS13], Trust::All),
            limits: Limits::default(),
            server_renegotiates: None,
            client_renegotiates: None,
            grant: grant(),
            answer: Answer::Admit,
        }
    }
}

pub(crate) fn grant() -> Grant {
    Grant {
        address: CLIENT_ADDRESS,
        prefix: 24,
        server: SERVER_ADDRESS,
        routes: vec![route(0), route(128)],
        ping: 10,
        ping_restart: 60,
    }
}

/// Half the Internet, through the ISP's gateway.
pub(crate) fn route(first_octet: u8) -> Route {
    Route {
        network: Ipv4Addr::new(first_octet, 0, 0, 0),
        prefix: 1,
        gateway: Ipv4Addr::new(192, 0, 2, 1),
        metric: 90,
    }
}

impl Setup {
    /// Both sessions, with the client's first packet not yet sent.
    pub(crate) fn pair(self) -> Pair {
        let now = Instant::now();
        let mut seeds = ChaCha12Rng::seed_from_u64(self.seed);
        let mut rng = || ChaCha12Rng::seed_from_u64(seeds.next_u64());
        let server = Arc::new(ServerConfig {
            tls: self.server_tls,
            ciphers: self.ciphers,
            limits: self.limits,
            renegotiate_after: self.server_renegotiates,
        });
        let client = Arc::new(ClientConfig {
            tls: self.client_tls,
            username: "fibre".into(),
            password: Zeroizing::new("secret".into()),
            habits: self.habits,
            cipher: self.cipher,
            auth: self.auth,
            renegotiate_after: self.client_renegotiates,
        });
        Pair {
            server: ServerSession::new(server, rng(), now),
            client: ClientSession::new(client, rng(), now),
            to_server: Link::new(self.weather.clone(), rng()),
            to_client: Link::new(self.weather, rng()),
            server_events: Vec::new(),
            client_events: Vec::new(),
            grant: self.grant,
            answer: self.answer,
            now,
        }
    }

    /// Both sessions, with the tunnel up.
    pub(crate) fn connected(self) -> Pair {
        let mut pair = self.pair();
        pair.run(Duration::from_secs(10));
        assert!(
            pair.is_up(),
            "{:?} {:?}",
            pair.server_events,
            pair.client_events
        );
        pair
    }
}

/// A server and a client session, joined by two links, and the applications that drive them.
pub(crate) struct Pair {
    pub(crate) server: ServerSession<ChaCha12Rng>,
    pub(crate) client: ClientSession<ChaCha12Rng>,
    pub(crate) to_server: Link,
    pub(crate) to_client: Link,
    pub(crate) server_events: Vec<ServerEvent>,
    pub(crate) client_events: Vec<ClientEvent>,
    pub(crate) grant: Grant,
    pub(crate) answer: Answer,
    pub(crate) now: Instant,
}

impl Pair {
    // --- time -------------------------------------------------------------------------------

    /// Delivers everything that is on its way. Timers do not fire.
    pub(crate) fn drive(&mut self) {
        loop {
            self.exchange();
            let Some(next) = self.next_arrival() else {
                return;
            };
            self.now = self.now.max(next);
        }
    }

    /// Lets time pass, with everything that happens in it.
    pub(crate) fn run(&mut self, duration: Duration) {
        let end = self.now + duration;
        // A timer that asks to be called at once for ever would hang a driver.
        let mut calls_at_once = 0;
        loop {
            self.exchange();
            let timers = [self.server.poll_timeout(), self.client.poll_timeout()];
            let next = timers
                .into_iter()
                .flatten()
                .map(|(at, _)| at)
                .chain(self.next_arrival())
                .min();
            let Some(next) = next.filter(|next| *next <= end) else {
                break;
            };
            calls_at_once = if next > self.now {
                0
            } else {
                calls_at_once + 1
            };
            assert!(calls_at_once < 100, "spins on {timers:?}");
            self.now = self.now.max(next);
            self.fire_timers();
        }
        self.now = end;
        self.exchange();
    }

    fn fire_timers(&mut self) {
        if self
            .server
            .poll_timeout()
            .is_some_and(|(at, _)| at <= self.now)
        {
            self.server.handle_timeout(self.now);
        }
        if self
            .client
            .poll_timeout()
            .is_some_and(|(at, _)| at <= self.now)
        {
            self.client.handle_timeout(self.now);
        }
    }

    fn next_arrival(&self) -> Option<Instant> {
        let at_server = self.to_server.next_arrival(self.now);
        at_server
            .into_iter()
            .chain(self.to_client.next_arrival(self.now))
            .min()
    }

    /// Everything that can happen at this instant.
    fn exchange(&mut self) {
        loop {
            self.drain();
            if let Some(arrival) = self.to_server.receive(self.now) {
                match arrival {
                    Arrival::Bytes(bytes) => self.server.handle_bytes(&bytes, self.now),
                    Arrival::End => self.server.handle_eof(self.now),
                }
            } else if let Some(arrival) = self.to_client.receive(self.now) {
                match arrival {
                    Arrival::Bytes(bytes) => self.client.handle_bytes(&bytes, self.now),
                    Arrival::End => self.client.handle_eof(self.now),
                }
            } else {
                return;
            }
        }
    }

    // --- the applications -------------------------------------------------------------------

    fn drain(&mut self) {
        while let Some(event) = self.server.poll_event() {
            assert_eq!(self.server_down(), None, "{event:?} after the end");
            match event {
                ServerEvent::Authorize(_) | ServerEvent::Reauthorize(_) => self.decide(&event),
                ServerEvent::Up(_)
                | ServerEvent::RoutesUpdated
                | ServerEvent::Packet(_)
                | ServerEvent::Rekeyed
                | ServerEvent::Down(_) => {}
            }
            self.server_events.push(event);
        }
        while let Some(event) = self.client.poll_event() {
            assert_eq!(self.client_down(), None, "{event:?} after the end");
            self.client_events.push(event);
        }
        let mut bytes = Vec::new();
        if self.server.poll_transmit(&mut bytes) {
            self.to_client.send(&bytes, self.now);
        }
        let mut bytes = Vec::new();
        if self.client.poll_transmit(&mut bytes) {
            self.to_server.send(&bytes, self.now);
        }
        if self.server_down().is_some() {
            self.to_client.close();
        }
        if self.client_down().is_some() {
            self.to_server.close();
        }
    }

    fn decide(&mut self, event: &ServerEvent) {
        match self.answer {
            Answer::Admit if matches!(event, ServerEvent::Authorize(_)) => {
                self.server.grant(self.grant.clone(), self.now);
            }
            Answer::Admit => self.server.confirm(self.now),
            Answer::Reject(reason) => self.server.reject(reason, self.now),
            Answer::Unavailable(reason) => self.server.unavailable(reason, self.now),
            Answer::Wait => {}
        }
    }

    /// Sends one numbered packet each way.
    pub(crate) fn send_both_ways(&mut self, sequence: u16) {
        self.server.send_packet(&probe(sequence), self.now);
        self.client.send_packet(&answer_to(sequence), self.now);
    }

    // --- what tests ask ---------------------------------------------------------------------

    pub(crate) fn is_up(&self) -> bool {
        self.server.is_up() && self.client.is_up()
    }

    pub(crate) fn established(&self) -> Option<Established> {
        self.server_events.iter().find_map(|event| {
            if let ServerEvent::Up(established) = event {
                Some(*established)
            } else {
                None
            }
        })
    }

    pub(crate) fn server_down(&self) -> Option<&DownCause> {
        self.server_events.iter().find_map(|event| {
            if let ServerEvent::Down(cause) = event {
                Some(cause)
            } else {
                None
            }
        })
    }

    pub(crate) fn client_down(&self) -> Option<&DownCause> {
        self.client_events.iter().find_map(|event| {
            if let ClientEvent::Down(cause) = event {
                Some(cause)
            } else {
                None
            }
        })
    }

    /// Sequence numbers of the packets that reached the server.
    pub(crate) fn at_server(&self) -> Vec<u16> {
        let packets = self.server_events.iter().filter_map(|event| {
            if let ServerEvent::Packet(ip) = event {
                Some(Echo::parse(ip).unwrap().sequence)
            } else {
                None
            }
        });
        packets.collect()
    }

    /// Sequence numbers of the packets that reached the client.
    pub(crate) fn at_client(&self) -> Vec<u16> {
        let packets = self.client_events.iter().filter_map(|event| {
            if let ClientEvent::Packet(ip) = event {
                Some(Echo::parse(ip).unwrap().sequence)
            } else {
                None
            }
        });
        packets.collect()
    }
}

/// A probe from the server to the client.
pub(crate) fn probe(sequence: u16) -> Vec<u8> {
    let echo = Echo {
        request: true,
        source: SERVER_ADDRESS,
        destination: CLIENT_ADDRESS,
        id: 7,
        sequence,
    };
    echo.to_packet().to_vec()
}

/// The client's answer to it.
pub(crate) fn answer_to(sequence: u16) -> Vec<u8> {
    holdfast_ovpn_proto::icmp::reply_to(&probe(sequence)).unwrap()
}
