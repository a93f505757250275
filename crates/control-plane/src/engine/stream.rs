//! Streams of bytes to routers. A controller of this process opens one inside a tunnel when it is told to; the bytes
//! then come from that controller.

use std::{
    collections::HashMap,
    fmt, io,
    pin::Pin,
    sync::{Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use futures_util::{StreamExt, stream::FuturesUnordered};
use holdfast_api_types::{SiteId, StreamId, TunnelId, controller::Order};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    sync::oneshot,
};

use super::{Engine, Source, sources::Connection};
use crate::ids;

/// How long one way may take.
const OPEN_WITHIN: Duration = Duration::from_secs(2);

/// How much later than the way before it one is tried. Most routers answer sooner.
const HEAD_START: Duration = Duration::from_millis(250);

/// The bytes of a stream, wherever they come from. A stream that did not end well ends with an error that says why.
pub trait StreamBytes: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> StreamBytes for T {}

/// A TCP connection to a router, through one of its tunnels.
///
/// It ends with its tunnel, as an error: open another, which takes the best way that is left. To drop it closes it.
pub struct RouterStream {
    bytes: Box<dyn StreamBytes>,
    via: Via,
}

/// By which way a router is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Via {
    /// Its management tunnel.
    Management,
    /// One of the tunnels that carry its site's traffic.
    Tunnel {
        /// The tunnel.
        tunnel: TunnelId,
        /// What people call it.
        name: String,
    },
}

/// Why no stream could be opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StreamError {
    /// There is no way to the router at the moment.
    #[error("none of its tunnels is up")]
    NoTunnel,
    /// Every way was tried.
    #[error("{}", told(.0))]
    Failed(Vec<Attempt>),
}

/// A way that was tried in vain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// The way.
    pub via: Via,
    /// Why it failed, in words a person reads.
    pub cause: String,
}

/// A connection by which a router may be reached.
pub(super) struct Candidate {
    pub(super) connection: Connection,
    pub(super) via: Via,
}

/// Streams that were ordered and are not there yet.
#[derive(Default)]
pub(super) struct Awaited(Mutex<HashMap<StreamId, Waiting>>);

struct Waiting {
    source: Source,
    answer: oneshot::Sender<Answer>,
}

type Answer = Result<Box<dyn StreamBytes>, String>;

impl Engine {
    /// Connects to a TCP port of a site's router, at its address in a tunnel: through its management tunnel if that is
    /// up, else through the tunnel that carries the site's traffic, else through the others as they rank. The first way
    /// that leads there is taken; each has a short head start over the next, since one that has just died says nothing.
    ///
    /// # Errors
    /// No tunnel of the site is up, or none of them leads to the port: then with the cause for each.
    pub async fn open_stream(&self, site: &SiteId, port: u16) -> Result<RouterStream, StreamError> {
        let ways = self.desk().ways_to(site);
        let mut tries: FuturesUnordered<_> = (0u32..)
            .zip(ways)
            .map(|(earlier, way)| async move {
                tokio::time::sleep(HEAD_START * earlier).await;
                self.open_by(way, port).await
            })
            .collect();
        let mut failed = Vec::new();
        while let Some(answer) = tries.next().await {
            match answer {
                Ok(stream) => return Ok(stream),
                Err(attempt) => {
                    let Attempt { via, cause } = &attempt;
                    tracing::debug!(site.id = %site, %via, cause, "a stream could not be opened");
                    failed.push(attempt);
                }
            }
        }
        Err(match failed.is_empty() {
            true => StreamError::NoTunnel,
            false => StreamError::Failed(failed),
        })
    }

    /// Whether there is a way to the router of a site at the moment.
    pub fn leads_to(&self, site: &SiteId) -> bool {
        !self.desk().ways_to(site).is_empty()
    }

    /// Whether the management tunnel of a site is up.
    pub fn management_up(&self, site: &SiteId) -> bool {
        self.desk().management.connected(site).is_some()
    }

    /// Whether somebody waits for this stream of a controller.
    pub fn awaits_stream(&self, source: Source, stream: &StreamId) -> bool {
        let waiting = self.0.awaited.lock();
        waiting.get(stream).is_some_and(|it| it.source == source)
    }

    /// A controller has opened a stream. If nobody waits for it any more, it is closed.
    pub fn stream_opened(&self, source: Source, stream: &StreamId, bytes: Box<dyn StreamBytes>) {
        self.0.awaited.answer(source, stream, Ok(bytes));
    }

    /// A controller could not open a stream.
    pub fn stream_failed(&self, source: Source, stream: &StreamId, cause: String) {
        self.0.awaited.answer(source, stream, Err(cause));
    }

    /// A controller has ended, and will not answer.
    pub(super) fn streams_lost(&self, source: Source) {
        self.0.awaited.lock().retain(|_, it| it.source != source);
    }

    async fn open_by(&self, way: Candidate, port: u16) -> Result<RouterStream, Attempt> {
        let Candidate { connection, via } = way;
        match self.open_through(connection, port).await {
            Ok(bytes) => Ok(RouterStream { bytes, via }),
            Err(cause) => Err(Attempt { via, cause }),
        }
    }

    async fn open_through(&self, connection: Connection, port: u16) -> Answer {
        let stream: StreamId = ids::new_id(self.0.clock.now());
        let (answer, answered) = oneshot::channel();
        let waiting = Waiting {
            source: connection.source,
            answer,
        };
        self.0.awaited.lock().insert(stream.clone(), waiting);
        // Also when whoever waits gives up.
        let _given_up = GiveUp {
            engine: self,
            source: connection.source,
            stream: &stream,
        };
        let order = Order::OpenStream {
            stream: stream.clone(),
            port,
        };
        self.desk().sources.order(connection, order);
        match tokio::time::timeout(OPEN_WITHIN, answered).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err("its controller has ended".into()),
            Err(_) => Err(format!("no answer within {} s", OPEN_WITHIN.as_secs())),
        }
    }
}

impl Awaited {
    fn answer(&self, source: Source, stream: &StreamId, answer: Answer) {
        let waiting = {
            let mut waiting = self.lock();
            if waiting.get(stream).is_none_or(|it| it.source != source) {
                return;
            }
            waiting.remove(stream)
        };
        if let Some(waiting) = waiting {
            // Whoever waited may be gone by now; then the stream is dropped here.
            let _ = waiting.answer.send(answer);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<StreamId, Waiting>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends the waiting for a stream.
struct GiveUp<'a> {
    engine: &'a Engine,
    source: Source,
    stream: &'a StreamId,
}

impl Drop for GiveUp<'_> {
    fn drop(&mut self) {
        let was_answered = self.engine.0.awaited.lock().remove(self.stream).is_none();
        if !was_answered {
            let mut desk = self.engine.desk();
            desk.sources.take_back(self.source, self.stream);
        }
    }
}

impl RouterStream {
    /// By which way it goes.
    pub fn via(&self) -> &Via {
        &self.via
    }
}

impl fmt::Debug for RouterStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RouterStream")
            .field("via", &self.via)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for Via {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Management => f.write_str("management"),
            Self::Tunnel { name, .. } => f.write_str(name),
        }
    }
}

fn told(attempts: &[Attempt]) -> String {
    let attempts = attempts
        .iter()
        .map(|Attempt { via, cause }| format!("through {via}: {cause}"));
    attempts.collect::<Vec<_>>().join("; ")
}

impl AsyncRead for RouterStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.bytes).poll_read(cx, buf)
    }
}

impl AsyncWrite for RouterStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.bytes).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.bytes).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.bytes).poll_shutdown(cx)
    }
}
