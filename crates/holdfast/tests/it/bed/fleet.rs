use holdfast_lab::api::Api;
use serde_json::{Value, json};

use super::{Bed, program::Program};

/// Makes a site with two configured tunnels, and returns their ids.
pub(crate) fn make_site(api: &Api) -> Vec<String> {
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

/// Downloads the profile of a tunnel.
pub(crate) fn profile(api: &Api, tunnel: &str) -> String {
    let path = format!("/api/v1/tunnels/{tunnel}/profile");
    api.send("GET", &path, &[], None).unwrap().text()
}

/// Whether the router of a tunnel has ever logged in.
pub(crate) fn has_logged_in(api: &Api, tunnel: &str) -> bool {
    let tunnel: Value = api.get(&format!("/api/v1/tunnels/{tunnel}")).unwrap();
    !tunnel["last_login"].is_null()
}

/// A client that makes no device and no routes, with the address, the log-in and the CA of a profile. It stays.
pub(crate) fn connect(bed: &Bed, profile: &str) -> Program {
    connect_for(bed, profile, 600)
}

/// The same for so many seconds.
pub(crate) fn connect_for(bed: &Bed, profile: &str, seconds: u32) -> Program {
    let block = |name: &str| {
        let (_, rest) = profile.split_once(&format!("<{name}>\n")).unwrap();
        rest.split_once(&format!("</{name}>")).unwrap().0
    };
    let mut lines = profile.lines();
    let remote = lines.find_map(|line| line.strip_prefix("remote ")).unwrap();
    let login: Vec<_> = block("auth-user-pass").lines().collect();
    let users = bed.write("users", &format!("{}\n", login.join(" ")));
    let ca = bed.write("profile-ca.pem", block("ca"));
    let mut command = bed.command(env!("CARGO_BIN_EXE_holdfast"));
    command.args(["load", "--connections", "1"]);
    command.args(["--hold", &seconds.to_string()]);
    command.args(["--target", &remote.replace(' ', ":")]);
    command.arg("--users").arg(users).arg("--ca").arg(ca);
    let client = Program::start("the client", command);
    // It has read its files, and another may have others.
    client.err().expect("of 1 up");
    client
}
