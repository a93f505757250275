use axum::{
    Json,
    extract::State,
    http::{HeaderName, HeaderValue},
};
use holdfast_api_types::{
    LinkState, TunnelId,
    api::{Change, ConfigureTunnel, ErrorCode, Tunnel},
};
use holdfast_store::{router, tunnel};

use super::{configured_link, found, remember_link, settings, subject, tell_changed, view};
use crate::{
    App,
    http::{
        auth::{Caller, Operator},
        error::ApiError,
        etag::{MaybeIfMatch, etag},
        extract::{self, Id},
        routers,
        write::Write,
    },
    router::reads,
};

/// Configure a tunnel
///
/// What is left out stays, and null clears. With a gateway and a connection type it may connect. With If-Match the
/// change is made only if nobody else has configured the tunnel since.
#[utoipa::path(
    patch,
    path = "/tunnels/{id}",
    operation_id = "configure_tunnel",
    tag = "tunnels",
    params(
        ("id" = TunnelId, Path, description = "The tunnel"),
        ("If-Match" = Option<String>, Header, description = "The ETag that you have seen")
    ),
    request_body = ConfigureTunnel,
    responses(
        (
            status = 200,
            description = "As it is now",
            body = Tunnel,
            headers(("ETag" = String, description = "Version of its configuration, for If-Match"))
        ),
        (status = 412, description = "Somebody else configured it since you read it"),
        (status = 422, description = "A value is wrong, or its router has no such interface or gateway")
    ),
    security(("token" = ["operator"]))
)]
pub(in crate::http) async fn configure(
    State(app): State<App>,
    Operator(caller): Operator,
    Id(id): Id<TunnelId>,
    MaybeIfMatch(if_match): MaybeIfMatch,
    extract::Json(wish): extract::Json<ConfigureTunnel>,
) -> Result<([(HeaderName, HeaderValue); 1], Json<Tunnel>), ApiError> {
    check_at_router(&app, &caller, &id, wish.clone()).await?;
    let mut write = app.write(&caller).await?;
    let mut row = found(&mut write, &caller.organization, &id).await?;
    if let Some(if_match) = if_match {
        if_match.check(row.version.into())?;
    }
    let after = settings::changed(&row.settings, wish)?;
    if after != row.settings {
        let others = tunnel::of_site(&mut write, &row.site_id).await?;
        settings::unused_name(&after.name, &others, Some(&row))?;
        settings::usable_gateway(&mut write, &row.site_id, &after).await?;
        apply(&mut write, &mut row, after).await?;
        routers::follow(&mut write, &caller, &row.site_id).await?;
    }
    write.commit().await?;
    app.reconciler().site_changed(&row.site_id);
    Ok(([etag(row.version.into())], Json(view(row))))
}

/// Refuses an interface or a gateway that cannot work on the router, if there is one and it can be asked now.
async fn check_at_router(
    app: &App,
    caller: &Caller,
    id: &TunnelId,
    wish: ConfigureTunnel,
) -> Result<(), ApiError> {
    let mut conn = app.store().read().await?;
    let mut row = found(&mut conn, &caller.organization, id).await?;
    let has_router = router::of_site(&mut conn, &row.site_id).await?.is_some();
    drop(conn);
    let after = settings::changed(&row.settings, wish)?;
    let is_moved =
        after.interface != row.settings.interface || after.gateway != row.settings.gateway;
    if has_router && is_moved && after.interface.is_some() && after.gateway.is_some() {
        row.settings = after;
        reads::check(app, &row).await?;
    }
    Ok(())
}

async fn apply(
    write: &mut Write<'_>,
    row: &mut tunnel::Tunnel,
    after: tunnel::Settings,
) -> Result<(), ApiError> {
    let version = tunnel::configure(write, &row.id, row.version, &after).await?;
    row.version = version.ok_or_else(|| {
        ApiError::new(
            ErrorCode::Stale,
            "it was changed meanwhile: read it again and repeat your change",
        )
    })?;
    let detail = settings::differences(&row.settings, &after);
    row.settings = after;
    update_link(write, row).await?;
    write
        .audit("tunnel.configure", subject(&row.id), detail)
        .await?;
    tell_changed(write, row);
    Ok(())
}

/// A tunnel becomes able to connect, or loses what it needs to. All other states are the engine's to say.
async fn update_link(write: &mut Write<'_>, row: &mut tunnel::Tunnel) -> Result<(), ApiError> {
    let link = configured_link(&row.settings, write.now());
    let was_blank = row.link.state == LinkState::Unconfigured;
    let is_blank = link.state == LinkState::Unconfigured;
    if was_blank == is_blank && (!is_blank || link.cause == row.link.cause) {
        return Ok(());
    }
    tunnel::set_link(write, &row.id, &link).await?;
    row.link = link;
    remember_link(write, row).await?;
    write.tell(Change::LinkState {
        site: row.site_id.clone(),
        tunnel: row.id.clone(),
        state: row.link.state,
        cause: row.link.cause.clone(),
    });
    Ok(())
}
