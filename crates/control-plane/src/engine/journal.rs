//! Link states, history and faults on their way to the store.
//!
//! One task writes them, in the order in which they were decided, many in one transaction. What could not be written
//! because the database is locked stays in the queue and is written later; nobody who decides waits for it.

use std::{
    collections::VecDeque,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use holdfast_api_types::{
    ControllerId, FaultId, LinkState, OrganizationId, RunId, SiteId, TunnelId, TunnelRole,
    api::{Change, FaultNews, LiveEvent},
};
use holdfast_failover::FaultKey;
use holdfast_store::{
    Connection, StoreError, controller,
    fault::{self, End, NewFault},
    link_state::{self, NewLinkChange},
    tunnel::{self, Link, Login},
};
use jiff::Timestamp;
use tokio::sync::{Notify, watch};

use super::Engine;
use crate::ids;

/// Entries written in one transaction. Few enough that others who write need not wait for long.
const BATCH: usize = 500;

/// With so many entries waiting, news that nothing is stored of are left out: dashboards read anew.
const FULL: usize = 100_000;

const FIRST_RETRY: Duration = Duration::from_millis(50);
const LAST_RETRY: Duration = Duration::from_secs(2);

/// What is to be written, oldest first.
pub(super) struct Journal {
    waiting: Mutex<VecDeque<Entry>>,
    added: Notify,
    /// How many entries have left the queue.
    written: watch::Sender<u64>,
    closed: AtomicBool,
}

/// One thing to write, to publish, or both.
#[derive(Debug, Clone)]
pub(super) enum Entry {
    Link {
        organization: OrganizationId,
        site: SiteId,
        tunnel: TunnelId,
        at: Timestamp,
        state: LinkState,
        role: Option<TunnelRole>,
        role_changed: bool,
        cause: String,
    },
    LoggedIn {
        tunnel: TunnelId,
        login: Login,
    },
    FaultOpened {
        organization: OrganizationId,
        site: SiteId,
        fault: FaultKey,
        at: Timestamp,
        cause: String,
    },
    FaultUpdated {
        organization: OrganizationId,
        site: SiteId,
        fault: FaultKey,
        at: Timestamp,
        cause: String,
    },
    FaultClosed {
        organization: OrganizationId,
        site: SiteId,
        fault: FaultKey,
        at: Timestamp,
        cause: String,
    },
    News {
        organization: OrganizationId,
        event: LiveEvent,
    },
    /// All that followed from a controller's events up to this one stands before it.
    Cursor {
        controller: ControllerId,
        run: RunId,
        sequence: i64,
    },
}

type News = Vec<(OrganizationId, LiveEvent)>;

impl Default for Journal {
    fn default() -> Self {
        Self {
            waiting: Mutex::default(),
            added: Notify::new(),
            written: watch::Sender::new(0),
            closed: AtomicBool::new(false),
        }
    }
}

impl Journal {
    /// Returns how many entries will have been written when this one is.
    pub(super) fn add(&self, entry: Entry) -> u64 {
        let mut waiting = self.waiting();
        let is_left_out = waiting.len() >= FULL && matches!(entry, Entry::News { .. });
        if !is_left_out {
            waiting.push_back(entry);
        }
        // Under the lock, because entries leave the queue under it.
        let number = *self.written.borrow() + waiting.len() as u64;
        drop(waiting);
        self.added.notify_one();
        number
    }

    /// Nothing that is added from now on needs to be written.
    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.added.notify_one();
    }

    fn next_batch(&self) -> Vec<Entry> {
        self.waiting().iter().take(BATCH).cloned().collect()
    }

    /// The first `count` entries are written.
    fn done(&self, count: usize) {
        let mut waiting = self.waiting();
        waiting.drain(..count);
        self.written.send_modify(|written| *written += count as u64);
    }

    fn waiting(&self) -> MutexGuard<'_, VecDeque<Entry>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Engine {
    pub(super) async fn write_journal(self) {
        loop {
            let is_last = self.0.journal.closed.load(Ordering::Acquire);
            self.flush_journal().await;
            if is_last {
                return;
            }
            self.0.journal.added.notified().await;
        }
    }

    /// Writes how far a controller's events have been taken note of, together with all that followed from them, and
    /// waits until that is on the disk.
    pub async fn events_applied(&self, controller: &ControllerId, run: &RunId, sequence: u64) {
        let number = self.0.journal.add(Entry::Cursor {
            controller: controller.clone(),
            run: run.clone(),
            sequence: i64::try_from(sequence).unwrap_or(i64::MAX),
        });
        let mut written = self.0.journal.written.subscribe();
        // The sender lives as long as the engine.
        let _ = written.wait_for(|written| *written >= number).await;
    }

    /// Writes until nothing is left to write.
    async fn flush_journal(&self) {
        let mut retry = FIRST_RETRY;
        loop {
            let batch = self.0.journal.next_batch();
            if batch.is_empty() {
                return;
            }
            match self.write_batch(&batch).await {
                Ok(()) => retry = FIRST_RETRY,
                Err(err) if may_pass(&err) => {
                    tracing::warn!(
                        err = &err as &dyn std::error::Error,
                        waiting = batch.len(),
                        "link states and faults wait to be written"
                    );
                    tokio::time::sleep(retry).await;
                    retry = (retry * 2).min(LAST_RETRY);
                }
                Err(_) => self.write_one_by_one(&batch).await,
            }
        }
    }

    /// One of the batch cannot be written at all: the others are.
    async fn write_one_by_one(&self, batch: &[Entry]) {
        for entry in batch {
            while let Err(err) = self.write_batch(std::slice::from_ref(entry)).await {
                let passes = may_pass(&err);
                if !passes {
                    tracing::error!(
                        err = &err as &dyn std::error::Error,
                        ?entry,
                        "left out: the database does not take it"
                    );
                    self.0.journal.done(1);
                    break;
                }
                tracing::warn!(
                    err = &err as &dyn std::error::Error,
                    "link states and faults wait to be written"
                );
                tokio::time::sleep(LAST_RETRY).await;
            }
        }
    }

    async fn write_batch(&self, batch: &[Entry]) -> Result<(), StoreError> {
        let mut news = News::new();
        let mut tx = self.0.store.write().await?;
        for entry in batch {
            entry.write(&mut tx, &mut news).await?;
        }
        tx.commit().await?;
        self.0.journal.done(batch.len());
        for (organization, event) in news {
            self.0.bus.publish(&organization, event);
        }
        Ok(())
    }
}

