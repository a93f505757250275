//! The sites of a grants file: who is connected, and what follows from it.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
    time::Instant,
};

use holdfast_api_types::{LinkEventKind, PushMethod, SiteId, TunnelId};
use holdfast_failover::{Effect, Site, ladder};
use secrecy::ExposeSecret;

use super::{
    address,
    config::{Entry, Grants},
};
use crate::{
    control_plane::{
        Command, LoginRequest, LoginVerdict, Order, Report, ReportKind, StillGood, TunnelGrant,
    },
    events::EventSink,
};

pub(super) struct Sites {
    grants: Grants,
    events: EventSink,
    sites: HashMap<SiteId, Site>,
    connected: HashMap<TunnelId, Connected>,
    /// When each site wants to be called, earliest first. One entry per site.
    deadlines: BTreeSet<(Instant, SiteId)>,
    deadline_of: HashMap<SiteId, Instant>,
    commands: Vec<Command>,
}

/// A tunnel that has logged in.
struct Connected {
    connection: u64,
    site: SiteId,
    entry: Arc<Entry>,
    /// Set when the router acknowledged its push.
    up: bool,
}

impl Sites {
    pub(super) fn new(grants: Grants, events: EventSink) -> Self {
        Self {
            grants,
            events,
            sites: HashMap::new(),
            connected: HashMap::new(),
            deadlines: BTreeSet::new(),
            deadline_of: HashMap::new(),
            commands: Vec::new(),
        }
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.deadlines.first().map(|(at, _)| *at)
    }

    pub(super) fn has_commands(&self) -> bool {
        !self.commands.is_empty()
    }

    pub(super) fn take_commands(&mut self) -> Vec<Command> {
        std::mem::take(&mut self.commands)
    }

    // --- log-ins ----------------------------------------------------------------------------

    pub(super) fn authorize(&mut self, login: &LoginRequest, now: Instant) -> LoginVerdict {
        let (tunnel, entry, site) = match self.find(login) {
            Ok(found) => found,
            Err(reason) => return LoginVerdict::Refused(reason.into()),
        };
        if self.connected.contains_key(&tunnel) {
            self.replaced(&tunnel, now);
        }
        let order = self.grants.order(&site, &tunnel);
        let place = self
            .sites
            .entry(site.clone())
            .or_insert_with(|| Site::new(order, now))
            .tunnel_authorized(&tunnel, now);
        let routes = ladder::routes(place, entry.gateway);
        let addresses = self.grants.addresses(&tunnel);
        let grant = TunnelGrant {
            tunnel: tunnel.clone(),
            site: site.clone(),
            address: addresses.router,
            server: addresses.server,
            prefix: address::PREFIX,
            place,
            routes,
            profile: entry.profile,
        };
        let connection = login.connection;
        let connected = Connected {
            connection,
            site: site.clone(),
            entry,
            up: false,
        };
        self.connected.insert(tunnel, connected);
        self.drain_site(&site);
        LoginVerdict::Granted(Box::new(grant))
    }

    /// The router redialled before we noticed that its old connection is dead.
    fn replaced(&mut self, tunnel: &TunnelId, now: Instant) {
        let cause = "replaced by a new log-in";
        self.order(tunnel, disconnect(cause, true));
        self.disconnected(tunnel, cause, true, now);
    }

    /// Whether a tunnel of the same site that is ranked before this one has not come up yet.
    pub(super) fn is_better_missing(&self, login: &LoginRequest) -> bool {
        let Ok((tunnel, _, site)) = self.find(login) else {
            return false;
        };
        let is_up = |other: &TunnelId| self.connected.get(other).is_some_and(|it| it.up);
        self.grants
            .order(&site, &tunnel)
            .iter()
            .take_while(|other| **other != tunnel)
            .any(|other| !is_up(other))
    }

    pub(super) fn reauthorize(&self, login: &LoginRequest) -> StillGood {
        match self.find(login) {
            Ok(_) => StillGood::Yes,
            Err(reason) => StillGood::No(reason.into()),
        }
    }

