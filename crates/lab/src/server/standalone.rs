//! `holdfast controller --grants`: our controller without a control plane.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use holdfast_api_types::TunnelId;

use super::{Program, Reordered, Site, replace};
use crate::tunnel::{self, Tunnel};

#[derive(Debug)]
pub(super) struct Standalone {
    holdfast: PathBuf,
    dir: PathBuf,
    tunnels: Vec<Tunnel>,
}

impl Standalone {
    pub(super) fn new(site: Site<'_>) -> anyhow::Result<Self> {
        let standalone = Self {
            holdfast: site.holdfast,
            dir: site.dir,
            tunnels: site.tunnels,
        };
        let order: Vec<_> = (0..standalone.tunnels.len()).collect();
        standalone.reorder(&order)?;
        Ok(standalone)
    }

    fn grants(&self) -> PathBuf {
        self.dir.join("grants.toml")
    }
}

impl Program for Standalone {
    fn command(&self) -> anyhow::Result<Command> {
        let mut command = Command::new(&self.holdfast);
        command.arg("controller").arg("--grants").arg(self.grants());
        command.arg("--data").arg(&self.dir);
        command.args(["--events", "json", "--health-events", "1"]);
        Ok(command)
    }

    fn is_ready(&self) -> bool {
        ca(&self.dir).exists()
    }

    fn profile(&self, line: usize) -> anyhow::Result<String> {
        let tunnel = &self.tunnels[line];
        tunnel.profile(line, &ca(&self.dir), &self.dir)
    }

    fn reorder(&self, order: &[usize]) -> anyhow::Result<Reordered> {
        replace(&self.grants(), &tunnel::grants(&self.tunnels, order))?;
        Ok(Reordered::Written)
    }

    fn line_of(&self, tunnel: &TunnelId) -> Option<usize> {
        self.tunnels
            .iter()
            .position(|one| one.name == tunnel.as_str())
    }
}

/// Where a server's CA is, once it has started.
pub(super) fn ca(dir: &Path) -> PathBuf {
    dir.join("ca.pem")
}
