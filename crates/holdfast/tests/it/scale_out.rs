//! A control plane and a route controller in two processes, and what the second does without the first.

use std::{
    fs,
    net::SocketAddr,
    time::{Duration, Instant},
};

use holdfast_lab::api::Api;
use nix::sys::signal::Signal;
use serde_json::Value;

use crate::bed::{
    Bed, PATIENCE, Program, Server, ServerPlan, admin, connect, connect_for, has_logged_in,
    make_site, profile, wait_until,
};

const DATA: &str = "data";

/// What a controller logs when it decides by itself.
const LET_IN: &str = "let in by its sealed grant";

/// How long the control plane is away.
fn absence() -> Duration {
    match std::env::var("HOLDFAST_LONG_TESTS").as_deref() {
        Ok("1") => Duration::from_secs(60),
        _ => Duration::from_secs(4),
    }
}

/// A control plane with a site of two tunnels, and a controller for it.
struct ScaledOut {
    bed: Bed,
    server: Server,
    api: Api,
    tunnels: Vec<String>,
    profiles: Vec<String>,
    controller: Program,
}

impl ScaledOut {
    fn start() -> Self {
        let bed = Bed::on_loopback();
        let server = ServerPlan::control_plane(&bed, DATA).start();
        let api = server.set_up(&bed, DATA);
        let tunnels = make_site(&api);
        let profiles = tunnels.iter().map(|tunnel| profile(&api, tunnel));
        let profiles = profiles.collect();
        let printed = admin(&bed, DATA, &["token", "create", "edge", "--controller"]);
        let token = printed.split_whitespace().last().unwrap();
        let controller = start_controller(&bed, server.address(), token);
        controller.err().expect("the control plane is there");
        Self {
            bed,
            server,
            api,
            tunnels,
            profiles,
            controller,
        }
    }

    /// The same process address and data, after a crash.
    fn restart_server(&mut self) {
        let address = self.server.address().to_string();
        self.server = ServerPlan::control_plane(&self.bed, DATA)
            .with_env("HOLDFAST_HTTP_LISTEN", &address)
            .start();
    }

    fn until_online(&self, nth: usize) {
        let tunnel = format!("/api/v1/tunnels/{}", self.tunnels[nth]);
        let mut state = Value::Null;
        let is_online = wait_until(2 * PATIENCE, || {
            let tunnel: Value = self.api.get(&tunnel).unwrap();
            state = tunnel["state"].clone();
            state == "online"
        });
        assert!(is_online, "tunnel {nth} is {state}");
    }

    /// What the history of a tunnel says, oldest first: state and cause.
    fn history(&self, nth: usize) -> Vec<(String, String)> {
        let path = format!("/api/v1/tunnels/{}/states?limit=200", self.tunnels[nth]);
        let page: Value = self.api.get(&path).unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let changes = page["items"].as_array().unwrap().iter().rev();
        changes
            .map(|change| (text(&change["state"]), text(&change["cause"])))
            .collect()
    }
}

fn start_controller(bed: &Bed, control_plane: SocketAddr, token: &str) -> Program {
    // The routers trust one CA, whichever controller they dial.
    let data = bed.path("edge");
    fs::create_dir_all(&data).unwrap();
    for file in ["ca.pem", "ca.key"] {
        fs::copy(bed.path(DATA).join(file), data.join(file)).unwrap();
    }
    let mut command = bed.command(env!("CARGO_BIN_EXE_holdfast"));
    command.arg("controller").arg("--data").arg(data);
    command.args(["--control-plane", &format!("http://{control_plane}")]);
    command.arg("--token-file").arg(bed.write("token", token));
    command.args(["--slots", &bed.slots().join(",")]);
    let controller = Program::start("the controller", command);
    controller.err().expect("listening");
    controller
}

#[test]
fn a_tunnel_of_a_controller_elsewhere_is_known_to_the_control_plane() {
    let it = ScaledOut::start();
    let _client = connect(&it.bed, &it.profiles[0]);
    assert!(wait_until(PATIENCE, || has_logged_in(
        &it.api,
        &it.tunnels[0]
    )));
}

