//! One tunnel: a few kilobytes and no timer of its own between events.

use std::{
    convert::Infallible,
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::{Duration, Instant},
};

use holdfast_ovpn_proto::{ClientConfig, ClientEvent, ClientSession, DownCause, icmp};
use rand::{RngExt, rngs::StdRng};
use tokio::{
    net::TcpStream,
    time::{sleep, sleep_until},
};

use crate::{dial, tally::Tally};

/// Mean pause before a connection is made again. Stock OpenVPN 2.6 waits for a second too.
const RECONNECT_PAUSE: Duration = Duration::from_secs(1);

/// What one tunnel needs to know.
pub(crate) struct Tunnel {
    pub(crate) target: SocketAddr,
    pub(crate) source: Option<Ipv4Addr>,
    pub(crate) config: Arc<ClientConfig>,
    pub(crate) reconnect: bool,
    pub(crate) tally: Arc<Tally>,
}

/// Why a connection is over.
#[derive(Debug, thiserror::Error)]
enum End {
    #[error("cannot connect")]
    Connect(#[source] io::Error),
    #[error("the connection broke")]
    Broken(#[source] io::Error),
    #[error(transparent)]
    Session(DownCause),
}

impl End {
    fn label(&self) -> String {
        match self {
            Self::Connect(err) => format!("connect: {}", err.kind()),
            Self::Broken(err) => format!("broken: {}", err.kind()),
            Self::Session(cause) => cause.label().to_owned(),
        }
    }
}

impl Tunnel {
    /// Keeps the tunnel up, or counts why it is not. Ends after the first connection unless it is to reconnect.
    pub(crate) async fn run(self) {
        let mut lost = None;
        loop {
            let mut up = false;
            let end = match self.serve(lost, &mut up).await {
                Ok(never) => match never {},
                Err(end) => end,
            };
            let label = end.label();
            let example = || format!("{:#}", anyhow::Error::from(end));
            if up {
                lost = Some(Instant::now());
                self.tally.take_disconnect(&label, example);
            } else {
                self.tally.take_failure(&label, example);
            }
            if !self.reconnect {
                return;
            }
            let spread = rand::rng().random_range(0.5..1.5);
            sleep(RECONNECT_PAUSE.mul_f64(spread)).await;
        }
    }

    /// One connection; sets `up` once its tunnel is.
    async fn serve(&self, lost: Option<Instant>, up: &mut bool) -> Result<Infallible, End> {
        let dialled = Instant::now();
        let stream = dial::connect(self.target, self.source)
            .await
            .map_err(End::Connect)?;
        let rng: StdRng = rand::make_rng();
        let mut session = ClientSession::new(self.config.clone(), rng, Instant::now());
        let mut out = Vec::new();
        loop {
            while let Some(event) = session.poll_event() {
                match event {
                    ClientEvent::Connected(_) => {
                        *up = true;
                        self.tally.take_up(dialled, lost, Instant::now());
                    }
                    ClientEvent::Packet(ip) => self.answer(&ip, &mut session),
                    ClientEvent::Down(cause) => return Err(End::Session(cause)),
                    ClientEvent::RoutesWithdrawn
                    | ClientEvent::RoutesReplaced(_)
                    | ClientEvent::Rekeyed => {}
                }
            }
            session.poll_transmit(&mut out);
            write(&stream, &mut out).map_err(End::Broken)?;
            let deadline = session.poll_timeout().map(|(at, _)| at);

            tokio::select! {
                ready = stream.readable() => {
                    ready.map_err(End::Broken)?;
                    read(&stream, &mut session).map_err(End::Broken)?;
                }
                ready = stream.writable(), if !out.is_empty() => ready.map_err(End::Broken)?,
                () = sleep_until(deadline.unwrap_or(dialled).into()), if deadline.is_some() => {
                    session.handle_timeout(Instant::now());
                }
            }
        }
    }

    fn answer(&self, ip: &[u8], session: &mut ClientSession<StdRng>) {
        if let Some(reply) = icmp::reply_to(ip) {
            session.send_packet(&reply, Instant::now());
            self.tally.take_probe();
        }
    }
}

/// Into the session by way of the stack: an idle tunnel owns no buffer.
fn read(stream: &TcpStream, session: &mut ClientSession<StdRng>) -> io::Result<()> {
    let mut input = [0; 4096];
    match stream.try_read(&mut input) {
        Ok(0) => session.handle_eof(Instant::now()),
        Ok(length) => session.handle_bytes(&input[..length], Instant::now()),
        Err(err) if err.kind() == io::ErrorKind::WouldBlock => {}
        Err(err) => return Err(err),
    }
    Ok(())
}

/// As much as the socket takes now.
fn write(stream: &TcpStream, out: &mut Vec<u8>) -> io::Result<()> {
    while !out.is_empty() {
        match stream.try_write(out) {
            Ok(length) => drop(out.drain(..length)),
            Err(err) if err.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            Err(err) => return Err(err),
        }
    }
    *out = Vec::new();
    Ok(())
}
