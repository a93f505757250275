//! Everything the API can do, in the order in which a newcomer meets it.

use axum::{Router, middleware::from_fn_with_state};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{audit, health, layers, openapi, organization, session, setup, tokens, users};
use crate::{App, events::sse};

/// The whole API as a service.
pub fn router(app: App) -> Router {
    let (router, _) = endpoints().split_for_parts();
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
        // Who changed what, and what changes now.
        .routes(routes!(audit::list::list))
        .routes(routes!(sse::listen))
}
