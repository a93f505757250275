//! A chart's worth of measurements, from whichever resolution suits its length and age.

use holdfast_api_types::TunnelId;
use jiff::Timestamp;

use super::{HOUR_S, MINUTE_S, MINUTES_KEPT_S, SECONDS_KEPT_S, last_hour, summary::Summary};
use crate::{Connection, Result};

/// Most points of a series.
pub const MAX_POINTS: u32 = 1000;

/// Steps that people read easily, in seconds. Each from a minute on is whole minutes, each from an hour on whole hours.
const STEPS: [i64; 20] = [
    1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 14_400, 21_600, 43_200,
    86_400, 172_800,
];

/// Measurements of a tunnel over some time, in equal steps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Series {
    /// When the first step begins: a multiple of the step.
    pub from: Timestamp,
    /// Length of a step in seconds.
    pub step_s: u32,
    /// One value a step; `None` where nothing was reported.
    pub points: Vec<Option<Point>>,
}

/// What the probes of one step say of a tunnel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Point {
    /// Probes sent.
    pub probes: u32,
    /// Those without an answer.
    pub lost: u32,
    /// Shortest round trip in microseconds; `None` if no probe was answered.
    pub rtt_min_us: Option<u32>,
    /// Average round trip in microseconds.
    pub rtt_avg_us: Option<u32>,
    /// Longest round trip in microseconds.
    pub rtt_max_us: Option<u32>,
    /// Average jitter in microseconds; `None` if there were too few answers.
    pub jitter_us: Option<u32>,
}

/// The measurements of a tunnel from `from` until before `to`, in at most `points` steps (2 to [`MAX_POINTS`], other
/// numbers are moved to the nearer end).
///
/// Steps are as short as the number of points allows, and no shorter than what is kept of a time that long before
/// `now`.
pub async fn series(
    conn: &mut Connection,
    tunnel: &TunnelId,
    from: Timestamp,
    to: Timestamp,
    points: u32,
    now: Timestamp,
) -> Result<Series> {
    let mut steps = Steps::new(from.as_second(), to.as_second(), points, now.as_second());
    if steps.step < MINUTE_S {
        read_seconds(conn, tunnel, &mut steps).await?;
    } else if steps.step < HOUR_S {
        let from = steps.from.div_euclid(MINUTE_S);
        read_minutes(conn, tunnel, from, &mut steps).await?;
    } else {
        read_hours(conn, tunnel, &mut steps).await?;
    }
    Ok(steps.finish())
}

/// The steps of a series while they are filled.
struct Steps {
    /// Seconds since 1970 UTC.
    from: i64,
    step: i64,
    summaries: Vec<Summary>,
}

impl Steps {
    fn new(from: i64, to: i64, points: u32, now: i64) -> Self {
        let points = i64::from(points.clamp(2, MAX_POINTS));
        let span = (to - from).max(0);
        // Both ends move to whole steps, which may take one more.
        let shortest = (span + points - 2) / (points - 1);
        let step = readable(shortest.max(kept(now - from)));
        let from = from.div_euclid(step) * step;
        let count = (to - from + step - 1).div_euclid(step).clamp(0, points);
        let count = usize::try_from(count).expect("it is at most MAX_POINTS");
        Self {
            from,
            step,
            summaries: vec![Summary::default(); count],
        }
    }

    /// Before which time the series ends, in seconds.
    fn end(&self) -> i64 {
        let count = i64::try_from(self.summaries.len()).expect("it is at most MAX_POINTS");
        self.from + count * self.step
    }

    /// The step that a time is in, if it is in the series.
    fn at(&mut self, second: i64) -> Option<&mut Summary> {
        let index = (second - self.from).div_euclid(self.step);
        self.summaries.get_mut(usize::try_from(index).ok()?)
    }

    fn finish(self) -> Series {
        Series {
            from: Timestamp::from_second(self.from).unwrap_or(Timestamp::MIN),
            step_s: u32::try_from(self.step).unwrap_or(u32::MAX),
            points: self.summaries.iter().map(Summary::finish).collect(),
        }
    }
}

/// The shortest step in which what happened `age` seconds ago is still known.
fn kept(age: i64) -> i64 {
    if age <= SECONDS_KEPT_S {
        1
    } else if age <= MINUTES_KEPT_S {
        MINUTE_S
    } else {
        HOUR_S
    }
}

