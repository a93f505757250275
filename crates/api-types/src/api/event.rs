use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    ControllerId, FaultId, FaultType, JobId, JobKind, JobState, LinkState, Place, Route,
    RouterState, Severity, SiteId, TunnelId, TunnelRole,
};

/// Something that changed, as `GET /events` tells it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LiveEvent {
    /// When it changed.
    pub at: Timestamp,
    /// What changed.
    #[serde(flatten)]
    pub change: Change,
}

/// What changed. Each carries what a list or a line shows; the resource itself has the rest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Change {
    /// The link state of a tunnel.
    LinkState {
        /// The tunnel's site.
        site: SiteId,
        /// The tunnel.
        tunnel: TunnelId,
        /// Its state from now on.
        state: LinkState,
        /// Why, in words a person reads.
        cause: String,
    },
    /// Which tunnel carries the site's traffic.
    Role {
        /// The tunnel's site.
        site: SiteId,
        /// The tunnel.
        tunnel: TunnelId,
        /// Its role from now on; null when it is not connected.
        role: Option<TunnelRole>,
        /// Why, in words a person reads.
        cause: String,
    },
    /// The routes that a tunnel's router holds.
    Routes {
        /// The tunnel's site.
        site: SiteId,
        /// The tunnel.
        tunnel: TunnelId,
        /// Place on the ladder; null when it holds none.
        place: Option<Place>,
        /// The routes.
        routes: Vec<Route>,
    },
    /// A fault began.
    FaultOpened(FaultNews),
    /// A fault that goes on has another cause or severity, or a comment.
    FaultUpdated(FaultNews),
    /// A fault ended.
    FaultClosed(FaultNews),
    /// A job came forward.
    Job {
        /// The job.
        job: JobId,
        /// The site it works on, if it is about one.
        site: Option<SiteId>,
        /// What it does.
        job_kind: JobKind,
        /// How far it is.
        state: JobState,
        /// What it is doing or has just done, in words a person reads.
        step: Option<String>,
    },
    /// A site was made, changed or removed.
    Site {
        /// The site.
        site: SiteId,
        /// What was done to it.
        edit: Edit,
    },
    /// A tunnel was made, changed or removed.
    Tunnel {
        /// The tunnel's site.
        site: SiteId,
        /// The tunnel.
        tunnel: TunnelId,
        /// What was done to it.
        edit: Edit,
    },
    /// What is known of a site's router.
    Router {
        /// The site.
        site: SiteId,
        /// What was done to it.
        edit: Edit,
        /// Its state from now on.
        state: RouterState,
    },
    /// The order of a site's tunnels.
    Priority {
        /// The site.
        site: SiteId,
        /// Version of the new order, as its ETag has it.
        version: u32,
        /// The tunnels, the primary first.
        order: Vec<TunnelId>,
    },
    /// The latest measurements of a tunnel.
    Health {
        /// The tunnel's site.
        site: SiteId,
        /// The tunnel.
        tunnel: TunnelId,
        /// Median round-trip time in milliseconds; null when no probe was answered.
        rtt_ms: Option<f64>,
        /// Jitter in milliseconds.
        jitter_ms: Option<f64>,
        /// Share of probes without an answer, 0 to 1.
        loss: f64,
    },
    /// A route controller came or went.
    Controller {
        /// The controller.
        controller: ControllerId,
        /// Its name.
        name: String,
        /// Whether it reports now.
        connected: bool,
    },
}

impl Change {
    /// The word in `kind`, which is also the name of the message in the stream.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::LinkState { .. } => "link-state",
            Self::Role { .. } => "role",
            Self::Routes { .. } => "routes",
            Self::FaultOpened(_) => "fault-opened",
            Self::FaultUpdated(_) => "fault-updated",
            Self::FaultClosed(_) => "fault-closed",
            Self::Job { .. } => "job",
            Self::Site { .. } => "site",
            Self::Tunnel { .. } => "tunnel",
            Self::Router { .. } => "router",
            Self::Priority { .. } => "priority",
            Self::Health { .. } => "health",
            Self::Controller { .. } => "controller",
        }
    }
}

/// A fault, as an event tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FaultNews {
    /// The fault.
    pub fault: FaultId,
    /// Where it is.
    pub site: SiteId,
    /// The tunnel at fault; null for a fault of the whole site.
    pub tunnel: Option<TunnelId>,
    /// What is wrong.
    #[serde(rename = "type")]
    pub fault_type: FaultType,
    /// How bad it is.
    pub severity: Severity,
    /// Why, in words a person reads; once it is closed, why it ended.
    pub cause: String,
}

/// What was done to a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Edit {
    /// It is new.
    Created,
    /// Read it again.
    Changed,
    /// It is gone.
    Removed,
}

/// The first message of a stream of events, and the one after a gap.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StreamMark {
    /// Every change after this serial follows; read now what you show.
    #[cfg_attr(feature = "openapi", schema(example = "5f3a9c01-1042"))]
    pub serial: String,
    /// Why you start anew; absent in a `snapshot`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(example = "the server has restarted"))]
    pub reason: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kind_is_the_word_in_the_json() {
        let site = "office".parse().unwrap();
        let changes = [
            Change::Site {
                site,
                edit: Edit::Changed,
            },
            Change::FaultClosed(FaultNews {
                fault: "f1".parse().unwrap(),
                site: "office".parse().unwrap(),
                tunnel: None,
                fault_type: FaultType::SiteOffline,
                severity: Severity::Critical,
                cause: "fibre carries packets again".into(),
            }),
        ];
        for change in changes {
            let event = LiveEvent {
                at: "2026-11-23T10:00:00Z".parse().unwrap(),
                change,
            };
            let json = serde_json::to_value(&event).unwrap();
            assert_eq!(json["kind"], event.change.kind());
            assert_eq!(serde_json::from_value::<LiveEvent>(json).unwrap(), event);
        }
    }
}
