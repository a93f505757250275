//! What handlers ask of the lab, where the control plane runs in one. Whoever speaks to it is connected as the engine is.

use std::{fmt, future::Future, pin::Pin};

use holdfast_api_types::{LineState, api};

/// An answer of the lab, later: how its lines are.
pub type LabAnswer<'a> = Pin<Box<dyn Future<Output = Result<api::Lab, LabError>> + Send + 'a>>;

/// Why the lab gave no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LabError {
    /// It has no such internet connection; in its own words.
    #[error("{0}")]
    NoSuchIsp(String),
    /// It cannot be reached, or did not understand; why, in words a person reads.
    #[error("the lab does not answer: {0}")]
    Unreachable(String),
}

/// A test bed that breaks internet connections on request.
pub trait Lab: fmt::Debug + Send + Sync + 'static {
    /// How its lines are.
    fn lines(&self) -> LabAnswer<'_>;

    /// Breaks or repairs the line of an ISP, and answers how all of them are then.
    fn set_line<'a>(&'a self, isp: &'a str, state: LineState) -> LabAnswer<'a>;
}
