//! `GET /controller/v1/commands`: what connections are to do, as it is decided.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    extract::State,
    http::{HeaderName, HeaderValue},
    response::{
        IntoResponse,
        sse::{Event, Sse},
    },
};
use futures_util::{Stream, stream};
use holdfast_api_types::{RunId, controller::Command};
use holdfast_store::controller;
use serde::Deserialize;
use tokio::{
    sync::watch,
    time::{Interval, interval},
};

use super::Caller;
use crate::{
    controllers::{Controllers, Life},
    http::{error::ApiError, extract::Query},
};

/// Controllers take a stream for dead that is silent for three times as long.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Which life of the controller asks.
#[derive(Debug, Deserialize)]
pub(super) struct Follow {
    pub(super) run: RunId,
}

pub(super) async fn follow(
    State(controllers): State<Controllers>,
    Caller(controller): Caller,
    Query(Follow { run }): Query<Follow>,
) -> Result<impl IntoResponse, ApiError> {
    let life = controllers.hear(&controller, &run).await;
    // Some proxies collect answers before they pass them on.
    let unbuffered = (
        HeaderName::from_static("x-accel-buffering"),
        HeaderValue::from_static("no"),
    );
    let newer = life.begin_stream();
    // What was ordered while nobody followed.
    controllers.engine().stir(life.source);
    let follower = Follower {
        newer,
        keep_alive: interval(KEEP_ALIVE),
        controllers,
        controller,
        life,
    };
    Ok(([unbuffered], Sse::new(messages(follower))))
}

struct Follower {
    controllers: Controllers,
    controller: controller::Controller,
    life: Arc<Life>,
    newer: watch::Receiver<u64>,
    keep_alive: Interval,
}

fn messages(follower: Follower) -> impl Stream<Item = Result<Event, Infallible>> {
    stream::unfold(follower, async |mut follower| {
        let event = follower.next().await?;
        Some((Ok(event), follower))
    })
}

impl Follower {
    /// None when the stream is over.
    async fn next(&mut self) -> Option<Event> {
        let engine = self.controllers.engine();
        loop {
            tokio::select! {
                biased;
                _ = self.newer.changed() => {
                    // The waking that was meant for the newer stream may have come to us.
                    engine.stir(self.life.source);
                    return None;
                }
                _ = self.keep_alive.tick() => {
                    if !self.is_welcome().await {
                        return None;
                    }
                    return Some(Event::default().comment("here"));
                }
                () = engine.commands_waiting(self.life.source) => {
                    if self.newer.has_changed().unwrap_or(true) {
                        continue;
                    }
                    let commands = engine.take_commands(self.life.source);
                    if !commands.is_empty() {
                        return Some(event(&commands));
                    }
                }
            }
        }
    }

    /// Whether the controller may still speak with us. A database that cannot answer now is no reason to end the stream.
    async fn is_welcome(&self) -> bool {
        let token = &self.controller.token_hash;
        let Ok(mut conn) = self.controllers.app().store().read().await else {
            return true;
        };
        let found = controller::find(&mut conn, token).await;
        found.map_or(true, |found| found.is_some())
    }
}

fn event(commands: &[Command]) -> Event {
    let data = serde_json::to_string(commands).expect("commands are plain data");
    Event::default().event("commands").data(data)
}
