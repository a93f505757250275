//! Looks after the routers of all sites, all the time.
//!
//! | module | does |
//! |---|---|
//! | `roll_call` | notices who comes and who is away |
//!
//! What is decided is a value of its own that a test can ask; the rest asks it, and speaks to the router.

mod roll_call;

use std::fmt;

use tokio::task::JoinSet;

use crate::{App, engine::Engine};

/// Whoever looks after routers. Dropped, nobody does.
pub struct Keeper {
    tasks: JoinSet<()>,
}

impl Keeper {
    /// Begins to look after the routers of a control plane, whose tunnels are the engine's.
    pub fn start(app: App, engine: Engine) -> Self {
        let mut tasks = JoinSet::new();
        tasks.spawn(roll_call::keep(app, engine));
        Self { tasks }
    }

    /// Ends it.
    pub async fn stop(mut self) {
        self.tasks.shutdown().await;
    }
}

impl fmt::Debug for Keeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keeper").finish_non_exhaustive()
    }
}
