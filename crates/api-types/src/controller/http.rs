//! `/controller/v1`: how the two sides of the controller API talk when they are two processes.
//!
//! Every request carries the controller's token. A field that the reader does not know is passed over, so that
//! controllers and control planes need not be of one age.
//!
//! | request | body | answer |
//! |---|---|---|
//! | `POST authorize` | [`LoginCall`] | [`Authorized`] |
//! | `POST reauthorize` | [`LoginCall`] | [`StillGood`](super::StillGood) |
//! | `POST events` | [`EventBatch`] | [`EventReceipt`] |
//! | `GET commands?run=RUN` | | server-sent events: each `data` is a JSON list of [`Command`](super::Command)s |
//! | `GET streams/{id}?run=RUN` | | 101, and then the bytes as [`stream`](super::stream) says |
//!
//! *Runs.* Connections and events are numbered from the start of the controller's process; its [`RunId`] tells
//! one such life from the next. A run that was not seen before has ended all older ones of that controller,
//! and their connections with them.
//!
//! *Events* come in order and at least once: a batch without an answer is sent again, perhaps with more behind
//! it. The control plane applies an event whose number is greater than the last of that run, skips the others, and
//! answers with the last number that it has applied for good.
//!
//! *Commands* are not repeated. A controller that opens the stream says with [`ControllerEvent::Snapshot`] what
//! it has; from that follows what it must be told.
//!
//! *Streams* to routers: a controller that was ordered to open one, and has, brings it with a request of its own, whose
//! connection then is the stream. If it could not open one, or not bring it, it reports
//! [`ControllerEvent::StreamFailed`]. 404 means that nobody waits for the stream any more.

use std::{
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use serde::{Deserialize, Serialize};

use super::{LoginRequest, LoginVerdict, Report, SealedGrant, Verdict, milliseconds};
use crate::{Place, RunId, SiteId, StreamId, TunnelId};

/// A log-in or a renegotiation, and who asks.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LoginCall {
    /// The life of the controller that [`LoginRequest::connection`] is numbered in.
    pub run: RunId,
    /// The log-in.
    pub login: LoginRequest,
}

/// The answer to a log-in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Authorized {
    /// The decision.
    pub verdict: LoginVerdict,
    /// Goes with a grant: what to admit this tunnel by while the control plane is away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealed: Option<SealedGrant>,
}

/// Events of one run, in order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EventBatch {
    /// The life of the controller in which they happened.
    pub run: RunId,
    /// The events. Their numbers rise, but not by one: what need not be told is left out.
    pub events: Vec<SequencedEvent>,
}

/// An event and its number.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SequencedEvent {
    /// Counts up from 1 for the life of the controller's process.
    pub sequence: u64,
    /// How long before the sending of this batch it happened. Two clocks that disagree do not matter this
    /// way.
    #[serde(rename = "age_ms", with = "milliseconds")]
    pub age: Duration,
    /// What happened.
    pub event: ControllerEvent,
}

/// What a controller tells.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ControllerEvent {
    /// Something happened to a connection.
    Report(Report),
    /// A tunnel came in by its sealed grant, because nobody could be asked. An older connection of the tunnel is
    /// gone.
    Readmitted(HeldTunnel),
    /// All tunnels that are connected to this controller, now. A connection that has come up before and is
    /// not among them is gone; one that has not may still be on its way.
    Snapshot(Vec<HeldTunnel>),
    /// A stream that was ordered could not be opened.
    StreamFailed {
        /// The stream.
        stream: StreamId,
        /// In words a person reads.
        cause: String,
    },
    /// So many events that stood here were lost: the control plane was away for longer than the controller
    /// has room for. A snapshot follows.
    Gap {
        /// How many.
        events: u64,
    },
}

