//! Prometheus text. Totals only: a label per tunnel would be tens of thousands of series.

use std::{net::SocketAddr, sync::Arc};

use anyhow::Context;
use axum::{Router, extract::State, http::header, response::IntoResponse, routing::get};
use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};

use crate::{Shared, control_plane::ControlPlane};

pub(crate) struct Metrics {
    registry: Registry,
    tunnels: Gauge,
    connections_before_login: Gauge,
    handshakes_in_progress: Gauge,
    tunnels_up: Counter,
    logins_refused: Counter,
    rekeys: Counter,
    pushes_in_place: Counter,
    probes_sent: Counter,
    connections_ended: Family<Ended, Counter>,
    streams: Gauge,
    stream_bytes: Family<Direction, Counter>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Direction {
    direction: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Ended {
    cause: &'static str,
    logged_in: &'static str,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("holdfast"),
            tunnels: Gauge::default(),
            connections_before_login: Gauge::default(),
            handshakes_in_progress: Gauge::default(),
            tunnels_up: Counter::default(),
            logins_refused: Counter::default(),
            rekeys: Counter::default(),
            pushes_in_place: Counter::default(),
            probes_sent: Counter::default(),
            connections_ended: Family::default(),
            streams: Gauge::default(),
            stream_bytes: Family::default(),
        };
        metrics.register();
        metrics
    }

    fn register(&mut self) {
        let registry = &mut self.registry;
        registry.register("tunnels", "Tunnels connected now", self.tunnels.clone());
        registry.register(
            "connections_before_login",
            "Connections that have not logged in",
            self.connections_before_login.clone(),
        );
        registry.register(
            "handshakes_in_progress",
            "TLS handshakes in progress",
            self.handshakes_in_progress.clone(),
        );
        registry.register(
            "tunnels_up",
            "Tunnels that came up",
            self.tunnels_up.clone(),
        );
        registry.register(
            "logins_refused",
            "Log-ins refused for good",
            self.logins_refused.clone(),
        );
        registry.register("rekeys", "Renegotiated keys", self.rekeys.clone());
        registry.register(
            "pushes_in_place",
            "Route changes sent to living tunnels",
            self.pushes_in_place.clone(),
        );
        registry.register(
            "probes_sent",
            "Echo requests sent into tunnels",
            self.probes_sent.clone(),
        );
        registry.register(
            "connections_ended",
            "Connections ended, by cause and whether they had logged in",
            self.connections_ended.clone(),
        );
        registry.register(
            "streams",
            "Streams to routers open now",
            self.streams.clone(),
        );
        registry.register(
            "stream_bytes",
            "Bytes of streams that are over, by direction",
            self.stream_bytes.clone(),
        );
    }

    pub(crate) fn came_up(&self) {
        self.tunnels_up.inc();
    }

    pub(crate) fn refused(&self) {
        self.logins_refused.inc();
    }

    pub(crate) fn rekeyed(&self) {
        self.rekeys.inc();
    }

    pub(crate) fn pushed_in_place(&self) {
        self.pushes_in_place.inc();
    }

    pub(crate) fn probe_sent(&self) {
        self.probes_sent.inc();
    }

    pub(crate) fn stream_opened(&self) {
        self.streams.inc();
    }

    pub(crate) fn stream_ended(&self, sent: u64, received: u64) {
        self.streams.dec();
        for (direction, bytes) in [("to-router", sent), ("from-router", received)] {
            self.stream_bytes
                .get_or_create(&Direction { direction })
                .inc_by(bytes);
        }
    }

    pub(crate) fn ended(&self, cause: &'static str, logged_in: bool) {
        let logged_in = if logged_in { "yes" } else { "no" };
        self.connections_ended
            .get_or_create(&Ended { cause, logged_in })
            .inc();
    }
}

/// Serves `/metrics` on its own address.
pub(crate) async fn serve<C: ControlPlane>(
    address: SocketAddr,
    shared: Arc<Shared<C>>,
) -> anyhow::Result<()> {
    let listener = tokio::net::TcpListener::bind(address)
        .await
        .with_context(|| format!("metrics: cannot listen on {address}"))?;
    tracing::info!(metrics.address = %listener.local_addr()?, "serving metrics");
    let router = Router::new()
        .route("/metrics", get(text::<C>))
        .with_state(shared.clone());
    // Not a graceful end: that would wait for readers that never finish what they ask.
    shared.spawn_until_stop(async move {
        if let Err(err) = axum::serve(listener, router).await {
            tracing::error!(%err, "metrics are no longer served");
        }
    });
    Ok(())
}

async fn text<C: ControlPlane>(State(shared): State<Arc<Shared<C>>>) -> impl IntoResponse {
    let metrics = &shared.metrics;
    let count = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
    let (connections, handshakes) = shared.registry.unknown();
    metrics.tunnels.set(count(shared.registry.tunnels()));
    metrics.connections_before_login.set(count(connections));
    metrics.handshakes_in_progress.set(count(handshakes));
    let mut body = String::new();
    encode(&mut body, &metrics.registry).expect("writing to a String succeeds");
    (
        [(
            header::CONTENT_TYPE,
            "application/openmetrics-text; version=1.0.0; charset=utf-8",
        )],
        body,
    )
}
