//! The router's clients, kept running by a supervisor.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::{Arc, Mutex},
};

use anyhow::bail;

use crate::{
    kind::ClientKind,
    namespace::Namespace,
    net::KernelRoute,
    network::{Line, Network},
    process::{Supervised, find_program, lock, log_to},
    routeros::{Habits, RouterOs},
};

/// Whatever dials from the site.
#[derive(Debug)]
pub(crate) enum Clients {
    /// A program for each line.
    Each(Each),
    /// A router that dials for all of them.
    Router(RouterOs),
}

impl Clients {
    /// Starts a router that the operator adopts.
    pub(crate) fn factory(
        holdfast: &Path,
        network: &Network,
        habits: Habits,
        run_dir: &Path,
    ) -> anyhow::Result<Self> {
        let (router, lines) = (&network.router, &network.lines);
        RouterOs::factory(router, holdfast, lines, habits, run_dir).map(Self::Router)
    }

    /// Starts those whose profile is there: all of them, or none.
    pub(crate) fn start(
        kind: ClientKind,
        holdfast: &Path,
        network: &Network,
        profiles: &[String],
        run_dir: &Path,
    ) -> anyhow::Result<Self> {
        let lines = &network.lines;
        let program = match kind {
            ClientKind::Stock => Program::Openvpn(find_program("openvpn", "openvpn")?),
            ClientKind::Agent => Program::Agent(holdfast.to_owned()),
            ClientKind::Routeros => {
                let router =
                    RouterOs::by_hand(&network.router, holdfast, lines, profiles, run_dir)?;
                return Ok(Self::Router(router));
            }
            ClientKind::Adopted => bail!("a router that is adopted takes no profiles"),
        };
        let each = Each {
            program,
            run_dir: run_dir.to_owned(),
            running: Mutex::new(lines.iter().map(|_| None).collect()),
        };
        for (line, profile) in profiles.iter().enumerate() {
            each.connect(network, line, profile)?;
        }
        Ok(Self::Each(each))
    }

    /// Starts the client of a line with this profile; one that is there ends.
    pub(crate) fn connect(
        &self,
        network: &Network,
        line: usize,
        profile: &str,
    ) -> anyhow::Result<()> {
        match self {
            Self::Each(each) => each.connect(network, line, profile),
            Self::Router(_) => {
                bail!("the router of this lab dials by itself, and takes no profile")
            }
        }
    }

    /// The routes that tunnels were given.
    pub(crate) fn pushed_routes(&self, network: &Network) -> anyhow::Result<Vec<KernelRoute>> {
        match self {
            Self::Router(router) => router.pushed_routes(),
            Self::Each(_) => {
                let own = network.lines[0].plan.own_route_metric();
                let mut routes = network.router.run(|net| net.gateway_routes())?;
                routes.retain(|route| route.metric < own);
                Ok(routes)
            }
        }
    }

    /// The router, where it is a MikroTik.
    pub(crate) fn routeros(&self) -> Option<&RouterOs> {
        match self {
            Self::Router(router) => Some(router),
            Self::Each(_) => None,
        }
    }

    /// The client of a line dies and comes back.
    pub(crate) fn kill(&self, line: usize) {
        match self {
            Self::Each(each) => {
                if let Some(client) = &lock(&each.running)[line] {
                    client.kill();
                }
            }
            Self::Router(router) => router.kill_client(line),
        }
    }
}

/// Programs that dial, one for each line.
#[derive(Debug)]
pub(crate) struct Each {
    program: Program,
    run_dir: PathBuf,
    /// By line; none where nobody has given a profile yet.
    running: Mutex<Vec<Option<Supervised>>>,
}

impl Each {
    fn connect(&self, network: &Network, line: usize, profile: &str) -> anyhow::Result<()> {
        let there = &network.lines[line];
        let plan = ClientPlan::prepare(self.program.clone(), there, profile, &self.run_dir)?;
        let mut running = lock(&self.running);
        // The old one ends before the new one begins.
        running[line] = None;
        running[line] = Some(plan.start(&network.router)?);
        Ok(())
    }
}

/// The program of a client.
#[derive(Debug, Clone)]
enum Program {
    Openvpn(PathBuf),
    Agent(PathBuf),
}

/// A client ready to be started.
#[derive(Debug)]
struct ClientPlan {
    program: Program,
    profile: PathBuf,
    interface: String,
    log: PathBuf,
}

impl ClientPlan {
    /// Writes the profile of a line's tunnel.
    fn prepare(
        program: Program,
        line: &Line,
        profile_text: &str,
        run_dir: &Path,
    ) -> anyhow::Result<Self> {
        let name = &line.isp.name;
        let profile = run_dir.join(format!("{name}.ovpn"));
        fs::write(&profile, profile_text)?;
        Ok(Self {
            program,
            profile,
            interface: line.plan.wan_interface(),
            log: run_dir.join(format!("{name}.log")),
        })
    }

    /// Starts it in the router.
    fn start(self, router: &Arc<Namespace>) -> anyhow::Result<Supervised> {
        Supervised::start(router, move || self.command())
    }

    /// The client leaves only through its own interface, or its tunnel would prove nothing.
    fn command(&self) -> anyhow::Result<Command> {
        let mut command = match &self.program {
            Program::Openvpn(program) => {
                let mut command = Command::new(program);
                command.arg("--config").arg(&self.profile);
                command
            }
            Program::Agent(program) => {
                let mut command = Command::new(program);
                command.arg("agent").arg("--profile").arg(&self.profile);
                command
            }
        };
        command.arg("--bind-dev").arg(&self.interface);
        log_to(&mut command, &self.log)?;
        Ok(command)
    }
}
