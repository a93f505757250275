use axum::{
    extract::{Path, State},
    http::header,
};
use holdfast_api_types::{
    ActorKind, RouterState, SiteId,
    api::{Change, Edit, LiveEvent},
};
use holdfast_routeros_plan::{Adoption, Management};
use holdfast_store::{WriteTransaction, adoption, audit, router, site};
use secrecy::SecretString;

use super::{Secrets, Whereabouts, blank, line, over, whereabouts};
use crate::{
    App,
    http::{auth::Remote, error::ApiError},
    ids::{SecretHash, new_id},
};

/// The script of an adoption
///
/// For the router, once. From now on the credentials of a router that was adopted before are worth nothing.
#[utoipa::path(
    get,
    path = "/adoption/{token}/script",
    operation_id = "fetch_adoption_script",
    tag = "routers",
    params(("token" = String, Path, description = "From the line that was pasted")),
    responses(
        (status = 200, description = "The script", body = String, content_type = "text/plain"),
        (status = 404, description = "The line is not good, or not any more"),
        (status = 409, description = "This server is not set up for routers; the message says what is missing"),
        (status = 429, description = "Too many attempts from this address")
    )
)]
pub(in crate::http) async fn script(
    State(app): State<App>,
    Remote(remote): Remote,
    Path(token): Path<String>,
) -> Result<([(header::HeaderName, &'static str); 2], String), ApiError> {
    app.log_in_limits().attempt(remote, None)?;
    let token = SecretString::from(token);
    let here = whereabouts(&app)?;
    let now = app.clock().now();
    let mut write = app.store().write().await?;
    let taken = line(&mut write, &token, now).await?;
    if !adoption::take(&mut write, SecretHash::of(&token).as_bytes(), now).await? {
        return Err(over());
    }
    let site = site::find(&mut write, &taken.site_id)
        .await?
        .ok_or_else(over)?;
    let (secrets, handed) = blank(&app, &site.id, now);
    if !router::hand_over(&mut write, &site.id, &handed, now).await? {
        router::insert(&mut write, &site.organization_id, &site.id, &handed, now).await?;
    }
    note(&mut write, &site, &taken.requested_by, remote, now).await?;
    write.commit().await?;
    let event = LiveEvent {
        at: now,
        change: Change::Router {
            site: site.id.clone(),
            edit: Edit::Changed,
            state: RouterState::Pending,
        },
    };
    app.bus().publish(&site.organization_id, event);
    // What its old credentials have opened is closed, and its tunnels get other routes until it is configured.
    app.routers().dismiss(&site.id);
    app.reconciler().site_changed(&site.id);
    Ok((
        [
            (header::CONTENT_TYPE, "text/plain; charset=utf-8"),
            (header::CACHE_CONTROL, "no-store"),
        ],
        filled(&here, &token, secrets).script(),
    ))
}

fn filled(here: &Whereabouts, token: &SecretString, secrets: Secrets) -> Adoption {
    Adoption {
        script_url: here.script_url(token),
        authority_url: here.authority_url(),
        progress_url: here.progress_url(token),
        check_in_url: here.check_in_url(),
        check_in_token: secrets.check_in,
        authority: here.authority.clone(),
        management: Management {
            endpoint: here.management,
            username: secrets.username.to_string(),
            password: secrets.tunnel,
        },
        user_password: secrets.user,
    }
}

/// Into the audit log: nobody is logged in here, but somebody asked for the line.
async fn note(
    write: &mut WriteTransaction,
    site: &site::Site,
    requested_by: &str,
    remote: std::net::IpAddr,
    now: jiff::Timestamp,
) -> Result<(), ApiError> {
    let subject: &SiteId = &site.id;
    let entry = audit::AuditEntry {
        id: new_id(now),
        organization_id: site.organization_id.clone(),
        at: now,
        actor_kind: ActorKind::System,
        actor_id: None,
        actor_name: "the router".into(),
        action: "router.hand-over".into(),
        subject_kind: "site".into(),
        subject_id: subject.to_string(),
        detail: serde_json::json!({ "requested_by": requested_by }).to_string(),
        remote: Some(remote.to_string()),
    };
    Ok(audit::insert(write, &entry).await?)
}
