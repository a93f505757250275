//! `/system/scheduler`.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use holdfast_routeros_proto::value::parse_duration;
use tokio::{sync::broadcast::error::RecvError, task::JoinSet};

use super::run_event;
use crate::{
    model::{Caller, Id, POLICIES},
    router::{Event, Router},
};

const MENU: &str = "/system/scheduler";

/// Without an entry that is due it looks again this often.
const IDLE: Duration = Duration::from_secs(3600);

/// An entry that runs again and again.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    interval: Duration,
    event: String,
    policy: String,
    owner: String,
}

/// Runs entries until dropped: those with an interval whenever it has passed, those without one when the router starts.
pub(crate) async fn run(router: Router) {
    let mut events = router.events();
    let mut due: BTreeMap<Id, (Entry, Instant)> = BTreeMap::new();
    let mut running = JoinSet::new();
    start(&router, &mut running);
    loop {
        follow(&router, &mut due);
        let next = due.values().map(|(_, at)| *at).min();
        let next = next.unwrap_or_else(|| Instant::now() + IDLE);
        tokio::select! {
            event = events.recv() => match event {
                Ok(Event::Restart) => {
                    due.clear();
                    start(&router, &mut running);
                }
                Ok(_) | Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return,
            },
            () = tokio::time::sleep_until(next.into()) => run_due(&router, &mut due, &mut running),
            Some(_) = running.join_next() => {}
        }
    }
}

/// Takes note of entries that are new, changed or gone.
fn follow(router: &Router, due: &mut BTreeMap<Id, (Entry, Instant)>) {
    let entries: BTreeMap<_, _> = router.read(|database| {
        let entries = database.items(MENU).filter(|item| !item.is_disabled());
        entries
            .filter_map(|item| {
                let entry = Entry {
                    interval: parse_duration(item.text("interval"))?,
                    event: item.text("on-event").to_owned(),
                    policy: item.text("policy").to_owned(),
                    owner: item.text("owner").to_owned(),
                };
                (!entry.interval.is_zero()).then_some((item.id, entry))
            })
            .collect()
    });
    due.retain(|id, (entry, _)| entries.get(id) == Some(entry));
    let now = Instant::now();
    for (id, entry) in entries {
        let at = now + entry.interval;
        due.entry(id).or_insert((entry, at));
    }
}

fn run_due(router: &Router, due: &mut BTreeMap<Id, (Entry, Instant)>, running: &mut JoinSet<()>) {
    let now = Instant::now();
    for (id, (entry, at)) in due.iter_mut().filter(|(_, (_, at))| *at <= now) {
        *at = now + entry.interval;
        begin(router, *id, entry.clone(), running);
    }
}

/// Entries that run once, at the start.
fn start(router: &Router, running: &mut JoinSet<()>) {
    let entries: Vec<_> = router.read(|database| {
        let entries = database.items(MENU).filter(|item| {
            let once = parse_duration(item.text("interval")).is_some_and(|i| i.is_zero());
            !item.is_disabled() && once && item.get("start-time") == Some("startup")
        });
        entries
            .map(|item| {
                let entry = Entry {
                    interval: Duration::ZERO,
                    event: item.text("on-event").to_owned(),
                    policy: item.text("policy").to_owned(),
                    owner: item.text("owner").to_owned(),
                };
                (item.id, entry)
            })
            .collect()
    });
    for (id, entry) in entries {
        begin(router, id, entry, running);
    }
}

fn begin(router: &Router, id: Id, entry: Entry, running: &mut JoinSet<()>) {
    // A flagged or home router runs none.
    if !router.settings().device_mode.scheduler {
        return;
    }
    router.update(|database| {
        let count = database.item(MENU, id).map(|item| item.text("run-count"));
        let count: u64 = count.and_then(|text| text.parse().ok()).unwrap_or(0);
        database.set_state(MENU, id, "run-count", Some((count + 1).to_string()));
    });
    let usual = || POLICIES.iter().copied().collect();
    let caller = Caller {
        policies: entry.policy.parse().unwrap_or_else(|_| usual()),
        user: entry.owner,
    };
    let router = router.clone();
    running.spawn(async move {
        run_event(&router, &entry.event, caller, Vec::new()).await;
    });
}
