use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Words;
use crate::{CommentId, FaultId, FaultState, FaultType, Severity, SiteId, TunnelId};

/// Longest comment in characters.
pub const COMMENT_MAX: usize = 4_000;

/// Something that was, or is, wrong with a site or with one of its tunnels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Fault {
    /// Its id; later faults have greater ones.
    pub id: FaultId,
    /// The site.
    pub site_id: SiteId,
    /// What people call the site.
    #[cfg_attr(feature = "openapi", schema(example = "Head office"))]
    pub site_name: String,
    /// The tunnel; null when it is about the site as a whole.
    pub tunnel_id: Option<TunnelId>,
    /// What the tunnel was called when the fault began.
    #[cfg_attr(feature = "openapi", schema(example = "Fibre"))]
    pub tunnel_name: Option<String>,
    /// What kind of fault it is.
    #[serde(rename = "type")]
    pub fault_type: FaultType,
    /// How bad it is.
    pub severity: Severity,
    /// Whether it still goes on.
    pub state: FaultState,
    /// What was seen, in words.
    #[cfg_attr(
        feature = "openapi",
        schema(example = "6 probes without an answer since 10:32:07Z")
    )]
    pub cause: String,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended; null while it goes on.
    pub ended_at: Option<Timestamp>,
    /// How long it went on, in seconds; null while it does.
    pub duration_s: Option<f64>,
    /// What ended it, in words.
    pub end_cause: Option<String>,
    /// Who closed it by hand; null when it ended by itself.
    pub closed_by: Option<String>,
}

/// A fault with what people said about it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FaultDetail {
    /// The fault.
    #[serde(flatten)]
    pub fault: Fault,
    /// What people said about it, the oldest first.
    pub comments: Vec<Comment>,
}

/// What somebody said about a fault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Comment {
    /// Its id.
    pub id: CommentId,
    /// Who, by name.
    #[cfg_attr(feature = "openapi", schema(example = "ann@example.org"))]
    pub author: String,
    /// When.
    pub at: Timestamp,
    /// What.
    #[cfg_attr(
        feature = "openapi",
        schema(example = "the provider says the line is cut")
    )]
    pub text: String,
}

/// Something to say about a fault.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NewComment {
    /// What.
    #[cfg_attr(feature = "openapi", schema(value_type = String, min_length = 1, max_length = 4000, example = "the provider says the line is cut"))]
    pub text: Words<COMMENT_MAX>,
}

/// Closes a fault by hand.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CloseFault {
    /// Why it is over, or why nobody needs to look.
    #[cfg_attr(feature = "openapi", schema(value_type = String, min_length = 1, max_length = 500, example = "line cancelled, tunnel will be removed"))]
    pub reason: Words<500>,
}
