use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{ActorKind, AuditId};

/// One write, as the audit log keeps it for ever.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AuditEntry {
    /// Its id; later entries have greater ones.
    pub id: AuditId,
    /// When it was done.
    pub at: Timestamp,
    /// Who did it.
    pub actor: Actor,
    /// What was done, as `resource.verb`.
    #[cfg_attr(feature = "openapi", schema(example = "user.create"))]
    pub action: String,
    /// To what.
    pub subject: Subject,
    /// What changed, by field. Never a secret.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub detail: serde_json::Value,
    /// The address the request came from; absent for what Holdfast did by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(example = "203.0.113.9"))]
    pub remote: Option<String>,
}

/// Who does something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Actor {
    /// A person, a program, or Holdfast itself.
    pub kind: ActorKind,
    /// The id of the user or token; absent for Holdfast itself and for the command line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(example = "01J9ZQ3V6N8W4T2K5R7M1X0ABC"))]
    pub id: Option<String>,
    /// The user's e-mail address or the token's name, as it was then.
    #[cfg_attr(feature = "openapi", schema(example = "ann@example.org"))]
    pub name: String,
}

/// What something was done to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Subject {
    /// What kind of thing it is.
    #[cfg_attr(feature = "openapi", schema(example = "user"))]
    pub kind: String,
    /// Its id.
    #[cfg_attr(feature = "openapi", schema(example = "01J9ZQ3V6N8W4T2K5R7M1X0ABC"))]
    pub id: String,
}
