//! Link states, history and faults on their way to the store.
//!
//! One task writes them, in the order in which they were decided, many in one transaction. What could not be written
//! because the database is locked stays in the queue and is written later; nobody who decides waits for it.

use std::{
    cell::RefCell,
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
#[derive(Default)]
pub(super) struct Journal {
    waiting: Mutex<VecDeque<Waiting>>,
    added: Notify,
    /// How many entries have been written since the start.
    written: watch::Sender<u64>,
    closed: AtomicBool,
}

struct Waiting {
    entry: Entry,
    /// The next one is to be written in the same transaction.
    goes_on: bool,
}

/// Entries that come up together.
#[derive(Default)]
pub(super) struct Page(RefCell<Vec<Entry>>);

/// How far the events of a controller have been applied.
#[derive(Debug, Clone)]
pub struct Cursor {
    /// The controller.
    pub controller: ControllerId,
    /// The life of its process.
    pub run: RunId,
    /// The number of the event within that.
    pub sequence: u64,
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
    Cursor(Cursor),
}

type News = Vec<(OrganizationId, LiveEvent)>;

impl Journal {
    /// Adds entries that are written in one transaction or not at all.
    pub(super) fn add(&self, entries: Vec<Entry>) {
        let mut waiting = self.waiting();
        let is_full = waiting.len() >= FULL;
        let mut entries = entries
            .into_iter()
            .filter(|entry| !is_full || !matches!(entry, Entry::News { .. }))
            .peekable();
        while let Some(entry) = entries.next() {
            let goes_on = entries.peek().is_some();
            waiting.push_back(Waiting { entry, goes_on });
        }
        drop(waiting);
        self.added.notify_one();
    }

    /// Nothing that is added from now on needs to be written.
    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.added.notify_one();
    }

    /// Waits until everything is written that has been added by now.
    async fn written(&self) {
        let added = {
            let waiting = self.waiting();
            // Under the lock, because entries leave the queue under it.
            *self.written.borrow() + waiting.len() as u64
        };
        let mut written = self.written.subscribe();
        // Its sender lives as long as we do.
        let _ = written.wait_for(|written| *written >= added).await;
    }

    fn next_batch(&self) -> Vec<Entry> {
        let mut batch = Vec::new();
        for Waiting { entry, goes_on } in self.waiting().iter() {
            batch.push(entry.clone());
            if batch.len() >= BATCH && !goes_on {
                break;
            }
        }
        batch
    }

    /// The first `count` entries are written.
    fn done(&self, count: usize) {
        let mut waiting = self.waiting();
        waiting.drain(..count);
        self.written.send_modify(|written| *written += count as u64);
    }

    fn waiting(&self) -> MutexGuard<'_, VecDeque<Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Page {
    pub(super) fn add(&self, entry: Entry) {
        self.0.borrow_mut().push(entry);
    }

    pub(super) fn into_entries(self) -> Vec<Entry> {
        self.0.into_inner()
    }
}

impl Engine {
    /// Waits until everything is in the database that has been decided by now.
    pub async fn written(&self) {
        self.0.journal.written().await;
    }

    /// The event of a controller is applied, and caused nothing that is stored, or nothing that may not be stored twice.
    pub fn move_cursor(&self, cursor: Cursor) {
        self.0.journal.add(vec![Entry::Cursor(cursor)]);
    }

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
            Self::Cursor(cursor) => {
                let sequence = i64::try_from(cursor.sequence).unwrap_or(i64::MAX);
                controller::advance(conn, &cursor.controller, cursor.run.as_str(), sequence)
                    .await?;
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

#[cfg(test)]
mod tests {
    use super::*;

    fn cursor(sequence: u64) -> Entry {
        Entry::Cursor(Cursor {
            controller: "amsterdam".parse().unwrap(),
            run: "run".parse().unwrap(),
            sequence,
        })
    }

    #[test]
    fn what_belongs_together_is_in_one_batch() {
        let journal = Journal::default();
        for _ in 1..BATCH {
            journal.add(vec![cursor(0)]);
        }
        journal.add((0..7).map(cursor).collect());
        journal.add(vec![cursor(9)]);
        let batch = journal.next_batch();
        assert_eq!(batch.len(), BATCH - 1 + 7);
        journal.done(batch.len());
        assert_eq!(journal.next_batch().len(), 1);
    }

    #[tokio::test]
    async fn written_waits_for_what_was_added_before_and_for_nothing_else() {
        let journal = Journal::default();
        journal.written().await;
        journal.add(vec![cursor(1), cursor(2)]);
        let waiting = journal.written();
        tokio::pin!(waiting);
        let soon = Duration::from_millis(20);
        assert!(tokio::time::timeout(soon, &mut waiting).await.is_err());
        journal.add(vec![cursor(3)]);
        journal.done(2);
        tokio::time::timeout(Duration::from_secs(10), waiting)
            .await
            .unwrap();
    }
}
