//! `/lab`: the internet connections of the lab that this control plane runs in. Everywhere else there is no such thing.

use std::time::Duration;

use holdfast_api_types::api::ErrorCode;

use super::error::ApiError;
use crate::{
    App,
    lab::{Lab, LabError},
};

pub(super) mod set_line;
pub(super) mod show;

/// When it is worth while to ask again for a lab that did not answer.
const LAB_AGAIN: Duration = Duration::from_secs(2);

fn found(app: &App) -> Result<&dyn Lab, ApiError> {
    app.lab().ok_or_else(|| {
        let message = "this is no lab: what it manages is real, and not to be broken";
        ApiError::new(ErrorCode::NotFound, message)
    })
}

impl From<LabError> for ApiError {
    fn from(err: LabError) -> Self {
        match err {
            LabError::NoSuchIsp(_) => Self::new(ErrorCode::NotFound, err.to_string()),
            LabError::Unreachable(_) => Self::unavailable(err.to_string(), LAB_AGAIN),
        }
    }
}
