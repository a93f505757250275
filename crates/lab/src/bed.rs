//! A running test bed: the network, a server, and a client per internet connection.

mod builder;

use std::{
    net::Ipv4Addr,
    sync::{Arc, Mutex, OnceLock},
    time::{Duration, Instant},
};

use anyhow::{Context, bail, ensure};
use holdfast_api_types::{LineState, TunnelId, api::Job};

use crate::{
    client::Clients,
    door::Door,
    events::EventLog,
    fault::{ControllerFault, LineFault},
    meter::Meter,
    namespace::Namespace,
    net::KernelRoute,
    network::{Line, Network},
    operator::Operator,
    process::lock,
    routeros::RouterOs,
    server::Server,
    wire::{Conditions, Direction},
};

pub use builder::LabBuilder;

/// A running test bed. Dropping it ends its programs and frees everything.
#[derive(Debug)]
pub struct Lab {
    clients: Clients,
    server: Server,
    network: Network,
    /// Lines by rank, as the server was last told.
    order: Mutex<Vec<usize>>,
    /// What carries out that order, where the server has jobs.
    job: Mutex<Option<Job>>,
    /// The router is one that the operator adopts.
    adopted: bool,
    exports: OnceLock<Exports>,
}

/// The configuration of a router that was adopted, as a script.
#[derive(Debug)]
pub(crate) struct Exports {
    /// Before it had heard of us.
    pub(crate) factory: String,
    /// When it was adopted, and nothing more.
    pub(crate) adopted: String,
}

/// How long tunnels may take to come up when nothing is wrong.
const UP_WITHIN: Duration = Duration::from_secs(30);

impl Lab {
    /// An empty description: our server and stock clients, no ISPs yet.
    pub fn builder() -> LabBuilder {
        LabBuilder::new()
    }

    /// Names of the internet connections, in the order they were added.
    pub fn isps(&self) -> Vec<&str> {
        self.network
            .lines
            .iter()
            .map(|line| line.isp.name.as_str())
            .collect()
    }

    /// The internet connection of this name.
    ///
    /// # Errors
    /// When there is none; the message lists those there are.
    pub fn line(&self, name: &str) -> anyhow::Result<usize> {
        self.isps()
            .iter()
            .position(|isp| *isp == name)
            .with_context(|| {
                format!(
                    "no ISP is called {name}: there are {}",
                    self.isps().join(", ")
                )
            })
    }

    /// Waits until every tunnel holds routes and the site's traffic is on the best of them.
    ///
    /// # Errors
    /// When that takes unreasonably long.
    pub fn wait_until_up(&self) -> anyhow::Result<()> {
        let deadline = Instant::now() + UP_WITHIN;
        let best = lock(&self.order)[0];
        let up = || self.tunnels_up() == self.network.lines.len() && self.active() == Some(best);
        if crate::wait::until(deadline, up).is_ok() {
            return Ok(());
        }
        bail!(
            "after {} s {} of {} tunnels are up and {} is active",
            UP_WITHIN.as_secs(),
            self.tunnels_up(),
            self.network.lines.len(),
            self.active().map_or("none", |line| self.isps()[line])
        )
    }

    /// How many tunnels hold routes in the router.
    pub fn tunnels_up(&self) -> usize {
        (0..self.network.lines.len())
            .filter(|&line| self.prefix(line).is_some())
            .count()
    }

    /// The line that the router would send new traffic to by its tunnels' routes.
    pub fn active(&self) -> Option<usize> {
        let routes = self.pushed_routes();
        let best = routes
            .iter()
            .filter(|route| !route.dead)
            .max_by_key(|route| (route.prefix, std::cmp::Reverse(route.metric)))?;
        (0..self.network.lines.len()).find(|&line| self.next_hop(line) == best.gateway)
    }

    /// Length of the prefixes that a tunnel holds in the router (its rung), if it holds any.
    pub fn prefix(&self, line: usize) -> Option<u8> {
        let gateway = self.next_hop(line);
        self.pushed_routes()
            .iter()
            .filter(|route| route.gateway == gateway)
            .map(|route| route.prefix)
            .max()
    }

    /// What the routes of a line's tunnel lead to.
    fn next_hop(&self, line: usize) -> Ipv4Addr {
        let plan = self.network.lines[line].plan;
        match self.adopted {
            true => plan.virtual_next_hop(),
            false => plan.gateway(),
        }
    }

