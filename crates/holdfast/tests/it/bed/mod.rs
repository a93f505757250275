//! Where a test runs its programs: this machine's loopback, or a network of its own.

mod client;
mod controller;
mod fleet;
mod namespace;
mod program;
mod server;

use std::{
    net::Ipv4Addr,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use tempfile::TempDir;

use self::namespace::Namespace;
pub(crate) use self::{
    client::{Client, ClientPlan, Ping, Pinging, generate_key, openvpn},
    controller::{Controller, ControllerPlan, grants, password},
    fleet::{connect, connect_for, has_logged_in, make_site, profile},
    program::Program,
    server::{
        OWNER, PASSWORD, Server, ServerPlan, admin, free_port, set_up, setup_token, try_admin,
    },
};

/// How long anything may take that takes milliseconds on an idle machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

const PART_ARGUMENTS: &str = "HOLDFAST_TEST_PART";

/// A folder for files, and a network for programs. All of it goes when this is dropped.
pub(crate) struct Bed {
    namespace: Option<Namespace>,
    dir: TempDir,
    /// Ports of the slots of a `holdfast serve`.
    ports: [u16; 2],
}

/// A route through the gateway of a WAN, as the kernel has it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct KernelRoute {
    pub(crate) destination: String,
    pub(crate) gateway: Ipv4Addr,
    pub(crate) metric: u64,
}

impl Bed {
    /// This machine's loopback: enough for everything that neither makes a device nor a route.
    pub(crate) fn on_loopback() -> Self {
        Self {
            namespace: None,
            dir: tempfile::tempdir().unwrap(),
            ports: [free_port(), free_port()],
        }
    }

    /// A network of its own with so many WANs: `wan1` with the gateway 10.9.1.1, and so on.
    pub(crate) fn with_wans(count: u8) -> Self {
        let bed = Self {
            namespace: Some(Namespace::create()),
            dir: tempfile::tempdir().unwrap(),
            ports: [1194, 1195],
        };
        for n in 1..=count {
            bed.ip(&format!("link add wan{n} type veth peer name isp{n}"));
            bed.ip(&format!("address add 10.9.{n}.2/24 dev wan{n}"));
            bed.ip(&format!("link set isp{n} up"));
            bed.ip(&format!("link set wan{n} up"));
        }
        bed
    }

    /// The slots of a `holdfast serve` here.
    pub(crate) fn slots(&self) -> [String; 2] {
        self.ports.map(|port| format!("127.0.0.1:{port}"))
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Writes a file so that a reader sees the old text or the new.
    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let (path, new) = (self.path(name), self.path(&format!("{name}.new")));
        std::fs::write(&new, text).unwrap();
        std::fs::rename(&new, &path).unwrap();
        path
    }

    /// A program that will run in this network, and end with the test.
    pub(crate) fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = match &self.namespace {
            Some(namespace) => namespace.enter(),
            None => Command::new("setpriv"),
        };
        command.args(["--pdeathsig", "KILL"]).arg(program.as_ref());
        command
    }

    /// Runs a test of this program inside this network, because another test needs what it does there.
    pub(crate) fn start_part(&self, test: &str, arguments: &[&str]) -> Program {
        let mut command = self.command(std::env::current_exe().unwrap());
        command.args(["--ignored", "--exact", "--nocapture", test]);
        command.env(PART_ARGUMENTS, arguments.join(" "));
        Program::start(test, command)
    }

    /// Runs `ip` and returns what it printed.
    pub(crate) fn ip(&self, arguments: &str) -> String {
        let mut command = self.command("ip");
        program::output(command.args(arguments.split_whitespace()))
    }

    /// The kernel's routes through the gateways of the WANs, in order.
    pub(crate) fn routes(&self) -> Vec<KernelRoute> {
        let table: serde_json::Value = serde_json::from_str(&self.ip("-json route show")).unwrap();
        let mut routes: Vec<_> = table
            .as_array()
            .unwrap()
            .iter()
            .filter_map(KernelRoute::of)
            .collect();
        routes.sort();
        routes
    }

    /// Waits until the kernel has exactly these routes through the gateways: destination, WAN, metric.
    pub(crate) fn expect_routes(&self, expected: &[(&str, u8, u64)]) {
        let mut expected: Vec<_> = expected
            .iter()
            .map(|&(destination, wan, metric)| KernelRoute {
                destination: destination.into(),
                gateway: gateway(wan),
                metric,
            })
            .collect();
        expected.sort();
        let mut routes = Vec::new();
        let arrived = wait_until(PATIENCE, || {
            routes = self.routes();
            routes == expected
        });
        assert!(arrived, "the kernel has {routes:#?}\nand not {expected:#?}");
    }
}

impl KernelRoute {
    fn of(route: &serde_json::Value) -> Option<Self> {
        Some(Self {
            destination: route["dst"].as_str()?.into(),
            gateway: route["gateway"].as_str()?.parse().ok()?,
            metric: route["metric"].as_u64().unwrap_or(0),
        })
    }
}

/// What another test wants of this one; nothing when it is run by itself.
pub(crate) fn part_arguments<const N: usize>() -> Option<[String; N]> {
    let arguments = std::env::var(PART_ARGUMENTS).ok()?;
    let words: Vec<_> = arguments.split_whitespace().map(str::to_owned).collect();
    Some(words.try_into().unwrap())
}

/// The gateway of a WAN.
pub(crate) fn gateway(wan: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 9, wan, 1)
}

/// Looks at a condition again and again; false when it did not hold in time.
pub(crate) fn wait_until(within: Duration, mut condition: impl FnMut() -> bool) -> bool {
    let deadline = std::time::Instant::now() + within;
    while !condition() {
        if std::time::Instant::now() >= deadline {
            return false;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    true
}
