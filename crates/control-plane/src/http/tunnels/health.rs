use axum::{Json, extract::State};
use holdfast_api_types::{
    TunnelId,
    api::{HealthSeries, Moment, Resolution},
};
use holdfast_store::{
    health::{self, MAX_POINTS, Point, Series},
    traffic::{self, Rate},
};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use super::found;
use crate::{
    App,
    http::{
        auth::Viewer,
        error::ApiError,
        extract::{Id, Query},
    },
};

/// Points of a series when the client does not say.
const DEFAULT_POINTS: u32 = 300;

/// Measurements of which time are wanted.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in crate::http) struct Window {
    /// From when on. Left out: an hour before `to`.
    from: Option<Moment>,
    /// Until when. Left out: until now.
    to: Option<Moment>,
    /// At most so many points; steps are as short as that allows.
    #[param(minimum = 2, maximum = 1000, default = 300, example = 300)]
    points: Option<u32>,
}

/// Measurements of a tunnel
///
/// Columns of one length. Second by second for two days, minute by minute for 90 days, hour by hour for three years.
#[utoipa::path(
    get,
    path = "/tunnels/{id}/health",
    operation_id = "show_health",
    tag = "tunnels",
    params(("id" = TunnelId, Path, description = "The tunnel"), Window),
    responses((status = 200, description = "The measurements", body = HealthSeries)),
    security(("token" = ["viewer"]))
)]
pub(in crate::http) async fn health(
    State(app): State<App>,
    Viewer(caller): Viewer,
    Id(id): Id<TunnelId>,
    Query(window): Query<Window>,
) -> Result<Json<HealthSeries>, ApiError> {
    let now = app.clock().now();
    let (from, to, points) = check(&window, now)?;
    let mut conn = app.store().read().await?;
    found(&mut conn, &caller.organization, &id).await?;
    let series = health::series(&mut conn, &id, from, to, points, now).await?;
    let rates = traffic::rates(&mut conn, &id, &series).await?;
    Ok(Json(view(id, &series, &rates)))
}

fn check(window: &Window, now: Timestamp) -> Result<(Timestamp, Timestamp, u32), ApiError> {
    let to = window.to.map_or(now, Moment::get);
    let hour = SignedDuration::from_hours(1);
    let from = window.from.map_or(to - hour, Moment::get);
    if from >= to {
        let message = format!("is not before `to`, {to}: choose an earlier time");
        return Err(ApiError::invalid("from", Some(&from.to_string()), message));
    }
    let points = window.points.unwrap_or(DEFAULT_POINTS);
    if !(2..=MAX_POINTS).contains(&points) {
        let message = format!("use 2 to {MAX_POINTS}");
        return Err(ApiError::invalid(
            "points",
            Some(&points.to_string()),
            message,
        ));
    }
    Ok((from, to, points))
}

fn view(tunnel_id: TunnelId, series: &Series, rates: &[Option<Rate>]) -> HealthSeries {
    let step = i64::from(series.step_s);
    let begins = (0..).map(|index: i64| series.from + SignedDuration::from_secs(index * step));
    let millis = |us: Option<u32>| us.map(|us| f64::from(us) / 1000.0);
    let column = |value: fn(&Point) -> Option<u32>| {
        let points = series.points.iter();
        points
            .map(|point| millis(point.as_ref().and_then(value)))
            .collect()
    };
    HealthSeries {
        tunnel_id,
        resolution: resolution(series.step_s),
        step_s: series.step_s.into(),
        at: begins.take(series.points.len()).collect(),
        probes: series
            .points
            .iter()
            .map(|point| point.map(|point| point.probes.into()))
            .collect(),
        loss_percent: series
            .points
            .iter()
            .map(|point| loss(point.as_ref()?))
            .collect(),
        rtt_min_ms: column(|point| point.rtt_min_us),
        rtt_avg_ms: column(|point| point.rtt_avg_us),
        rtt_max_ms: column(|point| point.rtt_max_us),
        jitter_ms: column(|point| point.jitter_us),
        rx_bits_per_s: rates.iter().map(|rate| Some(rate.as_ref()?.rx)).collect(),
        tx_bits_per_s: rates.iter().map(|rate| Some(rate.as_ref()?.tx)).collect(),
    }
}

fn loss(point: &Point) -> Option<f64> {
    (point.probes > 0).then(|| f64::from(point.lost) * 100.0 / f64::from(point.probes))
}

/// Steps of a minute and longer are made of minutes, those of an hour and longer of hours.
fn resolution(step_s: u32) -> Resolution {
    match step_s {
        0..60 => Resolution::Second,
        60..3600 => Resolution::Minute,
        3600.. => Resolution::Hour,
    }
}
