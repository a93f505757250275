//! `/users`: the people of an organization.

use holdfast_api_types::{
    OrganizationId, UserId,
    api::{Subject, User},
};
use holdfast_store::{Connection, user};

use super::error::ApiError;

pub(super) mod change;
pub(super) mod create;
pub(super) mod list;
pub(super) mod remove;
pub(super) mod show;

pub(super) fn view(row: user::User) -> User {
    User {
        id: row.id,
        email: row.email,
        name: row.name,
        role: row.role,
        created_at: row.created_at,
        disabled_at: row.disabled_at,
    }
}

/// A user as the audit log names it.
pub(super) fn subject(id: &UserId) -> Subject {
    Subject {
        kind: "user".into(),
        id: id.to_string(),
    }
}

/// Refuses a change after which nobody could manage the organization.
async fn keep_an_owner(
    conn: &mut Connection,
    organization: &OrganizationId,
) -> Result<(), ApiError> {
    if user::count_owners(conn, organization).await? > 0 {
        return Ok(());
    }
    Err(ApiError::conflict(
        "this is the last owner who can log in: make somebody else an owner first",
    ))
}
