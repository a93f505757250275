//! The Holdfast client for a Linux router.
//!
//! One process per WAN tunnel. It dials the controller out of the tunnel's own interface, answers the
//! controller's probes, and keeps the routes it is pushed in the kernel's table. The tunnel's address exists in
//! memory only: no TUN device is needed, because user traffic leaves straight through the ISP.
//!
//! ```text
//! profile ──> lib::run ──> connection ──> ovpn-proto's ClientSession
//!                 │             ├──> routes   the kernel's table, by netlink
//!                 └── link ─────┘             carrier and disturbances of the interface
//! ```
//!
//! What it must not do: decide. Which routes a tunnel holds is the controller's business; the one thing this
//! program does by itself is to give them up when its tunnel is down.

mod backoff;
mod connection;
mod link;
mod profile;
mod routes;

#[cfg(test)]
mod namespace;

use std::{convert::Infallible, path::PathBuf, sync::Arc, time::Duration};

use anyhow::Context;
use holdfast_ovpn_proto::{
    ClientConfig, Habits,
    data::{Auth, Cipher},
    tls::{RustlsClient, rustls_client_config},
    wire::{IvProto, PeerInfo},
};
use rustls::{RootCertStore, crypto::aws_lc_rs};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
    time::timeout,
};
use tracing::Instrument;

pub use crate::profile::{Login, Profile, ProfileError, Remote};
use crate::{
    backoff::Backoff,
    connection::{Connection, Down},
    link::Link,
    routes::Routes,
};

/// What the command line says.
#[derive(Debug, Clone)]
pub struct Options {
    /// The `.ovpn` profile.
    pub profile: PathBuf,
    /// Interface to leave by; overrides the profile's `bind-dev`.
    pub bind_dev: Option<String>,
    /// First pause before dialling again; it doubles up to 5 s.
    pub connect_retry: Duration,
}

/// Keeps the tunnel of a profile up until SIGTERM or SIGINT, then withdraws its routes.
///
/// # Errors
/// When the profile is of no use, the interface does not exist, or netlink cannot be opened. Nothing that
/// happens to the tunnel later is an error.
pub async fn run(options: Options) -> anyhow::Result<()> {
    let profile = Profile::read(&options.profile)?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let stop = async move {
        tokio::select! {
            _ = terminate.recv() => "SIGTERM",
            _ = interrupt.recv() => "SIGINT",
        }
    };
    let span = tracing::info_span!("tunnel", tunnel.id = %profile.login.username);
    Agent::new(profile, options)
        .await?
        .serve_until(stop)
        .instrument(span)
        .await
}

/// One tunnel, connected or between two connections.
struct Agent {
    remotes: Vec<(Remote, Arc<ClientConfig>)>,
    connect_timeout: Duration,
    device: Option<String>,
    backoff: Backoff,
    link_rx: watch::Receiver<Link>,
    routes: Routes,
}

impl Agent {
    async fn new(profile: Profile, options: Options) -> anyhow::Result<Self> {
        let remotes = client_configs(&profile)?;
        let device = options.bind_dev.or(profile.bind_dev);
        let (connection, handle, _) = rtnetlink::new_connection().context("cannot open netlink")?;
        tokio::spawn(connection);
        let link_rx = link::watch(handle.clone(), device.clone()).await?;
        let index = link_rx.borrow().index;
        let routes = Routes::open(handle, index).await;
        Ok(Self {
            link_rx,
            remotes,
            connect_timeout: profile.connect_timeout,
            device,
            backoff: Backoff::new(options.connect_retry),
            routes: routes.context("cannot read the routing table")?,
        })
    }

    async fn serve_until(mut self, stop: impl Future<Output = &'static str>) -> anyhow::Result<()> {
        let stopped = tokio::select! {
            served = self.serve() => match served? {},
            signal = stop => signal,
        };
        // A change that the signal interrupted is finished here too.
        self.routes.withdraw().await;
        self.routes.remove_strays().await?;
        tracing::info!(cause = stopped, "stopped, routes withdrawn");
        Ok(())
    }