fn readable(shortest: i64) -> i64 {
    let day = 24 * HOUR_S;
    STEPS
        .into_iter()
        .find(|&step| step >= shortest)
        .unwrap_or((shortest + day - 1) / day * day)
}

async fn read_seconds(conn: &mut Connection, tunnel: &TunnelId, steps: &mut Steps) -> Result<()> {
    let tunnel = tunnel.as_str();
    let (from, to) = (
        steps.from.div_euclid(MINUTE_S),
        (steps.end() - 1).div_euclid(MINUTE_S),
    );
    let rows = sqlx::query!(
        "select minute, samples from health_second where tunnel_id = $1 and minute between $2 and $3",
        tunnel,
        from,
        to,
    )
    .fetch_all(conn)
    .await?;
    for row in rows {
        for (second, sample) in (row.minute * MINUTE_S..).zip(&row.samples.0) {
            if let (Some(sample), Some(step)) = (sample, steps.at(second)) {
                step.add_sample(sample);
            }
        }
    }
    Ok(())
}

/// Reads from a minute until the end of the series.
async fn read_minutes(
    conn: &mut Connection,
    tunnel: &TunnelId,
    from: i64,
    steps: &mut Steps,
) -> Result<()> {
    let (tunnel, to) = (tunnel.as_str(), steps.end().div_euclid(MINUTE_S));
    let rows = sqlx::query!(
        "select minute, probes, lost, rtt_min_us, rtt_avg_us, rtt_max_us, jitter_us from health_minute
            where tunnel_id = $1 and minute >= $2 and minute < $3",
        tunnel,
        from,
        to,
    )
    .fetch_all(conn)
    .await?;
    for row in rows {
        if let Some(step) = steps.at(row.minute * MINUTE_S) {
            step.add(&Point {
                probes: row.probes,
                lost: row.lost,
                rtt_min_us: row.rtt_min_us,
                rtt_avg_us: row.rtt_avg_us,
                rtt_max_us: row.rtt_max_us,
                jitter_us: row.jitter_us,
            });
        }
    }
    Ok(())
}

/// Reads the hours, and minutes where those are not summed up yet.
async fn read_hours(conn: &mut Connection, tunnel: &TunnelId, steps: &mut Steps) -> Result<()> {
    let summed_up = last_hour(conn, tunnel).await?;
    let (id, from, to) = (
        tunnel.as_str(),
        steps.from.div_euclid(HOUR_S),
        steps.end().div_euclid(HOUR_S),
    );
    let rows = sqlx::query!(
        "select hour, probes, lost, rtt_min_us, rtt_avg_us, rtt_max_us, jitter_us from health_hour
            where tunnel_id = $1 and hour >= $2 and hour < $3",
        id,
        from,
        to,
    )
    .fetch_all(&mut *conn)
    .await?;
    for row in rows {
        if let Some(step) = steps.at(row.hour * HOUR_S) {
            step.add(&Point {
                probes: row.probes,
                lost: row.lost,
                rtt_min_us: row.rtt_min_us,
                rtt_avg_us: row.rtt_avg_us,
                rtt_max_us: row.rtt_max_us,
                jitter_us: row.jitter_us,
            });
        }
    }
    let rest = summed_up.map_or(from, |hour| from.max(hour + 1));
    read_minutes(conn, tunnel, rest * 60, steps).await
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_series_covers_what_was_asked_in_few_enough_steps(
            from in 0i64..4_000_000_000,
            span in 0i64..100_000_000,
            points in 0u32..1200,
            age in 0i64..100_000_000,
        ) {
            let steps = Steps::new(from, from + span, points, from + age);
            prop_assert!(steps.summaries.len() <= points.clamp(2, MAX_POINTS) as usize);
            prop_assert!(steps.from <= from && steps.from + steps.step > from);
            prop_assert!(steps.end() >= from + span);
            prop_assert_eq!(steps.from % steps.step, 0);
            prop_assert!(steps.step >= kept(age));
        }
    }

    #[test]
    fn steps_nest_into_minutes_and_hours() {
        for step in STEPS {
            assert!(step < MINUTE_S || step % MINUTE_S == 0, "{step}");
            assert!(step < HOUR_S || step % HOUR_S == 0, "{step}");
        }
    }
}
