//! Link events for people and programs: JSON lines on standard output, log lines on standard error.

use std::{
    io::Write,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    },
    time::Duration,
};

use holdfast_api_types::{LinkEvent, LinkEventKind, SiteId, TunnelId};
use jiff::Timestamp;

/// Events that may wait for a slow reader of our standard output. Beyond it they are lost to that reader,
/// who sees a gap in the sequence; the tunnels never wait.
const WAITING_EVENTS: usize = 65_536;

/// How long the end of the process waits until a slow reader has the last events.
const LAST_EVENTS_WITHIN: Duration = Duration::from_secs(1);

/// How link events are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventFormat {
    /// One JSON object per line.
    Json,
}

/// Where link events go: the log, and standard output where somebody wants them.
pub struct EventSink {
    sequence: AtomicU64,
    writer: Option<Writer>,
}

/// The thread that prints.
struct Writer {
    lines: SyncSender<String>,
    /// Closed when it has printed all there is.
    done: Mutex<Receiver<()>>,
}

impl EventSink {
    /// Logs events, and prints them if there is a format.
    pub fn new(format: Option<EventFormat>) -> Self {
        Self {
            sequence: AtomicU64::new(1),
            writer: format.map(|EventFormat::Json| Writer::start()),
        }
    }

    /// Tells of an event. Never blocks.
    pub fn emit(&self, site: &SiteId, tunnel: &TunnelId, kind: LinkEventKind) {
        log(site, tunnel, &kind);
        let sequence = self.sequence.fetch_add(1, Ordering::Relaxed);
        let Some(writer) = &self.writer else { return };
        let event = LinkEvent {
            at: Timestamp::now(),
            sequence,
            site: site.clone(),
            tunnel: tunnel.clone(),
            kind,
        };
        match serde_json::to_string(&event) {
            Ok(line) => {
                if let Err(TrySendError::Full(_)) = writer.lines.try_send(line) {
                    tracing::warn!(
                        sequence,
                        "standard output is not read: an event is lost to it"
                    );
                }
            }
            Err(err) => tracing::error!(%err, "an event cannot be written as JSON"),
        }
    }
}

impl Writer {
    fn start() -> Self {
        let (lines, lines_rx) = sync_channel::<String>(WAITING_EVENTS);
        let (done_tx, done) = sync_channel(0);
        // A thread, because standard output may block for as long as its reader likes.
        std::thread::spawn(move || {
            let mut out = std::io::stdout();
            for line in lines_rx {
                if writeln!(out, "{line}").and_then(|()| out.flush()).is_err() {
                    break;
                }
            }
            drop(done_tx);
        });
        Self {
            lines,
            done: Mutex::new(done),
        }
    }
}

impl Drop for EventSink {
    fn drop(&mut self) {
        if let Some(Writer { lines, done }) = self.writer.take() {
            drop(lines);
            let done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
            let _ = done.recv_timeout(LAST_EVENTS_WITHIN);
        }
    }
}

fn log(site: &SiteId, tunnel: &TunnelId, kind: &LinkEventKind) {
    match kind {
        LinkEventKind::TunnelUp { slot, cipher, .. } => {
            tracing::info!(site.id = %site, tunnel.id = %tunnel, slot, cipher, "tunnel up");
        }
        LinkEventKind::TunnelDown { cause, planned } => {
            tracing::info!(site.id = %site, tunnel.id = %tunnel, cause, planned, "tunnel down");
        }
        LinkEventKind::RoutesPushed { place, routes, .. } => {
            let routes = routes.len();
            let (rung, metric) = (place.rung, place.metric());
            tracing::debug!(site.id = %site, tunnel.id = %tunnel, rung, metric, routes, "routes pushed");
        }
        LinkEventKind::LinkSuspect { cause } => {
            tracing::debug!(site.id = %site, tunnel.id = %tunnel, cause, "link suspect");
        }
        LinkEventKind::LinkOffline { cause } => {
            tracing::warn!(site.id = %site, tunnel.id = %tunnel, cause, "link offline");
        }
        LinkEventKind::LinkRecovering { hold_s } => {
            tracing::info!(site.id = %site, tunnel.id = %tunnel, hold_s, "link recovering");
        }
        LinkEventKind::LinkFlapping { hold_s } => {
            tracing::warn!(site.id = %site, tunnel.id = %tunnel, hold_s, "link flapping");
        }
        LinkEventKind::LinkSteady => {
            tracing::info!(site.id = %site, tunnel.id = %tunnel, "link steady");
        }
        // As often as a suspicion, and as quiet: what came of it is in the lines about tunnels.
        LinkEventKind::LinkOnline => {
            tracing::debug!(site.id = %site, tunnel.id = %tunnel, "link online");
        }
        LinkEventKind::TunnelActive { previous, cause } => match previous {
            Some(previous) => {
                tracing::info!(site.id = %site, tunnel.id = %tunnel, %previous, cause, "tunnel active");
            }
            // Every log-in of a site's first tunnel says as much.
            None => tracing::debug!(site.id = %site, tunnel.id = %tunnel, cause, "tunnel active"),
        },
        LinkEventKind::SiteOffline => {
            tracing::warn!(site.id = %site, tunnel.id = %tunnel, "no tunnel of the site is alive");
        }
        LinkEventKind::TunnelHealth(health) => {
            tracing::trace!(site.id = %site, tunnel.id = %tunnel, ?health, "tunnel health");
        }
    }
}
