//! `holdfast serve`: the whole product, operated through its HTTP API.

use std::{
    fmt,
    net::{Ipv4Addr, SocketAddr, TcpStream},
    path::PathBuf,
    process::Command,
    sync::{Arc, OnceLock},
    time::Duration,
};

use anyhow::{Context, ensure};
use holdfast_api_types::TunnelId;

use super::{Program, Reordered, Setting, Site};
use crate::{
    api::Api,
    namespace::Namespace,
    operator::{Connection, Operator},
};

/// Where the API listens in `inet`, for whoever enters that.
const API: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);

/// A connection within one machine takes no time.
const CONNECT_WITHIN: Duration = Duration::from_secs(2);

pub(super) struct Installation {
    inet: Arc<Namespace>,
    holdfast: PathBuf,
    data: PathBuf,
    slots: String,
    connections: Vec<Connection>,
    setting: Setting,
    /// Since the first start; none of a server that has an account and nothing else.
    operator: OnceLock<Option<Arc<Operator>>>,
}

impl Installation {
    pub(super) fn new(site: Site<'_>) -> Self {
        let slots: Vec<_> = site.tunnels.iter().map(|t| t.slot.to_string()).collect();
        let connections = site.tunnels.iter().map(|tunnel| Connection {
            name: tunnel.name.clone(),
            connection_type: tunnel.connection,
            interface: tunnel.interface.clone(),
            gateway: tunnel.gateway.to_string(),
        });
        Self {
            inet: Arc::clone(site.inet),
            holdfast: site.holdfast,
            data: site.dir.join("data"),
            slots: slots.join(","),
            connections: connections.collect(),
            setting: site.setting,
            operator: OnceLock::new(),
        }
    }

    fn api(&self) -> Api {
        let inet = Arc::clone(&self.inet);
        // A socket stays in the namespace in which it was made, whoever uses it.
        let connect = move || inet.run(|_| TcpStream::connect_timeout(&API, CONNECT_WITHIN));
        Api::new(API.to_string(), connect)
    }

    fn command(&self, role: &str) -> Command {
        let mut command = Command::new(&self.holdfast);
        command
            .arg(role)
            .env("HOLDFAST_DATA", &self.data)
            .env("HOLDFAST_HTTP_LISTEN", API.to_string())
            .env("HOLDFAST_CONTROLLER_SLOTS", &self.slots);
        command
    }

    /// What follows the `#` of a new set-up link.
    fn set_up_token(&self) -> anyhow::Result<String> {
        let output = self.command("admin").arg("setup-link").output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "there is no set-up link: {said}");
        let link = String::from_utf8(output.stdout)?;
        let (_, token) = link.trim().rsplit_once('#').context("a link has a token")?;
        Ok(token.to_owned())
    }

    fn known_operator(&self) -> anyhow::Result<&Arc<Operator>> {
        let operator = self.operator.get().and_then(Option::as_ref);
        operator.context("nobody has set up a site yet")
    }
}

impl Program for Installation {
    fn command(&self) -> anyhow::Result<Command> {
        let mut command = self.command("serve");
        command.args(["--events", "json"]);
        if let Some(socket) = &self.setting.control {
            command.arg("--lab").arg(socket);
        }
        Ok(command)
    }

    fn is_ready(&self) -> bool {
        self.api().send("GET", "/api/v1/health", &[], None).is_ok()
    }

    fn prepare(&self) -> anyhow::Result<()> {
        if self.operator.get().is_some() {
            return Ok(());
        }
        let token = self.set_up_token()?;
        let api = Operator::sign_up(self.api(), &token)?;
        let operator = if self.setting.blank {
            None
        } else {
            let operator = Operator::set_up(api, self.setting.hold)?;
            if !self.setting.adopted {
                operator.enable_failover(&self.connections)?;
            }
            Some(Arc::new(operator))
        };
        self.operator.get_or_init(|| operator);
        Ok(())
    }

    fn profile(&self, line: usize) -> anyhow::Result<String> {
        self.known_operator()?.profile(line)
    }

    fn reorder(&self, order: &[usize]) -> anyhow::Result<Reordered> {
        let job = self.known_operator()?.reorder(order)?;
        Ok(Reordered::Accepted(Box::new(job)))
    }

    fn line_of(&self, tunnel: &TunnelId) -> Option<usize> {
        self.known_operator().ok()?.line_of(tunnel)
    }

    fn operator(&self) -> Option<Arc<Operator>> {
        self.operator.get()?.clone()
    }

    fn dashboard(&self) -> Option<SocketAddr> {
        Some(API)
    }
}

impl fmt::Debug for Installation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Installation")
            .field("data", &self.data)
            .finish_non_exhaustive()
    }
}