    fn find(&self, login: &LoginRequest) -> Result<(TunnelId, Arc<Entry>, SiteId), &'static str> {
        // One answer for a wrong name and a wrong password: neither is confirmed to a guesser.
        const REASON: &str = "user name or password is wrong";
        let tunnel: TunnelId = login.username.parse().map_err(|_| REASON)?;
        let entry = self.grants.entry(&tunnel).ok_or(REASON)?;
        if !entry.password.matches(login.password.expose_secret()) {
            return Err(REASON);
        }
        let site = entry.site_of(&tunnel).ok_or(REASON)?;
        Ok((tunnel, entry.clone(), site))
    }

    // --- reports ----------------------------------------------------------------------------

    pub(super) fn handle_report(&mut self, report: Report, now: Instant) {
        let Report {
            tunnel,
            connection,
            kind,
        } = report;
        let Some(connected) = self.connected.get_mut(&tunnel) else {
            return;
        };
        if connected.connection != connection {
            // News of a connection that a newer one has replaced.
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
                let kind = LinkEventKind::TunnelUp {
                    remote,
                    slot,
                    cipher,
                };
                self.events.emit(&id, &tunnel, kind);
                site.tunnel_up(&tunnel, now);
                self.tell_routes(&id, &tunnel, PushMethod::PushReply);
            }
            ReportKind::Down { cause, planned } => {
                self.disconnected(&tunnel, &cause, planned, now);
            }
            ReportKind::RoutesUpdated => {
                site.routes_applied(&tunnel, now);
                self.tell_routes(&id, &tunnel, PushMethod::PushUpdate);
            }
            ReportKind::Verdict(verdict) => site.handle_verdict(&tunnel, verdict, now),
            ReportKind::Health(health) => {
                self.events
                    .emit(&id, &tunnel, LinkEventKind::TunnelHealth(health));
            }
        }
        self.drain_site(&id);
    }

    fn tell_routes(&self, id: &SiteId, tunnel: &TunnelId, by: PushMethod) {
        let place = self.sites.get(id).and_then(|site| site.place(tunnel));
        if let Some(place) = place
            && let Some(connected) = self.connected.get(tunnel)
        {
            let routes = ladder::routes(place, connected.entry.gateway);
            let kind = LinkEventKind::RoutesPushed { place, routes, by };
            self.events.emit(id, tunnel, kind);
        }
    }

    fn disconnected(&mut self, tunnel: &TunnelId, cause: &str, planned: bool, now: Instant) {
        let Some(connected) = self.connected.remove(tunnel) else {
            return;
        };
        let id = connected.site;
        if connected.up {
            let kind = LinkEventKind::TunnelDown {
                cause: cause.into(),
                planned,
            };
            self.events.emit(&id, tunnel, kind);
        }
        if let Some(site) = self.sites.get_mut(&id) {
            site.tunnel_down(tunnel, planned, cause, now);
        }
        self.drain_site(&id);
    }

    // --- time and grants --------------------------------------------------------------------

    pub(super) fn handle_timeout(&mut self, now: Instant) {
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

    pub(super) fn replace_grants(&mut self, grants: Grants, now: Instant) {
        self.grants = grants;
        let changed = self.connected.iter().filter(|(tunnel, connected)| {
            let entry = self.grants.entry(tunnel);
            !entry.is_some_and(|entry| entry.grants_the_same(&connected.entry))
        });
        let commands = changed.map(|(_, connected)| Command {
            connection: connected.connection,
            order: disconnect("its grant was changed or withdrawn", true),
        });
        self.commands.extend(commands);
        let members: BTreeMap<SiteId, TunnelId> = self
            .connected
            .iter()
            .map(|(tunnel, connected)| (connected.site.clone(), tunnel.clone()))
            .collect();
        let ids: Vec<SiteId> = self.sites.keys().cloned().collect();
        for id in ids {
            match members.get(&id) {
                Some(member) => {
                    let order = self.grants.order(&id, member);
                    if let Some(site) = self.sites.get_mut(&id) {
                        site.set_order(order, now);
                    }
                    self.drain_site(&id);
                }
                None => {
                    // Nobody is connected: the site begins anew, with its new order, at the next log-in.
                    self.sites.remove(&id);
                    self.set_deadline(&id, None);
                }
            }
        }
    }

    // --- effects ----------------------------------------------------------------------------

    fn drain_site(&mut self, id: &SiteId) {
        let Some(mut site) = self.sites.remove(id) else {
            return;
        };
        while let Some(effect) = site.poll_effect() {
            self.carry_out(id, effect);
        }
        self.set_deadline(id, site.poll_timeout().map(|(at, _)| at));
        self.sites.insert(id.clone(), site);
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
                    let routes = ladder::routes(place, connected.entry.gateway);
                    self.order(&tunnel, Order::Push { routes });
                }
            }
            Effect::Burst { tunnel } => self.order(&tunnel, Order::Burst),
            Effect::Role { tunnel, role } => self.order(&tunnel, Order::SetRole { role }),
            Effect::Disconnect { tunnel, cause } => {
                self.order(&tunnel, disconnect(&cause, false));
            }
            Effect::Activated {
                tunnel,
                previous,
                cause,
            } => {
                let kind = LinkEventKind::TunnelActive { previous, cause };
                self.events.emit(id, &tunnel, kind);
            }
            Effect::Suspect { tunnel, cause } => {
                self.events
                    .emit(id, &tunnel, LinkEventKind::LinkSuspect { cause });
            }
            Effect::Recovering { tunnel, hold } => {
                let hold_s = hold.as_secs_f64();
                self.events
                    .emit(id, &tunnel, LinkEventKind::LinkRecovering { hold_s });
            }
            Effect::Online { tunnel } => {
                self.events.emit(id, &tunnel, LinkEventKind::LinkOnline);
            }
            Effect::Offline { tunnel, cause } => {
                self.events
                    .emit(id, &tunnel, LinkEventKind::LinkOffline { cause });
            }
            Effect::SiteOffline { tunnel } => {
                self.events.emit(id, &tunnel, LinkEventKind::SiteOffline);
            }
        }
    }

    /// Leaves an order for the connection that a tunnel has now.
    fn order(&mut self, tunnel: &TunnelId, order: Order) {
        if let Some(connected) = self.connected.get(tunnel) {
            let connection = connected.connection;
            self.commands.push(Command { connection, order });
        }
    }
}

