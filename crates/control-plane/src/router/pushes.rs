//! What a router makes of the routes that its tunnels bring.

use std::time::Duration;

use holdfast_failover::addresses;
use holdfast_routeros_plan::{Desired, Observed, Slot, unlike_pushed};

use super::access::{AccessError, Router};
use crate::engine::TunnelHolds;

const READ_WITHIN: Duration = Duration::from_secs(5);

/// What was seen of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    /// Slots whose routes are as they were pushed.
    pub(crate) right: usize,
    /// Slots whose routes are something else.
    pub(crate) wrong: Vec<Wrong>,
    /// Slots that may connect and have not.
    pub(crate) absent: Vec<String>,
}

/// A slot whose routes are not as they were pushed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wrong {
    /// The slot, from 1.
    pub(crate) slot: u8,
    /// In words a person reads.
    pub(crate) reason: String,
}

/// Compares what connected tunnels hold, as their controller says, with the routes of the router.
///
/// # Errors
/// The router cannot be reached, or refuses.
pub(crate) async fn look(
    router: &Router,
    desired: &Desired,
    holds: &[TunnelHolds],
) -> Result<Seen, AccessError> {
    let rows = router
        .read(Observed::pushed_query().to_command(), READ_WITHIN)
        .await?;
    let mut seen = Seen {
        right: 0,
        wrong: Vec::new(),
        absent: Vec::new(),
    };
    for slot in desired.slots.iter().filter(|slot| slot.enabled) {
        match held_by(slot, holds) {
            None => seen.absent.push(slot.number.to_string()),
            Some(held) => match unlike_pushed(slot.number, held.place, &rows) {
                None => seen.right += 1,
                Some(reason) => seen.wrong.push(Wrong {
                    slot: slot.number,
                    reason,
                }),
            },
        }
    }
    Ok(seen)
}

/// What the tunnel of a slot holds, if it has logged in since the router is ours: before, its routes led elsewhere.
fn held_by<'a>(slot: &Slot, holds: &'a [TunnelHolds]) -> Option<&'a TunnelHolds> {
    let hop = addresses::virtual_next_hop(slot.number);
    holds
        .iter()
        .find(|held| held.tunnel.as_str() == slot.username)
        .filter(|held| held.routes.iter().all(|route| route.gateway == hop))
}