    /// Dials, serves, withdraws, again and again.
    async fn serve(&mut self) -> anyhow::Result<Infallible> {
        for remote in (0..self.remotes.len()).cycle() {
            self.wait_for_carrier().await?;
            let (was_up, down) = self.attempt(remote).await;
            let withdrawn = self.routes.withdraw().await;
            let planned = was_up && down.is_planned();
            if was_up {
                self.backoff.reset();
            }
            let pause = if planned {
                Duration::ZERO
            } else {
                self.backoff.pause(&mut rand::rng())
            };
            tracing::warn!(
                cause = format!("{:#}", anyhow::Error::from(down)),
                was_up,
                withdrawn,
                pause_ms = pause.as_millis(),
                "tunnel is down"
            );
            // A carrier that returns ends the pause early.
            let _ = timeout(pause, lost_carrier(&mut self.link_rx)).await;
        }
        unreachable!("a profile has a remote")
    }

    /// One connection. Also says whether its tunnel was up.
    async fn attempt(&mut self, remote: usize) -> (bool, Down) {
        let (remote, config) = &self.remotes[remote];
        let dial = connection::dial(remote, self.device.as_deref(), self.connect_timeout);
        let dialled = tokio::select! {
            dialled = dial => dialled,
            () = lost_carrier(&mut self.link_rx) => Err(Down::NoCarrier),
        };
        let stream = match dialled {
            Ok(stream) => stream,
            Err(down) => return (false, down),
        };
        let link_rx = self.link_rx.clone();
        let mut connection = Connection::new(stream, config.clone(), &mut self.routes, link_rx);
        let down = connection.run().await;
        (connection.was_up(), down)
    }

    async fn wait_for_carrier(&mut self) -> anyhow::Result<()> {
        if !self.link_rx.borrow().carrier {
            tracing::info!("waiting for the interface's carrier");
        }
        let link = *self.link_rx.wait_for(|link| link.carrier).await?;
        self.routes.set_device(link.index);
        Ok(())
    }
}

async fn lost_carrier(link_rx: &mut watch::Receiver<Link>) {
    // The watch ends only with the runtime, and then nobody waits here.
    let _ = link_rx.wait_for(|link| !link.carrier).await;
}

/// Each remote with the configuration to dial it: they differ in the name that the certificate must carry.
fn client_configs(profile: &Profile) -> anyhow::Result<Vec<(Remote, Arc<ClientConfig>)>> {
    let mut roots = RootCertStore::empty();
    for certificate in &profile.authorities {
        roots
            .add(certificate.clone())
            .context("cannot use the certificate of `ca`")?;
    }
    let provider = Arc::new(aws_lc_rs::default_provider());
    let tls = Arc::new(rustls_client_config(provider, rustls::ALL_VERSIONS, roots)?);
    let config = |remote: &Remote| {
        let name = profile.server_name.clone().or_else(|| remote.server_name());
        let name =
            name.with_context(|| format!("no certificate can carry the name {}", remote.host))?;
        let config = ClientConfig {
            tls: Arc::new(RustlsClient::new(tls.clone(), name)),
            username: profile.login.username.clone(),
            password: profile.login.password.clone(),
            habits: habits(),
            cipher: Cipher::Aes256Gcm,
            auth: Auth::Sha1,
            renegotiate_after: None,
        };
        Ok((remote.clone(), Arc::new(config)))
    };
    profile.remotes.iter().map(config).collect()
}

/// What OpenVPN 2.7 announces, without what is not understood here: epoch keys and a wrapped control channel.
fn habits() -> Habits {
    let understood = [
        IvProto::DATA_V2,
        IvProto::REQUEST_PUSH,
        IvProto::KEY_EXPORT,
        IvProto::EXIT_AND_PROTOCOL_FLAGS,
        IvProto::PUSH_UPDATE,
    ];
    let stock = Habits::openvpn_2_7();
    Habits {
        peer_info: stock.peer_info.map(|peer| PeerInfo {
            version: Some(concat!("holdfast-", env!("CARGO_PKG_VERSION")).into()),
            proto: IvProto(understood.iter().fold(0, |mask, bit| mask | bit.0)),
            ..peer
        }),
        ..stock
    }
}