fn disconnect(cause: &str, planned: bool) -> Order {
    let cause = cause.into();
    Order::Disconnect { cause, planned }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use holdfast_failover::{Role, Verdict};
    use secrecy::SecretString;

    use super::*;

    fn grants(tunnels: &[&str]) -> Grants {
        let mut text = "[listen]\nslots = [\"192.0.2.1:443\"]\n".to_owned();
        for (rank, name) in tunnels.iter().enumerate() {
            text += &format!(
                "[[tunnels]]\nusername = \"{name}\"\npassword = \"secret\"\nsite = \"office\"\n\
                 rank = {rank}\ngateway = \"198.51.100.1\"\n"
            );
        }
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        Grants::load(file.path()).unwrap()
    }

    fn sites(tunnels: &[&str]) -> Sites {
        Sites::new(grants(tunnels), EventSink::new(None))
    }

    fn id(name: &str) -> TunnelId {
        name.parse().unwrap()
    }

    fn log_in(sites: &mut Sites, name: &str, connection: u64, now: Instant) {
        let login = LoginRequest {
            connection,
            username: name.into(),
            password: SecretString::from("secret"),
            remote: "203.0.113.9:40000".parse().unwrap(),
            slot: 0,
        };
        let verdict = sites.authorize(&login, now);
        assert!(matches!(verdict, LoginVerdict::Granted(_)), "{verdict:?}");
    }

    fn report(sites: &mut Sites, name: &str, connection: u64, kind: ReportKind, now: Instant) {
        let tunnel = id(name);
        let report = Report {
            tunnel,
            connection,
            kind,
        };
        sites.handle_report(report, now);
    }

    fn come_up(sites: &mut Sites, name: &str, connection: u64, now: Instant) {
        log_in(sites, name, connection, now);
        let up = ReportKind::Up {
            remote: "203.0.113.9:40000".parse().unwrap(),
            slot: 0,
            cipher: "AES-256-GCM".into(),
        };
        report(sites, name, connection, up, now);
        let answered = ReportKind::Verdict(Verdict::Answered);
        report(sites, name, connection, answered, now);
    }

    #[test]
    fn withdrawing_one_tunnel_leaves_the_others_of_its_site_in_charge() {
        // Which of the two is asked for its site's order first is left to chance.
        for _ in 0..16 {
            let now = Instant::now();
            let mut sites = sites(&["fibre", "lte"]);
            come_up(&mut sites, "fibre", 1, now);
            come_up(&mut sites, "lte", 2, now);
            sites.take_commands();

            sites.replace_grants(grants(&["lte"]), now + Duration::from_secs(20));
            let commands = sites.take_commands();
            let disconnected = |command: &Command| {
                command.connection == 1 && matches!(command.order, Order::Disconnect { .. })
            };
            assert!(commands.iter().any(disconnected), "{commands:?}");
            let site = &sites.sites[&"office".parse().unwrap()];
            assert_eq!(site.active(), Some(&id("lte")));
            assert_eq!(site.role(&id("lte")), Role::Active);
        }
    }

    #[test]
    fn a_new_log_in_ends_the_older_connection_and_what_that_still_says_is_ignored() {
        let now = Instant::now();
        let mut sites = sites(&["fibre"]);
        come_up(&mut sites, "fibre", 1, now);
        sites.take_commands();
        log_in(&mut sites, "fibre", 2, now);
        let commands = sites.take_commands();
        assert!(
            matches!(
                commands[..],
                [Command {
                    connection: 1,
                    order: Order::Disconnect { planned: true, .. }
                }]
            ),
            "{commands:?}"
        );
        let down = ReportKind::Down {
            cause: "late news".into(),
            planned: false,
        };
        report(&mut sites, "fibre", 1, down, now);
        assert_eq!(sites.connected[&id("fibre")].connection, 2);
    }
}
