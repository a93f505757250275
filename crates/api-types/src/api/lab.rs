use serde::{Deserialize, Serialize};

use crate::LineState;

/// The lab that this control plane runs in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Lab {
    /// Its internet connections, in the order of the router's interfaces.
    pub lines: Vec<LabLine>,
}

/// One internet connection of a lab.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LabLine {
    /// Name of the ISP.
    #[cfg_attr(feature = "openapi", schema(example = "fibre"))]
    pub isp: String,
    /// The interface of the router that it is plugged into.
    #[cfg_attr(feature = "openapi", schema(example = "wan1"))]
    pub interface: String,
    /// What was done to it.
    pub state: LineState,
}

/// Breaks or repairs an internet connection of a lab.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SetLine {
    /// What to do to it; whatever was done before is undone.
    pub state: LineState,
}
