//! A router's client for one tunnel, kept running by a supervisor.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};

use crate::{
    kind::ClientKind,
    namespace::Namespace,
    network::Line,
    process::{Supervised, find_program, log_to},
};

/// A client ready to be started.
#[derive(Debug)]
pub(crate) struct ClientPlan {
    kind: ClientKind,
    program: PathBuf,
    profile: PathBuf,
    interface: String,
    log: PathBuf,
}

impl ClientPlan {
    /// Writes the profile of a line's tunnel.
    pub(crate) fn prepare(
        kind: ClientKind,
        holdfast: &Path,
        line: &Line,
        profile_text: &str,
        run_dir: &Path,
    ) -> anyhow::Result<Self> {
        let name = &line.isp.name;
        let profile = run_dir.join(format!("{name}.ovpn"));
        fs::write(&profile, profile_text)?;
        let program = match kind {
            ClientKind::Stock => find_program("openvpn", "openvpn")?,
            ClientKind::Agent => holdfast.to_owned(),
        };
        Ok(Self {
            kind,
            program,
            profile,
            interface: line.plan.wan_interface(),
            log: run_dir.join(format!("{name}.log")),
        })
    }

    /// Starts it in the router.
    pub(crate) fn start(self, router: &Arc<Namespace>) -> anyhow::Result<Supervised> {
        Supervised::start(router, move || self.command())
    }

    /// The client leaves only through its own interface, or its tunnel would prove nothing.
    fn command(&self) -> anyhow::Result<Command> {
        let mut command = Command::new(&self.program);
        match self.kind {
            ClientKind::Stock => command.arg("--config").arg(&self.profile),
            ClientKind::Agent => command.arg("agent").arg("--profile").arg(&self.profile),
        };
        command.arg("--bind-dev").arg(&self.interface);
        log_to(&mut command, &self.log)?;
        Ok(command)
    }
}
