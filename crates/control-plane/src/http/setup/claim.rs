use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::IntoResponse,
};
use holdfast_api_types::{
    UserRole,
    api::{ErrorCode, SetUp, WhoAmI},
};
use holdfast_store::{Connection, organization, session, setup, user};
use jiff::Timestamp;
use secrecy::SecretString;
use serde_json::json;

use crate::{
    App,
    http::{
        auth::{Caller, Remote},
        cookie,
        error::ApiError,
        extract,
        session::{new_session, who_am_i},
        users::subject,
    },
    ids::{SecretHash, new_id},
};

/// Make the first organization and its owner
///
/// Works once, with the token of the set-up link that the server printed. The owner is logged in.
#[utoipa::path(
    post,
    path = "/setup",
    operation_id = "set_up",
    tag = "session",
    request_body = SetUp,
    responses(
        (status = 201, description = "The owner, logged in", body = WhoAmI,
            headers(("set-cookie" = String, description = "The session"))),
        (status = 403, description = "The token is not that of the set-up link"),
        (status = 410, description = "The link has expired, or there is an owner already"),
        (status = 429, description = "Too many attempts")
    )
)]
pub(in crate::http) async fn claim(
    State(app): State<App>,
    Remote(remote): Remote,
    headers: HeaderMap,
    extract::Json(wish): extract::Json<SetUp>,
) -> Result<impl IntoResponse, ApiError> {
    app.log_in_limits().attempt(remote, None)?;
    let now = app.clock().now();
    let token = wish.token.clone().into_secret();
    check(&mut *app.store().read().await?, &token, now).await?;
    let hash = app
        .passwords()
        .hash(wish.password.clone().into_secret())
        .await?;

    let (organization, owner) = first_rows(&wish, hash, now);
    let (secret, session) = new_session(&owner.id, remote, &headers, now);
    let caller = Caller::logged_in(&owner, &session, remote);
    let mut write = app.write(&caller).await?;
    check(&mut write, &token, now).await?;
    organization::insert(&mut write, &organization).await?;
    user::insert(&mut write, &owner).await?;
    session::insert(&mut write, &session).await?;
    setup::clear(&mut write).await?;
    let detail = json!({ "organization": organization.name, "email": owner.email });
    write
        .audit("setup.claim", subject(&owner.id), detail)
        .await?;
    let me = who_am_i(&mut write, &caller).await?;
    write.commit().await?;
    let cookie = cookie::set(&secret, app.config().https());
    Ok((StatusCode::CREATED, [cookie], Json(me)))
}

fn first_rows(
    wish: &SetUp,
    password_hash: String,
    now: Timestamp,
) -> (organization::Organization, user::User) {
    let organization = organization::Organization {
        id: new_id(now),
        name: wish.organization.to_string(),
        created_at: now,
    };
    let owner = user::User {
        id: new_id(now),
        organization_id: organization.id.clone(),
        email: wish.email.to_string(),
        name: wish.name.to_string(),
        role: UserRole::Owner,
        password_hash: Some(password_hash),
        created_at: now,
        disabled_at: None,
    };
    (organization, owner)
}

async fn check(
    conn: &mut Connection,
    token: &SecretString,
    now: Timestamp,
) -> Result<(), ApiError> {
    if user::any(conn).await? {
        return Err(gone("this installation has an owner already: log in"));
    }
    let link = setup::find(conn, SecretHash::of(token).as_bytes()).await?;
    let Some(link) = link else {
        return Err(ApiError::new(
            ErrorCode::Forbidden,
            "this is not the token of the set-up link: copy the whole link that the server printed last",
        ));
    };
    if link.expires_at <= now {
        return Err(gone(
            "the set-up link has expired: make another with `holdfast admin setup-link`",
        ));
    }
    Ok(())
}

fn gone(message: &str) -> ApiError {
    ApiError::new(ErrorCode::Gone, message)
}
