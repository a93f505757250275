//! A running test bed: the network, a server, and a client per internet connection.

use std::{
    fs,
    net::Ipv4Addr,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use anyhow::{Context, bail, ensure};
use holdfast_api_types::{LineState, TunnelId, api::Job};

use crate::{
    client::Clients,
    door::Door,
    events::EventLog,
    fault::{ControllerFault, LineFault},
    kind::{ClientKind, ServerKind},
    meter::Meter,
    namespace::Namespace,
    net::KernelRoute,
    network::{Line, Network},
    operator::Operator,
    process::lock,
    server::{Server, Setting},
    topology::Isp,
    tunnel::Tunnel,
    wire::{Conditions, Direction},
};

/// Describes a test bed.
///
/// ```no_run
/// # fn main() -> anyhow::Result<()> {
/// use holdfast_lab::{Lab, LineFault, Isp, ServerKind};
///
/// let lab = Lab::builder()
///     .isp(Isp::fibre())
///     .isp(Isp::lte().loss(0.01))
///     .server(ServerKind::OpenvpnTuned)
///     .build("/tmp/my-lab".as_ref())?;
/// lab.wait_until_up()?;
/// lab.break_line(0, LineFault::BlackHole);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct LabBuilder {
    isps: Vec<Isp>,
    server: ServerKind,
    client: ClientKind,
    holdfast: Option<PathBuf>,
    hold: Duration,
    control: Option<PathBuf>,
    blank: bool,
}

/// How long a tunnel that has returned must be steady before it carries traffic, unless told: as long as our stand-alone
/// controller has it, so that the two can be compared.
const HOLD: Duration = Duration::from_secs(3);

impl LabBuilder {
    /// Adds an internet connection; the first is the primary.
    pub fn isp(mut self, isp: Isp) -> Self {
        self.isps.push(isp);
        self
    }

    /// Adds several internet connections.
    pub fn isps(mut self, isps: impl IntoIterator<Item = Isp>) -> Self {
        self.isps.extend(isps);
        self
    }

    /// Who serves the tunnels; the whole of our server unless told.
    pub fn server(mut self, server: ServerKind) -> Self {
        self.server = server;
        self
    }

    /// Who dials; the stock client unless told.
    pub fn client(mut self, client: ClientKind) -> Self {
        self.client = client;
        self
    }

    /// The `holdfast` program to run; the running program unless told.
    pub fn holdfast(mut self, program: impl Into<PathBuf>) -> Self {
        self.holdfast = Some(program.into());
        self
    }

    /// How long a tunnel that has returned must be steady before it carries traffic, in whole seconds. Heeded by
    /// [`ServerKind::Holdfast`] alone: the others have no such setting.
    pub fn hold(mut self, hold: Duration) -> Self {
        self.hold = hold;
        self
    }

    /// Lets the dashboard of our server break lines, by way of the control socket of this path.
    pub(crate) fn control(mut self, socket: PathBuf) -> Self {
        self.control = Some(socket);
        self
    }

    /// Nobody has set up a site in our server, and so nobody dials, until [`Lab::connect`].
    pub(crate) fn blank(mut self) -> Self {
        self.blank = true;
        self
    }

    /// Builds the network and starts all programs. Profiles and logs go to `run_dir`.
    ///
    /// # Errors
    /// When the machine lacks a program or a permission; the message says which.
    pub fn build(self, run_dir: &Path) -> anyhow::Result<Lab> {
        ensure!(!self.isps.is_empty(), "a lab has at least one ISP");
        fs::create_dir_all(run_dir)
            .with_context(|| format!("cannot make {}", run_dir.display()))?;
        let run_dir = run_dir.canonicalize()?;
        let holdfast = match self.holdfast {
            Some(program) => program,
            None => std::env::current_exe().context("cannot tell which program this is")?,
        };
        let network = Network::build(self.isps, self.client.owns_router())?;
        let tunnels: Vec<_> = network
            .lines
            .iter()
            .map(|line| Tunnel::new(&line.isp, line.plan))
            .collect();
        let setting = Setting {
            hold: self.hold,
            control: self.control,
            blank: self.blank,
        };
        let inet = &network.inet;
        let server = Server::new(self.server, inet, tunnels, &holdfast, setting, &run_dir)?;
        server.start()?;
        let known = if self.blank { 0 } else { network.lines.len() };
        let profiles = (0..known)
            .map(|line| server.profile(line))
            .collect::<anyhow::Result<Vec<_>>>()?;
        let clients = Clients::start(self.client, &holdfast, &network, &profiles, &run_dir)?;
        let order = Mutex::new((0..network.lines.len()).collect());
        Ok(Lab {
            clients,
            server,
            network,
            order,
            job: Mutex::default(),
        })
    }
}

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
}

/// How long tunnels may take to come up when nothing is wrong.
const UP_WITHIN: Duration = Duration::from_secs(30);

impl Lab {
    /// An empty description: our server and stock clients, no ISPs yet.
    pub fn builder() -> LabBuilder {
        LabBuilder {
            isps: Vec::new(),
            server: ServerKind::Holdfast,
            client: ClientKind::Stock,
            holdfast: None,
            hold: HOLD,
            control: None,
            blank: false,
        }
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
        self.network
            .lines
            .iter()
            .position(|line| line.plan.gateway() == best.gateway)
    }

    /// Length of the prefixes that a tunnel holds in the router (its rung), if it holds any.
    pub fn prefix(&self, line: usize) -> Option<u8> {
        let gateway = self.network.lines[line].plan.gateway();
        self.pushed_routes()
            .iter()
            .filter(|route| route.gateway == gateway)
            .map(|route| route.prefix)
            .max()
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
        self.network.lines[line].plan.wan_interface()
    }

    /// The ISP's gateway of one line, as the router sees it.
    pub(crate) fn gateway(&self, line: usize) -> Ipv4Addr {
        self.network.lines[line].plan.gateway()
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
