use std::net::SocketAddr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Place, Route, SiteId, TunnelId};

/// One thing that happened to a tunnel, as printed by `holdfast controller --events json`, one per line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LinkEvent {
    /// When the controller decided or saw it, UTC.
    pub at: Timestamp,
    /// Counts up from 1 for the life of the controller process, so that a reader notices a gap.
    pub sequence: u64,
    /// The site the tunnel belongs to.
    pub site: SiteId,
    /// The tunnel it happened to.
    pub tunnel: TunnelId,
    /// What happened.
    #[serde(flatten)]
    pub kind: LinkEventKind,
}

/// What happened to a tunnel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum LinkEventKind {
    /// The router has received its address and its routes.
    TunnelUp {
        /// The router's address as the controller sees it.
        remote: SocketAddr,
        /// Which of the controller's addresses it dialled: 0 is the first listed.
        slot: usize,
        /// Data channel cipher, in OpenVPN's spelling.
        cipher: String,
    },
    /// The tunnel's connection is gone.
    TunnelDown {
        /// In words a person reads.
        cause: String,
        /// True when the controller itself asked for it (a re-push by reconnect, a drain, a replaced login).
        planned: bool,
    },
    /// The routes a tunnel holds have changed.
    RoutesPushed {
        /// Place on the ladder.
        place: Place,
        /// The routes themselves.
        routes: Vec<Route>,
        /// How they reached the router.
        by: PushMethod,
    },
    /// Probes are being missed; nothing is decided yet.
    LinkSuspect {
        /// In words a person reads ("3 of 3 probes lost since ...").
        cause: String,
    },
    /// The tunnel does not carry packets any more and may not be active.
    LinkOffline {
        /// In words a person reads.
        cause: String,
    },
    /// The tunnel carries packets again, but is held before it may be active.
    LinkRecovering {
        /// Seconds of clean probes still wanted.
        hold_s: f64,
    },
    /// The tunnel has dropped so often lately that its returns are held longer and longer.
    LinkFlapping {
        /// Seconds for which its next return will be held.
        hold_s: f64,
    },
    /// The tunnel has stayed for the whole of such a hold.
    LinkSteady,
    /// The tunnel is good to carry traffic.
    LinkOnline,
    /// The site's traffic now belongs to this tunnel.
    TunnelActive {
        /// Which tunnel had it before.
        previous: Option<TunnelId>,
        /// In words a person reads.
        cause: String,
    },
    /// No tunnel of the site is alive; `tunnel` is the last that was.
    SiteOffline,
    /// Periodic measurements (`--health-events SECONDS`).
    TunnelHealth(Health),
}

/// Measurements of one tunnel over the last report interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Health {
    /// Median round-trip time of the answered probes in milliseconds; absent when none was answered.
    pub rtt_ms: Option<f64>,
    /// Mean deviation between consecutive round-trip times in milliseconds.
    pub jitter_ms: Option<f64>,
    /// Share of probes without an answer, 0 to 1.
    pub loss: f64,
    /// Probes sent in the interval.
    pub probes: u32,
}

/// How routes reached a router.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PushMethod {
    /// In the answer to a log-in.
    PushReply,
    /// In place, on a living tunnel.
    PushUpdate,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_flat_json_object_and_reads_back() {
        let event = LinkEvent {
            at: "2026-11-23T10:32:07.123456Z".parse().unwrap(),
            sequence: 7,
            site: "head-office".parse().unwrap(),
            tunnel: "fibre".parse().unwrap(),
            kind: LinkEventKind::LinkOffline {
                cause: "4 of 4 probes lost".into(),
            },
        };
        let json = serde_json::to_string(&event).unwrap();
        assert_eq!(
            json,
            r#"{"at":"2026-11-23T10:32:07.123456Z","sequence":7,"site":"head-office","tunnel":"fibre","event":"link-offline","cause":"4 of 4 probes lost"}"#
        );
        assert_eq!(serde_json::from_str::<LinkEvent>(&json).unwrap(), event);
    }
}
