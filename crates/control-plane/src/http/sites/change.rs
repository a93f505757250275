use axum::{Json, extract::State};
use holdfast_api_types::{
    SiteId,
    api::{Change, ChangeSite, Edit, Site},
};
use holdfast_store::site;
use serde_json::{Value, json};

use super::{found, status::view_one, subject};
use crate::{
    App,
    http::{
        auth::Operator,
        error::ApiError,
        extract::{self, Id},
    },
};

/// Change a site
///
/// What is left out stays.
#[utoipa::path(
    patch,
    path = "/sites/{id}",
    operation_id = "change_site",
    tag = "sites",
    params(("id" = SiteId, Path, description = "The site")),
    request_body = ChangeSite,
    responses(
        (status = 200, description = "As it is now", body = Site),
        (status = 409, description = "The name is in use")
    ),
    security(("token" = ["operator"]))
)]
pub(in crate::http) async fn change(
    State(app): State<App>,
    Operator(caller): Operator,
    Id(id): Id<SiteId>,
    extract::Json(wish): extract::Json<ChangeSite>,
) -> Result<Json<Site>, ApiError> {
    let mut write = app.write(&caller).await?;
    let before = found(&mut write, &caller.organization, &id).await?;
    let after = changed(&before, wish);
    if after != before {
        site::update(&mut write, &after).await?;
        let detail = differences(&before, &after);
        write.audit("site.change", subject(&id), detail).await?;
        write.tell(Change::Site {
            site: id.clone(),
            edit: Edit::Changed,
        });
    }
    let view = view_one(&mut write, after).await?;
    write.commit().await?;
    app.reconciler().site_changed(&id);
    Ok(Json(view))
}

fn changed(before: &site::Site, wish: ChangeSite) -> site::Site {
    let mut site = before.clone();
    if let Some(name) = wish.name {
        site.name = name.into();
    }
    if let Some(note) = wish.note {
        site.note = note.into();
    }
    if let Some(hold) = wish.hold_s {
        site.hold_s = hold.get();
    }
    site
}

/// What the audit log says: the new value of each field that changed.
fn differences(before: &site::Site, after: &site::Site) -> Value {
    let mut detail = json!({});
    if before.name != after.name {
        detail["name"] = json!(after.name);
    }
    if before.note != after.note {
        detail["note"] = json!(after.note);
    }
    if before.hold_s != after.hold_s {
        detail["hold_s"] = json!(after.hold_s);
    }
    detail
}
