use axum::{
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use holdfast_api_types::TunnelId;
use holdfast_store::{site, tunnel};
use secrecy::SecretString;
use serde_json::json;

use super::{found, subject};
use crate::{
    App,
    http::{auth::Operator, error::ApiError, extract::Id},
    profile::Profile,
    vault::tunnel_password,
};

/// The OpenVPN profile of a tunnel
///
/// For any router with OpenVPN 2.6 or newer; comments in it say how to pin the tunnel to its connection. It holds the
/// password, so the download is in the audit log.
#[utoipa::path(
    get,
    path = "/tunnels/{id}/profile",
    operation_id = "download_profile",
    tag = "tunnels",
    params(("id" = TunnelId, Path, description = "The tunnel")),
    responses(
        (status = 200, description = "The profile", body = String, content_type = "text/plain"),
        (status = 409, description = "This installation has no address for the tunnel to dial")
    ),
    security(("token" = ["operator"]))
)]
pub(in crate::http) async fn download(
    State(app): State<App>,
    Operator(caller): Operator,
    Id(id): Id<TunnelId>,
) -> Result<Response, ApiError> {
    let mut write = app.write(&caller).await?;
    let row = found(&mut write, &caller.organization, &id).await?;
    let slots = &app.config().slots;
    let number = row.slot as usize;
    let slot = *slots
        .get(number)
        .ok_or_else(|| no_slot(number, slots.len()))?;
    let site = site::get(&mut write, &caller.organization, &row.site_id).await?;
    let site = site.ok_or_else(|| ApiError::not_found("site"))?;
    let password = password(&app, &mut write, &id).await?;
    write
        .audit("tunnel.download-profile", subject(&id), json!({}))
        .await?;
    write.commit().await?;

    let profile = Profile {
        tunnel: &row,
        site: &site.name,
        password: &password,
        slot,
        ca: &app.config().ca,
    };
    let name = profile.file_name();
    let headers = [
        (header::CONTENT_TYPE, "text/plain; charset=utf-8".to_owned()),
        (
            header::CONTENT_DISPOSITION,
            format!("attachment; filename=\"{}\"", name.display()),
        ),
    ];
    Ok((headers, profile.text()).into_response())
}

fn no_slot(number: usize, slots: usize) -> ApiError {
    ApiError::conflict(format!(
        "this tunnel dials slot {} and the configuration has {slots}: whoever runs this installation adds a \
         [[controller.slots]]",
        number + 1
    ))
}

async fn password(
    app: &App,
    conn: &mut holdfast_store::Connection,
    id: &TunnelId,
) -> Result<SecretString, ApiError> {
    let stored = tunnel::credentials(conn, id).await?;
    let stored = stored.ok_or_else(|| ApiError::not_found("tunnel"))?;
    let opened = app.vault().open_text(&tunnel_password(id), &stored.sealed);
    opened.map_err(ApiError::internal)
}
