use std::{
    net::Ipv4Addr,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use super::{
    Bed, Controller,
    controller::{number, password},
    program::{self, Program},
};

/// A stock OpenVPN client that is yet to be started.
pub(crate) struct ClientPlan<'a> {
    bed: &'a Bed,
    device: String,
    command: Command,
}

/// A running stock OpenVPN client.
pub(crate) struct Client<'a> {
    bed: &'a Bed,
    device: String,
    program: Program,
}

/// What `ping` says at its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ping {
    pub(crate) sent: u32,
    pub(crate) answered: u32,
}

impl<'a> ClientPlan<'a> {
    /// A client that logs in as `tunnel`, as a router's profile would have it. The device of `wan2` is
    /// `tun2`.
    pub(crate) fn new(bed: &'a Bed, controller: &Controller, tunnel: &str) -> Self {
        let mut plan = Self {
            bed,
            device: format!("tun{}", number(tunnel)),
            command: bed.command(openvpn()),
        };
        let address = controller.address();
        plan.arguments("--client --proto tcp-client --lport 0 --verb 3 --disable-dco");
        plan.arguments("--connect-retry 1 5 --connect-timeout 3 --remote-cert-tls server");
        plan.arguments(&format!("--remote {} {}", address.ip(), address.port()));
        plan.command.arg("--ca").arg(controller.ca());
        plan.arguments(&format!("--dev {} --dev-type tun", plan.device));
        plan.log_in(tunnel, &password(tunnel));
        plan
    }

    /// Adds arguments.
    pub(crate) fn with(mut self, arguments: &str) -> Self {
        self.arguments(arguments);
        self
    }

    /// Adds an argument that is a file.
    pub(crate) fn with_file(mut self, argument: &str, file: &Path) -> Self {
        self.command.arg(argument).arg(file);
        self
    }

    /// Logs in by other credentials.
    pub(crate) fn with_login(mut self, name: &str, password: &str) -> Self {
        self.log_in(name, password);
        self
    }

    /// Gives OpenSSL a configuration.
    pub(crate) fn with_openssl(mut self, configuration: &str) -> Self {
        let file = self.bed.write("openssl.cnf", configuration);
        self.command.env("OPENSSL_CONF", file);
        self
    }

    pub(crate) fn start(self) -> Client<'a> {
        Client {
            bed: self.bed,
            device: self.device,
            program: Program::start("the client", self.command),
        }
    }

    fn log_in(&mut self, name: &str, password: &str) {
        let file = format!("{name}.login");
        let file = self.bed.write(&file, &format!("{name}\n{password}\n"));
        self.command.arg("--auth-user-pass").arg(file);
    }

    fn arguments(&mut self, arguments: &str) {
        self.command.args(arguments.split_whitespace());
    }
}

impl<'a> Client<'a> {
    /// Starts one and waits until it has its addresses and routes.
    pub(crate) fn connect(bed: &'a Bed, controller: &Controller, tunnel: &str) -> Self {
        let client = ClientPlan::new(bed, controller, tunnel).start();
        client.expect("Initialization Sequence Completed");
        client
    }

    /// Waits for a line of its log.
    pub(crate) fn expect(&self, text: &str) -> String {
        self.program.out().expect(text)
    }

    /// Lines of its log with this text so far.
    pub(crate) fn count(&self, text: &str) -> usize {
        self.program.out().count(text)
    }

    pub(crate) fn program(&mut self) -> &mut Program {
        &mut self.program
    }

    /// Starts to ping the controller through the tunnel.
    pub(crate) fn start_ping(&self, every: Duration, count: u32) -> Pinging {
        let mut command = self.bed.command("ping");
        command.args(["-n", "-q", "-W", "2", "-I", &self.device]);
        command.args(["-i", &every.as_secs_f64().to_string()]);
        command.args(["-c", &count.to_string(), &self.server().to_string()]);
        let within = every * count + Duration::from_secs(20);
        Pinging(Program::start("ping", command), within)
    }

    /// Our end of the tunnel, as the client knows it.
    fn server(&self) -> Ipv4Addr {
        let command = format!("-json -4 address show dev {}", self.device);
        let text = self.bed.ip(&command);
        let links: serde_json::Value = serde_json::from_str(&text).unwrap();
        let local = links[0]["addr_info"][0]["local"].as_str().unwrap();
        // Of a /30 the router has the second address and the controller the first.
        Ipv4Addr::from(u32::from(local.parse::<Ipv4Addr>().unwrap()) - 1)
    }
}

/// A running `ping`.
pub(crate) struct Pinging(Program, Duration);

impl Pinging {
    pub(crate) fn wait(mut self) -> Ping {
        self.0.wait(self.1);
        // "5 packets transmitted, 5 received, 0% packet loss, time 803ms"
        let summary = self.0.out().expect(" packets transmitted, ");
        let numbers: Vec<u32> = summary
            .split([' ', ','])
            .filter_map(|word| word.parse().ok())
            .collect();
        Ping {
            sent: numbers[0],
            answered: numbers[1],
        }
    }
}

/// The stock client. Tests that cannot have it fail: they prove nothing without it.
pub(crate) fn openvpn() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin".into(), "/sbin".into()])
        .map(|dir| dir.join("openvpn"))
        .find(|file| file.is_file())
        .expect("openvpn is not installed (package openvpn)")
}

/// A key as `openvpn --genkey KIND` makes it.
pub(crate) fn generate_key(bed: &Bed, kind: &str, name: &str) -> PathBuf {
    let file = bed.path(name);
    let mut command = bed.command(openvpn());
    command.arg("--genkey").args(kind.split_whitespace());
    program::output(command.arg(&file));
    file
}
