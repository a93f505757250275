//! The tunnels that are connected, as far as the control plane's absence makes it our affair. Pure.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    net::{Ipv4Addr, SocketAddr},
    time::{Duration, Instant},
};

use holdfast_api_types::{
    Place, SiteId, TunnelId,
    controller::{
        Command, Order, Report, ReportKind, TunnelGrant, Verdict,
        http::{ControllerEvent, HeldTunnel},
    },
};
use holdfast_failover::ladder;

use super::queue::Weight;

/// For so long after a burst was ordered, or routes were given, every answer to a probe is told: somebody
/// waits for it.
const WATCHED: Duration = Duration::from_secs(5);

/// How often it is told that a tunnel still answers its probes, when nobody waits for that.
const STILL_ANSWERS_EVERY: Duration = Duration::from_secs(2);

/// Every tunnel that this controller has let in.
#[derive(Debug, Default)]
pub(super) struct Held {
    by_connection: BTreeMap<u64, Tunnel>,
    by_tunnel: HashMap<TunnelId, u64>,
    by_site: HashMap<SiteId, BTreeSet<u64>>,
}

#[derive(Debug)]
struct Tunnel {
    it: HeldTunnel,
    /// Routes on their way to the router.
    pushed: Option<(Place, Ipv4Addr)>,
    watched_until: Instant,
    answer_told_at: Instant,
}

impl Held {
    /// A tunnel was let in. Its older connection, if it still has one, which is as good as gone.
    pub(super) fn admit(
        &mut self,
        connection: u64,
        remote: SocketAddr,
        slot: usize,
        grant: &TunnelGrant,
        now: Instant,
    ) -> Option<u64> {
        let (place, gateway) = match ladder::place_of(&grant.routes) {
            Some((place, gateway)) => (Some(place), gateway),
            None => (grant.place, Ipv4Addr::UNSPECIFIED),
        };
        let it = HeldTunnel {
            connection,
            tunnel: grant.tunnel.clone(),
            site: grant.site.clone(),
            remote,
            slot,
            place,
            gateway,
            cipher: None,
            verdict: None,
        };
        let older = self.by_tunnel.get(&it.tunnel).copied();
        if let Some(older) = older {
            self.remove(older);
        }
        self.by_tunnel.insert(it.tunnel.clone(), connection);
        let site = self.by_site.entry(it.site.clone()).or_default();
        site.insert(connection);
        let tunnel = Tunnel {
            it,
            pushed: None,
            watched_until: now,
            answer_told_at: now,
        };
        self.by_connection.insert(connection, tunnel);
        older
    }

    /// Takes note of a report. How much it matters; none when the control plane need not hear of it.
    pub(super) fn take_report(&mut self, report: &Report, now: Instant) -> Option<Weight> {
        let Some(tunnel) = self.by_connection.get_mut(&report.connection) else {
            return Some(Weight::Event);
        };
        match &report.kind {
            ReportKind::Up { cipher, .. } => {
                tunnel.it.cipher = Some(cipher.clone());
                tunnel.watch(now);
            }
            ReportKind::Down { .. } => self.remove(report.connection),
            ReportKind::RoutesUpdated => {
                if let Some((place, gateway)) = tunnel.pushed.take() {
                    (tunnel.it.place, tunnel.it.gateway) = (Some(place), gateway);
                }
                tunnel.watch(now);
            }
            ReportKind::Verdict(verdict) => return tunnel.take_verdict(verdict, now),
            ReportKind::Health(_) => return Some(Weight::Sample),
        }
        Some(Weight::Event)
    }

    /// Takes note of a command. When it is a new place for a tunnel, which.
    pub(super) fn take_command(
        &mut self,
        command: &Command,
        now: Instant,
    ) -> Option<(&TunnelId, Place, Ipv4Addr)> {
        let tunnel = self.by_connection.get_mut(&command.connection)?;
        match &command.order {
            Order::Push { routes } => {
                let (place, gateway) = ladder::place_of(routes)?;
                tunnel.pushed = Some((place, gateway));
                tunnel.watch(now);
                Some((&tunnel.it.tunnel, place, gateway))
            }
            Order::Burst => {
                tunnel.watch(now);
                None
            }
            Order::SetRole { .. } | Order::Disconnect { .. } | Order::OpenStream { .. } => None,
        }
    }

    /// What is to be closed when nobody else decides: the dead, so that their clients dial anew. Not where a
    /// site's tunnels are all dead: their connections may outlive whatever has silenced them.
    pub(super) fn hopeless(&self) -> Vec<Command> {
        self.hopeless_of(self.by_connection.values())
    }

    /// The same for the site of one connection.
    pub(super) fn hopeless_beside(&self, connection: u64) -> Vec<Command> {
        let tunnel = self.by_connection.get(&connection);
        let site = tunnel.and_then(|tunnel| self.by_site.get(&tunnel.it.site));
        let site = site.into_iter().flatten();
        self.hopeless_of(site.filter_map(|connection| self.by_connection.get(connection)))
    }

