//! A site's lines, clients and router, and the controller's side of them, in virtual time.
//!
//! Each tunnel's client is a stock one: to be given other routes it has to redial, its own keepalive
//! notices a dead line after three seconds, and it installs routes a moment after it is connected. Verdicts
//! come as a watch of the fast profile gives them.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use holdfast_api_types::{Place, TunnelId};
use holdfast_failover::{Effect, Hold, RETURN_AFTER, Site, Verdict};

use crate::router::Router;

pub(crate) const TICK: Duration = Duration::from_millis(50);
const SUSPECT_AFTER: Duration = Duration::from_millis(250);
const DEAD_AFTER: Duration = Duration::from_millis(450);
const PING_RESTART: Duration = Duration::from_secs(3);
const INSTALL_AFTER: Duration = Duration::from_millis(200);
/// After this long a fault has been noticed by everybody.
const NOTICED_AFTER: Duration = Duration::from_secs(6);
/// After this long all is at rest again, holds and re-pushes included.
pub(crate) const QUIET_AFTER: Duration = Duration::from_secs(40);

pub(crate) struct Net {
    pub(crate) site: Site,
    pub(crate) order: Vec<TunnelId>,
    pub(crate) router: Router,
    pub(crate) now: Instant,
    pub(crate) pushes: usize,
    pub(crate) effects: Vec<Effect>,
    ends: BTreeMap<TunnelId, End>,
    last_fault: Instant,
    random: u64,
}

/// Both ends of one tunnel.
#[derive(Debug)]
struct End {
    line_works: bool,
    is_forbidden: bool,
    client: Client,
    /// The controller's connection, with what its watch has said.
    connection: Option<Connection>,
}

#[derive(Debug, Clone, Copy)]
enum Client {
    Redials {
        at: Instant,
    },
    Connected {
        place: Place,
        since: Instant,
        heard_at: Instant,
    },
}

#[derive(Debug, Clone, Copy)]
struct Connection {
    heard_at: Instant,
    verdict: Silence,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Silence {
    None,
    Suspect,
    Dead,
}

impl Net {
    pub(crate) fn new(tunnels: usize, seed: u64) -> Self {
        Self::holding(tunnels, seed, Hold::fixed(RETURN_AFTER))
    }

    pub(crate) fn holding(tunnels: usize, seed: u64, hold: Hold) -> Self {
        let now = Instant::now();
        let order: Vec<TunnelId> = (0..tunnels)
            .map(|rank| format!("t{rank}").parse().unwrap())
            .collect();
        let mut net = Self {
            site: Site::new(order.clone(), hold, now),
            ends: BTreeMap::new(),
            router: Router::default(),
            now,
            pushes: 0,
            effects: Vec::new(),
            last_fault: now,
            random: seed | 1,
            order,
        };
        for tunnel in net.order.clone() {
            let client = Client::Redials {
                at: now + net.redial_delay(),
            };
            net.ends.insert(
                tunnel,
                End {
                    line_works: true,
                    is_forbidden: false,
                    client,
                    connection: None,
                },
            );
        }
        net
    }

    /// The line swallows everything, both ways.
    pub(crate) fn black_hole(&mut self, tunnel: &TunnelId) {
        self.end(tunnel).line_works = false;
        self.last_fault = self.now;
    }

    /// The router's port goes down: its client and the controller notice at once.
    pub(crate) fn unplug(&mut self, tunnel: &TunnelId) {
        self.black_hole(tunnel);
        self.drop_client(tunnel);
        self.hang_up(tunnel, false);
    }

    pub(crate) fn mend(&mut self, tunnel: &TunnelId) {
        self.end(tunnel).line_works = true;
    }

    pub(crate) fn reorder(&mut self, order: Vec<TunnelId>) {
        self.order.clone_from(&order);
        self.site.set_order(order, self.now);
        self.obey();
    }

    /// What these tunnels logged in with has changed.
    pub(crate) fn renew(&mut self, tunnels: &[TunnelId]) {
        self.site
            .renew(tunnels, "its password was changed", self.now);
        self.obey();
    }

