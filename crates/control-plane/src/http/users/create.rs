use axum::{extract::State, http::StatusCode, response::Response};
use holdfast_api_types::api::{NewUser, UserCreated};
use holdfast_store::user;
use serde_json::json;

use super::{subject, view};
use crate::{
    App,
    http::{auth::Owner, error::ApiError, idempotency::Command},
    ids::{new_id, new_password},
};

/// Make a user
///
/// Who brings no password gets one, which the answer shows once; the user should change it.
#[utoipa::path(
    post,
    path = "/users",
    operation_id = "create_user",
    tag = "people",
    request_body = NewUser,
    responses(
        (status = 201, description = "The user", body = UserCreated),
        (status = 409, description = "The e-mail address is in use")
    ),
    security(("token" = ["owner"]))
)]
pub(in crate::http) async fn create(
    State(app): State<App>,
    Owner(caller): Owner,
    command: Command<NewUser>,
) -> Result<Response, ApiError> {
    let wish = command.body;
    let (password, made) = match wish.password {
        Some(chosen) => (chosen.into_secret(), None),
        None => {
            let made = new_password();
            (made.clone(), Some(made))
        }
    };
    let hash = app.passwords().hash(password).await?;

    let mut write = app.write_once(&caller, command.key).await?;
    let row = user::User {
        id: new_id(write.now()),
        organization_id: caller.organization.clone(),
        email: wish.email.to_string(),
        name: wish.name.to_string(),
        role: wish.role,
        password_hash: Some(hash),
        created_at: write.now(),
        disabled_at: None,
    };
    user::insert(&mut write, &row).await?;
    let detail = json!({ "email": row.email, "name": row.name, "role": row.role });
    write.audit("user.create", subject(&row.id), detail).await?;
    let answer = UserCreated {
        user: view(row),
        password: made.map(Into::into),
    };
    write.answer(StatusCode::CREATED, &answer).await
}