    /// Everything that is connected.
    pub(super) fn snapshot(&self) -> ControllerEvent {
        let tunnels = self.by_connection.values().map(|tunnel| tunnel.it.clone());
        ControllerEvent::Snapshot(tunnels.collect())
    }

    /// One of them.
    pub(super) fn get(&self, connection: u64) -> Option<&HeldTunnel> {
        self.by_connection.get(&connection).map(|tunnel| &tunnel.it)
    }

    fn hopeless_of<'a>(&'a self, tunnels: impl Iterator<Item = &'a Tunnel>) -> Vec<Command> {
        tunnels
            .filter(|tunnel| self.may_go(tunnel))
            .filter_map(|tunnel| {
                let cause = tunnel.cause_of_death()?;
                Some(disconnect(tunnel.it.connection, cause, false))
            })
            .collect()
    }

    fn may_go(&self, tunnel: &Tunnel) -> bool {
        let site = self.by_site.get(&tunnel.it.site);
        let is_alone = site.is_none_or(|site| site.len() == 1);
        let mut beside = site
            .into_iter()
            .flatten()
            .filter_map(|connection| self.by_connection.get(connection));
        is_alone || beside.any(Tunnel::is_alive)
    }

    fn remove(&mut self, connection: u64) {
        let Some(Tunnel { it, .. }) = self.by_connection.remove(&connection) else {
            return;
        };
        if self.by_tunnel.get(&it.tunnel) == Some(&connection) {
            self.by_tunnel.remove(&it.tunnel);
        }
        if let Some(site) = self.by_site.get_mut(&it.site) {
            site.remove(&connection);
            if site.is_empty() {
                self.by_site.remove(&it.site);
            }
        }
    }
}

impl Tunnel {
    fn watch(&mut self, now: Instant) {
        self.watched_until = now + WATCHED;
    }

    /// Most verdicts of a healthy tunnel are answers, one for every probe.
    fn take_verdict(&mut self, verdict: &Verdict, now: Instant) -> Option<Weight> {
        let before = self.it.verdict.as_ref();
        let weight = match (before, verdict) {
            // Neither does it end a suspicion, nor does it say more than death.
            (Some(Verdict::Suspect { .. } | Verdict::Dead { .. }), Verdict::Missed) => {
                return Some(Weight::Sample);
            }
            (Some(Verdict::Answered | Verdict::Cleared), Verdict::Answered)
                if now < self.answer_told_at + STILL_ANSWERS_EVERY && now >= self.watched_until =>
            {
                return None;
            }
            (_, Verdict::Missed)
            | (Some(Verdict::Answered | Verdict::Cleared | Verdict::Missed), Verdict::Answered) => {
                Weight::Sample
            }
            (None | Some(Verdict::Suspect { .. } | Verdict::Dead { .. }), Verdict::Answered)
            | (_, Verdict::Suspect { .. } | Verdict::Cleared | Verdict::Dead { .. }) => {
                Weight::Event
            }
        };
        if *verdict == Verdict::Answered {
            self.answer_told_at = now;
        }
        self.it.verdict = Some(verdict.clone());
        Some(weight)
    }

    fn is_alive(&self) -> bool {
        self.it.cipher.is_some() && self.cause_of_death().is_none()
    }

    fn cause_of_death(&self) -> Option<&str> {
        let Some(Verdict::Dead { cause, .. }) = &self.it.verdict else {
            return None;
        };
        Some(cause)
    }
}

pub(super) fn disconnect(connection: u64, cause: &str, planned: bool) -> Command {
    let cause = cause.into();
    Command {
        connection,
        order: Order::Disconnect { cause, planned },
    }
}

#[cfg(test)]
mod tests {
    use holdfast_api_types::controller::ProfileName;

    use super::*;

