//! `/organization`: the caller's own.

use holdfast_api_types::api::Organization;
use holdfast_store::organization;

pub(super) mod change;
pub(super) mod show;

pub(super) fn view(row: organization::Organization) -> Organization {
    Organization {
        id: row.id,
        name: row.name,
        created_at: row.created_at,
    }
}
