use axum::{Json, extract::State};
use holdfast_api_types::{
    TunnelId,
    api::{Moment, SetOverride, Tunnel},
};
use holdfast_store::tunnel;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::{found, subject, tell_changed, view};
use crate::{
    App,
    http::{
        auth::Operator,
        error::ApiError,
        extract::{self, Id},
        routers,
    },
};

/// An override that is still wanted after so long is a change of the configuration.
const LONGEST: SignedDuration = SignedDuration::from_hours(90 * 24);

/// Override a tunnel
///
/// `prefer` ranks it above every other, `avoid` below, and `off` keeps it from connecting, whatever the configured
/// order says. It takes the place of an override that is there.
#[utoipa::path(
    put,
    path = "/tunnels/{id}/override",
    operation_id = "override_tunnel",
    tag = "tunnels",
    params(("id" = TunnelId, Path, description = "The tunnel")),
    request_body = SetOverride,
    responses((status = 200, description = "The tunnel as it is now", body = Tunnel)),
    security(("token" = ["operator"]))
)]
pub(in crate::http) async fn force(
    State(app): State<App>,
    Operator(caller): Operator,
    Id(id): Id<TunnelId>,
    extract::Json(wish): extract::Json<SetOverride>,
) -> Result<Json<Tunnel>, ApiError> {
    let mut write = app.write(&caller).await?;
    let mut row = found(&mut write, &caller.organization, &id).await?;
    let expires_at = wish.expires_at.map(Moment::get);
    check(expires_at, write.now())?;
    let forced = tunnel::Override {
        kind: wish.kind,
        reason: wish.reason.into(),
        by: caller.actor.name.clone(),
        at: write.now(),
        expires_at,
    };
    tunnel::set_override(&mut write, &id, &forced).await?;
    let detail = json!({
        "kind": forced.kind,
        "reason": forced.reason,
        "expires_at": forced.expires_at,
    });
    write.audit("tunnel.override", subject(&id), detail).await?;
    row.forced = Some(forced);
    tell_changed(&mut write, &row);
    routers::follow(&mut write, &caller, &row.site_id).await?;
    write.commit().await?;
    app.reconciler().site_changed(&row.site_id);
    Ok(Json(view(row)))
}

fn check(expires_at: Option<Timestamp>, now: Timestamp) -> Result<(), ApiError> {
    let Some(end) = expires_at else {
        return Ok(());
    };
    let message = if end <= now {
        "is over already: use a time in the future, or leave it out"
    } else if end > now + LONGEST {
        "is more than 90 days away: change the order instead, or leave it out"
    } else {
        return Ok(());
    };
    Err(ApiError::invalid(
        "expires_at",
        Some(&end.to_string()),
        message,
    ))
}
