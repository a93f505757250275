//! Whole sessions.

use std::{
    net::Ipv4Addr,
    sync::Arc,
    time::{Duration, Instant},
};

use holdfast_api_types::Route;
use holdfast_ovpn_proto::{
    ClientConfig, ClientEvent, ClientSession, Grant, Habits, Limits, ServerConfig, ServerEvent,
    ServerSession,
    data::{Auth, Cipher},
    icmp::Echo,
    keys::Role,
    tls::TlsProvider,
    wire::Packet,
};
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use zeroize::Zeroizing;

use super::{input::Input, link::Link, plain_tls::PlainTls, tls::SERVER};

/// Feeds a server session arbitrary bytes in arbitrary segments, with time and verdicts between them.
pub fn server_session(data: &[u8]) {
    let mut input = Input::new(data);
    let Some(tls) = input.byte() else {
        return;
    };
    // Without TLS for most inputs: what comes after it is ours to get right.
    let mut server = Server::new(match tls % 8 {
        7 => SERVER.clone(),
        _ => Arc::new(PlainTls(Role::Server)),
    });
    let mut link = Link::default();
    while let Some(action) = input.byte() {
        let done = match action % 8 {
            0..4 => input
                .bytes()
                .map(|bytes| server.session.handle_bytes(bytes, server.now)),
            4 => server.pass_time(&mut input),
            _ => server.act(&mut input),
        };
        if done.is_none() {
            return;
        }
        server.drain(&mut link);
    }
}

/// Lets a real client talk to a server session and changes packets of both on their way. Without TLS, so that
/// a changed packet is read and not just refused.
pub fn conversation(data: &[u8]) {
    let mut input = Input::new(data);
    let Some(habits) = input.byte() else {
        return;
    };
    let mut server = Server::new(Arc::new(PlainTls(Role::Server)));
    let mut client = Client::new(habits, server.now);
    let (mut to_server, mut to_client) = (Link::default(), Link::default());
    client.drain(&mut to_server);
    while let Some(action) = input.byte() {
        let done = match action % 12 {
            // Undisturbed, and most often so: otherwise nothing ever comes up.
            0..3 => {
                settle(&mut server, &mut client, &mut to_server, &mut to_client);
                Some(())
            }
            3 => {
                let segment = to_server.deliver_one();
                server.session.handle_bytes(&segment, server.now);
                Some(())
            }
            4 => {
                let segment = to_client.deliver_one();
                client.session.handle_bytes(&segment, server.now);
                Some(())
            }
            5 | 6 => to_server.tamper(&mut input),
            7 => to_client.tamper(&mut input),
            8 => server
                .pass_time(&mut input)
                .map(|()| client.session.handle_timeout(server.now)),
            9 => client.act(&mut input, server.now),
            10 => input
                .bytes()
                .map(|bytes| server.session.handle_bytes(bytes, server.now)),
            _ => server.act(&mut input),
        };
        if done.is_none() {
            return;
        }
        server.drain(&mut to_client);
        client.drain(&mut to_server);
    }
}

/// Delivers everything both ways until nobody has anything to say.
fn settle(server: &mut Server, client: &mut Client, to_server: &mut Link, to_client: &mut Link) {
    for _ in 0..64 {
        let up = to_server.deliver_all();
        let down = to_client.deliver_all();
        if up.is_empty() && down.is_empty() {
            return;
        }
        server.session.handle_bytes(&up, server.now);
        client.session.handle_bytes(&down, server.now);
        server.drain(to_client);
        client.drain(to_server);
    }
}

struct Server {
    session: ServerSession<ChaCha8Rng>,
    now: Instant,
    admitted: bool,
    down: bool,
}

impl Server {
    fn new(tls: Arc<dyn TlsProvider>) -> Self {
        let now = Instant::now();
        let config = ServerConfig {
            tls,
            ciphers: Cipher::ALL.to_vec(),
            limits: Limits::default(),
            renegotiate_after: Some((Duration::from_secs(90), Duration::from_secs(110))),
        };
        Self {
            session: ServerSession::new(Arc::new(config), ChaCha8Rng::seed_from_u64(1), now),
            now,
            admitted: false,
            down: false,
        }
    }

