//! The router's clients, kept running by a supervisor.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};

use crate::{
    kind::ClientKind,
    namespace::Namespace,
    net::KernelRoute,
    network::{Line, Network},
    process::{Supervised, find_program, log_to},
    routeros::RouterOs,
};

/// Whatever dials from the site.
#[derive(Debug)]
pub(crate) enum Clients {
    /// A program for each line.
    Each(Vec<Supervised>),
    /// A router that dials for all of them.
    Router(RouterOs),
}

impl Clients {
    /// Starts all of them.
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
                let router = RouterOs::start(&network.router, holdfast, lines, profiles, run_dir)?;
                return Ok(Self::Router(router));
            }
        };
        let start = |(line, profile): (&Line, &String)| {
            ClientPlan::prepare(program.clone(), line, profile, run_dir)?.start(&network.router)
        };
        let each = lines.iter().zip(profiles).map(start);
        Ok(Self::Each(each.collect::<anyhow::Result<_>>()?))
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

    /// The client of a line dies and comes back.
    pub(crate) fn kill(&self, line: usize) {
        match self {
            Self::Each(each) => each[line].kill(),
            Self::Router(router) => router.kill_client(line),
        }
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
