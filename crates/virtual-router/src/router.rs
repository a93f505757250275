//! The router: its database, its settings, and who is told of what happens.

use std::{
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::Instant,
};

use holdfast_routeros_proto::{
    Command, Feature, Trap,
    value::{Date, DateTime},
};
use tokio::sync::{broadcast, watch};

use crate::{
    kernel::Kernel,
    model::{Answer, Caller, Change, Database},
    rib::Resolution,
    routing,
    settings::Settings,
};

/// A virtual router. Clones are the same router.
#[derive(Debug, Clone)]
pub struct Router(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    database: Mutex<Database>,
    settings: watch::Sender<Arc<Settings>>,
    resolution: watch::Sender<Arc<Resolution>>,
    started: Instant,
    events: broadcast::Sender<Event>,
    kernel: OnceLock<Kernel>,
}

/// Something has happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// An item is new, changed or gone.
    Changed(Change),
    /// A point-to-point connection came up: PPPoE, LTE or OpenVPN.
    Up {
        /// Name of its interface.
        interface: String,
    },
    /// A point-to-point connection ended.
    Down {
        /// Name of its interface.
        interface: String,
    },
    /// A DHCP client has another lease, or none.
    Lease {
        /// Interface of the client.
        interface: String,
        /// Whether there is one.
        bound: bool,
    },
    /// A point-to-point connection is to end and to be dialled anew.
    Redial {
        /// Name of its interface.
        interface: String,
    },
    /// The router is restarted: what it only knew while it ran is forgotten.
    Restart,
}

/// How many events somebody may be behind before they miss some.
const EVENTS: usize = 4096;

impl Router {
    /// A router with the configuration of a reset one.
    pub fn new(settings: Settings) -> Self {
        let mut database = Database::new(settings.version.clone());
        database.show_clock_durations(settings.behaviour.clock_durations);
        Self(Arc::new(Shared {
            database: Mutex::new(database),
            settings: watch::Sender::new(Arc::new(settings)),
            resolution: watch::Sender::default(),
            started: Instant::now(),
            kernel: OnceLock::new(),
            events: broadcast::Sender::new(EVENTS),
        }))
    }

    /// The settings as they are now.
    pub fn settings(&self) -> Arc<Settings> {
        self.0.settings.borrow().clone()
    }

    /// Changes settings while the router runs.
    pub fn change_settings(&self, change: impl FnOnce(&mut Settings)) {
        self.0
            .settings
            .send_modify(|settings| change(Arc::make_mut(settings)));
        let clock = self.settings().behaviour.clock_durations;
        self.update(|database| database.show_clock_durations(clock));
    }

    /// The settings, and every change of them.
    pub fn watch_settings(&self) -> watch::Receiver<Arc<Settings>> {
        self.0.settings.subscribe()
    }

    /// Carries out a command that reads or changes the configuration.
    ///
    /// # Errors
    /// What RouterOS says.
    pub fn execute(&self, caller: &Caller, command: &Command) -> Result<Answer, Trap> {
        self.update(|database| database.execute(caller, command))
    }

    /// Looks at the database.
    pub fn read<R>(&self, look: impl FnOnce(&Database) -> R) -> R {
        look(&self.database())
    }

    /// Changes the database as the router itself does, and tells whoever listens.
    pub fn update<R>(&self, change: impl FnOnce(&mut Database) -> R) -> R {
        let mut database = self.database();
        let result = change(&mut database);
        let mut changes = database.take_changes();
        if changes
            .iter()
            .any(|change| routing::concerns(&database, change))
        {
            // At once, so that whoever reads next sees what has come of it.
            let resolution = routing::settle(&mut database);
            self.0.resolution.send_replace(Arc::new(resolution));
            changes.extend(database.take_changes());
        }
        // Under the lock, so that events come in the order of the changes.
        for change in changes {
            self.announce(Event::Changed(change));
        }
        result
    }

    /// Where packets go, and every change of it.
    pub fn watch_resolution(&self) -> watch::Receiver<Arc<Resolution>> {
        self.0.resolution.subscribe()
    }

    /// The kernel, if the router is in one.
    pub(crate) fn kernel(&self) -> Option<&Kernel> {
        self.0.kernel.get()
    }

    /// Puts the router into a kernel, once.
    pub(crate) fn enter(&self, kernel: Kernel) {
        // A second one would be the same: a process is in one network namespace.
        let _ = self.0.kernel.set(kernel);
    }

    /// Tells whoever listens.
    pub fn announce(&self, event: Event) {
        // Nobody may be listening.
        let _ = self.0.events.send(event);
    }

    /// Everything that happens from now on.
    pub fn events(&self) -> broadcast::Receiver<Event> {
        self.0.events.subscribe()
    }

    /// Forgets what the router only knew while it ran, and cuts every connection. Whoever has made dynamic items makes
    /// them anew.
    pub fn restart(&self) {
        self.update(Database::forget);
        self.announce(Event::Restart);
    }

    /// The date and time, as this version spells it.
    pub fn now(&self) -> String {
        let now = jiff::Timestamp::now()
            .to_zoned(jiff::tz::TimeZone::UTC)
            .datetime();
        let number = |value: i8| value.unsigned_abs();
        let now = DateTime {
            date: Date {
                year: now.year().unsigned_abs(),
                month: number(now.month()),
                day: number(now.day()),
            },
            hour: number(now.hour()),
            minute: number(now.minute()),
            second: number(now.second()),
        };
        if self.settings().version.has(Feature::IsoDates) {
            now.to_string()
        } else {
            now.old_spelling()
        }
    }

    /// Milliseconds since it was started.
    pub fn uptime_ms(&self) -> u64 {
        self.0
            .started
            .elapsed()
            .as_millis()
            .try_into()
            .unwrap_or(u64::MAX)
    }

    /// Somebody has logged in.
    pub(crate) fn note_log_in(&self, user: &str) {
        let now = self.now();
        self.update(|database| {
            if let Some(id) = database.named("/user", user).map(|item| item.id) {
                database.set_state("/user", id, "last-logged-in", Some(now));
            }
        });
    }

    /// Every change leaves the database whole, so that a panic elsewhere while it was locked does no harm.
    fn database(&self) -> MutexGuard<'_, Database> {
        self.0
            .database
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
