use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Actor, Email, Label, Moment, NewPassword, Secret};
use crate::{OrganizationId, TokenId, UserId, UserRole};

/// Whether this installation still waits for its first owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SetUpState {
    /// True until the first organization exists.
    pub open: bool,
}

/// Makes the first organization and its owner.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SetUp {
    /// From the set-up link that the server printed when it first started: what follows the `#`.
    pub token: Secret,
    /// Name of the organization.
    pub organization: Label,
    /// The owner's name.
    pub name: Label,
    /// The owner logs in with it.
    pub email: Email,
    /// The owner's password.
    pub password: NewPassword,
}

/// E-mail address and password.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LogIn {
    /// Capitals do not matter.
    pub email: Email,
    /// The password.
    pub password: Secret,
}

/// Who is asking, and what they may do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WhoAmI {
    /// The user or the API token.
    pub actor: Actor,
    /// What it may do.
    pub role: UserRole,
    /// Where it belongs.
    pub organization: Organization,
    /// When this session or token ends at the latest; absent when the token does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

/// A new password for yourself.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChangePassword {
    /// The password you have now.
    pub current: Secret,
    /// The one you want.
    pub new: NewPassword,
}

/// An organization: the sites and people that belong together, invisible to every other one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Organization {
    /// Its id.
    pub id: OrganizationId,
    /// Its name.
    #[cfg_attr(feature = "openapi", schema(example = "Example Ltd"))]
    pub name: String,
    /// When it was made.
    pub created_at: Timestamp,
}

/// What to change about the organization.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChangeOrganization {
    /// Its new name.
    pub name: Label,
}

/// A person who may log in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct User {
    /// Its id.
    pub id: UserId,
    /// The user logs in with it; in lower case.
    #[cfg_attr(feature = "openapi", schema(example = "ann@example.org"))]
    pub email: String,
    /// The person's name.
    #[cfg_attr(feature = "openapi", schema(example = "Ann Example"))]
    pub name: String,
    /// What the user may do.
    pub role: UserRole,
    /// When the user was made.
    pub created_at: Timestamp,
    /// Since when the user may not log in; absent for a user who may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disabled_at: Option<Timestamp>,
}

/// A user to make.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NewUser {
    /// The user logs in with it. No two users of this installation have the same.
    pub email: Email,
    /// The person's name.
    pub name: Label,
    /// What the user may do.
    pub role: UserRole,
    /// Left out: one is made, and the answer shows it once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<NewPassword>,
}

/// A user that was made.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UserCreated {
    /// The user.
    #[serde(flatten)]
    pub user: User,
    /// The password that was made, shown only here; absent when the request brought one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<Secret>,
}

/// What to change about a user; what is absent stays.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChangeUser {
    /// The person's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Label>,
    /// What the user may do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<UserRole>,
    /// A new password, which ends the user's sessions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<NewPassword>,
    /// True ends the user's sessions; false lets the user in again. API tokens belong to the organization and stay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disabled: Option<bool>,
}

/// An API token, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Token {
    /// Its id.
    pub id: TokenId,
    /// What it is for.
    #[cfg_attr(feature = "openapi", schema(example = "monitoring"))]
    pub name: String,
    /// What it may do.
    pub role: UserRole,
    /// The user who made it; absent where that was another token, the command line, or a user who is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_by: Option<UserId>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends; absent when it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// When it was last used, to about a minute; absent when it never was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used_at: Option<Timestamp>,
}

/// An API token to make.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NewToken {
    /// What it is for.
    pub name: Label,
    /// What it may do; never more than whoever makes it.
    pub role: UserRole,
    /// When it ends. Left out: it does not, until it is revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Moment>,
}

/// An API token that was made.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TokenCreated {
    /// The token.
    #[serde(flatten)]
    pub token: Token,
    /// Send it as `Authorization: Bearer SECRET`. Shown only here.
    pub secret: Secret,
}