    const GATEWAY: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);

    /// Tunnels that are let in and up, and the time.
    struct Bed {
        held: Held,
        now: Instant,
    }

    impl Bed {
        fn with(tunnels: &[(u64, &str, &str)]) -> Self {
            let mut bed = Self {
                held: Held::default(),
                now: Instant::now(),
            };
            for &(connection, tunnel, site) in tunnels {
                bed.admit(connection, tunnel, site);
                bed.report(
                    connection,
                    ReportKind::Up {
                        remote: remote(),
                        slot: 0,
                        cipher: "AES-256-GCM".into(),
                    },
                );
            }
            bed
        }

        fn admit(&mut self, connection: u64, tunnel: &str, site: &str) -> Option<u64> {
            let place = Place { rung: 1, step: 10 };
            let grant = TunnelGrant {
                tunnel: tunnel.parse().unwrap(),
                site: site.parse().unwrap(),
                address: Ipv4Addr::new(198, 18, 0, 2),
                server: Ipv4Addr::new(198, 18, 0, 1),
                prefix: 30,
                place: Some(place),
                routes: ladder::routes(place, GATEWAY),
                profile: ProfileName::Fast,
            };
            self.held.admit(connection, remote(), 0, &grant, self.now)
        }

        fn report(&mut self, connection: u64, kind: ReportKind) -> Option<Weight> {
            let tunnel = "whichever".parse().unwrap();
            let report = Report {
                tunnel,
                connection,
                kind,
            };
            self.held.take_report(&report, self.now)
        }

        fn verdict(&mut self, connection: u64, verdict: Verdict) -> Option<Weight> {
            self.report(connection, ReportKind::Verdict(verdict))
        }

        fn die(&mut self, connection: u64) {
            let cause = "silent".into();
            let lingers = Duration::from_secs(4);
            let told = self.verdict(connection, Verdict::Dead { cause, lingers });
            assert_eq!(told, Some(Weight::Event));
        }

        fn hopeless(&self) -> Vec<u64> {
            let hopeless = self.held.hopeless();
            hopeless.iter().map(|command| command.connection).collect()
        }
    }

    fn remote() -> SocketAddr {
        "203.0.113.9:40000".parse().unwrap()
    }

    #[test]
    fn a_dead_tunnel_is_closed_beside_a_live_one_or_alone_and_not_when_all_are_dead() {
        let mut bed = Bed::with(&[
            (1, "fibre", "office"),
            (2, "lte", "office"),
            (3, "dsl", "shop"),
        ]);
        assert!(bed.hopeless().is_empty());
        bed.die(1);
        assert_eq!(bed.hopeless(), [1]);
        assert_eq!(bed.held.hopeless_beside(2), bed.held.hopeless());
        bed.die(3);
        assert_eq!(bed.hopeless(), [1, 3]);
        bed.die(2);
        assert_eq!(bed.hopeless(), [3], "all of the office are silent");
        bed.verdict(2, Verdict::Answered);
        assert_eq!(bed.hopeless(), [1, 3]);
    }

    #[test]
    fn a_tunnel_that_is_not_up_yet_is_no_reason_to_close_another() {
        let mut bed = Bed::with(&[(1, "fibre", "office")]);
        bed.admit(2, "lte", "office");
        bed.die(1);
        assert!(bed.hopeless().is_empty());
    }

    #[test]
    fn a_missed_probe_of_a_dead_tunnel_does_not_revive_it() {
        let mut bed = Bed::with(&[(1, "fibre", "office")]);
        bed.die(1);
        bed.verdict(1, Verdict::Missed);
        assert_eq!(bed.hopeless(), [1]);
        assert_eq!(bed.verdict(1, Verdict::Answered), Some(Weight::Event));
        assert!(bed.hopeless().is_empty());
    }

    #[test]
    fn the_answers_of_a_healthy_tunnel_are_told_now_and_then_and_each_when_somebody_waits() {
        let mut bed = Bed::with(&[(1, "fibre", "office")]);
        assert_eq!(bed.verdict(1, Verdict::Answered), Some(Weight::Event));
        // It has just come up.
        assert_eq!(bed.verdict(1, Verdict::Answered), Some(Weight::Sample));
        bed.now += WATCHED;
        assert_eq!(bed.verdict(1, Verdict::Answered), Some(Weight::Sample));
        let mut told = 0;
        for _ in 0..100 {
            bed.now += Duration::from_millis(200);
            told += usize::from(bed.verdict(1, Verdict::Answered).is_some());
        }
        assert_eq!(told, 10, "in 20 s");
        let burst = Command {
            connection: 1,
            order: Order::Burst,
        };
        assert!(bed.held.take_command(&burst, bed.now).is_none());
        for _ in 0..5 {
            assert_eq!(bed.verdict(1, Verdict::Answered), Some(Weight::Sample));
        }
    }

    #[test]
    fn a_snapshot_tells_the_place_that_the_router_has() {
        let mut bed = Bed::with(&[(1, "fibre", "office")]);
        let place = Place { rung: 3, step: 10 };
        let routes = ladder::routes(place, GATEWAY);
        let push = Command {
            connection: 1,
            order: Order::Push { routes },
        };
        let moved = bed.held.take_command(&push, bed.now).unwrap();
        assert_eq!(moved, (&"fibre".parse().unwrap(), place, GATEWAY));
        let there = bed.held.get(1).and_then(|held| held.place);
        assert_eq!(there.map(|place| place.rung), Some(1), "not there yet");
        bed.report(1, ReportKind::RoutesUpdated);
        let ControllerEvent::Snapshot(tunnels) = bed.held.snapshot() else {
            panic!("a snapshot");
        };
        assert_eq!(tunnels.len(), 1);
        assert_eq!(tunnels[0].place, Some(place));
        assert_eq!(tunnels[0].gateway, GATEWAY);
    }

    #[test]
    fn a_new_log_in_takes_the_place_of_the_older_connection() {
        let mut bed = Bed::with(&[(1, "fibre", "office")]);
        assert_eq!(bed.admit(5, "fibre", "office"), Some(1));
        let down = ReportKind::Down {
            cause: "late news".into(),
            planned: false,
        };
        assert_eq!(bed.report(1, down.clone()), Some(Weight::Event));
        assert!(bed.held.get(5).is_some());
        bed.report(5, down);
        assert_eq!(bed.held.snapshot(), ControllerEvent::Snapshot(Vec::new()));
        assert!(bed.held.by_site.is_empty() && bed.held.by_tunnel.is_empty());
    }
}
