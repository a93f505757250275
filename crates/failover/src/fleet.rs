//! Many sites together: whose connection is whose, and which site is due when.

use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    net::Ipv4Addr,
    time::{Duration, Instant},
};

use holdfast_api_types::{
    LinkEventKind, Place, PushMethod, Route, SiteId, TunnelId,
    controller::{Order, ReportKind},
};

use crate::{Effect, Hold, Site, ladder};

/// How long after a start a backup that logs in may have to wait for those ranked before it.
const START: Duration = Duration::from_secs(10);

/// How long it waits at most. After a start all tunnels of a site redial at about the same time; until the
/// primary is back the router's own default routes carry the traffic, through the primary, and connections
/// that would not survive a visit to the backup live on.
const BACKUPS_WAIT: Duration = Duration::from_millis(2500);

/// All sites, the tunnels connected to them, and when each site wants to be called.
///
/// `C` tells connections apart, for good: a tunnel that logs in again has another. `D` is what the driver
/// wants to remember of a connected tunnel. Log-ins and reports come in, [`FleetEffect`]s come out.
#[derive(Debug)]
pub struct Fleet<C, D> {
    started: Instant,
    // Neither map is ever walked where its order could show.
    sites: HashMap<SiteId, Site>,
    connected: HashMap<TunnelId, Connected<C, D>>,
    /// Earliest first; one entry per site.
    deadlines: BTreeSet<(Instant, SiteId)>,
    deadline_of: HashMap<SiteId, Instant>,
    effects: VecDeque<FleetEffect<C>>,
}

/// What a [`Fleet`] wants done, or has to tell.
#[derive(Debug, Clone, PartialEq)]
pub enum FleetEffect<C> {
    /// Pass this on to the controller that has the connection.
    Order {
        /// The connection.
        connection: C,
        /// What it is to do.
        order: Order,
    },
    /// Something happened.
    Tell {
        /// The site.
        site: SiteId,
        /// Its tunnel.
        tunnel: TunnelId,
        /// What happened to it.
        kind: LinkEventKind,
    },
}

/// A tunnel whose credentials are right.
#[derive(Debug)]
pub struct Arrival<C, D> {
    /// The site it belongs to.
    pub site: SiteId,
    /// The tunnel.
    pub tunnel: TunnelId,
    /// Its connection.
    pub connection: C,
    /// The ISP's gateway that its routes point at.
    pub gateway: Ipv4Addr,
    /// What the driver wants to remember of it.
    pub details: D,
}

/// A tunnel that has logged in.
#[derive(Debug)]
struct Connected<C, D> {
    connection: C,
    site: SiteId,
    gateway: Ipv4Addr,
    /// Set when the router acknowledged its push.
    up: bool,
    details: D,
}

impl<C, D> From<Arrival<C, D>> for Connected<C, D> {
    fn from(arrival: Arrival<C, D>) -> Self {
        Self {
            connection: arrival.connection,
            site: arrival.site,
            gateway: arrival.gateway,
            up: false,
            details: arrival.details,
        }
    }
}

impl<C: Copy + PartialEq, D> Fleet<C, D> {
    /// No site, and nobody connected.
    pub fn new(now: Instant) -> Self {
        Self {
            started: now,
            sites: HashMap::new(),
            connected: HashMap::new(),
            deadlines: BTreeSet::new(),
            deadline_of: HashMap::new(),
            effects: VecDeque::new(),
        }
    }

    /// Lets a tunnel in: returns its place, and the routes of that place. An older connection of the same tunnel is
    /// told to go. `order` is that of its site, best first, and `hold` the site's; both count where the site is not
    /// known yet.
    pub fn admit(
        &mut self,
        arrival: Arrival<C, D>,
        order: &[TunnelId],
        hold: Hold,
        now: Instant,
    ) -> (Place, Vec<Route>) {
        let (id, tunnel, gateway) = (
            arrival.site.clone(),
            arrival.tunnel.clone(),
            arrival.gateway,
        );
        self.replace(&tunnel, now);
        let site = self
            .sites
            .entry(id.clone())
            .or_insert_with(|| Site::new(order.to_vec(), hold, now));
        let place = site.tunnel_authorized(&tunnel, now);
        self.connected.insert(tunnel, arrival.into());
        self.drain_site(&id);
        (place, ladder::routes(place, gateway))
    }

