//! The ports of the API.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use anyhow::Context;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::broadcast::{Receiver, error::RecvError},
    task::JoinSet,
};

use super::{session::Session, tls, users::is_allowed};
use crate::router::{Event, Router};

/// A port that is listened on, and the service behind it.
#[derive(Debug)]
pub struct Bound {
    router: Router,
    service: Service,
    address: SocketAddr,
    listener: TcpListener,
}

/// Which service of the router it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// `api`.
    Plain,
    /// `api-ssl`.
    Tls,
}

impl Service {
    /// As `/ip/service` calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "api",
            Self::Tls => "api-ssl",
        }
    }
}

/// Begins to listen. `/ip/service` shows the port from then on, and choosing another one there moves the service.
///
/// # Errors
/// When the address is in use, or not one of this machine.
pub async fn bind(router: Router, service: Service, address: SocketAddr) -> anyhow::Result<Bound> {
    let listener = TcpListener::bind(address).await.with_context(|| {
        format!(
            "cannot listen on {address} for the service {}",
            service.name()
        )
    })?;
    let address = listener.local_addr()?;
    router.update(|database| {
        if let Some(id) = database
            .named("/ip/service", service.name())
            .map(|item| item.id)
        {
            database.set_original("/ip/service", id, "port", address.port().to_string());
        }
    });
    Ok(Bound {
        router,
        service,
        address,
        listener,
    })
}

impl Bound {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until dropped.
    pub async fn serve(mut self) {
        let mut events = self.router.events();
        let mut sessions = JoinSet::new();
        let count = Arc::new(AtomicUsize::new(0));
        loop {
            tokio::select! {
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, peer)) => self.take(stream, peer, &count, &mut sessions),
                    Err(error) => tracing::warn!(%error, "cannot accept a connection"),
                },
                () = service_changed(&mut events) => self.follow_port().await,
                // Only so that what is over is forgotten.
                Some(_) = sessions.join_next() => {}
            }
        }
    }

    fn take(
        &self,
        stream: TcpStream,
        peer: SocketAddr,
        count: &Arc<AtomicUsize>,
        sessions: &mut JoinSet<()>,
    ) {
        let most = self.router.read(|database| {
            let service = database.named("/ip/service", self.service.name())?;
            let open = !service.is_disabled() && is_allowed(service.text("address"), peer.ip());
            // Versions before 7.16 know no limit.
            let most = service.get("max-sessions").map(str::parse).transpose();
            open.then_some(most.ok()?.unwrap_or(usize::MAX))
        });
        let before = count.load(Ordering::Relaxed);
        if most.is_none_or(|most: usize| before >= most) {
            tracing::debug!(%peer, "turned away");
            return;
        }
        let place = Place::take(count.clone());
        let session = Session::new(self.router.clone(), self.service, peer.ip());
        // A command and its answer are small; waiting for more to send only makes them late.
        let _ = stream.set_nodelay(true);
        let service = self.service;
        let router = self.router.clone();
        sessions.spawn(async move {
            let _place = place;
            match service {
                Service::Plain => session.run(stream).await,
                Service::Tls => match tls::accept(&router, stream).await {
                    Ok(stream) => session.run(stream).await,
                    Err(error) => tracing::debug!(%peer, "no TLS: {error:#}"),
                },
            }
        });
    }

    /// Moves to the port that `/ip/service` has now.
    async fn follow_port(&mut self) {
        let port = self.router.read(|database| {
            let service = database.named("/ip/service", self.service.name())?;
            service.get("port")?.parse().ok()
        });
        let Some(port) = port.filter(|port| *port != self.address.port()) else {
            return;
        };
        let address = SocketAddr::new(self.address.ip(), port);
        match TcpListener::bind(address).await {
            Ok(listener) => (self.listener, self.address) = (listener, address),
            Err(error) => tracing::warn!(%address, %error, "the service stays where it is"),
        }
    }
}

/// One of the sessions a service may have, until dropped.
#[derive(Debug)]
struct Place(Arc<AtomicUsize>);

impl Place {
    fn take(count: Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Waits until somebody has configured a service.
async fn service_changed(events: &mut Receiver<Event>) {
    loop {
        match events.recv().await {
            Ok(Event::Changed(change)) if change.menu == "/ip/service" => return,
            Err(RecvError::Lagged(_)) => return,
            Ok(_) => {}
            Err(RecvError::Closed) => std::future::pending().await,
        }
    }
}
