//! `GET /controller/v1/streams/{id}`: a stream that was ordered is open. The connection becomes the stream.

use axum::{
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use holdfast_api_types::{StreamId, api::ErrorCode, controller::stream::PROTOCOL};
use hyper_util::rt::TokioIo;

use super::{Caller, commands::Follow};
use crate::{
    controllers::{Carried, Controllers},
    http::{
        error::ApiError,
        extract::{Id, Query},
    },
};

pub(super) async fn take(
    State(controllers): State<Controllers>,
    Caller(controller): Caller,
    Id(stream): Id<StreamId>,
    Query(Follow { run }): Query<Follow>,
    request: Request,
) -> Result<Response, ApiError> {
    let life = controllers.hear(&controller, &run).await;
    let (engine, source) = (controllers.engine().clone(), life.source);
    if !asks_for_a_stream(request.headers()) {
        return Err(ApiError::new(
            ErrorCode::Malformed,
            format!(
                "send `connection: upgrade` and `upgrade: {PROTOCOL}`; a proxy has to pass them on"
            ),
        ));
    }
    if !engine.awaits_stream(source, &stream) {
        return Err(ApiError::new(
            ErrorCode::NotFound,
            "nobody waits for this stream, or not any more",
        ));
    }
    let upgraded = hyper::upgrade::on(request);
    tokio::spawn(async move {
        match upgraded.await {
            Ok(connection) => {
                let bytes = Carried::new(TokioIo::new(connection));
                engine.stream_opened(source, &stream, Box::new(bytes));
            }
            Err(err) => {
                let cause = format!("the connection of its controller has broken: {err}");
                engine.stream_failed(source, &stream, cause);
            }
        }
    });
    let headers = [(header::CONNECTION, "upgrade"), (header::UPGRADE, PROTOCOL)];
    Ok((StatusCode::SWITCHING_PROTOCOLS, headers).into_response())
}

fn asks_for_a_stream(headers: &HeaderMap) -> bool {
    let protocol = headers.get(header::UPGRADE);
    protocol.is_some_and(|it| it.as_bytes().eq_ignore_ascii_case(PROTOCOL.as_bytes()))
}