    /// These tunnels may not connect any more.
    pub(crate) fn forbid(&mut self, tunnels: &[TunnelId]) {
        for tunnel in tunnels {
            self.end(tunnel).is_forbidden = true;
        }
        self.site.withdraw(tunnels, "it was switched off", self.now);
        let stay = |tunnel: &&TunnelId| !self.ends[*tunnel].is_forbidden;
        let order = self.order.iter().filter(stay).cloned().collect();
        self.site.set_order(order, self.now);
        self.obey();
    }

    pub(crate) fn works(&self, tunnel: &TunnelId) -> bool {
        self.ends[tunnel].line_works
    }

    /// The tunnel that should have the traffic when all is quiet.
    pub(crate) fn best_working(&self) -> Option<&TunnelId> {
        self.order.iter().find(|tunnel| self.works(tunnel))
    }

    /// Lets time pass; `check` looks at every moment of it.
    pub(crate) fn run(&mut self, time: Duration, mut check: impl FnMut(&Self)) {
        let until = self.now + time;
        while self.now < until {
            self.tick();
            self.check_unnoticed();
            check(self);
        }
    }

    /// Lets time pass in which nothing happens but probes being answered.
    pub(crate) fn skip(&mut self, time: Duration) {
        self.now += time;
        let now = self.now;
        for end in self.ends.values_mut().filter(|end| end.line_works) {
            if let Client::Connected { heard_at, .. } = &mut end.client {
                *heard_at = now;
            }
            if let Some(connection) = &mut end.connection {
                connection.heard_at = now;
            }
        }
    }

    fn tick(&mut self) {
        self.now += TICK;
        for tunnel in self.order.clone() {
            self.run_client(&tunnel);
            self.run_watch(&tunnel);
        }
        if self
            .site
            .poll_timeout()
            .is_some_and(|(at, _)| at <= self.now)
        {
            self.site.handle_timeout(self.now);
            self.obey();
            let next = self.site.poll_timeout();
            assert!(
                next.is_none_or(|(at, _)| at > self.now),
                "{next:?} would fire for ever"
            );
        }
    }

    /// Once every fault has been noticed, nothing that the site does may cost traffic.
    fn check_unnoticed(&self) {
        let someone_serves = self.router.places().keys().any(|tunnel| self.works(tunnel));
        if self.now < self.last_fault + NOTICED_AFTER || !someone_serves {
            return;
        }
        let carrying = self.router.carrying().unwrap();
        assert!(
            self.works(carrying),
            "{carrying} is dead and carries traffic: {:?}",
            self.router
        );
    }

    fn run_client(&mut self, tunnel: &TunnelId) {
        let now = self.now;
        let end = self.end(tunnel);
        match end.client {
            // What the controller has closed, its kernel repeats until the client hears of it.
            Client::Connected { .. } if end.line_works && end.connection.is_none() => {
                self.drop_client(tunnel);
            }
            Client::Connected {
                place,
                since,
                heard_at,
            } if end.line_works => {
                end.client = Client::Connected {
                    place,
                    since,
                    heard_at: now.max(heard_at),
                };
                if now >= since + INSTALL_AFTER && self.router.places().get(tunnel) != Some(&place)
                {
                    self.router.install(tunnel, place);
                }
            }
            Client::Connected { heard_at, .. } if now >= heard_at + PING_RESTART => {
                self.drop_client(tunnel);
            }
            Client::Redials { at } if now >= at => {
                if end.line_works && !end.is_forbidden {
                    self.log_in(tunnel);
                } else {
                    end.client = Client::Redials {
                        at: now + Duration::from_secs(1),
                    };
                }
            }
            Client::Connected { .. } | Client::Redials { .. } => {}
        }
    }

    fn log_in(&mut self, tunnel: &TunnelId) {
        let now = self.now;
        self.hang_up(tunnel, true);
        let place = self.site.tunnel_authorized(tunnel, now);
        let end = self.end(tunnel);
        end.client = Client::Connected {
            place,
            since: now,
            heard_at: now,
        };
        end.connection = Some(Connection {
            heard_at: now,
            verdict: Silence::None,
        });
        self.obey();
        self.site.tunnel_up(tunnel, now);
        self.obey();
    }

