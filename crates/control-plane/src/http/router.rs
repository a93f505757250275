//! Everything the API can do, in the order in which a newcomer meets it.

use axum::{Router, middleware::from_fn_with_state};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    adoption, audit, failover, faults, health, jobs, lab, layers, openapi, organization, priority,
    routers, session, setup, sites, tokens, tunnels, users,
};
use crate::{App, events::sse};

/// The whole API as a service.
pub fn router(app: App) -> Router {
    service(endpoints(), app)
}

/// The part of it that routers ask, for a listener of theirs: nobody logs in there.
pub fn for_routers(app: App) -> Router {
    service(
        OpenApiRouter::new().nest("/api/v1", asked_by_routers()),
        app,
    )
}

fn service(endpoints: OpenApiRouter<App>, app: App) -> Router {
    let (router, _) = endpoints.split_for_parts();
    router
        .fallback(layers::no_such_path)
        .method_not_allowed_fallback(layers::no_such_method)
        .layer(from_fn_with_state(app.clone(), layers::outermost))
        .with_state(app)
}

/// The endpoints, with the description of each.
pub(super) fn endpoints() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(openapi::about()).nest("/api/v1", resources())
}

fn resources() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        // What needs no log-in.
        .routes(routes!(health::health))
        .routes(routes!(openapi::openapi))
        .routes(routes!(setup::show::show, setup::claim::claim))
        // Who you are.
        .routes(routes!(
            session::log_in::log_in,
            session::show::show,
            session::log_out::log_out
        ))
        .routes(routes!(session::password::change))
        // Your organization and who belongs to it.
        .routes(routes!(
            organization::show::show,
            organization::change::change
        ))
        .routes(routes!(users::list::list, users::create::create))
        .routes(routes!(
            users::show::show,
            users::change::change,
            users::remove::remove
        ))
        .routes(routes!(tokens::list::list, tokens::create::create))
        .routes(routes!(tokens::revoke::revoke))
        // Sites, and failover on them.
        .routes(routes!(sites::list::list, sites::create::create))
        .routes(routes!(
            sites::show::show,
            sites::change::change,
            sites::remove::remove
        ))
        .routes(routes!(
            failover::show::show,
            failover::enable::enable,
            failover::deactivate::deactivate
        ))
        .routes(routes!(failover::announce::announce))
        // Their tunnels.
        .routes(routes!(tunnels::list::list, tunnels::add::add))
        .routes(routes!(tunnels::fleet::fleet))
        .routes(routes!(
            tunnels::show::show,
            tunnels::configure::configure,
            tunnels::remove::remove
        ))
        .routes(routes!(tunnels::profile::download))
        .routes(routes!(tunnels::credentials::renew))
        .routes(routes!(tunnels::force::force, tunnels::release::release))
        .routes(routes!(tunnels::health::health))
        .routes(routes!(tunnels::states::states))
        // Their routers.
        .routes(routes!(adoption::show::show, adoption::create::create))
        .routes(routes!(
            routers::show::show,
            routers::change::change,
            routers::release::release
        ))
        .routes(routes!(routers::access::set))
        .routes(routes!(routers::interfaces::interfaces))
        .routes(routes!(routers::gateways::gateways))
        .routes(routes!(routers::plan::plan))
        .routes(routes!(routers::configure::configure))
        // What routers themselves ask.
        .merge(asked_by_routers())
        // Which tunnel comes first.
        .routes(routes!(priority::show::show, priority::replace::replace))
        .routes(routes!(priority::preview::preview))
        .routes(routes!(jobs::list::list))
        .routes(routes!(jobs::show::show))
        .routes(routes!(jobs::log::log))
        .routes(routes!(jobs::cancel::cancel))
        .routes(routes!(jobs::retry::retry))
        // What went wrong.
        .routes(routes!(faults::list::list))
        .routes(routes!(faults::csv::download))
        .routes(routes!(faults::show::show))
        .routes(routes!(faults::comment::comment))
        .routes(routes!(faults::close::close))
        // Who changed what, and what changes now.
        .routes(routes!(audit::list::list))
        .routes(routes!(sse::listen))
        // In a lab: what can be broken.
        .routes(routes!(lab::show::show))
        .routes(routes!(lab::set_line::set_line))
}

fn asked_by_routers() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(adoption::authority::authority))
        .routes(routes!(adoption::script::script))
        .routes(routes!(adoption::progress::progress))
        .routes(routes!(adoption::check_in::check_in))
}
