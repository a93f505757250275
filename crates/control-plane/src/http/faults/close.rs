use axum::{extract::State, http::StatusCode, response::Response};
use holdfast_api_types::{
    FaultId,
    api::{Change, CloseFault, FaultDetail},
};
use holdfast_store::fault;
use serde_json::json;

use super::{found, news, subject, with_comments};
use crate::{
    App,
    http::{auth::Operator, error::ApiError, extract::Id, idempotency::Command},
};

/// Close a fault by hand
///
/// For what need not be looked at any more. It does not mend anything: when the condition ends and shows again, there
/// is a new fault.
#[utoipa::path(
    post,
    path = "/faults/{id}/closure",
    operation_id = "close_fault",
    tag = "faults",
    params(("id" = FaultId, Path, description = "The fault")),
    request_body = CloseFault,
    responses(
        (status = 201, description = "The fault as it is now", body = FaultDetail),
        (status = 409, description = "It has ended already")
    ),
    security(("token" = ["operator"]))
)]
pub(in crate::http) async fn close(
    State(app): State<App>,
    Operator(caller): Operator,
    Id(id): Id<FaultId>,
    command: Command<CloseFault>,
) -> Result<Response, ApiError> {
    let mut write = app.write_once(&caller, command.key).await?;
    let reason = command.body.reason;
    found(&mut write, &caller.organization, &id).await?;
    let end = fault::End {
        at: write.now(),
        cause: reason.as_str(),
        closed_by: Some(&caller.actor.name),
    };
    if !fault::close(&mut write, &id, &end).await? {
        return Err(ApiError::conflict("this fault has ended already"));
    }
    let row = found(&mut write, &caller.organization, &id).await?;
    let detail = json!({ "reason": reason });
    write.audit("fault.close", subject(&id), detail).await?;
    write.tell(Change::FaultClosed(news(&row)));
    let answer = with_comments(&mut write, row).await?;
    write.answer(StatusCode::CREATED, &answer).await
}
