use axum::{extract::State, http::StatusCode, response::Response};
use holdfast_api_types::api::{ErrorCode, Moment, NewToken, TokenCreated};
use holdfast_store::token::{self, ApiToken};
use jiff::Timestamp;
use serde_json::json;

use super::{subject, view};
use crate::{
    App,
    http::{
        auth::{Caller, Owner},
        error::ApiError,
        idempotency::Command,
    },
    ids::{SecretHash, SecretKind, new_id, new_secret},
};

/// Make an API token
///
/// The answer shows its secret, once.
#[utoipa::path(
    post,
    path = "/tokens",
    operation_id = "create_token",
    tag = "people",
    request_body = NewToken,
    responses((status = 201, description = "The token", body = TokenCreated)),
    security(("token" = ["owner"]))
)]
pub(in crate::http) async fn create(
    State(app): State<App>,
    Owner(caller): Owner,
    command: Command<NewToken>,
) -> Result<Response, ApiError> {
    let wish = command.body;
    let mut write = app.write_once(&caller, command.key).await?;
    check(&wish, &caller, write.now())?;
    let secret = new_secret(SecretKind::ApiToken);
    let row = ApiToken {
        id: new_id(write.now()),
        organization_id: caller.organization.clone(),
        name: wish.name.to_string(),
        role: wish.role,
        hash: *SecretHash::of(&secret).as_bytes(),
        created_by: caller.user().cloned(),
        created_at: write.now(),
        expires_at: wish.expires_at.map(Moment::get),
        last_used_at: None,
    };
    token::insert(&mut write, &row).await?;
    let detail = json!({ "name": row.name, "role": row.role, "expires_at": row.expires_at });
    write
        .audit("token.create", subject(&row.id), detail)
        .await?;
    let answer = TokenCreated {
        token: view(row),
        secret: secret.into(),
    };
    write.answer(StatusCode::CREATED, &answer).await
}

fn check(wish: &NewToken, caller: &Caller, now: Timestamp) -> Result<(), ApiError> {
    if wish.role > caller.role {
        let message = format!(
            "your role is {}: a token cannot have a greater one",
            caller.role
        );
        return Err(ApiError::new(ErrorCode::Forbidden, message));
    }
    match wish.expires_at.map(Moment::get) {
        Some(end) if end <= now => Err(ApiError::invalid(
            "expires_at",
            Some(&end.to_string()),
            "is over already: use a time in the future, or leave it out",
        )),
        _ => Ok(()),
    }
}