    /// Breaks something on one line and returns when it took effect.
    pub fn break_line(&self, line: usize, fault: LineFault) -> Instant {
        let Line { access, uplink, .. } = &self.network.lines[line];
        match fault {
            LineFault::PortDown => {
                // The kernel learns of the carrier a little later; the cable carries nothing from now on.
                let at = access.change(|wire, _| wire.cut(Direction::Both));
                access.set_carrier(false);
                at
            }
            LineFault::BlackHole => uplink.change(|wire, _| wire.cut(Direction::Both)),
            LineFault::GatewayDead => access.change(|wire, _| wire.cut(Direction::Both)),
            LineFault::OneWayLoss(direction) => uplink.change(move |wire, _| wire.cut(direction)),
            LineFault::Loss(share) => {
                uplink.change(move |wire, _| wire.adjust(Direction::Both, |c| c.loss = share))
            }
            LineFault::Blip(length) => {
                uplink.change(move |wire, now| wire.cut_until(Direction::Both, now + length))
            }
            LineFault::ClientKilled => {
                self.clients.kill(line);
                Instant::now()
            }
        }
    }

    /// Undoes every fault of one line and returns when that took effect. Its client is not touched.
    pub fn heal_line(&self, line: usize) -> Instant {
        let Line {
            access,
            uplink,
            isp,
            ..
        } = &self.network.lines[line];
        let usual = isp.line;
        access.change(move |wire, _| {
            wire.restore(Direction::Both);
            wire.set(Direction::Both, usual);
        });
        uplink.change(|wire, _| {
            wire.restore(Direction::Both);
            wire.set(Direction::Both, Conditions::default());
        });
        access.set_carrier(true)
    }

    /// What was done to one line, of what people can do to it.
    pub(crate) fn line_state(&self, line: usize) -> LineState {
        let Line { access, uplink, .. } = &self.network.lines[line];
        if access.is_cut() {
            LineState::Unplugged
        } else if uplink.is_cut() {
            LineState::Cut
        } else {
            LineState::Working
        }
    }

    /// Does this to one line, and undoes what was done to it before.
    pub(crate) fn set_line(&self, line: usize, state: LineState) {
        if self.line_state(line) == state {
            return;
        }
        self.heal_line(line);
        match state {
            LineState::Working => {}
            LineState::Cut => drop(self.break_line(line, LineFault::BlackHole)),
            LineState::Unplugged => drop(self.break_line(line, LineFault::PortDown)),
        }
    }

    /// The router's interface of one line.
    pub(crate) fn interface(&self, line: usize) -> String {
        let plan = self.network.lines[line].plan;
        match self.adopted {
            true => plan.routeros_interface(),
            false => plan.wan_interface(),
        }
    }

    /// The ISP's gateway of one line, as the router sees it.
    pub(crate) fn gateway(&self, line: usize) -> Ipv4Addr {
        self.network.lines[line].plan.gateway()
    }

    /// Has the operator adopt the router and configure it for all lines, in their order.
    fn adopt(&self) -> anyhow::Result<()> {
        let operator = self.operator();
        let (Some(operator), Some(router)) = (operator, self.routeros()) else {
            bail!("without an API nobody can adopt a router: use --server holdfast");
        };
        let factory = router.export()?;
        operator.adopt(router)?;
        let adopted = router.export()?;
        self.exports.get_or_init(|| Exports { factory, adopted });
        self.configure().map(drop)
    }

    /// Has the operator configure the router that was adopted for all lines, in their order.
    pub(crate) fn configure(&self) -> anyhow::Result<Job> {
        let operator = self.operator().context("the server has an API")?;
        operator.configure(&self.network.lines)
    }

    /// What the router was like before and after it was adopted; none where it was not.
    pub(crate) fn exports(&self) -> Option<&Exports> {
        self.exports.get()
    }

    /// Gives the ISP's gateway of one line another address, of which the router hears by DHCP.
    pub(crate) fn move_gateway(&self, line: usize, change: u8) -> anyhow::Result<()> {
        let line = &self.network.lines[line];
        let router = self.routeros().context("the site has a MikroTik")?;
        line.add_gateway(change)?;
        router.renew(line, line.plan.gateway_after(change))?;
        line.remove_gateway(change - 1)
    }

    /// The router, where it is a MikroTik.
    pub(crate) fn routeros(&self) -> Option<&RouterOs> {
        self.clients.routeros()
    }

    /// Starts the client of one line with this profile; one that is there ends.
    pub(crate) fn connect(&self, line: usize, profile: &str) -> anyhow::Result<()> {
        self.clients.connect(&self.network, line, profile)
    }

    /// Makes the dashboard of our server, where there is one, reachable from outside the lab.
    pub(crate) fn open_door(&self) -> anyhow::Result<Option<Door>> {
        let Some(dashboard) = self.server.dashboard() else {
            return Ok(None);
        };
        Door::open(Arc::clone(&self.network.inet), dashboard).map(Some)
    }

