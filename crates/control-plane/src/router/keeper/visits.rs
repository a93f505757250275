//! Goes to routers as the agenda says, to some of them at once.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use holdfast_api_types::{RouterState, SiteId};
use holdfast_routeros_plan::Menu;
use holdfast_routeros_proto::{
    Command,
    menu::{Interface, View},
};
use holdfast_store::{
    Seek, StoreError,
    router::{self, Facts},
    traffic,
    tunnel::Tunnel,
};
use tokio::{
    sync::Semaphore,
    task::{self, JoinSet},
};

use super::{
    Household, Snag,
    agenda::{Agenda, Errand, Standing},
    counters::{Counters, Reading},
    drift::{Drift, Looked},
    household::wan,
};
use crate::router::{access::Router, live, presence::heard_of};

const LOOK_AT_AGENDA: Duration = Duration::from_millis(500);

/// How often the agenda is brought up to date.
const REVISE_EVERY: Duration = Duration::from_secs(2);

/// Routers visited at once.
const AT_ONCE: usize = 16;

const ANSWER_WITHIN: Duration = Duration::from_secs(10);

pub(super) async fn keep(house: Household) {
    let mut visitor = Visitor {
        agenda: Agenda::default(),
        revised: None,
        shared: Arc::new(Shared {
            house,
            counters: Mutex::default(),
            drift: Drift::default(),
            turns: Semaphore::new(AT_ONCE),
        }),
        visits: JoinSet::new(),
        under_way: HashMap::new(),
    };
    let mut tick = tokio::time::interval(LOOK_AT_AGENDA);
    loop {
        tokio::select! {
            _ = tick.tick() => visitor.look_at_agenda().await,
            Some(visit) = visitor.visits.join_next_with_id() => match visit {
                Ok((id, is_done)) => visitor.note(id, is_done),
                Err(err) => {
                    tracing::error!(error = %err, "a visit to a router panicked");
                    visitor.note(err.id(), false);
                }
            },
        }
    }
}

struct Visitor {
    agenda: Agenda,
    /// When the agenda was brought up to date.
    revised: Option<tokio::time::Instant>,
    shared: Arc<Shared>,
    /// Whether each was of use.
    visits: JoinSet<bool>,
    under_way: HashMap<task::Id, (SiteId, Errand)>,
}

struct Shared {
    house: Household,
    counters: Mutex<Counters>,
    drift: Drift,
    turns: Semaphore,
}

impl Visitor {
    async fn look_at_agenda(&mut self) {
        if self.revised.is_none_or(|at| at.elapsed() >= REVISE_EVERY) {
            match self.revise().await {
                Ok(()) => self.revised = Some(tokio::time::Instant::now()),
                Err(err) => tracing::warn!(
                    error = &err as &dyn std::error::Error,
                    "routers could not be looked up: trying again"
                ),
            }
        }
        let now = self.shared.house.app.clock().instant();
        for (site, errand) in self.agenda.due(now) {
            let visit = visit(self.shared.clone(), site.clone(), errand);
            let id = self.visits.spawn(visit).id();
            self.under_way.insert(id, (site, errand));
        }
    }

    fn note(&mut self, id: task::Id, is_done: bool) {
        let now = self.shared.house.app.clock().instant();
        if let Some((site, errand)) = self.under_way.remove(&id) {
            self.agenda.done(&site, errand, is_done, now);
        }
    }

    /// Reads how every router stands.
    async fn revise(&mut self) -> Result<(), StoreError> {
        let house = &self.shared.house;
        let now = house.app.clock().instant();
        let mut sites = BTreeSet::new();
        let mut seek: Seek<SiteId> = Seek::first(200);
        loop {
            let page = router::all(&mut *house.app.store().read().await?, &seek).await?;
            seek.after = page.items.last().map(|row| row.site_id.clone());
            for row in page.items {
                let direct = row.direct.is_some();
                let standing = Standing {
                    state: row.state,
                    configured: row.configured,
                    direct,
                    reachable: direct || house.engine.leads_to(&row.site_id),
                    version: row.facts.version,
                };
                self.agenda.note(&row.site_id, standing, now);
                sites.insert(row.site_id);
            }
            if !page.more {
                break;
            }
        }
        self.agenda.keep(&sites);
        self.shared
            .counters
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .forget_old(house.app.clock().now());
        Ok(())
    }
}

/// Does what is to be done at a router, and says whether it was.
async fn visit(shared: Arc<Shared>, site: SiteId, errand: Errand) -> bool {
    let _turn = shared.turns.acquire().await;
    let visited = match errand {
        Errand::Call => shared.call(&site).await.map(|()| true),
        Errand::Look => shared.look(&site).await,
    };
    visited.unwrap_or_else(|snag| {
        // Who is away is known from the roll; why it cannot be asked is for whoever looks for it.
        let error = &snag as &dyn std::error::Error;
        tracing::debug!(site.id = %site, error, "a router was visited in vain");
        false
    })
}

impl Shared {
    /// Reads the counters of the WANs, and what the router is if nobody has told lately.
    async fn call(&self, site: &SiteId) -> Result<(), Snag> {
        let Some(row) = self.house.router(site).await? else {
            return Ok(());
        };
        let router = self.house.reach(site).await?;
        let tells_itself = row.direct.is_none() && row.state == RouterState::Online;
        let facts: Option<Facts> = match tells_itself {
            true => None,
            false => Some(live::facts(&router).await?.into()),
        };
        let tunnels = if row.configured {
            self.house.tunnels(site).await?
        } else {
            Vec::new()
        };
        let minutes = self.count(&router, &tunnels).await?;
        let mut write = self.house.app.store().write().await?;
        for (tunnel, minute, traffic) in minutes {
            match traffic::add(&mut write, &tunnel.id, minute, traffic).await {
                // It was removed meanwhile.
                Ok(()) | Err(StoreError::Dangling) => {}
                Err(err) => return Err(err.into()),
            }
        }
        Ok(heard_of(&self.house.app, write, &row, facts.as_ref()).await?)
    }

    /// What went through the WANs of these tunnels since the last time.
    async fn count<'a>(
        &self,
        router: &Router,
        tunnels: &'a [Tunnel],
    ) -> Result<Vec<(&'a Tunnel, i64, traffic::Traffic)>, Snag> {
        if tunnels.is_empty() {
            return Ok(Vec::new());
        }
        let print =
            Command::print(Menu::Interface.path()).only(&[".id", "name", "rx-byte", "tx-byte"]);
        let rows = router.read(print, ANSWER_WITHIN).await?;
        let interfaces = Interface::read_all(&rows);
        let at = self.house.app.clock().now();
        let mut counters = self.counters.lock().unwrap_or_else(PoisonError::into_inner);
        let mut counted = Vec::new();
        for tunnel in tunnels {
            let shown = wan(&tunnel.settings)
                .and_then(|name| interfaces.iter().find(|interface| interface.name == name));
            let Some(Interface {
                name,
                rx_bytes: Some(rx),
                tx_bytes: Some(tx),
                ..
            }) = shown
            else {
                continue;
            };
            let reading = Reading {
                interface: name.clone(),
                at,
                rx: *rx,
                tx: *tx,
            };
            let minutes = counters.take(&tunnel.id, reading);
            counted.extend(
                minutes
                    .into_iter()
                    .map(|(minute, traffic)| (tunnel, minute, traffic)),
            );
        }
        Ok(counted)
    }

    async fn look(&self, site: &SiteId) -> Result<bool, Snag> {
        let looked = self.drift.look(&self.house, site).await?;
        Ok(looked == Looked::Done)
    }
}
