//! The stock OpenVPN server, for comparison.

use std::{fs, net::IpAddr, path::PathBuf, process::Command};

use holdfast_api_types::TunnelId;

use super::{Program, Reordered, Site, replace, standalone::ca};
use crate::{
    pki,
    process::find_program,
    tunnel::{self, Tunnel},
};

/// What the manual recommends: an interval and how often it may be missed.
pub(super) const USUAL: &str = "10 60";
/// The quickest that does not restart healthy tunnels.
pub(super) const TUNED: &str = "1 3";

#[derive(Debug)]
pub(super) struct Stock {
    keepalive: &'static str,
    dir: PathBuf,
    tunnels: Vec<Tunnel>,
}

impl Stock {
    pub(super) fn new(site: Site<'_>, keepalive: &'static str) -> anyhow::Result<Self> {
        let stock = Self {
            keepalive,
            dir: site.dir,
            tunnels: site.tunnels,
        };
        fs::create_dir_all(stock.dir.join("ccd"))?;
        let slots = stock.tunnels.iter().map(|t| IpAddr::V4(*t.slot.ip()));
        pki::write(&stock.dir, &slots.collect::<Vec<_>>())?;
        fs::write(stock.config_file(), stock.config()?)?;
        let order: Vec<_> = (0..stock.tunnels.len()).collect();
        stock.reorder(&order)?;
        Ok(stock)
    }

    fn config(&self) -> anyhow::Result<String> {
        let anybody = find_program("true", "coreutils")?;
        Ok(format!(
            "dev tun-server\n\
             dev-type tun\n\
             proto tcp-server\n\
             port 443\n\
             server 198.18.0.0 255.255.0.0\n\
             topology subnet\n\
             ca \"{dir}/ca.pem\"\n\
             cert \"{dir}/server.pem\"\n\
             key \"{dir}/server.key\"\n\
             dh none\n\
             verify-client-cert none\n\
             username-as-common-name\n\
             script-security 2\n\
             tmp-dir \"{dir}\"\n\
             auth-user-pass-verify {anybody} via-file\n\
             client-config-dir \"{dir}/ccd\"\n\
             keepalive {keepalive}\n\
             tcp-nodelay\n\
             verb 3\n",
            dir = self.dir.display(),
            anybody = anybody.display(),
            keepalive = self.keepalive,
        ))
    }

    fn config_file(&self) -> PathBuf {
        self.dir.join("server.conf")
    }
}

impl Program for Stock {
    fn command(&self) -> anyhow::Result<Command> {
        // Its log goes to standard output unless told otherwise, where ours prints events.
        let mut command = Command::new("sh");
        command.args(["-c", "exec \"$0\" --config \"$1\" >&2"]);
        command
            .arg(find_program("openvpn", "openvpn")?)
            .arg(self.config_file());
        Ok(command)
    }

    fn is_ready(&self) -> bool {
        ca(&self.dir).exists()
    }

    fn profile(&self, line: usize) -> anyhow::Result<String> {
        let tunnel = &self.tunnels[line];
        tunnel.profile(line, &ca(&self.dir), &self.dir)
    }

    /// It has nothing gentler than a restart of all its connections.
    fn reorder(&self, order: &[usize]) -> anyhow::Result<Reordered> {
        for (rank, &line) in order.iter().enumerate() {
            let tunnel = &self.tunnels[line];
            let routes = tunnel::pushed_routes(tunnel, rank, order.len());
            replace(&self.dir.join("ccd").join(&tunnel.name), &routes)?;
        }
        Ok(Reordered::Written)
    }

    fn line_of(&self, tunnel: &TunnelId) -> Option<usize> {
        self.tunnels
            .iter()
            .position(|one| one.name == tunnel.as_str())
    }
}