/// Whether it is worth trying again.
fn may_pass(err: &StoreError) -> bool {
    matches!(err, StoreError::Busy | StoreError::DiskFull)
}

impl Entry {
    async fn write(&self, conn: &mut Connection, news: &mut News) -> Result<(), StoreError> {
        match self {
            Self::Link { .. } => self.write_link(conn, news).await,
            Self::LoggedIn { tunnel, login } => {
                tunnel::connected(conn, tunnel, login).await?;
                Ok(())
            }
            Self::FaultOpened {
                organization,
                site,
                fault,
                at,
                cause,
            } => {
                let new = NewFault {
                    id: ids::new_id(*at),
                    site_id: site.clone(),
                    tunnel_id: fault.tunnel.clone(),
                    kind: fault.kind,
                    severity: fault.kind.severity(),
                    cause: cause.clone(),
                    started_at: *at,
                };
                if fault::open(conn, &new).await? {
                    let change = Change::FaultOpened(fault_news(new.id, site, fault, cause));
                    news.push((organization.clone(), LiveEvent { at: *at, change }));
                }
                Ok(())
            }
            Self::FaultUpdated {
                organization,
                site,
                fault,
                at,
                cause,
            } => {
                if let Some(id) = open_fault(conn, site, fault).await?
                    && fault::update(conn, &id, fault.kind.severity(), cause).await?
                {
                    let change = Change::FaultUpdated(fault_news(id, site, fault, cause));
                    news.push((organization.clone(), LiveEvent { at: *at, change }));
                }
                Ok(())
            }
            Self::FaultClosed {
                organization,
                site,
                fault,
                at,
                cause,
            } => {
                let end = End {
                    at: *at,
                    cause,
                    closed_by: None,
                };
                if let Some(id) = open_fault(conn, site, fault).await?
                    && fault::close(conn, &id, &end).await?
                {
                    let change = Change::FaultClosed(fault_news(id, site, fault, cause));
                    news.push((organization.clone(), LiveEvent { at: *at, change }));
                }
                Ok(())
            }
            Self::News {
                organization,
                event,
            } => {
                news.push((organization.clone(), event.clone()));
                Ok(())
            }
            Self::Cursor {
                controller,
                run,
                sequence,
            } => {
                controller::advance(conn, controller, run.as_str(), *sequence).await?;
                Ok(())
            }
        }
    }

    async fn write_link(&self, conn: &mut Connection, news: &mut News) -> Result<(), StoreError> {
        let Self::Link {
            organization,
            site,
            tunnel,
            at,
            state,
            role,
            role_changed,
            cause,
        } = self
        else {
            return Ok(());
        };
        let link = Link {
            state: *state,
            cause: cause.clone(),
            since: *at,
            role: *role,
        };
        if !tunnel::set_link(conn, tunnel, &link).await? {
            // It was removed meanwhile, and its history with it.
            return Ok(());
        }
        let change = NewLinkChange {
            tunnel_id: tunnel,
            site_id: site,
            at: *at,
            state: *state,
            role: *role,
            cause,
        };
        link_state::insert(conn, &change).await?;
        let mut tell = |change| news.push((organization.clone(), LiveEvent { at: *at, change }));
        tell(Change::LinkState {
            site: site.clone(),
            tunnel: tunnel.clone(),
            state: *state,
            cause: cause.clone(),
        });
        if *role_changed {
            tell(Change::Role {
                site: site.clone(),
                tunnel: tunnel.clone(),
                role: *role,
                cause: cause.clone(),
            });
        }
        Ok(())
    }
}

async fn open_fault(
    conn: &mut Connection,
    site: &SiteId,
    fault: &FaultKey,
) -> Result<Option<FaultId>, StoreError> {
    let open = fault::find_open(conn, site, fault.tunnel.as_ref(), fault.kind).await?;
    Ok(open.map(|fault| fault.id))
}

fn fault_news(id: FaultId, site: &SiteId, fault: &FaultKey, cause: &str) -> FaultNews {
    FaultNews {
        fault: id,
        site: site.clone(),
        tunnel: fault.tunnel.clone(),
        fault_type: fault.kind,
        severity: fault.kind.severity(),
        cause: cause.into(),
    }
}
