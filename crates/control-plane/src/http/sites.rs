//! `/sites`: routers with several internet connections.

use holdfast_api_types::{OrganizationId, SiteId, api::Subject};
use holdfast_store::{Connection, site};

use super::error::ApiError;

pub(super) mod change;
pub(super) mod create;
pub(super) mod list;
pub(super) mod remove;
pub(super) mod show;
mod status;

/// A site as the audit log names it.
pub(super) fn subject(id: &SiteId) -> Subject {
    Subject {
        kind: "site".into(),
        id: id.to_string(),
    }
}

/// The site of an organization, or 404.
pub(super) async fn found(
    conn: &mut Connection,
    organization: &OrganizationId,
    id: &SiteId,
) -> Result<site::Site, ApiError> {
    let row = site::get(conn, organization, id).await?;
    row.ok_or_else(|| ApiError::not_found("site"))
}
