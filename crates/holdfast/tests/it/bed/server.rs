use std::{
    net::{SocketAddr, TcpListener},
    process::{Command, ExitStatus, Output},
    time::Duration,
};

use holdfast_api_types::api::WhoAmI;
use holdfast_lab::api::{Answer, Api};
use nix::sys::signal::Signal;
use serde_json::{Value, json};

use super::{
    Bed,
    program::{Log, Program},
};

/// The first account of every test.
pub(crate) const OWNER: &str = "ann@example.org";
pub(crate) const PASSWORD: &str = "correct horse battery staple";

/// A running `holdfast serve`.
pub(crate) struct Server {
    program: Program,
    address: SocketAddr,
}

/// A `holdfast serve` that is yet to be started.
pub(crate) struct ServerPlan<'a> {
    bed: &'a Bed,
    data: &'a str,
    command: Command,
}

impl<'a> ServerPlan<'a> {
    /// On the data directory of this name, with two slots that nobody else has.
    pub(crate) fn new(bed: &'a Bed, data: &'a str) -> Self {
        Self::of_role("serve", bed, data)
    }

    /// The same without a route controller.
    pub(crate) fn control_plane(bed: &'a Bed, data: &'a str) -> Self {
        Self::of_role("control-plane", bed, data)
    }

    fn of_role(role: &str, bed: &'a Bed, data: &'a str) -> Self {
        let mut command = bed.command(holdfast());
        command.arg(role).env("HOLDFAST_DATA", bed.path(data));
        command.env("HOLDFAST_HTTP_LISTEN", "127.0.0.1:0");
        command.env("HOLDFAST_CONTROLLER_SLOTS", bed.slots().join(","));
        Self { bed, data, command }
    }

    /// Sets a variable.
    pub(crate) fn with_env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// Starts it and waits until its API listens.
    pub(crate) fn start(self) -> Server {
        let program = Program::start(&format!("serve on {}", self.data), self.command);
        let address = program.err().field("the API listens", "http.address=");
        Server {
            program,
            address: address.parse().unwrap(),
        }
    }

    /// Starts it in vain and returns what it says.
    pub(crate) fn fail(mut self) -> Output {
        let output = self.command.output().unwrap();
        assert!(
            !output.status.success(),
            "{output:?} in {}",
            self.bed.path("").display()
        );
        output
    }
}

impl Server {
    pub(crate) fn start(bed: &Bed, data: &str) -> Self {
        ServerPlan::new(bed, data).start()
    }

    /// Its API, with nobody logged in.
    pub(crate) fn api(&self) -> Api {
        Api::at(self.address)
    }

    /// Makes the first account with a fresh set-up link, and returns the API with an owner's token.
    pub(crate) fn set_up(&self, bed: &Bed, data: &str) -> Api {
        let mut api = self.api();
        let answer = set_up(&api, &setup_token(bed, data));
        api.use_session(&answer).unwrap();
        let token: Value = api
            .post(
                "/api/v1/tokens",
                &json!({ "name": "test", "role": "owner" }),
            )
            .unwrap();
        api.use_token(token["secret"].as_str().unwrap());
        api
    }

    /// Where its API listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn log(&self) -> &Log {
        self.program.err()
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
}

/// The secret of a new set-up link.
pub(crate) fn setup_token(bed: &Bed, data: &str) -> String {
    let link = admin(bed, data, &["setup-link"]);
    link.trim().rsplit_once('#').unwrap().1.to_owned()
}

/// Makes the first account.
pub(crate) fn set_up(api: &Api, token: &str) -> Answer {
    let wish = json!({
        "token": token,
        "organization": "Example",
        "name": "Ann",
        "email": OWNER,
        "password": PASSWORD,
    });
    let answer = api.send_json("POST", "/api/v1/setup", &[], &wish).unwrap();
    let me: WhoAmI = answer.json().unwrap();
    assert_eq!(me.actor.name, OWNER);
    answer
}

/// Runs `holdfast admin` and returns what it printed.
pub(crate) fn admin(bed: &Bed, data: &str, arguments: &[&str]) -> String {
    let output = try_admin(bed, data, arguments);
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "holdfast admin {arguments:?}: {err}"
    );
    String::from_utf8(output.stdout).unwrap()
}

/// Runs `holdfast admin`, which may fail.
pub(crate) fn try_admin(bed: &Bed, data: &str, arguments: &[&str]) -> Output {
    let mut command = Command::new(holdfast());
    command
        .arg("admin")
        .args(arguments)
        .env("HOLDFAST_DATA", bed.path(data));
    command.env("HOLDFAST_CONTROLLER_SLOTS", bed.slots().join(","));
    command.output().unwrap()
}

/// A port that nobody has at this moment.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

fn holdfast() -> &'static str {
    env!("CARGO_BIN_EXE_holdfast")
}
