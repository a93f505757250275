use axum::{extract::State, http::StatusCode, response::Response};
use holdfast_api_types::{
    RouterState, SiteId,
    api::{Adoption, Change, Edit},
};
use holdfast_store::{adoption, router};
use jiff::SignedDuration;
use secrecy::SecretString;
use serde_json::json;

use super::{no_progress, whereabouts};
use crate::{
    App,
    http::{
        auth::Operator,
        error::ApiError,
        extract::Id,
        idempotency::{Command, Nothing},
        sites,
    },
    ids::{SecretHash, SecretKind, new_secret},
};

/// How long a line is good.
const LIFE: SignedDuration = SignedDuration::from_mins(30);

/// Get the line that adopts the router of a site
///
/// Paste it into the router's terminal. It is good once, for 30 minutes, and ends the line before. A router that was
/// adopted before keeps its credentials until the line is used.
#[utoipa::path(
    post,
    path = "/sites/{id}/adoption",
    operation_id = "adopt_router",
    tag = "routers",
    params(("id" = SiteId, Path, description = "The site")),
    responses(
        (status = 201, description = "The line", body = Adoption),
        (status = 409, description = "This server is not set up for routers; the message says what is missing")
    ),
    security(("token" = ["operator"]))
)]
pub(in crate::http) async fn create(
    State(app): State<App>,
    Operator(caller): Operator,
    Id(id): Id<SiteId>,
    command: Command<Nothing>,
) -> Result<Response, ApiError> {
    let mut write = app.write_once(&caller, command.key).await?;
    sites::found(&mut write, &caller.organization, &id).await?;
    let here = whereabouts(&app)?;
    let token = new_secret(SecretKind::Adoption);
    let new = adoption::Adoption {
        token_hash: *SecretHash::of(&token).as_bytes(),
        site_id: id.clone(),
        requested_by: caller.actor.name.clone(),
        created_at: write.now(),
        expires_at: write.now() + LIFE,
        used_at: None,
        progress: serde_json::to_string(&no_progress()).map_err(ApiError::internal)?,
    };
    adoption::insert(&mut write, &new).await?;
    let detail = json!({ "expires_at": new.expires_at });
    write
        .audit("router.adopt", sites::subject(&id), detail)
        .await?;
    let known = router::of_site(&mut write, &id).await?;
    write.tell(Change::Router {
        site: id,
        edit: Edit::Changed,
        state: known.map_or(RouterState::Pending, |row| row.state),
    });
    let script_url = here.script_url(&token);
    let line =
        holdfast_routeros_plan::Adoption::line(&script_url, &here.authority_url(), &here.authority);
    let answer = Adoption {
        command: SecretString::from(line).into(),
        script_url: SecretString::from(script_url).into(),
        certificate_fingerprint: here.authority.fingerprint,
        expires_at: new.expires_at,
    };
    write.answer(StatusCode::CREATED, &answer).await
}
