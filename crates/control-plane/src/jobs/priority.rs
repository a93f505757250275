//! Follows a new order until every connected tunnel of the site holds its place.

use std::time::Duration;

use holdfast_api_types::{
    LinkState, Place, RouteMode, SiteId, StepState,
    api::{PriorityResult, TunnelResult},
};
use holdfast_failover::order::{self, Standing};
use holdfast_store::tunnel::{self, Tunnel};
use serde::{Deserialize, Serialize};

use super::{
    router,
    run::{JobError, Run},
};
use crate::engine::TunnelHolds;

/// A switch takes well under a second for each tunnel; a client that does not come back takes its keepalive.
const DEADLINE: Duration = Duration::from_secs(60);

/// How often it is looked whether the tunnels hold their places.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// What a priority job is to follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PriorityInput {
    /// The version of the order.
    pub(crate) version: u32,
}

pub(super) async fn run(run: &Run) -> Result<String, JobError> {
    let input: PriorityInput = run.input()?;
    let site = run.site()?;
    let at_router = at_router(run, site).await?;
    let clock = run.app().clock();
    let deadline = clock.instant() + DEADLINE;
    run.app().reconciler().site_changed(site);
    loop {
        let seats = seats(run, site).await?;
        for (ordinal, seat) in (at_router..).zip(&seats) {
            let title = format!("Bring {} to its place", seat.result.name);
            let detail = seat.detail();
            run.step(ordinal, &title, seat.state(), &detail).await?;
        }
        let late: Vec<&str> = seats
            .iter()
            .filter(|seat| !seat.settled)
            .map(|seat| seat.result.name.as_str())
            .collect();
        if late.is_empty() {
            let result = PriorityResult {
                version: input.version,
                tunnels: seats.into_iter().map(|seat| seat.result).collect(),
            };
            return serde_json::to_string(&result).map_err(|err| JobError::Failed(err.to_string()));
        }
        if clock.instant() >= deadline {
            return Err(JobError::Failed(format!(
                "not confirmed within {} s: {}; the order stays, and whatever comes back gets its place",
                DEADLINE.as_secs(),
                late.join(", "),
            )));
        }
        run.pause(LOOK_EVERY).await?;
    }
}

/// Brings the router to the new order first, if the site has one; how many steps that took.
///
/// A router that is configured follows the controller in any case, and gets the rest when it returns.
async fn at_router(run: &Run, site: &SiteId) -> Result<u32, JobError> {
    let Some(row) = router::of_site(run, site).await? else {
        return Ok(0);
    };
    match router::configure(run, site).await {
        Ok(()) => Ok(router::STEPS),
        Err(JobError::Waits(_)) if row.configured && row.mode.mode == RouteMode::Pushed => {
            router::configure_later(run, site).await?;
            Ok(router::STEPS)
        }
        Err(err) => Err(err),
    }
}

/// A tunnel, and whether it is where the order wants it.
#[derive(Debug)]
struct Seat {
    settled: bool,
    result: TunnelResult,
}

impl Seat {
    fn state(&self) -> StepState {
        match (self.settled, self.result.place) {
            (false, _) => StepState::Running,
            (true, Some(_)) => StepState::Succeeded,
            (true, None) => StepState::Skipped,
        }
    }

    fn detail(&self) -> String {
        match (&self.result.reason, self.result.place) {
            (Some(reason), _) => reason.clone(),
            (None, Some(place)) => format!("rung {}", place.rung),
            (None, None) => String::new(),
        }
    }
}

async fn seats(run: &Run, site: &SiteId) -> Result<Vec<Seat>, JobError> {
    let mut conn = run.app().store().read().await?;
    let rows = tunnel::of_site(&mut conn, site).await?;
    drop(conn);
    Ok(compare(&rows, &run.app().reconciler().holds(site)))
}

/// Compares the order that counts with the places that the tunnels hold: a better rank wants a better place.
fn compare(rows: &[Tunnel], holds: &[TunnelHolds]) -> Vec<Seat> {
    let place = |row: &Tunnel| {
        let held = holds.iter().find(|hold| hold.tunnel == row.id);
        held.map(|held| held.place)
    };
    let wanted = order::effective(rows.iter().map(|row| {
        let standing = Standing {
            forced: row.forced.as_ref().map(|forced| forced.kind),
            degraded: row.link.state == LinkState::Degraded,
        };
        (row.id.clone(), standing)
    }));
    // In the order that counts, those that are connected and not held back.
    let contenders: Vec<(&Tunnel, Place)> = wanted
        .iter()
        .filter_map(|id| rows.iter().find(|row| row.id == *id))
        .filter(|row| row.link.state != LinkState::Recovering)
        .filter_map(|row| Some((row, place(row)?)))
        .collect();
    rows.iter()
        .map(|row| {
            let own = contenders.iter().position(|(it, _)| it.id == row.id);
            let held = holds.iter().find(|hold| hold.tunnel == row.id);
            let settled = match own {
                Some(own) => {
                    let here = contenders[own].1;
                    let below = contenders[..own]
                        .iter()
                        .all(|(_, other)| other.better_than(here));
                    let above = contenders[own + 1..]
                        .iter()
                        .all(|(_, other)| here.better_than(*other));
                    below && above
                }
                None => held.is_some() || !is_reconnecting(row),
            };
            Seat {
                settled,
                result: TunnelResult {
                    id: row.id.clone(),
                    name: row.settings.name.clone(),
                    place: held.map(|held| held.place),
                    routes: held.map_or_else(Vec::new, |held| held.routes.clone()),
                    reason: reason(row, held.is_some(), settled),
                },
            }
        })
        .collect()
}

/// Most clients get a new place by connecting anew. For the moment in which such a tunnel is away nobody calls it
/// offline.
fn is_reconnecting(row: &Tunnel) -> bool {
    matches!(row.link.state, LinkState::Online | LinkState::Degraded)
}

/// Why a tunnel has no routes, or does not stand where its rank would put it.
fn reason(row: &Tunnel, connected: bool, settled: bool) -> Option<String> {
    if !settled {
        let reason = if connected {
            "not at its place yet"
        } else {
            "connects anew to get its place"
        };
        return Some(reason.into());
    }
    if !connected || row.link.state == LinkState::Recovering {
        return Some(format!("{}: {}", row.link.state, row.link.cause));
    }
    if let Some(forced) = &row.forced {
        return Some(format!(
            "override {} by {}: {}",
            forced.kind, forced.by, forced.reason
        ));
    }
    (row.link.state == LinkState::Degraded).then(|| format!("degraded: {}", row.link.cause))
}