    fn drop_client(&mut self, tunnel: &TunnelId) {
        let at = self.now + self.redial_delay();
        self.router.withdraw(tunnel);
        self.end(tunnel).client = Client::Redials { at };
    }

    /// The controller's connection ends, if there is one.
    fn hang_up(&mut self, tunnel: &TunnelId, planned: bool) {
        if self.end(tunnel).connection.take().is_some() {
            self.site
                .tunnel_down(tunnel, planned, "connection closed", self.now);
            self.obey();
        }
    }

    fn run_watch(&mut self, tunnel: &TunnelId) {
        let now = self.now;
        let end = self.end(tunnel);
        let answers = end.line_works && matches!(end.client, Client::Connected { .. });
        let Some(connection) = &mut end.connection else {
            return;
        };
        let mut verdicts = Vec::new();
        if answers {
            if connection.verdict == Silence::Suspect {
                verdicts.push(Verdict::Cleared);
            }
            *connection = Connection {
                heard_at: now,
                verdict: Silence::None,
            };
            verdicts.push(Verdict::Answered);
        } else if connection.verdict == Silence::None && now >= connection.heard_at + SUSPECT_AFTER
        {
            connection.verdict = Silence::Suspect;
            verdicts.extend([
                Verdict::Missed,
                Verdict::Suspect {
                    cause: "silent".into(),
                },
            ]);
        } else if connection.verdict == Silence::Suspect && now >= connection.heard_at + DEAD_AFTER
        {
            connection.verdict = Silence::Dead;
            let lingers = PING_RESTART + Duration::from_secs(1);
            verdicts.push(Verdict::Dead {
                cause: "silent for 0.45 s".into(),
                lingers,
            });
        }
        for verdict in verdicts {
            self.site.handle_verdict(tunnel, verdict, now);
            self.obey();
        }
    }

    /// Does what the site wants done.
    fn obey(&mut self) {
        while let Some(effect) = self.site.poll_effect() {
            self.effects.push(effect.clone());
            match effect {
                Effect::Push { tunnel, .. } => self.re_push(&tunnel),
                Effect::Disconnect { tunnel, .. } => self.close(&tunnel, false),
                Effect::Reconnect { tunnel, .. } if self.ends[&tunnel].is_forbidden => {
                    self.close(&tunnel, true);
                }
                Effect::Reconnect { tunnel, .. } => self.re_push(&tunnel),
                Effect::Burst { .. }
                | Effect::Role { .. }
                | Effect::Activated { .. }
                | Effect::Suspect { .. }
                | Effect::Recovering { .. }
                | Effect::Flapping { .. }
                | Effect::Steady { .. }
                | Effect::Online { .. }
                | Effect::Offline { .. }
                | Effect::SiteOffline { .. } => {}
            }
        }
    }

    fn re_push(&mut self, tunnel: &TunnelId) {
        self.pushes += 1;
        let had_traffic = self
            .router
            .carrying()
            .is_some_and(|carrying| self.works(carrying));
        self.close(tunnel, true);
        let has_traffic = self
            .router
            .carrying()
            .is_some_and(|carrying| self.works(carrying));
        let is_planned = self.now >= self.last_fault + NOTICED_AFTER;
        assert!(
            has_traffic || !had_traffic || !is_planned,
            "re-pushing {tunnel} leaves no working route: {:?}",
            self.router
        );
    }

    /// The controller closes a connection; the client learns it if the line works.
    fn close(&mut self, tunnel: &TunnelId, planned: bool) {
        if self.works(tunnel) {
            self.drop_client(tunnel);
        }
        self.hang_up(tunnel, planned);
    }

    fn end(&mut self, tunnel: &TunnelId) -> &mut End {
        self.ends.get_mut(tunnel).unwrap()
    }

    /// Up to 1.5 s, as stock clients do it. The generator is xorshift.
    fn redial_delay(&mut self) -> Duration {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        Duration::from_millis(self.random % 1500)
    }
}