#[test]
fn tunnels_outlive_a_control_plane_that_is_killed_and_started_again() {
    let mut it = ScaledOut::start();
    outlive(&mut it, |it| it.server.kill(), ScaledOut::restart_server);
}

#[test]
fn tunnels_outlive_a_control_plane_that_stands_still() {
    let mut it = ScaledOut::start();
    let stop = |it: &mut ScaledOut| it.server.signal(Signal::SIGSTOP);
    outlive(&mut it, stop, |it| it.server.signal(Signal::SIGCONT));
}

fn outlive(
    it: &mut ScaledOut,
    go_away: impl FnOnce(&mut ScaledOut),
    come_back: impl FnOnce(&mut ScaledOut),
) {
    let mut moving = connect(&it.bed, &it.profiles[0]);
    let mut staying = connect(&it.bed, &it.profiles[1]);
    it.until_online(0);
    it.until_online(1);
    let before = [0, 1].map(|nth| it.history(nth).len());

    go_away(it);
    let until = Instant::now() + absence();
    it.controller.err().expect("the control plane is away");
    // A tunnel that reconnects is let in ...
    moving.kill();
    let _moved = connect(&it.bed, &it.profiles[0]);
    let line = it.controller.err().expect(LET_IN);
    assert!(line.contains(&it.tunnels[0]), "{line}");
    // ... and with a wrong password it is not.
    let wrong = it.profiles[0].replace(&password_in(&it.profiles[0]), "guess");
    let mut wrong = connect_for(&it.bed, &wrong, 5);
    assert!(wrong.wait(PATIENCE).success());
    let result = wrong.out().expect("{");
    assert!(result.contains("the control plane is away"), "{result}");
    assert!(result.contains(r#""up":0"#), "{result}");
    std::thread::sleep(until.saturating_duration_since(Instant::now()));

    come_back(it);
    it.controller.err().expect("the control plane is back");
    it.until_online(0);
    it.until_online(1);
    assert_eq!(it.controller.err().count(LET_IN), 1);
    // The tunnel that stayed has noticed nothing, and nobody has noticed anything of it.
    assert!(staying.is_running());
    assert_eq!(staying.err().count("1 lost"), 0);
    let [moved, stayed] = [0, 1].map(|nth| it.history(nth).split_off(before[nth]));
    assert_eq!(offline(&stayed), 0, "{stayed:?}");
    // What happened to the other is told, and once.
    assert_eq!(offline(&moved), 1, "{moved:?}");
    let open = "/api/v1/faults?state=open&type=link-offline";
    let open: Value = it.api.get(open).unwrap();
    assert_eq!(open["items"], Value::Array(Vec::new()), "{open}");
}

fn offline(history: &[(String, String)]) -> usize {
    let changes = history.iter();
    changes.filter(|(state, _)| state == "offline").count()
}

fn password_in(profile: &str) -> String {
    let (_, rest) = profile.split_once("<auth-user-pass>\n").unwrap();
    rest.lines().nth(1).unwrap().to_owned()
}

#[test]
fn a_token_that_is_refused_is_one_line_in_the_log_until_it_is_put_right() {
    let bed = Bed::on_loopback();
    let server = ServerPlan::control_plane(&bed, DATA).start();
    let mut controller = start_controller(&bed, server.address(), "hfc_wrong");
    const LINE: &str = "the control plane refuses this controller's token";
    let line = controller.err().expect(LINE);
    assert!(line.contains("--token-file"), "{line}");
    let printed = admin(&bed, DATA, &["token", "create", "edge", "--controller"]);
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(controller.err().count(LINE), 1);
    bed.write("token", printed.split_whitespace().last().unwrap());
    controller
        .err()
        .expect("takes this controller's token again");
    controller.signal(Signal::SIGTERM);
    assert!(controller.wait(PATIENCE).success());
}
