//! Measurements: what is written, summed up, kept and charted.

use holdfast_api_types::TunnelId;
use holdfast_store::{
    Connection,
    health::{self, HOURS_KEPT_S, MINUTES_KEPT_S, Point, SECONDS_KEPT_S, Sample, Samples, Series},
};
use jiff::Timestamp;

use crate::fixture::{TestStore, add_organization, add_site, add_tunnel, tunnel_id};

/// The beginning of an hour, and of a day.
const START: i64 = 20_000 * 86_400;

fn second(offset: i64) -> Timestamp {
    Timestamp::from_second(START + offset).unwrap()
}

fn sample(rtt_us: u32) -> Option<Sample> {
    Some(Sample {
        probes: 10,
        lost: 0,
        rtt_us: Some(rtt_us),
        jitter_us: Some(rtt_us / 10),
    })
}

fn point(probes: u32, min: u32, avg: u32, max: u32) -> Point {
    Point {
        probes,
        lost: 0,
        rtt_min_us: Some(min),
        rtt_avg_us: Some(avg),
        rtt_max_us: Some(max),
        jitter_us: Some(avg / 10),
    }
}

async fn store_with_tunnel() -> (TestStore, TunnelId) {
    let store = TestStore::new().await;
    let acme = add_organization(&store, "acme").await;
    let site = add_site(&store, "head-office", &acme).await;
    add_tunnel(&store, "fibre", &acme, &site).await;
    (store, tunnel_id("fibre"))
}

/// Writes a minute, counted from `START`, that has the same sample in every second.
async fn record_minute(conn: &mut Connection, tunnel: &TunnelId, minute: i64, rtt_us: u32) {
    let samples: Samples = [sample(rtt_us); 60];
    let minute = health::minute_of(second(0)) + minute;
    health::record(conn, tunnel, minute, &samples)
        .await
        .unwrap();
}

async fn chart(conn: &mut Connection, from: i64, to: i64, points: u32, now: i64) -> Series {
    health::series(
        conn,
        &tunnel_id("fibre"),
        second(from),
        second(to),
        points,
        second(now),
    )
    .await
    .unwrap()
}

#[tokio::test]
async fn seconds_without_a_report_are_gaps_in_the_chart() {
    let (store, tunnel) = store_with_tunnel().await;
    let mut tx = store.write().await.unwrap();
    let mut samples: Samples = [None; 60];
    samples[1] = sample(1000);
    samples[3] = Some(Sample {
        probes: 10,
        lost: 10,
        rtt_us: None,
        jitter_us: None,
    });
    health::record(&mut tx, &tunnel, health::minute_of(second(0)), &samples)
        .await
        .unwrap();

    let series = chart(&mut tx, 0, 5, 1000, 60).await;

    assert_eq!((series.from, series.step_s), (second(0), 1));
    let lost = Point {
        probes: 10,
        lost: 10,
        rtt_min_us: None,
        rtt_avg_us: None,
        rtt_max_us: None,
        jitter_us: None,
    };
    let expected = [
        None,
        Some(point(10, 1000, 1000, 1000)),
        None,
        Some(lost),
        None,
    ];
    assert_eq!(series.points, expected);
}

#[tokio::test]
async fn a_minute_written_in_two_parts_is_whole() {
    let (store, tunnel) = store_with_tunnel().await;
    let mut tx = store.write().await.unwrap();
    let minute = health::minute_of(second(0));
    let (mut early, mut late): (Samples, Samples) = ([None; 60], [None; 60]);
    (early[0], early[1]) = (sample(1000), sample(1000));
    (late[1], late[59]) = (sample(3000), sample(5000));
    health::record(&mut tx, &tunnel, minute, &early)
        .await
        .unwrap();
    health::record(&mut tx, &tunnel, minute, &late)
        .await
        .unwrap();

    let seconds = chart(&mut tx, 0, 60, 1000, 60).await;
    let minutes = chart(&mut tx, 0, 120, 3, 60).await;

    assert_eq!(seconds.points.iter().flatten().count(), 3);
    assert_eq!(seconds.points[1], Some(point(10, 3000, 3000, 3000)));
    assert_eq!(minutes.step_s, 60);
    assert_eq!(minutes.points, [Some(point(30, 1000, 3000, 5000)), None]);
}

#[tokio::test]
async fn a_minute_without_any_report_leaves_no_row() {
    let (store, tunnel) = store_with_tunnel().await;
    let mut tx = store.write().await.unwrap();
    health::record(&mut tx, &tunnel, health::minute_of(second(0)), &[None; 60])
        .await
        .unwrap();
    let series = chart(&mut tx, 0, 120, 3, 60).await;
    assert_eq!(series.points, [None, None]);
}

