use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};

use nix::unistd::geteuid;

/// A network namespace, held by a process that waits for our end.
pub(super) struct Namespace {
    keeper: Child,
}

impl Namespace {
    /// Makes one with only the loopback interface. Whoever is not root becomes it in a user namespace.
    pub(super) fn create() -> Self {
        let mut command = Command::new("unshare");
        if !geteuid().is_root() {
            command.args(["--user", "--map-root-user"]);
        }
        let mut keeper = command
            .args(["--net", "--", "setpriv", "--pdeathsig", "KILL", "sh", "-c"])
            .arg("ip link set lo up && echo ready && exec cat")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("unshare is installed (package util-linux)");
        let mut answer = String::new();
        let out = keeper.stdout.take().unwrap();
        BufReader::new(out).read_line(&mut answer).unwrap();
        assert_eq!(
            answer, "ready\n",
            "no network namespace can be made: run the tests as root, or allow user namespaces"
        );
        Self { keeper }
    }

    /// A command that enters it and runs `setpriv`.
    pub(super) fn enter(&self) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["--target", &self.keeper.id().to_string(), "--net"]);
        if !geteuid().is_root() {
            command.args(["--user", "--preserve-credentials"]);
        }
        command.args(["--", "setpriv"]);
        command
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let _ = self.keeper.kill();
        let _ = self.keeper.wait();
    }
}
