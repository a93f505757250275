use axum::{Json, extract::State};
use holdfast_api_types::{
    RouterAccess, SiteId,
    api::{DirectAccess, Router, SetAccess},
};
use holdfast_store::router::{self, ApiLogin, Direct};
use secrecy::ExposeSecret;
use serde_json::json;

use super::{tell_changed, view};
use crate::{
    App,
    http::{adoption::blank, auth::Owner, error::ApiError, extract, extract::Id, sites},
    vault::router_password,
};

/// Say how the router of a site is reached
///
/// Through its own tunnels, as adoption makes it, or at an address of its own with a user that you made there. A
/// router with an address of its own needs no adoption.
#[utoipa::path(
    put,
    path = "/sites/{id}/router/access",
    operation_id = "set_router_access",
    tag = "routers",
    params(("id" = SiteId, Path, description = "The site")),
    request_body = SetAccess,
    responses(
        (status = 200, description = "The router", body = Router),
        (status = 409, description = "Its own tunnels cannot lead to a router that was not adopted")
    ),
    security(("token" = ["owner"]))
)]
pub(in crate::http) async fn set(
    State(app): State<App>,
    Owner(caller): Owner,
    Id(id): Id<SiteId>,
    extract::Json(wish): extract::Json<SetAccess>,
) -> Result<Json<Router>, ApiError> {
    let direct = match wish {
        SetAccess::Tunnel => None,
        SetAccess::Direct(direct) => Some(checked(&app, &id, direct)?),
    };
    let mut write = app.write(&caller).await?;
    sites::found(&mut write, &caller.organization, &id).await?;
    let before = router::of_site(&mut write, &id).await?;
    match &before {
        Some(row) if direct.is_some() || row.direct.is_none() => {}
        // The user of an address of its own is not the one that adoption makes.
        Some(_) | None if direct.is_none() => {
            return Err(ApiError::conflict(
                "its own tunnels do not lead to this router: adopt it with POST /sites/{id}/adoption",
            ));
        }
        Some(_) => {}
        None => {
            let (_, handed) = blank(&app, &id, write.now());
            let now = write.now();
            router::insert(&mut write, &caller.organization, &id, &handed, now).await?;
        }
    }
    if let Some((direct, login)) = &direct {
        router::set_access(&mut write, &id, Some(direct), Some(login)).await?;
    }
    let detail = match &direct {
        Some((to, login)) => {
            json!({ "kind": RouterAccess::Direct, "address": to.address, "port": to.port,
            "tls": to.tls, "user": login.user })
        }
        None => json!({ "kind": RouterAccess::Tunnel }),
    };
    write
        .audit("router.access", sites::subject(&id), detail)
        .await?;
    let row = super::found(&mut write, &caller.organization, &id).await?;
    tell_changed(&mut write, &id, row.state);
    write.commit().await?;
    app.routers().dismiss(&id);
    Ok(Json(view(&app, row)))
}

fn checked(app: &App, site: &SiteId, wish: DirectAccess) -> Result<(Direct, ApiLogin), ApiError> {
    let fingerprint = wish.fingerprint.map(|text| {
        let digits = text.replace(':', "");
        let mut bytes = [0; 32];
        hex::decode_to_slice(&digits, &mut bytes)
            .map(|()| bytes)
            .map_err(|_| {
                let message = "is no SHA-256: use its 64 hexadecimal digits, as /certificate print detail shows them";
                ApiError::invalid("fingerprint", Some(&text), message)
            })
    });
    let fingerprint = fingerprint.transpose()?;
    if fingerprint.is_some() && !wish.tls {
        let message = "is only for TLS: set tls to true, or leave it out";
        return Err(ApiError::invalid("fingerprint", None, message));
    }
    let password = wish.password.expose_secret().as_bytes();
    Ok((
        Direct {
            address: wish.address.to_string(),
            port: wish.port.get(),
            tls: wish.tls,
            fingerprint,
        },
        ApiLogin {
            user: wish.user.into(),
            password_sealed: app.vault().seal(&router_password(site), password),
        },
    ))
}
