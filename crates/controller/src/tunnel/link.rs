//! The probes of one admitted tunnel.

use std::{
    net::Ipv4Addr,
    time::{Duration, Instant},
};

use holdfast_api_types::TunnelId;
use holdfast_failover::{Event, ProbeProfile, Role, Watch};
use holdfast_ovpn_proto::icmp::{self, Echo, PROBE_LEN};

use crate::control_plane::{ReportKind, TunnelGrant};

/// OpenVPN 2.7 closes its tunnel interface to take an update and opens it again a second later, together
/// with the routes. Its main loop answers nothing meanwhile.
const REBUILDS_WITHIN: Duration = Duration::from_millis(1_500);

/// Turns a [`Watch`] into echo requests, and packets into its answers.
pub(super) struct Link {
    tunnel: TunnelId,
    router: Ipv4Addr,
    server: Ipv4Addr,
    /// Identifier of our echo requests: packets of an older connection do not count.
    echo_id: u16,
    watch: Watch,
    role: Role,
    started: bool,
    heard: Instant,
    /// Whether the client takes an update without a pause; our own does.
    swaps_routes: bool,
    /// When the routes of the last update are certainly in place.
    updated_by: Option<Instant>,
    health: Option<(Duration, Instant)>,
    reports: Vec<ReportKind>,
}

impl Link {
    pub(super) fn new(
        grant: &TunnelGrant,
        connection: u64,
        health_every: Option<Duration>,
        now: Instant,
    ) -> Self {
        Self {
            tunnel: grant.tunnel.clone(),
            router: grant.address,
            server: grant.server,
            echo_id: connection as u16,
            watch: Watch::new(ProbeProfile::of(grant.profile), now),
            role: Role::Standby,
            started: false,
            heard: now,
            swaps_routes: false,
            updated_by: None,
            health: health_every.map(|every| (every, now + every)),
            reports: Vec::new(),
        }
    }

    pub(super) fn tunnel(&self) -> &TunnelId {
        &self.tunnel
    }

    /// Our address in the tunnel, and the router's.
    pub(super) fn ends(&self) -> (Ipv4Addr, Ipv4Addr) {
        (self.server, self.router)
    }

    /// The client is our own, which replaces routes without closing its tunnel.
    pub(super) fn expect_swaps(&mut self) {
        self.swaps_routes = true;
    }

    /// An update of the routes was sent.
    pub(super) fn routes_sent(&mut self, now: Instant) {
        if !self.swaps_routes {
            self.watch.excuse(now + REBUILDS_WITHIN);
        }
    }

    /// The client has received the update.
    pub(super) fn routes_received(&mut self, now: Instant) {
        let rebuild = if self.swaps_routes {
            Duration::ZERO
        } else {
            REBUILDS_WITHIN
        };
        self.updated_by = Some(now + rebuild);
    }

    /// The tunnel is up: probing begins.
    pub(super) fn start(&mut self, now: Instant) {
        self.started = true;
        self.watch.handle_timeout(now);
    }

    pub(super) fn role(&self) -> Role {
        self.role
    }

    pub(super) fn set_role(&mut self, role: Role, now: Instant) {
        self.role = role;
        self.watch.set_role(role, now);
    }

    pub(super) fn burst(&mut self, now: Instant) {
        self.watch.burst(now);
    }

    /// The session last received something then.
    pub(super) fn heard(&mut self, at: Instant) {
        if at > self.heard {
            self.heard = at;
            self.watch.handle_traffic(at);
        }
    }

    /// Takes a packet from inside the tunnel; the answer to it, if it deserves one.
    pub(super) fn take_packet(&mut self, packet: &[u8], now: Instant) -> Option<Vec<u8>> {
        let echo = Echo::parse(packet)?;
        if echo.source != self.router || echo.destination != self.server {
            return None;
        }
        if echo.request {
            return icmp::reply_to(packet);
        }
        if echo.id == self.echo_id {
            self.watch.handle_reply(echo.sequence, now);
        }
        None
    }

    /// The next probe that is due.
    pub(super) fn poll_probe(&mut self, now: Instant) -> Option<[u8; PROBE_LEN]> {
        while self.started
            && let Some(event) = self.watch.poll_event()
        {
            match event {
                Event::SendProbe(sequence) => {
                    self.watch.handle_probe_sent(sequence, now);
                    let probe = Echo {
                        request: true,
                        source: self.server,
                        destination: self.router,
                        id: self.echo_id,
                        sequence,
                    };
                    return Some(probe.to_packet());
                }
                Event::Verdict(verdict) => self.reports.push(ReportKind::Verdict(verdict)),
            }
        }
        None
    }

