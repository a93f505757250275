use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{JobId, JobKind, JobState, SiteId, StepState};

/// Work that goes on after the request that asked for it was answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Job {
    /// Its id; later jobs have greater ones.
    pub id: JobId,
    /// What it does.
    pub kind: JobKind,
    /// How far it is.
    pub state: JobState,
    /// The site it is about; null when that was removed.
    pub site_id: Option<SiteId>,
    /// Who asked for it, by name.
    #[cfg_attr(feature = "openapi", schema(example = "ann@example.org"))]
    pub requested_by: String,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When it was first taken up.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// What it does, step by step.
    pub steps: Vec<JobStep>,
    /// What came of it, as its kind has it; null until it succeeds. A failed job may have one, of how far it came.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub result: Option<serde_json::Value>,
    /// Why it failed or was cancelled, in words.
    #[cfg_attr(
        feature = "openapi",
        schema(example = "Fibre did not confirm its routes within 60 s")
    )]
    pub error: Option<String>,
}

/// One step of a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct JobStep {
    /// What it does.
    #[cfg_attr(feature = "openapi", schema(example = "Bring Fibre to its place"))]
    pub title: String,
    /// How far it is.
    pub state: StepState,
    /// How it stands, in words; may be empty.
    pub detail: String,
    /// When that was.
    pub at: Timestamp,
}
