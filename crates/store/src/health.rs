//! Measurements of tunnels: one sample a second, and what they come to by the minute and by the hour.
//!
//! Seconds are kept for two days, minutes for 90 days, hours for three years; [`maintain`] sees to it. A second, minute
//! or hour without a report is a gap and not a zero: it has no sample and no row, and a chart has `None` there.

pub(crate) mod codec;
mod series;
mod summary;

use holdfast_api_types::TunnelId;
use jiff::Timestamp;

use crate::{Connection, Result, traffic};

pub use series::{MAX_POINTS, Point, Series, series};
use summary::Summary;

/// Seconds for which one-second samples are kept.
pub const SECONDS_KEPT_S: i64 = 48 * HOUR_S;
/// Seconds for which minutes are kept.
pub const MINUTES_KEPT_S: i64 = 90 * 24 * HOUR_S;
/// Seconds for which hours are kept.
pub const HOURS_KEPT_S: i64 = 3 * 365 * 24 * HOUR_S;

const MINUTE_S: i64 = 60;
const HOUR_S: i64 = 3600;

/// An hour is summed up this many seconds after its end, when its last minute has surely been written.
const SETTLE_S: i64 = 120;

/// What one second of probes says of a tunnel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample {
    /// Probes sent.
    pub probes: u16,
    /// Those without an answer.
    pub lost: u16,
    /// Round trip in microseconds; `None` if no probe was answered.
    pub rtt_us: Option<u32>,
    /// Mean deviation between consecutive round trips in microseconds; `None` if there were too few.
    pub jitter_us: Option<u32>,
}

/// The samples of one minute; `None` is a second without a report.
pub type Samples = [Option<Sample>; 60];

/// The minute that a time is in, counted from 1970 UTC.
pub fn minute_of(at: Timestamp) -> i64 {
    at.as_second().div_euclid(MINUTE_S)
}

/// Adds samples to a minute. Seconds that were written before stay, unless `samples` has them as well.
pub async fn record(
    conn: &mut Connection,
    tunnel: &TunnelId,
    minute: i64,
    samples: &Samples,
) -> Result<()> {
    if insert_samples(conn, tunnel, minute, samples).await? {
        return write_minute(conn, tunnel, minute, samples).await;
    }
    // Part of the minute is there: from before a restart, or from another controller.
    let mut merged = read_samples(conn, tunnel, minute).await?;
    for (old, new) in merged.iter_mut().zip(samples) {
        *old = new.or(*old);
    }
    update_samples(conn, tunnel, minute, &merged).await?;
    write_minute(conn, tunnel, minute, &merged).await
}