    /// Sets the delay of one line, each way.
    pub fn set_delay(&self, line: usize, delay: Duration) -> Instant {
        let access = &self.network.lines[line].access;
        access.change(move |wire, _| wire.adjust(Direction::Both, |c| c.delay = delay))
    }

    /// Lets something happen to the controllers and returns when it began.
    ///
    /// # Errors
    /// When a restarted controller does not come back.
    pub fn break_controllers(&self, fault: ControllerFault) -> anyhow::Result<Instant> {
        let began = Instant::now();
        match fault {
            ControllerFault::Killed => self.server.kill(),
            ControllerFault::Restarted => {
                self.server.stop();
                self.server.start()?;
            }
            ControllerFault::Gone => {
                self.network.inet.run(|net| net.nft(SILENCE))?;
                self.server.kill();
            }
        }
        Ok(began)
    }

    /// Brings the controllers back after any fault.
    ///
    /// # Errors
    /// When they do not start.
    pub fn heal_controllers(&self) -> anyhow::Result<()> {
        self.network.inet.run(|net| net.nft(END_OF_SILENCE))?;
        if self.server.is_running() {
            Ok(())
        } else {
            self.server.start()
        }
    }

    /// Puts another order of lines, best first, into force.
    ///
    /// # Errors
    /// When `order` does not name every line once, or cannot be written.
    pub fn reorder(&self, order: &[usize]) -> anyhow::Result<Instant> {
        let mut sorted = order.to_vec();
        sorted.sort_unstable();
        ensure!(
            sorted.iter().copied().eq(0..self.network.lines.len()),
            "an order names every ISP once"
        );
        let began = Instant::now();
        let job = self.server.reorder(order)?;
        *lock(&self.order) = order.to_vec();
        *lock(&self.job) = job;
        Ok(began)
    }

    /// Waits until the latest new order is carried out, and returns its job; none where the server has no jobs.
    ///
    /// # Errors
    /// When the job fails or takes unreasonably long.
    pub(crate) fn finish_order(&self) -> anyhow::Result<Option<Job>> {
        let Some((operator, job)) = self.operator().zip(lock(&self.job).clone()) else {
            return Ok(None);
        };
        operator.finish(&job).map(Some)
    }

    /// Whoever operates the server through the HTTP API, if it has one.
    pub(crate) fn operator(&self) -> Option<Arc<Operator>> {
        self.server.operator()
    }

    /// The line of a tunnel that an event speaks of.
    pub(crate) fn line_of(&self, tunnel: &TunnelId) -> Option<usize> {
        self.server.line_of(tunnel)
    }

    /// Puts these lines first, in this order, and leaves the others as they are behind them.
    ///
    /// # Errors
    /// As [`reorder`](Self::reorder).
    pub fn promote(&self, first: &[usize]) -> anyhow::Result<Instant> {
        let mut order = first.to_vec();
        order.extend(
            lock(&self.order)
                .iter()
                .filter(|line| !first.contains(line)),
        );
        self.reorder(&order)
    }

    /// Whether the controller runs at this moment.
    pub fn has_controller(&self) -> bool {
        self.server.is_running()
    }

    /// The namespace of this name: `lan`, `router`, `isp1`..., `inet`.
    pub(crate) fn namespace(&self, name: &str) -> anyhow::Result<&Namespace> {
        let names: Vec<_> = self.network.namespaces().map(Namespace::name).collect();
        self.network
            .namespaces()
            .find(|namespace| namespace.name() == name)
            .with_context(|| {
                format!(
                    "no namespace is called {name}: there are {}",
                    names.join(", ")
                )
            })
    }

    /// What our server has reported; nothing with a stock one.
    pub(crate) fn events(&self) -> &EventLog {
        self.server.events()
    }

    pub(crate) fn start_meter(&self) -> anyhow::Result<Meter> {
        Meter::start(&self.network)
    }

    fn pushed_routes(&self) -> Vec<KernelRoute> {
        let routes = self.clients.pushed_routes(&self.network);
        routes.unwrap_or_else(|error| {
            tracing::warn!("cannot read the router's routes: {error:#}");
            Vec::new()
        })
    }
}

/// Packets to and from the controllers vanish, as if their site had lost its power.
const SILENCE: &str = "table ip silence {
    chain in { type filter hook input priority 0; tcp dport 443 drop; }
    chain out { type filter hook output priority 0; tcp sport 443 drop; }
}";
const END_OF_SILENCE: &str = "table ip silence\ndelete table ip silence";
