//! A backup restored onto an empty directory: the same fleet, and routers that notice nothing.

use holdfast_lab::api::Api;
use nix::sys::signal::Signal;
use serde_json::Value;

use crate::bed::{
    Bed, PATIENCE, Server, admin, connect, has_logged_in, make_site, profile, wait_until,
};

/// What changes by itself.
const LIVE: [&str; 5] = ["state", "cause", "since", "role", "last_login"];

/// What an operator has configured.
fn fleet(api: &Api) -> Value {
    let mut fleet: Value = api.get("/api/v1/tunnels").unwrap();
    for tunnel in fleet["items"].as_array_mut().unwrap() {
        let tunnel = tunnel.as_object_mut().unwrap();
        tunnel.retain(|key, _| !LIVE.contains(&key.as_str()));
    }
    fleet
}

#[test]
fn a_restored_installation_has_the_same_fleet_and_takes_the_old_profiles() {
    let bed = Bed::on_loopback();
    let (tunnels, old_profile, before);
    {
        let mut server = Server::start(&bed, "data");
        let api = server.set_up(&bed, "data");
        tunnels = make_site(&api);
        old_profile = profile(&api, &tunnels[0]);
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

    let _client = connect(&bed, &old_profile);
    assert!(wait_until(PATIENCE, || has_logged_in(&api, &tunnels[0])));
}
