//! `/tokens`: what programs log in with.

use holdfast_api_types::{
    TokenId,
    api::{Subject, Token},
};
use holdfast_store::token::ApiToken;

pub(super) mod create;
pub(super) mod list;
pub(super) mod revoke;

fn view(row: ApiToken) -> Token {
    Token {
        id: row.id,
        name: row.name,
        role: row.role,
        created_by: row.created_by,
        created_at: row.created_at,
        expires_at: row.expires_at,
        last_used_at: row.last_used_at,
    }
}

fn subject(id: &TokenId) -> Subject {
    Subject {
        kind: "token".into(),
        id: id.to_string(),
    }
}
