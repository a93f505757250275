//! Looks after the routers of all sites, all the time.
//!
//! | module | does |
//! |---|---|
//! | `roll_call` | notices who comes and who is away |
//! | `visits` | goes to routers as the `agenda` says |
//! | `counters` | makes traffic of what their interfaces have counted |
//! | `drift` | compares them with what is configured, and has them repaired |
//! | `pushed` | notices routes that they have lost |
//! | `links` | hears what happens to tunnels, and has it done at their routers: |
//! | `redial` | dead clients dial anew |
//! | `sessions` | connections follow the traffic |
//! | `household` | what all of them need |
//!
//! What is decided is a value or a function of its own that a test can ask; the rest speaks to routers and the store.

mod agenda;
mod counters;
mod drift;
mod household;
mod links;
mod pushed;
mod redial;
mod roll_call;
mod sessions;
mod visits;

use std::{fmt, sync::Arc, time::Duration};

use tokio::{sync::Semaphore, task::JoinSet};

use self::household::{HANDS, Household, Snag};
use crate::{App, engine::Engine};

/// How long our end may wait for what must be finished at a router.
const FINISH_WITHIN: Duration = Duration::from_secs(5);

/// Whoever looks after routers. Dropped, nobody does.
pub struct Keeper {
    tasks: JoinSet<()>,
    hands: Arc<Semaphore>,
}

impl Keeper {
    /// Begins to look after the routers of a control plane, whose tunnels are the engine's.
    pub fn start(app: App, engine: Engine) -> Self {
        let hands = Arc::new(Semaphore::new(HANDS as usize));
        let house = Household::new(app.clone(), engine.clone(), hands.clone());
        let news = links::listen(&engine);
        let mut tasks = JoinSet::new();
        tasks.spawn(roll_call::keep(app, engine));
        tasks.spawn(visits::keep(house.clone()));
        tasks.spawn(links::follow(house, news));
        Self { tasks, hands }
    }

    /// Ends it. A client of a router that was switched off is switched on before.
    pub async fn stop(mut self) {
        self.tasks.shutdown().await;
        // Whoever does not finish is cut off by the end of the process.
        let finished = self.hands.acquire_many(HANDS);
        let _ = tokio::time::timeout(FINISH_WITHIN, finished).await;
    }
}

impl fmt::Debug for Keeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keeper").finish_non_exhaustive()
    }
}