#[tokio::test]
async fn an_average_counts_as_often_as_it_had_answers() {
    let (store, tunnel) = store_with_tunnel().await;
    let mut tx = store.write().await.unwrap();
    let mut samples: Samples = [None; 60];
    samples[0] = Some(Sample {
        probes: 30,
        lost: 0,
        rtt_us: Some(1000),
        jitter_us: None,
    });
    samples[1] = Some(Sample {
        probes: 30,
        lost: 20,
        rtt_us: Some(5000),
        jitter_us: None,
    });
    health::record(&mut tx, &tunnel, health::minute_of(second(0)), &samples)
        .await
        .unwrap();
    health::maintain(&mut tx, &tunnel, second(3 * 3600))
        .await
        .unwrap();

    for points in [3, 2] {
        let series = chart(&mut tx, 0, 3600 * i64::from(points - 1), points, 0).await;
        let first = series.points[0].unwrap();
        assert_eq!((first.probes, first.lost), (60, 20), "{}", series.step_s);
        assert_eq!(first.rtt_avg_us, Some(2000), "{}", series.step_s);
        assert_eq!(first.jitter_us, None);
    }
}

#[tokio::test]
async fn hours_are_summed_up_when_they_are_over_and_the_rest_comes_from_minutes() {
    let (store, tunnel) = store_with_tunnel().await;
    let mut tx = store.write().await.unwrap();
    for (minute, rtt_us) in [(0, 1000), (59, 3000), (60, 7000), (130, 9000)] {
        record_minute(&mut tx, &tunnel, minute, rtt_us).await;
    }
    let expected = [
        Some(point(1200, 1000, 2000, 3000)),
        Some(point(600, 7000, 7000, 7000)),
        Some(point(600, 9000, 9000, 9000)),
        None,
    ];
    // Before, between and after the hours are summed up the chart is the same.
    for now in [0, 3600 + 119, 3600 + 120, 2 * 3600 + 120, 3 * 3600 + 120] {
        health::maintain(&mut tx, &tunnel, second(now))
            .await
            .unwrap();
        let series = chart(&mut tx, 0, 4 * 3600, 5, now).await;
        assert_eq!((series.step_s, series.from), (3600, second(0)));
        assert_eq!(series.points, expected, "{now}");
    }
}

#[tokio::test]
async fn minutes_that_came_late_count_in_the_last_hour() {
    let (store, tunnel) = store_with_tunnel().await;
    let mut tx = store.write().await.unwrap();
    record_minute(&mut tx, &tunnel, 0, 1000).await;
    health::maintain(&mut tx, &tunnel, second(2 * 3600))
        .await
        .unwrap();
    record_minute(&mut tx, &tunnel, 1, 3000).await;
    health::maintain(&mut tx, &tunnel, second(3 * 3600))
        .await
        .unwrap();

    let series = chart(&mut tx, 0, 3600, 2, MINUTES_KEPT_S + 10).await;

    assert_eq!(series.step_s, 3600);
    assert_eq!(series.points, [Some(point(1200, 1000, 2000, 3000))]);
}

#[tokio::test]
async fn each_resolution_is_kept_as_long_as_it_should_be() {
    let (store, tunnel) = store_with_tunnel().await;
    let mut tx = store.write().await.unwrap();
    record_minute(&mut tx, &tunnel, 0, 1000).await;

    for (now, tables) in [
        (SECONDS_KEPT_S, [1, 1, 1]),
        (SECONDS_KEPT_S + 60, [0, 1, 1]),
        (MINUTES_KEPT_S, [0, 1, 1]),
        (MINUTES_KEPT_S + 60, [0, 0, 1]),
        (HOURS_KEPT_S, [0, 0, 1]),
        (HOURS_KEPT_S + 3600, [0, 0, 0]),
    ] {
        health::maintain(&mut tx, &tunnel, second(now))
            .await
            .unwrap();
        let mut rows = [0i64; 3];
        for (count, query) in rows.iter_mut().zip([
            "select count(*) from health_second",
            "select count(*) from health_minute",
            "select count(*) from health_hour",
        ]) {
            *count = sqlx::query_scalar(query).fetch_one(&mut *tx).await.unwrap();
        }
        assert_eq!(rows, tables, "{now}");

        // What is left of it is what a chart shows.
        let series = chart(&mut tx, 0, 60, 1000, now).await;
        let any = series.points.iter().any(Option::is_some);
        assert_eq!(
            any,
            tables != [0, 0, 0],
            "{now}, steps of {} s",
            series.step_s
        );
    }
}

#[tokio::test]
async fn a_chart_of_any_length_has_at_most_a_thousand_points() {
    let (store, _) = store_with_tunnel().await;
    let mut tx = store.write().await.unwrap();
    for (days, step_s) in [
        (1, 120),
        (2, 300),
        (30, 3600),
        (90, 10_800),
        (1095, 172_800),
    ] {
        let span = days * 86_400;
        let series = chart(&mut tx, -span, 0, 5000, 0).await;
        assert_eq!(series.step_s, step_s, "{days} days");
        assert!(series.points.len() <= 1000);
    }
}
