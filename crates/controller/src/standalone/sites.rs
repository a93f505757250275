//! The sites of a grants file: who may log in, and what the fleet decides about them.

use std::{collections::BTreeMap, sync::Arc, time::Instant};

use holdfast_api_types::{SiteId, TunnelId};
use holdfast_failover::{Arrival, Fleet, FleetEffect, Hold, RETURN_AFTER, addresses};
use secrecy::ExposeSecret;

use super::config::{Entry, Grants};
use crate::{
    control_plane::{Command, LoginRequest, LoginVerdict, Report, StillGood, TunnelGrant},
    events::EventSink,
};

/// Without a database nobody keeps count of drops, and a grants file has no place for a longer hold.
const HOLD: Hold = Hold::fixed(RETURN_AFTER);

pub(super) struct Sites {
    grants: Grants,
    events: EventSink,
    fleet: Fleet<u64, Arc<Entry>>,
    commands: Vec<Command>,
}

impl Sites {
    pub(super) fn new(grants: Grants, events: EventSink, now: Instant) -> Self {
        Self {
            grants,
            events,
            fleet: Fleet::new(now),
            commands: Vec::new(),
        }
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.fleet.poll_timeout()
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
        let ends = self.grants.addresses(&tunnel);
        let profile = entry.profile;
        let arrival = Arrival {
            site: site.clone(),
            tunnel: tunnel.clone(),
            connection: login.connection,
            gateway: entry.gateway,
            details: entry,
        };
        let order = self.grants.order(&site, &tunnel);
        let (place, routes) = self.fleet.admit(arrival, &order, HOLD, now);
        self.drain();
        LoginVerdict::Granted(Box::new(TunnelGrant {
            tunnel,
            site,
            address: ends.router,
            server: ends.server,
            prefix: addresses::PREFIX,
            place: Some(place),
            routes,
            profile,
        }))
    }

    /// Whether this log-in, made at `asked`, has to wait for tunnels ranked before it.
    pub(super) fn should_wait(&self, login: &LoginRequest, asked: Instant, now: Instant) -> bool {
        if !self.fleet.is_starting(asked) {
            return false;
        }
        let Ok((tunnel, _, site)) = self.find(login) else {
            return false;
        };
        let order = self.grants.order(&site, &tunnel);
        self.fleet.should_wait(&order, &tunnel, asked, now)
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

    // --- reports, time and grants ------------------------------------------------------------

    pub(super) fn handle_report(&mut self, report: Report, now: Instant) {
        let Report {
            tunnel,
            connection,
            kind,
        } = report;
        self.fleet.handle_report(&tunnel, connection, kind, now);
        self.drain();
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        self.fleet.handle_timeout(now);
        self.drain();
    }

    pub(super) fn replace_grants(&mut self, grants: Grants, now: Instant) {
        self.grants = grants;
        self.disconnect_changed();
        let members: BTreeMap<SiteId, TunnelId> = self
            .fleet
            .connected()
            .map(|(tunnel, site, _)| (site.clone(), tunnel.clone()))
            .collect();
        let sites: Vec<SiteId> = self.fleet.sites().cloned().collect();
        for site in sites {
            match members.get(&site) {
                Some(member) => {
                    let order = self.grants.order(&site, member);
                    self.fleet.set_order(&site, order, now);
                }
                // It begins anew, with its new order, at the next log-in.
                None => self.fleet.forget(&site),
            }
        }
        self.drain();
    }

    fn disconnect_changed(&mut self) {
        let is_changed = |tunnel: &TunnelId, old: &Entry| {
            let entry = self.grants.entry(tunnel);
            !entry.is_some_and(|entry| entry.grants_the_same(old))
        };
        let changed: Vec<TunnelId> = self
            .fleet
            .connected()
            .filter(|(tunnel, _, entry)| is_changed(tunnel, entry))
            .map(|(tunnel, ..)| tunnel.clone())
            .collect();
        for tunnel in changed {
            self.fleet
                .disconnect(&tunnel, "its grant was changed or withdrawn");
        }
    }

    fn drain(&mut self) {
        while let Some(effect) = self.fleet.poll_effect() {
            match effect {
                FleetEffect::Order { connection, order } => {
                    self.commands.push(Command { connection, order });
                }
                FleetEffect::Tell { site, tunnel, kind } => self.events.emit(&site, &tunnel, kind),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use holdfast_api_types::controller::{Order, ReportKind};
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
        Sites::new(grants(tunnels), EventSink::new(None), Instant::now())
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
            let site = sites.fleet.site(&"office".parse().unwrap()).unwrap();
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
        assert_eq!(sites.fleet.connection(&id("fibre")), Some(2));
    }
}
