use axum::{extract::State, http::StatusCode, response::Response};
use holdfast_api_types::{
    SiteId,
    api::{ConfigureTunnel, Label, TUNNELS_OF_A_SITE, Tunnel},
};
use holdfast_store::tunnel;

use super::{blank, configured_link, created, settings, subject, view};
use crate::{
    App,
    http::{
        auth::Operator, error::ApiError, extract::Id, failover::must_be_enabled,
        idempotency::Command, routers, sites,
    },
};

/// Add a tunnel to a site
///
/// It gets the last rank and a password. It can be configured at once, or later.
#[utoipa::path(
    post,
    path = "/sites/{id}/tunnels",
    operation_id = "add_tunnel",
    tag = "tunnels",
    params(("id" = SiteId, Path, description = "The site")),
    request_body = ConfigureTunnel,
    responses(
        (status = 201, description = "The tunnel", body = Tunnel),
        (status = 409, description = "Failover is not enabled, or the site has as many tunnels as it may")
    ),
    security(("token" = ["operator"]))
)]
pub(in crate::http) async fn add(
    State(app): State<App>,
    Operator(caller): Operator,
    Id(id): Id<SiteId>,
    command: Command<ConfigureTunnel>,
) -> Result<Response, ApiError> {
    let wish = command.body;
    let mut write = app.write_once(&caller, command.key).await?;
    let site = sites::found(&mut write, &caller.organization, &id).await?;
    must_be_enabled(&site)?;
    let others = tunnel::of_site(&mut write, &id).await?;
    let most = *TUNNELS_OF_A_SITE.end();
    if others.len() >= most {
        let message = format!("a site has at most {most} tunnels: remove one first");
        return Err(ApiError::conflict(message));
    }
    let name = wish.name.clone().unwrap_or_else(|| free_name(&others));
    let mut new = blank(&app, &site, name, write.now());
    let before = new.settings.clone();
    new.settings = settings::changed(&before, wish)?;
    settings::unused_name(&new.settings.name, &others, None)?;
    settings::usable_gateway(&mut write, &id, &new.settings).await?;
    new.link = configured_link(&new.settings, write.now());

    let row = tunnel::insert(&mut write, new).await?;
    created(&mut write, &row).await?;
    let mut detail = settings::differences(&before, &row.settings);
    detail["name"] = row.settings.name.clone().into();
    write.audit("tunnel.add", subject(&row.id), detail).await?;
    routers::follow(&mut write, &caller, &id).await?;
    let answer = write.answer(StatusCode::CREATED, &view(row)).await?;
    app.reconciler().site_changed(&id);
    Ok(answer)
}

/// `WAN` and the first number that no tunnel of the site has.
fn free_name(others: &[tunnel::Tunnel]) -> Label {
    let taken = |name: &String| others.iter().any(|other| other.settings.name == *name);
    let name = (1..)
        .map(|number| format!("WAN {number}"))
        .find(|name| !taken(name))
        .and_then(|name| Label::try_from(name).ok());
    name.expect("there are more numbers than tunnels")
}