    /// Takes over a tunnel that has been up for a while, unknown to us: we have restarted, or could not be asked. It
    /// stays as it is: its router has the routes of `place`. An older connection of it is told to go.
    pub fn adopt(
        &mut self,
        arrival: Arrival<C, D>,
        place: Place,
        order: &[TunnelId],
        hold: Hold,
        now: Instant,
    ) {
        let (id, tunnel) = (arrival.site.clone(), arrival.tunnel.clone());
        self.replace(&tunnel, now);
        let site = self
            .sites
            .entry(id.clone())
            .or_insert_with(|| Site::new(order.to_vec(), hold, now));
        site.tunnel_adopted(&tunnel, place, now);
        self.connected.insert(tunnel, arrival.into());
        self.drain_site(&id);
    }

    /// Whether, at `asked`, all tunnels are just coming back after a start.
    pub fn is_starting(&self, asked: Instant) -> bool {
        asked < self.started + START
    }

    /// Whether a tunnel that asked to be let in at `asked` is better let in later: all are just coming back
    /// after a start, and one that is ranked before it in `order` is not up yet.
    pub fn should_wait(
        &self,
        order: &[TunnelId],
        tunnel: &TunnelId,
        asked: Instant,
        now: Instant,
    ) -> bool {
        self.is_starting(asked)
            && now < asked + BACKUPS_WAIT
            && order
                .iter()
                .take_while(|other| *other != tunnel)
                .any(|other| !self.is_up(other))
    }

    /// Takes note of what happened to a connection. News of one that a newer one has replaced is ignored.
    pub fn handle_report(
        &mut self,
        tunnel: &TunnelId,
        connection: C,
        kind: ReportKind,
        now: Instant,
    ) {
        let Some(connected) = self.connected.get_mut(tunnel) else {
            return;
        };
        if connected.connection != connection {
            return;
        }
        let id = connected.site.clone();
        let Some(site) = self.sites.get_mut(&id) else {
            return;
        };
        match kind {
            ReportKind::Up {
                remote,
                slot,
                cipher,
            } => {
                connected.up = true;
                site.tunnel_up(tunnel, now);
                let kind = LinkEventKind::TunnelUp {
                    remote,
                    slot,
                    cipher,
                };
                self.tell(&id, tunnel, kind);
                self.tell_routes(&id, tunnel, PushMethod::PushReply);
            }
            ReportKind::Down { cause, planned } => self.disconnected(tunnel, cause, planned, now),
            ReportKind::RoutesUpdated => {
                site.routes_applied(tunnel, now);
                self.tell_routes(&id, tunnel, PushMethod::PushUpdate);
            }
            ReportKind::Verdict(verdict) => site.handle_verdict(tunnel, verdict, now),
            ReportKind::Health(health) => {
                self.tell(&id, tunnel, LinkEventKind::TunnelHealth(health));
            }
        }
        self.drain_site(&id);
    }

    /// The tunnels of a site rank in this order now, best first. Closing the connection of one that is no
    /// longer in it is the caller's affair. A site that is not known yet learns its order from its first log-in.
    pub fn set_order(&mut self, site: &SiteId, order: Vec<TunnelId>, now: Instant) {
        if let Some(it) = self.sites.get_mut(site) {
            it.set_order(order, now);
            self.drain_site(site);
        }
    }

    /// Returns of this site's tunnels are held for this long from now on.
    pub fn set_hold(&mut self, site: &SiteId, hold: Hold) {
        if let Some(it) = self.sites.get_mut(site) {
            it.set_hold(hold);
        }
    }

    /// See [`Site::renew`].
    pub fn renew(&mut self, site: &SiteId, tunnels: &[TunnelId], cause: &str, now: Instant) {
        if let Some(it) = self.sites.get_mut(site) {
            it.renew(tunnels, cause, now);
            self.drain_site(site);
        }
    }

