//! `GET /events`: live events as server-sent events.

use std::{collections::VecDeque, convert::Infallible, time::Duration};

use axum::{
    extract::State,
    http::{HeaderMap, HeaderName, HeaderValue},
    response::{IntoResponse, Sse, sse},
};
use futures_util::{Stream, stream};
use holdfast_api_types::api::LiveEvent;
use serde::Deserialize;
use tokio::time::{Interval, interval};

use super::{Message, Subscription, TooManyListeners};
use crate::{
    App,
    http::{
        auth::{Caller, Viewer},
        error::ApiError,
        extract::Query,
    },
};

/// How often a silent stream says that it lives, and whether its log-in still holds is looked up.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// How long a browser waits before it comes back.
const RETRY: Duration = Duration::from_secs(2);

/// Where to begin.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Since {
    /// Serial of the last event you have; the header `Last-Event-ID`, which browsers send, counts before it.
    #[param(example = "5f3a9c01-1042")]
    after: Option<String>,
}

/// Listen to what changes
///
/// Server-sent events. Without a serial the first message is a `snapshot`, with one that is too old or from before a
/// restart a `reset`: read what you show, every change after the message's serial follows. With a serial that is still
/// kept, what you missed follows at once. Messages are named as the `kind` in their data. A comment every 15 s shows
/// that the stream lives; it ends when the log-in does.
#[utoipa::path(
    get,
    path = "/events",
    operation_id = "listen",
    tag = "events",
    params(
        Since,
        ("Last-Event-ID" = Option<String>, Header, description = "Serial of the last event you have")
    ),
    responses((status = 200, description = "Events, until you hang up", body = LiveEvent,
        content_type = "text/event-stream")),
    security(("token" = ["viewer"]))
)]
pub(crate) async fn listen(
    State(app): State<App>,
    Viewer(caller): Viewer,
    headers: HeaderMap,
    Query(since): Query<Since>,
) -> Result<impl IntoResponse, ApiError> {
    let last = headers.get("last-event-id").and_then(|id| id.to_str().ok());
    let after = last.or(since.after.as_deref());
    let subscription = app.bus().subscribe(&caller.organization, after)?;
    // Some proxies collect answers before they pass them on.
    let unbuffered = (
        HeaderName::from_static("x-accel-buffering"),
        HeaderValue::from_static("no"),
    );
    Ok(([unbuffered], Sse::new(messages(app, caller, subscription))))
}

impl From<TooManyListeners> for ApiError {
    fn from(err: TooManyListeners) -> Self {
        Self::unavailable(format!("{err}: close some"), Duration::from_secs(10))
    }
}

struct Listener {
    app: App,
    caller: Caller,
    subscription: Subscription,
    waiting: VecDeque<Message>,
    keep_alive: Interval,
}

fn messages(
    app: App,
    caller: Caller,
    subscription: Subscription,
) -> impl Stream<Item = Result<sse::Event, Infallible>> {
    let listener = Listener {
        app,
        caller,
        subscription,
        waiting: VecDeque::new(),
        keep_alive: interval(KEEP_ALIVE),
    };
    stream::unfold(listener, async |mut listener| {
        let event = listener.next().await?;
        Some((Ok(event), listener))
    })
}

impl Listener {
    async fn next(&mut self) -> Option<sse::Event> {
        loop {
            if let Some(message) = self.waiting.pop_front() {
                return Some(event(&message));
            }
            tokio::select! {
                // First, because a stream that is never silent must end with its log-in as well.
                biased;
                _ = self.keep_alive.tick() => {
                    if !self.still_welcome().await {
                        return None;
                    }
                    return Some(sse::Event::default().comment("here").retry(RETRY));
                }
                messages = self.subscription.next() => self.waiting.extend(messages?),
            }
        }
    }

    /// A database that cannot answer now is no reason to end it.
    async fn still_welcome(&self) -> bool {
        match self.caller.refreshed(&self.app).await {
            Ok(caller) => caller.is_some(),
            Err(_) => true,
        }
    }
}

fn event(message: &Message) -> sse::Event {
    let (name, serial, data) = match message {
        Message::Snapshot(mark) => ("snapshot", &mark.serial, serde_json::to_string(mark)),
        Message::Reset(mark) => ("reset", &mark.serial, serde_json::to_string(mark)),
        Message::Event { serial, event } => {
            (event.change.kind(), serial, serde_json::to_string(&**event))
        }
    };
    let data = data.expect("events are plain data");
    sse::Event::default().event(name).id(serial).data(data)
}
