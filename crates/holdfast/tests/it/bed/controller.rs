use std::{fmt::Write, net::SocketAddr, path::PathBuf, process::ExitStatus, time::Duration};

use holdfast_api_types::{LinkEvent, LinkEventKind, TunnelId};
use nix::sys::signal::Signal;

use super::{
    Bed, PATIENCE, gateway,
    program::{Log, Program},
};

/// The name of the grants file.
const GRANTS: &str = "grants.toml";

/// A running `holdfast controller`.
pub(crate) struct Controller {
    program: Program,
    data: PathBuf,
    address: SocketAddr,
}

/// A controller that is yet to be started.
pub(crate) struct ControllerPlan<'a> {
    bed: &'a Bed,
    grants: String,
    arguments: Vec<String>,
    open_files: Option<u32>,
}

impl<'a> ControllerPlan<'a> {
    pub(crate) fn new(bed: &'a Bed, grants: &str) -> Self {
        Self {
            bed,
            grants: grants.into(),
            arguments: Vec::new(),
            open_files: None,
        }
    }

    /// Adds arguments.
    pub(crate) fn with(mut self, arguments: &str) -> Self {
        let more = arguments.split_whitespace().map(str::to_owned);
        self.arguments.extend(more);
        self
    }

    /// Lets it open only so many files.
    pub(crate) fn with_open_files(mut self, count: u32) -> Self {
        self.open_files = Some(count);
        self
    }

    /// Starts it and waits until it listens.
    pub(crate) fn start(self) -> Controller {
        let program = env!("CARGO_BIN_EXE_holdfast");
        let mut command = match self.open_files {
            Some(count) => {
                let mut command = self.bed.command("prlimit");
                command
                    .arg(format!("--nofile={count}:{count}"))
                    .arg(program);
                command
            }
            None => self.bed.command(program),
        };
        let (data, grants) = (self.bed.path("data"), self.bed.path(GRANTS));
        self.bed.write(GRANTS, &self.grants);
        command.arg("controller").arg("--grants").arg(grants);
        command.arg("--data").arg(&data);
        command.args(["--events", "json", "--health-events", "1"]);
        command.args(self.arguments);
        let program = Program::start("the controller", command);
        let address = program.err().field("listening", "slot.address=");
        Controller {
            program,
            data,
            address: address.parse().unwrap(),
        }
    }
}

impl Controller {
    /// Starts one and waits until it listens.
    pub(crate) fn start(bed: &Bed, grants: &str) -> Self {
        ControllerPlan::new(bed, grants).start()
    }

    /// Where clients dial it.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The CA it has made.
    pub(crate) fn ca(&self) -> PathBuf {
        self.data.join("ca.pem")
    }

    /// Its log, for people.
    pub(crate) fn log(&self) -> &Log {
        self.program.err()
    }

    /// Replaces the grants file and tells it so.
    pub(crate) fn reload(&self, bed: &Bed, grants: &str) {
        bed.write(GRANTS, grants);
        self.signal(Signal::SIGHUP);
    }

    pub(crate) fn signal(&self, signal: Signal) {
        self.program.signal(signal);
    }

    pub(crate) fn wait(&mut self, within: Duration) -> ExitStatus {
        self.program.wait(within)
    }

    /// Ends it as a crash does.
    pub(crate) fn kill(&mut self) {
        self.program.kill();
    }

    // --- events -----------------------------------------------------------------------------

    /// The events so far.
    pub(crate) fn events(&self) -> Vec<LinkEvent> {
        let text = self.program.out().text();
        text.lines().map(parse).collect()
    }

    /// The number of the last event so far.
    pub(crate) fn sequence(&self) -> u64 {
        self.events().last().map_or(0, |event| event.sequence)
    }

    /// Waits for an event of a tunnel after that number.
    pub(crate) fn expect_event(
        &self,
        tunnel: &str,
        after: u64,
        what: impl Fn(&LinkEventKind) -> bool,
    ) -> LinkEvent {
        let tunnel: TunnelId = tunnel.parse().unwrap();
        self.program
            .out()
            .find(PATIENCE, |line| {
                let event = parse(line);
                (event.tunnel == tunnel && event.sequence > after && what(&event.kind))
                    .then_some(event)
            })
            .unwrap_or_else(|| panic!("no such event of {tunnel} after {after}"))
    }

    /// Waits until a tunnel is up.
    pub(crate) fn expect_up(&self, tunnel: &str, after: u64) -> LinkEvent {
        self.expect_event(tunnel, after, |kind| {
            matches!(kind, LinkEventKind::TunnelUp { .. })
        })
    }

    /// Waits until a tunnel is down, and returns the cause and whether it was planned.
    pub(crate) fn expect_down(&self, tunnel: &str, after: u64) -> (String, bool) {
        let event = self.expect_event(tunnel, after, |kind| {
            matches!(kind, LinkEventKind::TunnelDown { .. })
        });
        let LinkEventKind::TunnelDown { cause, planned } = event.kind else {
            unreachable!("no other kind was asked for");
        };
        (cause, planned)
    }
}

/// A grants file with these tunnels of one site, best first. The gateway of `wan2` is that of WAN 2.
pub(crate) fn grants(tunnels: &[&str]) -> String {
    let mut text = "[listen]\nslots = [\"127.0.0.1:0\"]\n".to_owned();
    for (rank, name) in tunnels.iter().enumerate() {
        text += &tunnel(name, rank);
    }
    text
}

/// The entry of one tunnel.
pub(crate) fn tunnel(name: &str, rank: usize) -> String {
    let wan = number(name);
    let mut text = String::from("[[tunnels]]\n");
    let _ = writeln!(
        text,
        "username = \"{name}\"\npassword = \"{}\"",
        password(name)
    );
    let _ = writeln!(text, "site = \"office\"\nrank = {rank}");
    let _ = writeln!(text, "gateway = \"{}\"\nprofile = \"fast\"", gateway(wan));
    text
}

pub(crate) fn password(tunnel: &str) -> String {
    format!("secret of {tunnel}")
}

/// The number at the end of a tunnel's name.
pub(super) fn number(tunnel: &str) -> u8 {
    tunnel
        .trim_start_matches(char::is_alphabetic)
        .parse()
        .unwrap()
}

fn parse(line: &str) -> LinkEvent {
    serde_json::from_str(line).unwrap_or_else(|err| panic!("{line} is no event: {err}"))
}
