//! What the server's fault log says while a scenario is played, and when it first said so.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant, SystemTime},
};

use holdfast_api_types::{FaultId, FaultType, api::Fault};
use serde::Serialize;

use crate::{operator::Operator, process::lock};

/// How often the log is read.
const PERIOD: Duration = Duration::from_millis(50);

/// A fault as somebody has seen it who read the log all the time. Times are relative to the moment of the fault that
/// the scenario made.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FaultReport {
    /// What kind of fault it is.
    #[serde(rename = "type")]
    pub fault_type: FaultType,
    /// The tunnel; none where it is about the site.
    pub tunnel: Option<String>,
    /// Why, in the words of the log.
    pub cause: String,
    /// When it began, as the log says.
    pub started_ms: f64,
    /// When it was first in the log.
    pub seen_ms: f64,
    /// How long it lasted, as the log says; none while it goes on.
    pub duration_s: Option<f64>,
    /// What ended it, in the words of the log.
    pub end_cause: Option<String>,
}

/// Reads the log again and again, until it is dropped.
#[derive(Debug)]
pub(crate) struct FaultWatch {
    seen: Arc<Mutex<BTreeMap<FaultId, Seen>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Seen {
    first: Instant,
    started: Instant,
    fault: Fault,
}

impl FaultWatch {
    pub(crate) fn start(operator: Arc<Operator>) -> anyhow::Result<Self> {
        let seen: Arc<Mutex<BTreeMap<_, Seen>>> = Arc::default();
        let stop = Arc::new(AtomicBool::new(false));
        let (log, told) = (Arc::clone(&seen), Arc::clone(&stop));
        let thread = std::thread::Builder::new()
            .name("faults".into())
            .spawn(move || {
                while !told.load(Ordering::Relaxed) {
                    // A server that is down has nothing to say.
                    for fault in operator.faults().unwrap_or_default() {
                        note(&mut lock(&log), fault);
                    }
                    std::thread::sleep(PERIOD);
                }
            })?;
        Ok(Self {
            seen,
            stop,
            thread: Some(thread),
        })
    }

    /// Whether there is a fault of this type that is still open, or one that has ended.
    pub(crate) fn has(&self, fault_type: FaultType, ended: bool) -> bool {
        lock(&self.seen).values().any(|seen| {
            seen.fault.fault_type == fault_type && seen.fault.ended_at.is_some() == ended
        })
    }

    /// Every fault so far, the earliest first.
    pub(crate) fn report(&self, zero: Instant) -> Vec<FaultReport> {
        let after = |at: Instant| match at.checked_duration_since(zero) {
            Some(after) => after.as_secs_f64() * 1000.0,
            None => -(zero - at).as_secs_f64() * 1000.0,
        };
        let seen = lock(&self.seen);
        seen.values()
            .map(|seen| FaultReport {
                fault_type: seen.fault.fault_type,
                tunnel: seen.fault.tunnel_name.clone(),
                cause: seen.fault.cause.clone(),
                started_ms: after(seen.started),
                seen_ms: after(seen.first),
                duration_s: seen.fault.duration_s,
                end_cause: seen.fault.end_cause.clone(),
            })
            .collect()
    }
}

impl Drop for FaultWatch {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // A panic there was already printed; the lab is going away in any case.
            let _ = thread.join();
        }
    }
}

fn note(log: &mut BTreeMap<FaultId, Seen>, fault: Fault) {
    if let Some(seen) = log.get_mut(&fault.id) {
        seen.fault = fault;
        return;
    }
    let first = Instant::now();
    let age = SystemTime::now().duration_since(fault.started_at.into());
    let seen = Seen {
        first,
        started: first - age.unwrap_or_default(),
        fault,
    };
    log.insert(seen.fault.id.clone(), seen);
}
