use serde::{Deserialize, Serialize};

/// How a control plane is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Health {
    /// `ok`; whatever is not, is an error.
    #[cfg_attr(feature = "openapi", schema(example = "ok"))]
    pub status: String,
    /// Version of Holdfast.
    #[cfg_attr(feature = "openapi", schema(example = "0.1.0"))]
    pub version: String,
    /// Whether this is a lab, whose internet connections can be broken (`GET /lab`).
    pub lab: bool,
}
