//! Management tunnels: by them routers are configured, also while none of their other tunnels is up. They have no
//! routes and no rank, and their end is no fault of any link.

use std::collections::{HashMap, HashSet};

use holdfast_api_types::{
    ProfileName, SiteId, TunnelId,
    controller::{
        LoginRequest, LoginVerdict, Order, ReportKind, TunnelGrant, Verdict, http::HeldTunnel,
    },
};
use holdfast_failover::addresses;
use holdfast_store::{
    Connection as Database, Sha256, StoreError,
    router::{self, ManagementLogin},
};

use super::{Engine, Source, login::is_password, sources::Connection};

/// Those that are connected, at most one for each site.
#[derive(Debug, Default)]
pub(super) struct Management {
    by_site: HashMap<SiteId, Connected>,
    site_of: HashMap<Connection, SiteId>,
}

/// One that has logged in.
#[derive(Debug, Clone)]
pub(super) struct Connected {
    /// Its user name.
    pub(super) tunnel: TunnelId,
    pub(super) connection: Connection,
    /// What it has logged in with.
    pub(super) password_sha256: Sha256,
    /// Set when the router has acknowledged its push.
    pub(super) is_up: bool,
}

impl Engine {
    /// Decides on a log-in that is not one of a WAN tunnel; none if neither is it one of a management tunnel.
    pub(super) async fn decide_management(
        &self,
        source: Source,
        login: &LoginRequest,
    ) -> Result<Option<LoginVerdict>, StoreError> {
        let changes = self.desk().nudges.count();
        let Some((tunnel, known)) = self.known_management(login).await? else {
            return Ok(None);
        };
        let connection = Connection {
            source,
            number: login.connection,
        };
        let connected = Connected {
            tunnel: tunnel.clone(),
            connection,
            password_sha256: known.password_sha256,
            is_up: false,
        };
        let site = known.site_id;
        let is_stale = self.with_desk(|desk, _| {
            let is_stale = desk.nudges.is_stale(&site, changes);
            if !is_stale {
                desk.admit_management(site.clone(), connected);
            }
            is_stale
        });
        if is_stale {
            let reason = "its site is being changed".into();
            return Ok(Some(LoginVerdict::Unavailable(reason)));
        }
        let ends = addresses::of_network(known.address_index);
        Ok(Some(LoginVerdict::Granted(Box::new(TunnelGrant {
            tunnel,
            site,
            address: ends.router,
            server: ends.server,
            prefix: addresses::PREFIX,
            place: None,
            routes: Vec::new(),
            // It may run over a metered connection, and nobody's traffic waits for it.
            profile: ProfileName::Saver,
        }))))
    }

    /// The management tunnel whose user name and password these are.
    pub(super) async fn known_management(
        &self,
        login: &LoginRequest,
    ) -> Result<Option<(TunnelId, ManagementLogin)>, StoreError> {
        let Ok(tunnel) = login.username.parse::<TunnelId>() else {
            return Ok(None);
        };
        let mut conn = self.0.store.read().await?;
        let known = router::management_login(&mut conn, &tunnel).await?;
        let known = known.filter(|known| is_password(&known.password_sha256, login));
        Ok(known.map(|known| (tunnel, known)))
    }

    /// A controller holds a management tunnel that nobody here has let in.
    pub(super) async fn adopt_management(
        &self,
        connection: Connection,
        held: HeldTunnel,
    ) -> Result<(), StoreError> {
        if self.desk().management.has(connection) {
            return Ok(());
        }
        let mut conn = self.0.store.read().await?;
        let known = router::management_login(&mut conn, &held.tunnel).await?;
        drop(conn);
        let known = known.filter(|known| known.site_id == held.site);
        self.with_desk(|desk, _| match known {
            Some(known) => {
                let connected = Connected {
                    tunnel: held.tunnel,
                    connection,
                    password_sha256: known.password_sha256,
                    is_up: held.cipher.is_some(),
                };
                desk.admit_management(held.site, connected);
            }
            None => desk.turn_out(connection),
        });
        Ok(())
    }

    /// The sites whose management tunnel is up.
    pub fn managed(&self) -> Vec<SiteId> {
        self.desk().management.up().cloned().collect()
    }

    /// Whether the management tunnel of a site, if it is connected, has logged in with what is good now.
    pub(super) async fn is_management_good(
        &self,
        conn: &mut Database,
        site: &SiteId,
    ) -> Result<bool, StoreError> {
        let connected = self.desk().management.of_site(site).cloned();
        let Some(connected) = connected else {
            return Ok(true);
        };
        let known = router::management_login(conn, &connected.tunnel).await?;
        Ok(known.is_some_and(|known| {
            known.site_id == *site && known.password_sha256 == connected.password_sha256
        }))
    }
}

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

    /// The sites of those that are up.
    fn up(&self) -> impl Iterator<Item = &SiteId> {
        let up = self.by_site.iter().filter(|(_, it)| it.is_up);
        up.map(|(site, _)| site)
    }

    /// A controller holds these connections and no others: what was up and is not among them is gone.
    pub(super) fn keep(&mut self, source: Source, held: &HashSet<u64>) {
        self.by_site.retain(|_, it| {
            let is_gone =
                it.is_up && it.connection.source == source && !held.contains(&it.connection.number);
            !is_gone
        });
        let by_site = &self.by_site;
        self.site_of.retain(|_, site| by_site.contains_key(site));
    }

    /// The one of a site is not to be connected any more: the connection that has to go.
    pub(super) fn dismiss(&mut self, site: &SiteId) -> Option<Connection> {
        let connected = self.by_site.remove(site)?;
        self.site_of.remove(&connected.connection);
        Some(connected.connection)
    }

    /// A controller has ended, and all its connections with it.
    pub(super) fn forget(&mut self, source: Source) {
        self.by_site.retain(|_, it| it.connection.source != source);
        self.site_of
            .retain(|connection, _| connection.source != source);
    }
}
