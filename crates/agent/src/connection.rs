//! One connection to the server, from the dial to the end.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::{Duration, Instant},
};

use holdfast_api_types::Route;
use holdfast_ovpn_proto::{
    ClientConfig, ClientEvent, ClientSession, DownCause,
    icmp::{self, Echo},
    wire::PushReply,
};
use rand::rngs::StdRng;
use socket2::SockRef;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream, lookup_host},
    sync::watch,
    time::{sleep_until, timeout},
};

use crate::{link::Link, profile::Remote, routes::Routes};

/// Pause before routes that the kernel did not take are tried again.
const RESTORE_AGAIN: Duration = Duration::from_secs(1);

/// Why a tunnel is down.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Down {
    /// The interface cannot carry packets.
    #[error("the interface has no carrier")]
    NoCarrier,
    /// No TCP connection could be made.
    #[error("cannot connect to {host}:{port}")]
    Unreachable {
        host: String,
        port: u16,
        #[source]
        cause: io::Error,
    },
    /// The TCP connection broke.
    #[error("the connection broke")]
    Broken(#[source] io::Error),
    /// The session ended by the rules of the protocol.
    #[error(transparent)]
    Ended(DownCause),
}

impl Down {
    /// Whether the server asked for it, so that dialling again at once is what it expects.
    pub(crate) fn is_planned(&self) -> bool {
        matches!(self, Self::Ended(DownCause::PeerLeft(_)))
    }
}

/// Opens the TCP connection, out of `device` if there is one, within `patience`.
pub(crate) async fn dial(
    remote: &Remote,
    device: Option<&str>,
    patience: Duration,
) -> Result<TcpStream, Down> {
    timeout(patience, connect(remote, device, patience))
        .await
        .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
        .map_err(|cause| Down::Unreachable {
            host: remote.host.clone(),
            port: remote.port,
            cause,
        })
}

async fn connect(
    remote: &Remote,
    device: Option<&str>,
    patience: Duration,
) -> io::Result<TcpStream> {
    // Routes are IPv4, and so is the way to an ISP's gateway.
    let address = lookup_host((remote.host.as_str(), remote.port))
        .await?
        .find(SocketAddr::is_ipv4)
        .ok_or_else(|| io::Error::other("the name has no IPv4 address"))?;
    let socket = TcpSocket::new_v4()?;
    if let Some(device) = device {
        socket.bind_device(Some(device.as_bytes()))?;
    }
    socket.set_nodelay(true)?;
    SockRef::from(&socket).set_tcp_user_timeout(Some(patience))?;
    socket.connect(address).await
}

/// A tunnel on a TCP connection, and the routes it holds.
pub(crate) struct Connection<'a> {
    stream: TcpStream,
    session: ClientSession<StdRng>,
    routes: &'a mut Routes,
    link_rx: watch::Receiver<Link>,
    out: Vec<u8>,
    /// Our address in the tunnel, known once the push has arrived. Nobody has it but us: there is no device.
    address: Option<Ipv4Addr>,
    /// Set while the kernel lacks a route that the server pushed.
    restore_at: Option<Instant>,
}

impl<'a> Connection<'a> {
    pub(crate) fn new(
        stream: TcpStream,
        config: Arc<ClientConfig>,
        routes: &'a mut Routes,
        link_rx: watch::Receiver<Link>,
    ) -> Self {
        Self {
            stream,
            session: ClientSession::new(config, rand::make_rng(), Instant::now()),
            routes,
            link_rx,
            out: Vec::new(),
            address: None,
            restore_at: None,
        }
    }

    /// Whether the push has arrived.
    pub(crate) fn was_up(&self) -> bool {
        self.address.is_some()
    }