/// A connected tunnel, as its controller knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldTunnel {
    /// The connection.
    pub connection: u64,
    /// The tunnel.
    pub tunnel: TunnelId,
    /// Its site.
    pub site: SiteId,
    /// The router's address as the controller sees it.
    pub remote: SocketAddr,
    /// Which of the controller's addresses it dialled.
    pub slot: usize,
    /// The place whose routes its router has; none for a management tunnel, which has no routes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    /// The gateway of those routes; 0.0.0.0 where there are none.
    pub gateway: Ipv4Addr,
    /// Data channel cipher; none until the router has acknowledged its push.
    pub cipher: Option<String>,
    /// What its probes said last.
    pub verdict: Option<Verdict>,
}

/// How far a controller's events have been applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventReceipt {
    /// The number of the last event of this run that is applied for good; 0 when none is.
    pub through: u64,
}

#[cfg(test)]
mod tests {
    use super::{
        super::{ReportKind, tests::check},
        *,
    };

    fn held() -> HeldTunnel {
        HeldTunnel {
            connection: 7,
            tunnel: "fibre".parse().unwrap(),
            site: "office".parse().unwrap(),
            remote: "203.0.113.9:40000".parse().unwrap(),
            slot: 0,
            place: Some(Place { rung: 1, step: 10 }),
            gateway: Ipv4Addr::new(192, 0, 2, 1),
            cipher: None,
            verdict: Some(Verdict::Answered),
        }
    }

    const HELD: &str = r#"{"connection":7,"tunnel":"fibre","site":"office","remote":"203.0.113.9:40000","slot":0,"place":{"rung":1,"step":10},"gateway":"192.0.2.1","cipher":null,"verdict":{"verdict":"answered"}}"#;

    fn sequenced(event: ControllerEvent) -> SequencedEvent {
        SequencedEvent {
            sequence: 3,
            age: Duration::from_millis(250),
            event,
        }
    }

    #[test]
    fn every_event_reads_back() {
        let report = Report {
            tunnel: "fibre".parse().unwrap(),
            connection: 7,
            kind: ReportKind::RoutesUpdated,
        };
        let numbers = r#""sequence":3,"age_ms":250"#;
        check(
            &sequenced(ControllerEvent::Report(report)),
            &format!(
                r#"{{{numbers},"event":{{"report":{{"tunnel":"fibre","connection":7,"report":"routes-updated"}}}}}}"#
            ),
        );
        check(
            &sequenced(ControllerEvent::Readmitted(held())),
            &format!(r#"{{{numbers},"event":{{"readmitted":{HELD}}}}}"#),
        );
        check(
            &sequenced(ControllerEvent::Snapshot(vec![held()])),
            &format!(r#"{{{numbers},"event":{{"snapshot":[{HELD}]}}}}"#),
        );
        let failed = ControllerEvent::StreamFailed {
            stream: "01J9ZQ3V6N8W4T2K5R7M1X0ABC".parse().unwrap(),
            cause: "refused".into(),
        };
        check(
            &sequenced(failed),
            &format!(
                r#"{{{numbers},"event":{{"stream-failed":{{"stream":"01J9ZQ3V6N8W4T2K5R7M1X0ABC","cause":"refused"}}}}}}"#
            ),
        );
        check(
            &sequenced(ControllerEvent::Gap { events: 9 }),
            &format!(r#"{{{numbers},"event":{{"gap":{{"events":9}}}}}}"#),
        );
    }

    #[test]
    fn a_log_in_is_answered_with_and_without_a_seal() {
        let refused = Authorized {
            verdict: LoginVerdict::Refused("no".into()),
            sealed: None,
        };
        check(&refused, r#"{"verdict":{"refused":"no"}}"#);
        let sealed = Authorized {
            sealed: Some(SealedGrant::from(vec![1])),
            ..refused
        };
        check(&sealed, r#"{"verdict":{"refused":"no"},"sealed":"01"}"#);
    }

    #[test]
    fn a_field_of_a_newer_peer_is_passed_over() {
        let read: EventReceipt = serde_json::from_str(r#"{"through":4,"more":[]}"#).unwrap();
        assert_eq!(read, EventReceipt { through: 4 });
    }
}
