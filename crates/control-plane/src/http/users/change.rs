use axum::{Json, extract::State};
use holdfast_api_types::{
    UserId,
    api::{ChangeUser, User},
};
use holdfast_store::{session, user};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{keep_an_owner, subject, view};
use crate::{
    App,
    http::{
        auth::{Caller, Owner},
        error::ApiError,
        extract::{self, Id},
        write::Write,
    },
};

/// Change a user
///
/// What is left out stays. The last owner who can log in stays an owner and can log in.
#[utoipa::path(
    patch,
    path = "/users/{id}",
    operation_id = "change_user",
    tag = "people",
    params(("id" = UserId, Path, description = "The user")),
    request_body = ChangeUser,
    responses(
        (status = 200, description = "As the user is now", body = User),
        (status = 409, description = "The last owner must stay one")
    ),
    security(("token" = ["owner"]))
)]
pub(in crate::http) async fn change(
    State(app): State<App>,
    Owner(caller): Owner,
    Id(id): Id<UserId>,
    extract::Json(mut wish): extract::Json<ChangeUser>,
) -> Result<Json<User>, ApiError> {
    let hash = match wish.password.take() {
        Some(password) => Some(app.passwords().hash(password.into_secret()).await?),
        None => None,
    };
    let mut write = app.write(&caller).await?;
    let row = user::get(&mut write, &caller.organization, &id).await?;
    let before = row.ok_or_else(|| ApiError::not_found("user"))?;
    let after = changed(&before, &wish, write.now());
    user::update(&mut write, &after).await?;
    keep_an_owner(&mut write, &caller.organization).await?;
    if let Some(hash) = &hash {
        user::set_password(&mut write, &id, hash).await?;
    }
    if hash.is_some() || after.disabled_at.is_some() {
        end_sessions(&mut write, &caller, &id).await?;
    }
    let detail = differences(&before, &after, hash.is_some());
    write.audit("user.change", subject(&id), detail).await?;
    write.commit().await?;
    Ok(Json(view(after)))
}

fn changed(before: &user::User, wish: &ChangeUser, now: Timestamp) -> user::User {
    let mut user = before.clone();
    if let Some(name) = &wish.name {
        user.name = name.to_string();
    }
    if let Some(role) = wish.role {
        user.role = role;
    }
    match wish.disabled {
        Some(true) => user.disabled_at = user.disabled_at.or(Some(now)),
        Some(false) => user.disabled_at = None,
        None => {}
    }
    user
}

/// All of the user's sessions but the one that this change is made with.
async fn end_sessions(write: &mut Write<'_>, caller: &Caller, id: &UserId) -> Result<(), ApiError> {
    let own = caller.session().ok().map(|(hash, _)| hash.as_bytes());
    session::delete_of_user(write, id, own).await?;
    Ok(())
}

/// What the audit log says: the new value of each field that changed.
fn differences(before: &user::User, after: &user::User, password: bool) -> Value {
    let mut detail = json!({});
    if before.name != after.name {
        detail["name"] = json!(after.name);
    }
    if before.role != after.role {
        detail["role"] = json!(after.role);
    }
    if before.disabled_at.is_some() != after.disabled_at.is_some() {
        detail["disabled"] = json!(after.disabled_at.is_some());
    }
    if password {
        detail["password"] = json!("changed");
    }
    detail
}
