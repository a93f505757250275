//! Serves the HTTP API, plain or with TLS, and lets nobody who has not asked for anything cost us much.

use std::{convert::Infallible, io, net::SocketAddr, sync::Arc, time::Duration};

use anyhow::Context;
use axum::{Router, body::Body, extract::ConnectInfo};
use hyper::{Request, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::ServerConfig;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
};
use tokio_rustls::TlsAcceptor;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower_service::Service;

use crate::config::{HttpConfig, PemFiles};

/// Connections at once, of which open dashboards hold one each for their event stream.
const MOST_CONNECTIONS: usize = 2048;

/// Time for a TLS handshake, and again for the head of every request.
const BE_QUICK: Duration = Duration::from_secs(10);

/// After the end was asked for: requests under way may take so long.
const GRACE: Duration = Duration::from_secs(2);

/// When the process is out of files, accepting again at once would spin.
const ACCEPT_AGAIN_AFTER: Duration = Duration::from_millis(100);

/// An address that is listened on, by TLS or without. Nobody is answered yet.
pub(crate) struct Door {
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
}

impl Door {
    /// `key` is what the operator changes if nobody can listen there.
    pub(crate) async fn open(
        key: &str,
        listen: SocketAddr,
        tls: Option<TlsAcceptor>,
    ) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(listen).await.with_context(|| {
            format!(
                "{key}: cannot listen on {listen}: is the address on this machine, and the port free?"
            )
        })?;
        Ok(Self { listener, tls })
    }

    /// Where it is.
    pub(crate) fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// A listening HTTP server.
pub(crate) struct HttpServer {
    door: Door,
    router: Router,
}

impl HttpServer {
    /// Listens, so that what is wrong with the address or the certificate is said at once.
    pub(crate) async fn bind(config: &HttpConfig, router: Router) -> anyhow::Result<Self> {
        let tls = config.tls.as_ref().map(acceptor).transpose()?;
        let door = Door::open("http.listen", config.listen, tls).await?;
        Ok(Self::behind(door, router))
    }

    /// Answers those who come to a door.
    pub(crate) fn behind(door: Door, router: Router) -> Self {
        Self { door, router }
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> io::Result<SocketAddr> {
        self.door.address()
    }

    /// Serves until told to stop; then lets requests under way finish, and cuts event streams.
    pub(crate) async fn serve(self, stop: CancellationToken) {
        let server = Arc::new(self);
        let connections = TaskTracker::new();
        let room = Arc::new(Semaphore::new(MOST_CONNECTIONS));
        let cut = CancellationToken::new();
        loop {
            let (stream, remote, place) = tokio::select! {
                accepted = server.accept(&room) => accepted,
                () = stop.cancelled() => break,
            };
            let (server, stop, cut) = (server.clone(), stop.clone(), cut.clone());
            connections.spawn(async move {
                let _place = place;
                let served = server.serve_one(stream, remote, &stop);
                if let Some(Err(err)) = cut.run_until_cancelled(served).await {
                    tracing::debug!(%err, "an HTTP connection broke off");
                }
            });
        }
        connections.close();
        if tokio::time::timeout(GRACE, connections.wait())
            .await
            .is_err()
        {
            cut.cancel();
            connections.wait().await;
        }
    }

    async fn accept(&self, room: &Arc<Semaphore>) -> (TcpStream, SocketAddr, OwnedSemaphorePermit) {
        let place = room.clone().acquire_owned().await;
        let place = place.expect("the semaphore is never closed");
        loop {
            match self.door.listener.accept().await {
                Ok((stream, remote)) => return (stream, remote, place),
                Err(err) => {
                    tracing::warn!(%err, "an HTTP connection cannot be accepted");
                    tokio::time::sleep(ACCEPT_AGAIN_AFTER).await;
                }
            }
        }
    }

    async fn serve_one(
        &self,
        stream: TcpStream,
        remote: SocketAddr,
        stop: &CancellationToken,
    ) -> anyhow::Result<()> {
        // Events are small and must not wait for an acknowledgement.
        stream.set_nodelay(true)?;
        match &self.door.tls {
            None => self.speak(stream, remote, stop).await,
            Some(tls) => {
                let stream = tokio::time::timeout(BE_QUICK, tls.accept(stream)).await;
                let stream = stream.context("no TLS handshake in time")??;
                self.speak(stream, remote, stop).await
            }
        }
    }

    async fn speak(
        &self,
        stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
        remote: SocketAddr,
        stop: &CancellationToken,
    ) -> anyhow::Result<()> {
        let answer = service_fn(|request| self.answer(request, remote));
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(BE_QUICK)
            .serve_connection(TokioIo::new(stream), answer)
            // A connection that becomes the stream of a router is not ours any more.
            .with_upgrades();
        let mut connection = std::pin::pin!(connection);
        tokio::select! {
            served = connection.as_mut() => return Ok(served?),
            () = stop.cancelled() => connection.as_mut().graceful_shutdown(),
        }
        Ok(connection.await?)
    }

    async fn answer(
        &self,
        mut request: Request<Incoming>,
        remote: SocketAddr,
    ) -> Result<axum::response::Response, Infallible> {
        request.extensions_mut().insert(ConnectInfo(remote));
        self.router.clone().call(request.map(Body::new)).await
    }
}

/// The operator's certificate for browsers and programs.
pub(crate) fn acceptor(files: &PemFiles) -> anyhow::Result<TlsAcceptor> {
    let chain = chain(files)?;
    let key = &files.key;
    let key_mend =
        || format!("http.tls.key = {key:?} cannot be used: give the path of its PEM private key");
    let secret = PrivateKeyDer::from_pem_file(key).with_context(key_mend)?;
    let mut config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(chain, secret)
        .with_context(key_mend)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// The operator's certificate with what it was signed by, without the last.
pub(crate) fn chain(files: &PemFiles) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    let certificate = &files.certificate;
    CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .with_context(|| {
            format!(
                "http.tls.certificate = {certificate:?} cannot be used: give the path of a PEM certificate chain"
            )
        })
}