    /// Serves the tunnel until it is down. Routes are left for the caller to withdraw.
    pub(crate) async fn run(&mut self) -> Down {
        let mut input = vec![0; 4096];
        let mut known = *self.link_rx.borrow();
        loop {
            if let Err(down) = self.take_events().await {
                return down;
            }
            self.session.poll_transmit(&mut self.out);
            let deadline = self.deadline();

            let (mut reader, mut writer) = self.stream.split();
            tokio::select! {
                read = reader.read(&mut input) => match read {
                    Ok(0) => self.session.handle_eof(Instant::now()),
                    Ok(length) => self.session.handle_bytes(&input[..length], Instant::now()),
                    Err(err) => return Down::Broken(err),
                },
                written = writer.write(&self.out), if !self.out.is_empty() => match written {
                    Ok(length) => drop(self.out.drain(..length)),
                    Err(err) => return Down::Broken(err),
                },
                Ok(()) = self.link_rx.changed() => {
                    let link = *self.link_rx.borrow_and_update();
                    if !link.carrier || link.index != known.index {
                        return Down::NoCarrier;
                    }
                    if link.disturbances != known.disturbances {
                        self.restore_routes().await;
                    }
                    known = link;
                }
                () = sleep_until(deadline.into()) => self.take_time().await,
            }
        }
    }

    fn deadline(&self) -> Instant {
        let session = self.session.poll_timeout().map(|(at, _)| at);
        let never = || Instant::now() + Duration::from_secs(3600);
        session
            .into_iter()
            .chain(self.restore_at)
            .min()
            .unwrap_or_else(never)
    }

    async fn take_time(&mut self) {
        let now = Instant::now();
        if self.restore_at.is_some_and(|at| at <= now) {
            self.restore_routes().await;
        }
        self.session.handle_timeout(now);
    }

    async fn take_events(&mut self) -> Result<(), Down> {
        while let Some(event) = self.session.poll_event() {
            match event {
                ClientEvent::Connected(push) => self.take_push(&push).await,
                ClientEvent::RoutesReplaced(routes) => self.replace_routes(&routes).await,
                ClientEvent::RoutesWithdrawn => {
                    tracing::info!("server withdrew the routes");
                    self.replace_routes(&[]).await;
                }
                ClientEvent::Packet(ip) => self.take_packet(&ip),
                ClientEvent::Rekeyed => tracing::debug!("new key in use"),
                ClientEvent::Down(cause) => {
                    self.say_goodbye();
                    return Err(Down::Ended(cause));
                }
            }
        }
        Ok(())
    }

    async fn take_push(&mut self, push: &PushReply) {
        tracing::info!(
            tunnel.address = %push.address,
            routes = push.routes.len(),
            cipher = push.cipher.map(|cipher| cipher.name()),
            "tunnel is up"
        );
        self.address = Some(push.address);
        if push.ping_restart > 0 {
            // Unacknowledged bytes are silence as well, and TCP notices it first.
            let silence = Duration::from_secs(push.ping_restart.into());
            if let Err(err) = SockRef::from(&self.stream).set_tcp_user_timeout(Some(silence)) {
                tracing::warn!(error = %err, "cannot set the TCP user timeout");
            }
        }
        let (inside, outside): (Vec<_>, Vec<_>) = push
            .routes
            .iter()
            .partition(|route| route.gateway == push.route_gateway);
        for route in inside {
            tracing::warn!(%route, "route into the tunnel ignored: there is no device to send by");
        }
        self.replace_routes(&outside).await;
    }

    async fn replace_routes(&mut self, routes: &[Route]) {
        let complete = self.routes.replace(routes.iter().copied()).await;
        let metric = routes.first().map(|route| route.metric);
        tracing::info!(
            routes = routes.len(),
            route.metric = metric,
            complete,
            "routes replaced"
        );
        self.expect_restore(complete);
    }

    async fn restore_routes(&mut self) {
        let complete = self.routes.restore().await;
        self.expect_restore(complete);
    }

    fn expect_restore(&mut self, complete: bool) {
        self.restore_at = (!complete).then(|| Instant::now() + RESTORE_AGAIN);
    }

    /// Answers a probe that is meant for us; there is nobody else behind this tunnel.
    fn take_packet(&mut self, ip: &[u8]) {
        let destination = Echo::parse(ip).map(|echo| echo.destination);
        if destination.is_some()
            && destination == self.address
            && let Some(reply) = icmp::reply_to(ip)
        {
            self.session.send_packet(&reply, Instant::now());
        }
    }

    /// Best effort: an alert tells the server why, but its socket may be full or gone.
    fn say_goodbye(&mut self) {
        self.session.poll_transmit(&mut self.out);
        let _ = self.stream.try_write(&self.out);
    }
}