/// Sums up the hours of a tunnel that are over, and removes what is older than it is kept. Often enough is once an
/// hour; doing it again changes nothing.
pub async fn maintain(conn: &mut Connection, tunnel: &TunnelId, now: Timestamp) -> Result<()> {
    let now = now.as_second();
    let over = (now - SETTLE_S).div_euclid(HOUR_S);
    roll_up(conn, tunnel, over).await?;
    traffic::maintain(conn, tunnel, over, now).await?;

    let tunnel = tunnel.as_str();
    let (seconds, minutes, hours) = (
        (now - SECONDS_KEPT_S).div_euclid(MINUTE_S),
        (now - MINUTES_KEPT_S).div_euclid(MINUTE_S),
        (now - HOURS_KEPT_S).div_euclid(HOUR_S),
    );
    sqlx::query!(
        "delete from health_second where tunnel_id = $1 and minute < $2",
        tunnel,
        seconds,
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "delete from health_minute where tunnel_id = $1 and minute < $2",
        tunnel,
        minutes,
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "delete from health_hour where tunnel_id = $1 and hour < $2",
        tunnel,
        hours
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Sums up the hours before `end`, beginning with the last that was: minutes may have come late.
async fn roll_up(conn: &mut Connection, tunnel: &TunnelId, end: i64) -> Result<()> {
    let from = last_hour(conn, tunnel).await?.unwrap_or(0) * 60;
    let (tunnel, to) = (tunnel.as_str(), end * 60);
    // An average counts as often as it had answers. SQLite's and PostgreSQL's division of integers is the same.
    sqlx::query!(
        "insert into health_hour
                (tunnel_id, hour, probes, lost, rtt_min_us, rtt_avg_us, rtt_max_us, jitter_us)
            select tunnel_id, minute / 60, sum(probes), sum(lost), min(rtt_min_us),
                sum(rtt_avg_us * answers) / sum(case when rtt_avg_us is not null then answers end),
                max(rtt_max_us),
                sum(jitter_us * answers) / sum(case when jitter_us is not null then answers end)
            from (
                select m.*, case when m.probes > m.lost then m.probes - m.lost else 1 end as answers
                from health_minute m where m.tunnel_id = $1 and m.minute >= $2 and m.minute < $3
            ) m
            group by tunnel_id, minute / 60
            on conflict (tunnel_id, hour) do update set probes = excluded.probes, lost = excluded.lost,
                rtt_min_us = excluded.rtt_min_us, rtt_avg_us = excluded.rtt_avg_us,
                rtt_max_us = excluded.rtt_max_us, jitter_us = excluded.jitter_us",
        tunnel,
        from,
        to,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The last hour that was summed up.
async fn last_hour(conn: &mut Connection, tunnel: &TunnelId) -> Result<Option<i64>> {
    let tunnel = tunnel.as_str();
    Ok(sqlx::query_scalar!(
        "select hour from health_hour where tunnel_id = $1 order by hour desc limit 1",
        tunnel,
    )
    .fetch_optional(conn)
    .await?)
}

/// False if the minute has samples already; they stay.
async fn insert_samples(
    conn: &mut Connection,
    tunnel: &TunnelId,
    minute: i64,
    samples: &Samples,
) -> Result<bool> {
    let (tunnel, packed) = (tunnel.as_str(), codec::pack(samples));
    let done = sqlx::query!(
        "insert into health_second (tunnel_id, minute, samples) values ($1, $2, $3)
            on conflict (tunnel_id, minute) do nothing",
        tunnel,
        minute,
        packed,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

async fn read_samples(conn: &mut Connection, tunnel: &TunnelId, minute: i64) -> Result<Samples> {
    let tunnel = tunnel.as_str();
    let packed = sqlx::query_scalar!(
        "select samples from health_second where tunnel_id = $1 and minute = $2",
        tunnel,
        minute,
    )
    .fetch_one(conn)
    .await?;
    Ok(packed.0)
}

async fn update_samples(
    conn: &mut Connection,
    tunnel: &TunnelId,
    minute: i64,
    samples: &Samples,
) -> Result<()> {
    let (tunnel, packed) = (tunnel.as_str(), codec::pack(samples));
    sqlx::query!(
        "update health_second set samples = $3 where tunnel_id = $1 and minute = $2",
        tunnel,
        minute,
        packed,
    )
    .execute(conn)
    .await?;
    Ok(())
}

async fn write_minute(
    conn: &mut Connection,
    tunnel: &TunnelId,
    minute: i64,
    samples: &Samples,
) -> Result<()> {
    let mut summary = Summary::default();
    for sample in samples.iter().flatten() {
        summary.add_sample(sample);
    }
    let Some(row) = summary.finish() else {
        return Ok(());
    };
    let tunnel = tunnel.as_str();
    sqlx::query!(
        "insert into health_minute
                (tunnel_id, minute, probes, lost, rtt_min_us, rtt_avg_us, rtt_max_us, jitter_us)
            values ($1, $2, $3, $4, $5, $6, $7, $8)
            on conflict (tunnel_id, minute) do update set probes = excluded.probes, lost = excluded.lost,
                rtt_min_us = excluded.rtt_min_us, rtt_avg_us = excluded.rtt_avg_us,
                rtt_max_us = excluded.rtt_max_us, jitter_us = excluded.jitter_us",
        tunnel,
        minute,
        row.probes,
        row.lost,
        row.rtt_min_us,
        row.rtt_avg_us,
        row.rtt_max_us,
        row.jitter_us,
    )
    .execute(conn)
    .await?;
    Ok(())
}
