//! Management tunnels: by them routers are configured, also while none of their other tunnels is up. They have no
//! routes and no rank, and their end is no fault of any link.

use std::collections::HashMap;

use holdfast_api_types::{
    SiteId, TunnelId,
    controller::{Order, ReportKind, Verdict},
};
use holdfast_store::Sha256;

use super::{Source, desk::Connection};

/// Those that are connected, at most one for each site.
#[derive(Debug, Default)]
pub(super) struct Management {
    by_site: HashMap<SiteId, Connected>,
    site_of: HashMap<Connection, SiteId>,
}

/// One that has logged in.
#[derive(Debug, Clone)]
#[expect(dead_code, reason = "no management tunnel can log in yet")]
pub(super) struct Connected {
    /// Its user name.
    pub(super) tunnel: TunnelId,
    pub(super) connection: Connection,
    /// What it has logged in with.
    pub(super) password_sha256: Sha256,
    /// Set when the router has acknowledged its push.
    pub(super) is_up: bool,
}

#[expect(dead_code, reason = "no management tunnel can log in yet")]
impl Management {
    /// One was let in. The older connection of its site, which has to go.
    pub(super) fn admit(&mut self, site: SiteId, connected: Connected) -> Option<Connection> {
        self.site_of.insert(connected.connection, site.clone());
        let older = self.by_site.insert(site, connected)?;
        self.site_of.remove(&older.connection);
        Some(older.connection)
    }

    /// Takes note of what happened; the order that follows from it.
    pub(super) fn handle_report(
        &mut self,
        connection: Connection,
        kind: ReportKind,
    ) -> Option<Order> {
        let site = self.site_of.get(&connection)?;
        match kind {
            ReportKind::Up { .. } | ReportKind::Verdict(Verdict::Answered) => {
                self.by_site.get_mut(site)?.is_up = true;
                None
            }
            ReportKind::Down { .. } => {
                self.by_site.remove(site);
                self.site_of.remove(&connection);
                None
            }
            // Closed, so that its client dials anew.
            ReportKind::Verdict(Verdict::Dead { cause, .. }) => {
                self.by_site.get_mut(site)?.is_up = false;
                let planned = false;
                Some(Order::Disconnect { cause, planned })
            }
            ReportKind::RoutesUpdated
            | ReportKind::Verdict(Verdict::Missed | Verdict::Suspect { .. } | Verdict::Cleared)
            | ReportKind::Health(_) => None,
        }
    }

    /// Whether the connection is that of a management tunnel.
    pub(super) fn has(&self, connection: Connection) -> bool {
        self.site_of.contains_key(&connection)
    }

    /// The one of a site, if there is one.
    pub(super) fn of_site(&self, site: &SiteId) -> Option<&Connected> {
        self.by_site.get(site)
    }

    /// The same, as far as it is up.
    pub(super) fn connected(&self, site: &SiteId) -> Option<Connection> {
        let connected = self.of_site(site).filter(|it| it.is_up)?;
        Some(connected.connection)
    }

    /// Those of a controller that are up.
    pub(super) fn up_at(&self, source: Source) -> Vec<Connection> {
        let connected = self.by_site.values();
        let up = connected.filter(|it| it.is_up && it.connection.source == source);
        up.map(|it| it.connection).collect()
    }

    /// A connection is gone.
    pub(super) fn lose(&mut self, connection: Connection) {
        if let Some(site) = self.site_of.remove(&connection) {
            self.by_site.remove(&site);
        }
    }

    /// A controller has ended, and all its connections with it.
    pub(super) fn forget(&mut self, source: Source) {
        self.by_site.retain(|_, it| it.connection.source != source);
        self.site_of
            .retain(|connection, _| connection.source != source);
    }
}
