//! Waiting for a condition, with a deadline.

use std::time::{Duration, Instant};

/// How often a condition is looked at.
const PERIOD: Duration = Duration::from_millis(5);

/// The deadline passed and the condition did not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Late;

/// Waits until `condition` holds.
pub(crate) fn until(deadline: Instant, mut condition: impl FnMut() -> bool) -> Result<(), Late> {
    while !condition() {
        if Instant::now() >= deadline {
            return Err(Late);
        }
        std::thread::sleep(PERIOD);
    }
    Ok(())
}
