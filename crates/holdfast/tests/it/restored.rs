//! A backup restored onto an empty directory: the same fleet, and routers that notice nothing.

use holdfast_lab::api::Api;
use nix::sys::signal::Signal;
use serde_json::{Value, json};

use crate::bed::{Bed, PATIENCE, Program, Server, admin, wait_until};

/// Makes a site with two configured tunnels, and returns their ids.
fn make_site(api: &Api) -> Vec<String> {
    let site: Value = api
        .post("/api/v1/sites", &json!({ "name": "Head office" }))
        .unwrap();
    let path = format!("/api/v1/sites/{}/failover", site["id"].as_str().unwrap());
    let status: Value = api.post(&path, &json!({})).unwrap();
    let tunnels = status["tunnels"].as_array().unwrap().iter();
    let tunnels: Vec<_> = tunnels
        .map(|one| one["id"].as_str().unwrap().to_owned())
        .collect();
    for (n, tunnel) in (1..).zip(&tunnels) {
        let wish = json!({
            "interface": format!("wan{n}"),
            "gateway": format!("10.9.{n}.1"),
            "connection_type": "fibre",
        });
        api.patch::<Value>(&format!("/api/v1/tunnels/{tunnel}"), &wish)
            .unwrap();
    }
    tunnels
}

/// What an operator has configured: without what changes by itself.
fn fleet(api: &Api) -> Value {
    let mut fleet: Value = api.get("/api/v1/tunnels").unwrap();
    for tunnel in fleet["items"].as_array_mut().unwrap() {
        let tunnel = tunnel.as_object_mut().unwrap();
        tunnel.retain(|key, _| {
            !["state", "cause", "since", "role", "last_login"].contains(&key.as_str())
        });
    }
    fleet
}

#[test]
fn a_restored_installation_has_the_same_fleet_and_takes_the_old_profiles() {
    let bed = Bed::on_loopback();
    let (tunnels, profile, before);
    {
        let mut server = Server::start(&bed, "data");
        let api = server.set_up(&bed, "data");
        tunnels = make_site(&api);
        let path = format!("/api/v1/tunnels/{}/profile", tunnels[0]);
        profile = api.send("GET", &path, &[], None).unwrap().text();
        before = fleet(&api);
        let file = bed.path("backup.tar");
        admin(&bed, "data", &["backup", file.to_str().unwrap()]);
        admin(&bed, "restored", &["restore", file.to_str().unwrap()]);
        server.signal(Signal::SIGTERM);
        assert!(server.wait(PATIENCE).success());
    }
    let server = Server::start(&bed, "restored");
    let printed = admin(&bed, "restored", &["token", "create", "after"]);
    let mut api = server.api();
    api.use_token(printed.split_whitespace().last().unwrap());
    assert_eq!(fleet(&api), before);

    let _client = connect(&bed, &profile);
    let path = format!("/api/v1/tunnels/{}", tunnels[0]);
    let is_here = || !api.get::<Value>(&path).unwrap()["last_login"].is_null();
    assert!(
        wait_until(PATIENCE, is_here),
        "{}",
        api.get::<Value>(&path).unwrap()
    );
}

/// A client that makes no device and no routes, with the address, the log-in and the CA of a profile.
fn connect(bed: &Bed, profile: &str) -> Program {
    let block = |name: &str| {
        let (_, rest) = profile.split_once(&format!("<{name}>\n")).unwrap();
        rest.split_once(&format!("</{name}>")).unwrap().0
    };
    let remote = profile
        .lines()
        .find_map(|line| line.strip_prefix("remote "))
        .unwrap();
    let login: Vec<_> = block("auth-user-pass").lines().collect();
    let users = bed.write("users", &format!("{}\n", login.join(" ")));
    let ca = bed.write("ca.pem", block("ca"));
    let mut command = bed.command(env!("CARGO_BIN_EXE_holdfast"));
    command.args(["load", "--connections", "1", "--hold", "60"]);
    command.args(["--target", &remote.replace(' ', ":")]);
    command.arg("--users").arg(users).arg("--ca").arg(ca);
    Program::start("the client", command)
}
