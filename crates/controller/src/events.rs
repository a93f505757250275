//! Link events for people and programs: JSON lines on standard output, log lines on standard error.

use std::{
    io::Write,
    sync::{
        atomic::{AtomicU64, Ordering},
        mpsc::{SyncSender, TrySendError, sync_channel},
    },
};

use holdfast_api_types::{LinkEvent, LinkEventKind, SiteId, TunnelId};
use jiff::Timestamp;

/// Events that may wait for a slow reader of our standard output. Beyond it they are lost to that reader,
/// who sees a gap in the sequence; the tunnels never wait.
const WAITING_EVENTS: usize = 65_536;

/// How link events are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventFormat {
    /// One JSON object per line.
    Json,
}

/// Where link events go.
pub(crate) struct EventSink {
    sequence: AtomicU64,
    lines: Option<SyncSender<String>>,
}

impl EventSink {
    pub(crate) fn new(format: Option<EventFormat>) -> Self {
        let lines = format.map(|EventFormat::Json| {
            let (lines_tx, lines_rx) = sync_channel::<String>(WAITING_EVENTS);
            // A thread, because standard output may block for as long as its reader likes.
            std::thread::spawn(move || {
                let mut out = std::io::stdout();
                for line in lines_rx {
                    if writeln!(out, "{line}").and_then(|()| out.flush()).is_err() {
                        return;
                    }
                }
            });
            lines_tx
        });
        Self {
            sequence: AtomicU64::new(1),
            lines,
        }
    }

    /// Tells of an event.
    pub(crate) fn emit(&self, site: &SiteId, tunnel: &TunnelId, kind: LinkEventKind) {
        log(site, tunnel, &kind);
        let sequence = self.sequence.fetch_add(1, Ordering::Relaxed);
        let Some(lines) = &self.lines else { return };
        let event = LinkEvent {
            at: Timestamp::now(),
            sequence,
            site: site.clone(),
            tunnel: tunnel.clone(),
            kind,
        };
        match serde_json::to_string(&event) {
            Ok(line) => {
                if let Err(TrySendError::Full(_)) = lines.try_send(line) {
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
            tracing::info!(site.id = %site, tunnel.id = %tunnel, rung, metric, routes, "routes pushed");
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
        LinkEventKind::LinkOnline => {
            tracing::info!(site.id = %site, tunnel.id = %tunnel, "link online");
        }
        LinkEventKind::TunnelActive { previous, cause } => {
            let previous = previous.as_ref().map(TunnelId::as_str);
            tracing::info!(site.id = %site, tunnel.id = %tunnel, previous, cause, "tunnel active");
        }
        LinkEventKind::SiteOffline => {
            tracing::warn!(site.id = %site, tunnel.id = %tunnel, "no tunnel of the site is alive");
        }
        LinkEventKind::TunnelHealth(health) => {
            tracing::trace!(site.id = %site, tunnel.id = %tunnel, ?health, "tunnel health");
        }
    }
}
