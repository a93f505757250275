//! Traffic through the WAN interfaces of tunnels, as their routers count it: bytes by the minute and by the hour.
//!
//! Minutes are kept for 90 days, hours for three years. When a router was not asked there is no row, and a chart has a
//! gap there and no zero.

use holdfast_api_types::TunnelId;

use crate::{
    Connection, Result,
    health::{HOURS_KEPT_S, MINUTES_KEPT_S, Series},
};

const MINUTE_S: i64 = 60;
const HOUR_S: i64 = 3600;

/// Bytes that went through the WAN interface of a tunnel in some seconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Received bytes.
    pub rx_bytes: u64,
    /// Sent bytes.
    pub tx_bytes: u64,
    /// In so many seconds.
    pub measured_s: u32,
}

/// How much goes through a WAN interface, in bits per second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Received.
    pub rx: u64,
    /// Sent.
    pub tx: u64,
}

/// Adds to what is known of a minute since 1970 UTC.
pub async fn add(
    conn: &mut Connection,
    tunnel: &TunnelId,
    minute: i64,
    traffic: Traffic,
) -> Result<()> {
    let tunnel = tunnel.as_str();
    let (rx, tx) = (stored(traffic.rx_bytes), stored(traffic.tx_bytes));
    sqlx::query!(
        "insert into traffic_minute (tunnel_id, minute, rx_bytes, tx_bytes, measured_s) values ($1, $2, $3, $4, $5)
            on conflict (tunnel_id, minute) do update set rx_bytes = traffic_minute.rx_bytes + excluded.rx_bytes,
                tx_bytes = traffic_minute.tx_bytes + excluded.tx_bytes,
                measured_s = traffic_minute.measured_s + excluded.measured_s",
        tunnel,
        minute,
        rx,
        tx,
        traffic.measured_s,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// How much went through a WAN interface in each step of a series; `None` where the router was not asked.
pub async fn rates(
    conn: &mut Connection,
    tunnel: &TunnelId,
    series: &Series,
) -> Result<Vec<Option<Rate>>> {
    let (from, step) = (series.from.as_second(), i64::from(series.step_s));
    let count = i64::try_from(series.points.len()).unwrap_or(i64::MAX);
    let mut sums = vec![Traffic::default(); series.points.len()];
    for row in rows(conn, tunnel, from, from + step * count, step).await? {
        // A row longer than a step says the same of each step in it.
        let first = (row.begin - from).div_euclid(step).max(0);
        let last = (row.begin + row.length - 1 - from)
            .div_euclid(step)
            .min(count - 1);
        for index in first..=last {
            if let Some(sum) = usize::try_from(index).ok().and_then(|at| sums.get_mut(at)) {
                sum.rx_bytes += row.traffic.rx_bytes;
                sum.tx_bytes += row.traffic.tx_bytes;
                sum.measured_s += row.traffic.measured_s;
            }
        }
    }
    Ok(sums.into_iter().map(Traffic::rate).collect())
}

/// Sums up the hours that are over before the hour `end`, counted since 1970 UTC, and removes what is older than it is
/// kept.
pub(crate) async fn maintain(
    conn: &mut Connection,
    tunnel: &TunnelId,
    end: i64,
    now: i64,
) -> Result<()> {
    let from = last_hour(conn, tunnel).await?.unwrap_or(0) * 60;
    let (tunnel, to) = (tunnel.as_str(), end * 60);
    let (minutes, hours) = (
        (now - MINUTES_KEPT_S).div_euclid(MINUTE_S),
        (now - HOURS_KEPT_S).div_euclid(HOUR_S),
    );
    sqlx::query!(
        "insert into traffic_hour (tunnel_id, hour, rx_bytes, tx_bytes, measured_s)
            select tunnel_id, minute / 60, sum(rx_bytes), sum(tx_bytes), sum(measured_s) from traffic_minute
            where tunnel_id = $1 and minute >= $2 and minute < $3 group by tunnel_id, minute / 60
            on conflict (tunnel_id, hour) do update set rx_bytes = excluded.rx_bytes,
                tx_bytes = excluded.tx_bytes, measured_s = excluded.measured_s",
        tunnel,
        from,
        to,
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "delete from traffic_minute where tunnel_id = $1 and minute < $2",
        tunnel,
        minutes,
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "delete from traffic_hour where tunnel_id = $1 and hour < $2",
        tunnel,
        hours,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What is known of some seconds, both in seconds since 1970 UTC.
struct Row {
    begin: i64,
    length: i64,
    traffic: Traffic,
}

/// Hours for steps of hours, with minutes where those are not summed up yet; minutes for all others.
async fn rows(
    conn: &mut Connection,
    tunnel: &TunnelId,
    from: i64,
    to: i64,
    step: i64,
) -> Result<Vec<Row>> {
    let mut minutes_from = from;
    let mut rows = Vec::new();
    if step >= HOUR_S {
        rows = hours(conn, tunnel, from, to).await?;
        if let Some(last) = last_hour(conn, tunnel).await? {
            minutes_from = from.max((last + 1) * HOUR_S);
        }
    }
    let id = tunnel.as_str();
    let (first, end) = (
        minutes_from.div_euclid(MINUTE_S),
        (to + MINUTE_S - 1).div_euclid(MINUTE_S),
    );
    let minutes = sqlx::query!(
        "select minute, rx_bytes, tx_bytes, measured_s from traffic_minute
            where tunnel_id = $1 and minute >= $2 and minute < $3",
        id,
        first,
        end,
    )
    .fetch_all(conn)
    .await?;
    rows.extend(minutes.into_iter().map(|row| Row {
        begin: row.minute * MINUTE_S,
        length: MINUTE_S,
        traffic: Traffic::read(row.rx_bytes, row.tx_bytes, row.measured_s),
    }));
    Ok(rows)
}

async fn hours(conn: &mut Connection, tunnel: &TunnelId, from: i64, to: i64) -> Result<Vec<Row>> {
    let tunnel = tunnel.as_str();
    let (first, end) = (from.div_euclid(HOUR_S), to.div_euclid(HOUR_S));
    let hours = sqlx::query!(
        "select hour, rx_bytes, tx_bytes, measured_s from traffic_hour
            where tunnel_id = $1 and hour >= $2 and hour < $3",
        tunnel,
        first,
        end,
    )
    .fetch_all(conn)
    .await?;
    let row = |hour: i64, traffic| Row {
        begin: hour * HOUR_S,
        length: HOUR_S,
        traffic,
    };
    Ok(hours
        .into_iter()
        .map(|it| {
            row(
                it.hour,
                Traffic::read(it.rx_bytes, it.tx_bytes, it.measured_s),
            )
        })
        .collect())
}

/// The last hour that was summed up.
async fn last_hour(conn: &mut Connection, tunnel: &TunnelId) -> Result<Option<i64>> {
    let tunnel = tunnel.as_str();
    Ok(sqlx::query_scalar!(
        "select hour from traffic_hour where tunnel_id = $1 order by hour desc limit 1",
        tunnel,
    )
    .fetch_optional(conn)
    .await?)
}

impl Traffic {
    /// What was written is never negative.
    fn read(rx_bytes: i64, tx_bytes: i64, measured_s: i64) -> Self {
        Self {
            rx_bytes: rx_bytes.try_into().unwrap_or(0),
            tx_bytes: tx_bytes.try_into().unwrap_or(0),
            measured_s: measured_s.try_into().unwrap_or(0),
        }
    }

    fn rate(self) -> Option<Rate> {
        let seconds = u64::from(self.measured_s);
        let per_second = |bytes: u64| bytes.saturating_mul(8).checked_div(seconds);
        Some(Rate {
            rx: per_second(self.rx_bytes)?,
            tx: per_second(self.tx_bytes)?,
        })
    }
}

fn stored(bytes: u64) -> i64 {
    bytes.try_into().unwrap_or(i64::MAX)
}