    /// Lets up to eleven minutes pass, or the time until the next timer; `None` at the end of the input.
    fn pass_time(&mut self, input: &mut Input<'_>) -> Option<()> {
        let hundredths = input.number()?;
        self.now = match (hundredths, self.session.poll_timeout()) {
            (0, Some((at, _))) => self.now.max(at),
            (hundredths, _) => self.now + Duration::from_millis(10) * hundredths.into(),
        };
        self.session.handle_timeout(self.now);
        let next = self.session.poll_timeout();
        assert!(
            !self.session.is_closed() || next.is_none(),
            "a timer after the end"
        );
        Some(())
    }

    /// Does what the application could do; `None` at the end of the input.
    fn act(&mut self, input: &mut Input<'_>) -> Option<()> {
        let (session, now) = (&mut self.session, self.now);
        match input.byte()? % 10 {
            0..3 => {
                self.admitted = true;
                session.grant(grant(), now);
            }
            3 | 4 => session.confirm(now),
            5 => {
                let routes = vec![route(input.byte()?); usize::from(input.byte()? % 31)];
                session.update_routes(&routes, now);
            }
            6 => session.send_packet(&probe(), now),
            7 => session.restart("drain", now),
            8 if input.byte()? % 2 == 0 => session.reject("no", now),
            8 => session.unavailable("busy", now),
            _ => session.handle_eof(now),
        }
        Some(())
    }

    fn drain(&mut self, link: &mut Link) {
        while let Some(event) = self.session.poll_event() {
            assert!(!self.down, "{event:?} after the end");
            self.down = matches!(event, ServerEvent::Down(_));
            let up = matches!(event, ServerEvent::Up(_) | ServerEvent::Packet(_));
            assert!(self.admitted || !up, "{event:?} without a verdict");
        }
        let mut bytes = Vec::new();
        self.session.poll_transmit(&mut bytes);
        for packet in link.send(&bytes) {
            let packet = Packet::decode(&packet).expect("our own packets are sound");
            let data = matches!(packet, Packet::Data(_));
            assert!(self.admitted || !data, "data without a verdict");
        }
    }
}

struct Client {
    session: ClientSession<ChaCha8Rng>,
    down: bool,
}

impl Client {
    fn new(habits: u8, now: Instant) -> Self {
        let config = ClientConfig {
            tls: Arc::new(PlainTls(Role::Client)),
            username: "fibre".into(),
            password: Zeroizing::new("secret".into()),
            habits: match habits % 4 {
                0 => Habits::openvpn_2_7(),
                1 => Habits::openvpn_2_6(),
                2 => Habits::openvpn_2_4(),
                _ => Habits::router_os(),
            },
            cipher: Cipher::ALL[usize::from(habits / 4) % Cipher::ALL.len()],
            auth: Auth::ALL[usize::from(habits / 64) % Auth::ALL.len()],
            renegotiate_after: (habits >= 128).then_some(Duration::from_secs(100)),
        };
        Self {
            session: ClientSession::new(Arc::new(config), ChaCha8Rng::seed_from_u64(2), now),
            down: false,
        }
    }

    /// Does what the application could do; `None` at the end of the input.
    fn act(&mut self, input: &mut Input<'_>, now: Instant) -> Option<()> {
        match input.byte()? % 8 {
            0..4 => self.session.renegotiate(now),
            4..7 => self.session.send_packet(&probe(), now),
            _ => self.session.handle_eof(now),
        }
        Some(())
    }

    fn drain(&mut self, link: &mut Link) {
        while let Some(event) = self.session.poll_event() {
            assert!(!self.down, "{event:?} after the end");
            self.down = matches!(event, ClientEvent::Down(_));
        }
        let mut bytes = Vec::new();
        self.session.poll_transmit(&mut bytes);
        for packet in link.send(&bytes) {
            Packet::decode(&packet).expect("our own packets are sound");
        }
    }
}

fn grant() -> Grant {
    Grant {
        address: Ipv4Addr::new(198, 18, 0, 2),
        prefix: 24,
        server: Ipv4Addr::new(198, 18, 0, 1),
        routes: vec![route(0), route(128)],
        ping: 10,
        ping_restart: 60,
    }
}

fn route(first_octet: u8) -> Route {
    Route {
        network: Ipv4Addr::new(first_octet & 0x80, 0, 0, 0),
        prefix: 1,
        gateway: Ipv4Addr::new(192, 0, 2, 1),
        metric: 90,
    }
}

fn probe() -> [u8; holdfast_ovpn_proto::icmp::PROBE_LEN] {
    Echo {
        request: true,
        source: Ipv4Addr::new(198, 18, 0, 1),
        destination: Ipv4Addr::new(198, 18, 0, 2),
        id: 1,
        sequence: 1,
    }
    .to_packet()
}
