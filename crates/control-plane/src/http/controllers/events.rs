//! `POST /controller/v1/events`: what has happened. A batch without events says only that the controller is there.

use axum::{Json, extract::State};
use holdfast_api_types::controller::http::{EventBatch, EventReceipt};

use super::{Body, Caller};
use crate::{controllers::Controllers, http::error::ApiError};

pub(super) async fn take(
    State(controllers): State<Controllers>,
    Caller(controller): Caller,
    Body(EventBatch { run, events }): Body<EventBatch>,
) -> Result<Json<EventReceipt>, ApiError> {
    let life = controllers.hear(&controller, &run).await;
    let through = controllers.apply(&controller.id, &life, events).await?;
    Ok(Json(EventReceipt { through }))
}