    /// The next thing the control plane should hear.
    pub(super) fn poll_report(&mut self, now: Instant) -> Option<ReportKind> {
        if !self.reports.is_empty() {
            return Some(self.reports.remove(0));
        }
        self.reports = Vec::new();
        if self.updated_by.is_some_and(|by| now >= by) {
            self.updated_by = None;
            return Some(ReportKind::RoutesUpdated);
        }
        let (every, due) = self.health.as_mut()?;
        if now < *due || !self.started {
            return None;
        }
        *due = now + *every;
        Some(ReportKind::Health(self.watch.take_health()))
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        if !self.started {
            return;
        }
        let was_mute = self.watch.is_mute();
        self.watch.handle_timeout(now);
        if self.watch.is_mute() && !was_mute {
            tracing::warn!(
                tunnel.id = %self.tunnel,
                "the router answers no probes, so its death will be noticed late: \
                 let its firewall accept ICMP echo from the tunnel"
            );
        }
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        if !self.started {
            return None;
        }
        let watch = self.watch.poll_timeout().map(|(at, _)| at);
        let health = self.health.map(|(_, due)| due);
        watch.into_iter().chain(health).chain(self.updated_by).min()
    }
}

#[cfg(test)]
mod tests {
    use holdfast_api_types::{Place, controller::ProfileName};

    use super::*;

    const ROUTER: Ipv4Addr = Ipv4Addr::new(198, 18, 0, 2);
    const SERVER: Ipv4Addr = Ipv4Addr::new(198, 18, 0, 1);

    fn link(connection: u64, now: Instant) -> Link {
        let grant = TunnelGrant {
            tunnel: "fibre".parse().unwrap(),
            site: "office".parse().unwrap(),
            address: ROUTER,
            server: SERVER,
            prefix: 30,
            place: Some(Place { rung: 0, step: 10 }),
            routes: Vec::new(),
            profile: ProfileName::Fast,
        };
        let mut link = Link::new(&grant, connection, Some(Duration::from_secs(1)), now);
        link.start(now);
        link
    }

    fn echo(request: bool, source: Ipv4Addr, destination: Ipv4Addr, id: u16) -> Vec<u8> {
        let echo = Echo {
            request,
            source,
            destination,
            id,
            sequence: 0,
        };
        echo.to_packet().to_vec()
    }

    /// The loss that is reported when the first probe was answered by this packet.
    fn loss_after(answer: impl FnOnce(Echo) -> Vec<u8>) -> f64 {
        let now = Instant::now();
        let mut link = link(7, now);
        let probe = link.poll_probe(now).expect("a probe is due at the start");
        let packet = answer(Echo::parse(&probe).unwrap());
        assert_eq!(link.take_packet(&packet, now), None);
        let mut at = now;
        let end = now + Duration::from_secs(5);
        while at < end {
            link.handle_timeout(at);
            while link.poll_probe(at).is_some() {}
            while let Some(report) = link.poll_report(at) {
                if let ReportKind::Health(health) = report {
                    return health.loss;
                }
            }
            at += Duration::from_millis(10);
        }
        panic!("no health was reported");
    }

    #[test]
    fn an_answer_of_this_connection_counts_and_one_of_an_older_does_not() {
        let answered = loss_after(|probe| echo(false, ROUTER, SERVER, probe.id));
        let older = loss_after(|probe| echo(false, ROUTER, SERVER, probe.id - 1));
        assert!(answered < older, "{answered} is not less than {older}");
        assert_eq!(older, 1.0);
    }

    #[test]
    fn pings_of_the_router_to_us_are_answered_and_others_are_not() {
        let now = Instant::now();
        let mut link = link(7, now);
        let answer = link.take_packet(&echo(true, ROUTER, SERVER, 9), now);
        let answer = Echo::parse(&answer.expect("an answer")).unwrap();
        assert!(!answer.request);
        assert_eq!((answer.source, answer.destination), (SERVER, ROUTER));
        let elsewhere = Ipv4Addr::new(203, 0, 113, 1);
        for (source, destination) in [(elsewhere, SERVER), (ROUTER, elsewhere)] {
            let packet = echo(true, source, destination, 9);
            assert_eq!(link.take_packet(&packet, now), None);
        }
    }
}
