//! What a test bed is made of.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Mutex, OnceLock},
    time::Duration,
};

use anyhow::{Context, ensure};

use super::Lab;
use crate::{
    client::Clients,
    kind::{ClientKind, ServerKind},
    network::Network,
    routeros::Habits,
    server::{Server, Setting},
    topology::{Isp, Layout},
    tunnel::Tunnel,
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
    layout: Layout,
    habits: Habits,
}

/// How long a tunnel that has returned must be steady before it carries traffic, unless told: as long as our stand-alone
/// controller has it, so that the two can be compared.
const HOLD: Duration = Duration::from_secs(3);

impl LabBuilder {
    /// An empty description: our server and stock clients, no ISPs yet.
    pub(super) fn new() -> Self {
        Self {
            isps: Vec::new(),
            server: ServerKind::Holdfast,
            client: ClientKind::Stock,
            holdfast: None,
            hold: HOLD,
            control: None,
            blank: false,
            layout: Layout::default(),
            habits: Habits::default(),
        }
    }

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

    /// Hands the lines over in another way.
    pub(crate) fn layout(mut self, layout: Layout) -> Self {
        self.layout = layout;
        self
    }

    /// Gives the router habits of its own, where it is one that is adopted.
    pub(crate) fn habits(mut self, habits: Habits) -> Self {
        self.habits = habits;
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
        let network = Network::build(self.isps, self.layout, self.client.owns_router())?;
        let tunnels: Vec<_> = network
            .lines
            .iter()
            .map(|line| Tunnel::new(&line.isp, line.plan))
            .collect();
        let adopted = self.client == ClientKind::Adopted;
        let setting = Setting {
            hold: self.hold,
            control: self.control,
            blank: self.blank,
            adopted,
        };
        let inet = &network.inet;
        let server = Server::new(self.server, inet, tunnels, &holdfast, setting, &run_dir)?;
        server.start()?;
        let known = if self.blank { 0 } else { network.lines.len() };
        let clients = if adopted {
            Clients::factory(&holdfast, &network, self.habits, &run_dir)?
        } else {
            let profiles = (0..known)
                .map(|line| server.profile(line))
                .collect::<anyhow::Result<Vec<_>>>()?;
            Clients::start(self.client, &holdfast, &network, &profiles, &run_dir)?
        };
        let order = Mutex::new((0..network.lines.len()).collect());
        let lab = Lab {
            clients,
            server,
            network,
            order,
            job: Mutex::default(),
            adopted,
            exports: OnceLock::new(),
        };
        if adopted && !self.blank {
            lab.adopt()?;
        }
        Ok(lab)
    }
}
