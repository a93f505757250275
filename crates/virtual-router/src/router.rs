//! The router: its database, its settings, and who is told of what happens.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use holdfast_routeros_proto::{Command, Trap};
use tokio::sync::{broadcast, watch};

use crate::{
    model::{Answer, Caller, Change, Database},
    settings::Settings,
};

/// A virtual router. Clones are the same router.
#[derive(Debug, Clone)]
pub struct Router(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    database: Mutex<Database>,
    settings: watch::Sender<Arc<Settings>>,
    events: broadcast::Sender<Event>,
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
        // Under the lock, so that events come in the order of the changes.
        for change in database.take_changes() {
            self.announce(Event::Changed(change));
        }
        result
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

    /// Every change leaves the database whole, so that a panic elsewhere while it was locked does no harm.
    fn database(&self) -> MutexGuard<'_, Database> {
        self.0
            .database
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
