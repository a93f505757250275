//! Fleet and monitors under one lock, and what goes from one to the other.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    time::Instant,
};

use holdfast_api_types::{
    LinkEventKind, LinkState, OrganizationId, Place, Route, SiteId, TunnelId,
    controller::{Order, Report, ReportKind},
};
use holdfast_failover::{Arrival, Fleet, FleetEffect, Monitor};
use holdfast_store::Sha256;
use jiff::{SignedDuration, Timestamp};

use super::{
    configured::{Desired, LoggedIn},
    management::{Connected, Management},
    nudges::Nudges,
    sources::{Connection, Source, Sources},
    stream::{Candidate, Via},
    watched::{Outlets, TunnelHolds, Watched},
};

pub(super) struct Desk {
    fleet: Fleet<Connection, LoggedIn>,
    pub(super) management: Management,
    sites: HashMap<SiteId, Watched>,
    site_of: HashMap<TunnelId, SiteId>,
    /// When each monitor wants to be called, earliest first.
    due: BTreeSet<(Instant, SiteId)>,
    /// Sites whose monitor may have something to tell.
    touched: BTreeSet<SiteId>,
    pub(super) sources: Sources,
    pub(super) nudges: Nudges,
}

impl Desk {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            fleet: Fleet::new(now),
            management: Management::default(),
            sites: HashMap::new(),
            site_of: HashMap::new(),
            due: BTreeSet::new(),
            touched: BTreeSet::new(),
            sources: Sources::default(),
            nudges: Nudges::default(),
        }
    }

    // --- configuration ----------------------------------------------------------------------

    /// A site as it was when this process last ran. Follow with [`Self::apply`].
    pub(super) fn restore(&mut self, site: SiteId, organization: OrganizationId, monitor: Monitor) {
        let mut watched = Watched::new(organization);
        watched.monitor = monitor;
        self.sites.insert(site, watched);
    }

    /// The site is to be like this from now on.
    pub(super) fn apply(&mut self, site: &SiteId, desired: &Desired, now: Instant) {
        let watched = self
            .sites
            .entry(site.clone())
            .or_insert_with(|| Watched::new(desired.organization.clone()));
        for it in &desired.tunnels {
            self.site_of
                .insert(it.configured.tunnel.clone(), site.clone());
        }
        let configured = desired.tunnels.iter().map(|it| it.configured.clone());
        watched.monitor.configure(configured.collect(), now);
        watched.order = watched.monitor.order();
        let order = watched.order.clone();
        self.touched.insert(site.clone());

        let leaving: Vec<TunnelId> = self
            .fleet
            .connected_of(site)
            .map(|(tunnel, ..)| tunnel)
            .filter(|tunnel| !order.contains(tunnel))
            .cloned()
            .collect();
        self.fleet
            .withdraw(site, &leaving, "it may not connect any more", now);
        self.fleet.set_hold(site, desired.hold);
        self.fleet.set_order(site, order, now);
        self.renew(site, "its configuration was changed", now, |tunnel, had| {
            let details = desired.tunnel(tunnel).and_then(|it| it.details);
            details.is_some_and(|details| details != had.details)
        });
    }

    /// Tunnels whose password is another now have to log in with it.
    pub(super) fn apply_passwords(
        &mut self,
        site: &SiteId,
        passwords: &BTreeMap<TunnelId, Sha256>,
        now: Instant,
    ) {
        self.renew(site, "its password was changed", now, |tunnel, had| {
            passwords
                .get(tunnel)
                .is_some_and(|password| *password != had.password_sha256)
        });
    }

    fn renew(
        &mut self,
        site: &SiteId,
        cause: &str,
        now: Instant,
        is_changed: impl Fn(&TunnelId, &LoggedIn) -> bool,
    ) {
        let changed: Vec<TunnelId> = self
            .fleet
            .connected_of(site)
            .filter(|(tunnel, _, had)| is_changed(tunnel, had))
            .map(|(tunnel, ..)| tunnel.clone())
            .collect();
        self.fleet.renew(site, &changed, cause, now);
    }

    /// The site is gone: its tunnels are closed one after the other, its faults went with its rows.
    pub(super) fn remove(&mut self, site: &SiteId, now: Instant) {
        if let Some(watched) = self.sites.remove(site)
            && let Some(due) = watched.due
        {
            self.due.remove(&(due, site.clone()));
        }
        self.site_of.retain(|_, of| of != site);
        let members = self.connected(site);
        if members.is_empty() {
            self.fleet.forget(site);
        } else {
            self.fleet
                .withdraw(site, &members, "its site was removed", now);
        }
    }

    pub(super) fn connected(&self, site: &SiteId) -> Vec<TunnelId> {
        self.fleet
            .connected_of(site)
            .map(|(tunnel, ..)| tunnel.clone())
            .collect()
    }

    // --- log-ins and reports ----------------------------------------------------------------

    pub(super) fn should_wait(
        &self,
        site: &SiteId,
        tunnel: &TunnelId,
        asked: Instant,
        now: Instant,
    ) -> bool {
        let Some(watched) = self.sites.get(site) else {
            return false;
        };
        self.fleet.should_wait(&watched.order, tunnel, asked, now)
    }

    pub(super) fn is_starting(&self, asked: Instant) -> bool {
        self.fleet.is_starting(asked)
    }

    pub(super) fn admit(
        &mut self,
        arrival: Arrival<Connection, LoggedIn>,
        desired: &Desired,
        now: Instant,
    ) -> (Place, Vec<Route>) {
        let site = arrival.site.clone();
        self.apply(&site, desired, now);
        let order = self.order(&site);
        self.fleet.admit(arrival, &order, desired.hold, now)
    }

    pub(super) fn adopt(
        &mut self,
        arrival: Arrival<Connection, LoggedIn>,
        place: Place,
        desired: &Desired,
        now: Instant,
    ) {
        let site = arrival.site.clone();
        self.apply(&site, desired, now);
        let order = self.order(&site);
        self.fleet.adopt(arrival, place, &order, desired.hold, now);
    }

    pub(super) fn handle_report(&mut self, source: Source, report: Report, now: Instant) {
        let connection = Connection {
            source,
            number: report.connection,
        };
        if self.management.has(connection) {
            if let Some(order) = self.management.handle_report(connection, report.kind) {
                self.sources.order(connection, order);
            }
            return;
        }
        self.note_unseen_loss(&report, now);
        self.fleet
            .handle_report(&report.tunnel, connection, report.kind, now);
    }

    /// A tunnel that was up before we started was lost before anybody has told us that it still was.
    fn note_unseen_loss(&mut self, report: &Report, now: Instant) {
        let tunnel = &report.tunnel;
        let ReportKind::Down {
            cause,
            planned: false,
        } = &report.kind
        else {
            return;
        };
        let Some(site) = self.site_of.get(tunnel).cloned() else {
            return;
        };
        if self.fleet.connection(tunnel).is_some() {
            return;
        }
        let kind = LinkEventKind::TunnelDown {
            cause: cause.clone(),
            planned: false,
        };
        self.with_monitor(&site, |monitor| {
            let mut links = monitor.links();
            if links.any(|(link, state, ..)| link == tunnel && state == LinkState::Unknown) {
                drop(links);
                monitor.handle_event(tunnel, &kind, now);
            }
        });
    }

    /// When something was that a controller tells so much later.
    pub(super) fn time_of(
        &self,
        tunnel: &TunnelId,
        age: SignedDuration,
        now: Timestamp,
    ) -> Timestamp {
        let site = self.site_of.get(tunnel);
        let watched = site.and_then(|site| self.sites.get(site));
        watched.map_or(now, |watched| watched.time_of(age, now))
    }

    pub(super) fn connection(&self, tunnel: &TunnelId) -> Option<Connection> {
        self.fleet.connection(tunnel)
    }

    pub(super) fn is_up(&self, tunnel: &TunnelId) -> bool {
        self.fleet.is_up(tunnel)
    }

    // --- controllers ------------------------------------------------------------------------

    pub(super) fn detach(&mut self, source: Source) {
        self.sources.detach(source);
        self.management.forget(source);
    }

    /// The connections of a controller: connection, tunnel and site of each.
    pub(super) fn connections(&self, source: Source) -> Vec<(Connection, TunnelId, SiteId)> {
        self.fleet
            .with_connection(|connection| connection.source == source)
            .map(|(tunnel, site, connection)| (connection, tunnel.clone(), site.clone()))
            .collect()
    }

    pub(super) fn with_monitor(&mut self, site: &SiteId, change: impl FnOnce(&mut Monitor)) {
        if let Some(watched) = self.sites.get_mut(site) {
            change(&mut watched.monitor);
            self.touched.insert(site.clone());
        }
    }

    /// The ways to a site's router, best first: its management tunnel, then the active tunnel, then the others as
    /// they rank.
    pub(super) fn ways_to(&self, site: &SiteId) -> Vec<Candidate> {
        let management = self.management.connected(site).map(|connection| Candidate {
            connection,
            via: Via::Management,
        });
        let active = self.active(site);
        let others = self.order(site).into_iter();
        let others = others.filter(|tunnel| Some(tunnel) != active.as_ref());
        let tunnels = active.clone().into_iter().chain(others);
        let tunnels = tunnels
            .filter(|tunnel| self.is_up(tunnel))
            .filter_map(|tunnel| {
                Some(Candidate {
                    connection: self.connection(&tunnel)?,
                    via: Via::Tunnel {
                        name: self.name(site, &tunnel),
                        tunnel,
                    },
                })
            });
        management.into_iter().chain(tunnels).collect()
    }

    /// The management tunnel of a site was let in. Its older connection has to go.
    pub(super) fn admit_management(&mut self, site: SiteId, connected: Connected) {
        if let Some(older) = self.management.admit(site, connected) {
            let order = Order::Disconnect {
                cause: "replaced by a new log-in".into(),
                planned: true,
            };
            self.sources.order(older, order);
        }
    }

    /// The management tunnel of a site may not connect any more.
    pub(super) fn dismiss_management(&mut self, site: &SiteId) {
        if let Some(connection) = self.management.dismiss(site) {
            self.turn_out(connection);
        }
    }

    /// Closes a connection that may not be there.
    pub(super) fn turn_out(&mut self, connection: Connection) {
        let order = Order::Disconnect {
            cause: "it may not connect any more".into(),
            planned: true,
        };
        self.sources.order(connection, order);
    }

    /// What people call a tunnel.
    fn name(&self, site: &SiteId, tunnel: &TunnelId) -> String {
        let watched = self.sites.get(site);
        let name = watched.and_then(|it| it.monitor.name(tunnel));
        name.unwrap_or(tunnel.as_str()).to_owned()
    }

    // --- what is known ----------------------------------------------------------------------

    pub(super) fn holds(&self, site: &SiteId) -> Vec<TunnelHolds> {
        let watched = self.sites.get(site);
        watched.map_or_else(Vec::new, |it| it.holds.values().cloned().collect())
    }

    pub(super) fn active(&self, site: &SiteId) -> Option<TunnelId> {
        self.fleet.site(site)?.active().cloned()
    }

    /// The order that counts: as configured, corrected by overrides and by the links' health.
    pub(super) fn order(&self, site: &SiteId) -> Vec<TunnelId> {
        let watched = self.sites.get(site);
        watched.map_or_else(Vec::new, |it| it.order.clone())
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        let monitors = self.due.first().map(|(at, _)| *at);
        self.fleet.poll_timeout().into_iter().chain(monitors).min()
    }

    // --- time and effects -------------------------------------------------------------------

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        self.fleet.handle_timeout(now);
        while let Some((at, site)) = self.due.first().cloned()
            && at <= now
        {
            self.due.pop_first();
            if let Some(watched) = self.sites.get_mut(&site) {
                watched.due = None;
                watched.monitor.handle_timeout(now);
                self.touched.insert(site);
            }
        }
    }

    /// Carries everything that has come up to where it belongs.
    pub(super) fn settle(&mut self, now: Instant, wall: Timestamp, outlets: &Outlets<'_>) {
        loop {
            while let Some(effect) = self.fleet.poll_effect() {
                self.carry_out(effect, now, wall, outlets);
            }
            let Some(site) = self.touched.pop_first() else {
                return;
            };
            self.settle_site(&site, now, wall, outlets);
        }
    }

    fn carry_out(
        &mut self,
        effect: FleetEffect<Connection>,
        now: Instant,
        wall: Timestamp,
        outlets: &Outlets<'_>,
    ) {
        match effect {
            FleetEffect::Order { connection, order } => self.sources.order(connection, order),
            FleetEffect::Tell { site, tunnel, kind } => {
                (outlets.follower)(&site, &tunnel, &kind);
                let Some(watched) = self.sites.get_mut(&site) else {
                    if self.fleet.connected_of(&site).next().is_none() {
                        self.fleet.forget(&site);
                    }
                    return;
                };
                watched.monitor.handle_event(&tunnel, &kind, now);
                watched.note(&site, &tunnel, kind, wall, outlets);
                self.touched.insert(site);
            }
        }
    }

    fn settle_site(&mut self, site: &SiteId, now: Instant, wall: Timestamp, outlets: &Outlets<'_>) {
        let Some(watched) = self.sites.get_mut(site) else {
            return;
        };
        while let Some(effect) = watched.monitor.poll_effect() {
            watched.tell(site, effect, wall, outlets.journal);
        }
        let due = watched.monitor.poll_timeout();
        let before = std::mem::replace(&mut watched.due, due);
        if before != due {
            before.map(|at| self.due.remove(&(at, site.clone())));
            due.map(|at| self.due.insert((at, site.clone())));
        }
        let order = watched.monitor.order();
        if order != watched.order {
            watched.order.clone_from(&order);
            self.fleet.set_order(site, order, now);
        }
    }
}
