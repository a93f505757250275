use axum::{extract::State, http::StatusCode, response::Response};
use holdfast_api_types::{
    FaultId,
    api::{Change, Comment, NewComment},
};
use holdfast_store::fault;
use serde_json::json;

use super::{found, news, subject, view_comment};
use crate::{
    App,
    http::{auth::Operator, error::ApiError, extract::Id, idempotency::Command},
    ids::new_id,
};

/// Comment on a fault
///
/// Also on one that has ended.
#[utoipa::path(
    post,
    path = "/faults/{id}/comments",
    operation_id = "comment_fault",
    tag = "faults",
    params(("id" = FaultId, Path, description = "The fault")),
    request_body = NewComment,
    responses((status = 201, description = "The comment", body = Comment)),
    security(("token" = ["operator"]))
)]
pub(in crate::http) async fn comment(
    State(app): State<App>,
    Operator(caller): Operator,
    Id(id): Id<FaultId>,
    command: Command<NewComment>,
) -> Result<Response, ApiError> {
    let mut write = app.write_once(&caller, command.key).await?;
    let row = found(&mut write, &caller.organization, &id).await?;
    let new = fault::Comment {
        id: new_id(write.now()),
        fault_id: id.clone(),
        author: caller.actor.name.clone(),
        at: write.now(),
        text: command.body.text.into(),
    };
    fault::comment(&mut write, &new).await?;
    write
        .audit("fault.comment", subject(&id), json!({ "comment": new.id }))
        .await?;
    write.tell(Change::FaultUpdated(news(&row)));
    write.answer(StatusCode::CREATED, &view_comment(new)).await
}