    /// See [`Site::withdraw`].
    pub fn withdraw(&mut self, site: &SiteId, tunnels: &[TunnelId], cause: &str, now: Instant) {
        if let Some(it) = self.sites.get_mut(site) {
            it.withdraw(tunnels, cause, now);
            self.drain_site(site);
        }
    }

    /// Ends the connection that a tunnel has, as our own doing.
    pub fn disconnect(&mut self, tunnel: &TunnelId, cause: &str) {
        let order = Order::Disconnect {
            cause: cause.into(),
            planned: true,
        };
        self.order(tunnel, order);
    }

    /// Nothing is remembered of a site of which nobody is connected.
    pub fn forget(&mut self, site: &SiteId) {
        self.sites.remove(site);
        self.set_deadline(site, None);
    }

    /// The instant of [`Self::poll_timeout`] has come.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some((at, id)) = self.deadlines.first().cloned()
            && at <= now
        {
            self.deadlines.pop_first();
            self.deadline_of.remove(&id);
            if let Some(site) = self.sites.get_mut(&id) {
                site.handle_timeout(now);
            }
            self.drain_site(&id);
        }
    }

    /// The next thing to do or to tell.
    pub fn poll_effect(&mut self) -> Option<FleetEffect<C>> {
        self.effects.pop_front()
    }

    /// When to call [`Self::handle_timeout`].
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.deadlines.first().map(|(at, _)| *at)
    }

    /// Whether something is waiting to be polled.
    pub fn has_effects(&self) -> bool {
        !self.effects.is_empty()
    }

    /// What is decided about a site.
    pub fn site(&self, site: &SiteId) -> Option<&Site> {
        self.sites.get(site)
    }

    /// The sites that are known, in no order.
    pub fn sites(&self) -> impl Iterator<Item = &SiteId> {
        self.sites.keys()
    }

    /// The connection that a tunnel has.
    pub fn connection(&self, tunnel: &TunnelId) -> Option<C> {
        self.connected.get(tunnel).map(|it| it.connection)
    }

    /// The tunnels that are connected, each with its site and what was remembered of it, in no order.
    pub fn connected(&self) -> impl Iterator<Item = (&TunnelId, &SiteId, &D)> {
        self.connected
            .iter()
            .map(|(tunnel, it)| (tunnel, &it.site, &it.details))
    }

    /// Those of one site, by their ids.
    pub fn connected_of(&self, site: &SiteId) -> impl Iterator<Item = (&TunnelId, C, &D)> {
        self.sites
            .get(site)
            .into_iter()
            .flat_map(Site::tunnels)
            .filter_map(|tunnel| {
                let it = self.connected.get(tunnel)?;
                Some((tunnel, it.connection, &it.details))
            })
    }

    /// The tunnels whose connections are `wanted`, each with its site and its connection, in no order.
    pub fn with_connection(
        &self,
        wanted: impl Fn(C) -> bool,
    ) -> impl Iterator<Item = (&TunnelId, &SiteId, C)> {
        self.connected
            .iter()
            .filter(move |(_, it)| wanted(it.connection))
            .map(|(tunnel, it)| (tunnel, &it.site, it.connection))
    }

    /// Whether a tunnel is connected, and its router has acknowledged its routes.
    pub fn is_up(&self, tunnel: &TunnelId) -> bool {
        self.connected.get(tunnel).is_some_and(|it| it.up)
    }

    /// The router redialled before we noticed that its old connection is dead.
    fn replace(&mut self, tunnel: &TunnelId, now: Instant) {
        if self.connected.contains_key(tunnel) {
            let cause = "replaced by a new log-in";
            self.disconnect(tunnel, cause);
            self.disconnected(tunnel, cause.into(), true, now);
        }
    }

    fn disconnected(&mut self, tunnel: &TunnelId, cause: String, planned: bool, now: Instant) {
        let Some(connected) = self.connected.remove(tunnel) else {
            return;
        };
        if let Some(site) = self.sites.get_mut(&connected.site) {
            site.tunnel_down(tunnel, planned, &cause, now);
        }
        if connected.up {
            let kind = LinkEventKind::TunnelDown { cause, planned };
            self.tell(&connected.site, tunnel, kind);
        }
        self.drain_site(&connected.site);
    }

    // --- effects ----------------------------------------------------------------------------

    fn drain_site(&mut self, id: &SiteId) {
        let Some(site) = self.sites.get_mut(id) else {
            return;
        };
        let deadline = site.poll_timeout().map(|(at, _)| at);
        while let Some(effect) = self.sites.get_mut(id).and_then(Site::poll_effect) {
            self.carry_out(id, effect);
        }
        self.set_deadline(id, deadline);
    }

    fn set_deadline(&mut self, id: &SiteId, deadline: Option<Instant>) {
        let before = match deadline {
            Some(at) => self.deadline_of.insert(id.clone(), at),
            None => self.deadline_of.remove(id),
        };
        if before == deadline {
            return;
        }
        if let Some(at) = before {
            self.deadlines.remove(&(at, id.clone()));
        }
        if let Some(at) = deadline {
            self.deadlines.insert((at, id.clone()));
        }
    }

    fn carry_out(&mut self, id: &SiteId, effect: Effect) {
        match effect {
            Effect::Push { tunnel, place } => {
                if let Some(connected) = self.connected.get(&tunnel) {
                    let routes = ladder::routes(place, connected.gateway);
                    self.order(&tunnel, Order::Push { routes });
                }
            }
            Effect::Burst { tunnel } => self.order(&tunnel, Order::Burst),
            Effect::Role { tunnel, role } => self.order(&tunnel, Order::SetRole { role }),
            Effect::Disconnect { tunnel, cause } => {
                let planned = false;
                self.order(&tunnel, Order::Disconnect { cause, planned });
            }
            Effect::Reconnect { tunnel, cause } => self.disconnect(&tunnel, &cause),
            Effect::Flapping { tunnel, hold } => {
                let hold_s = hold.as_secs_f64();
                self.tell(id, &tunnel, LinkEventKind::LinkFlapping { hold_s });
            }
            Effect::Steady { tunnel } => self.tell(id, &tunnel, LinkEventKind::LinkSteady),
            Effect::Activated {
                tunnel,
                previous,
                cause,
            } => self.tell(id, &tunnel, LinkEventKind::TunnelActive { previous, cause }),
            Effect::Suspect { tunnel, cause } => {
                self.tell(id, &tunnel, LinkEventKind::LinkSuspect { cause });
            }
            Effect::Recovering { tunnel, hold } => {
                let hold_s = hold.as_secs_f64();
                self.tell(id, &tunnel, LinkEventKind::LinkRecovering { hold_s });
            }
            Effect::Online { tunnel } => self.tell(id, &tunnel, LinkEventKind::LinkOnline),
            Effect::Offline { tunnel, cause } => {
                self.tell(id, &tunnel, LinkEventKind::LinkOffline { cause });
            }
            Effect::SiteOffline { tunnel } => self.tell(id, &tunnel, LinkEventKind::SiteOffline),
        }
    }

    /// Leaves an order for the connection that a tunnel has now.
    fn order(&mut self, tunnel: &TunnelId, order: Order) {
        if let Some(connection) = self.connection(tunnel) {
            self.effects
                .push_back(FleetEffect::Order { connection, order });
        }
    }

    fn tell_routes(&mut self, site: &SiteId, tunnel: &TunnelId, by: PushMethod) {
        let place = self.sites.get(site).and_then(|it| it.place(tunnel));
        if let Some(place) = place
            && let Some(connected) = self.connected.get(tunnel)
        {
            let routes = ladder::routes(place, connected.gateway);
            self.tell(
                site,
                tunnel,
                LinkEventKind::RoutesPushed { place, routes, by },
            );
        }
    }

    fn tell(&mut self, site: &SiteId, tunnel: &TunnelId, kind: LinkEventKind) {
        self.effects.push_back(FleetEffect::Tell {
            site: site.clone(),
            tunnel: tunnel.clone(),
            kind,
        });
    }
}
