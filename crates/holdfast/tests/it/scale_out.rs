//! A control plane and a route controller in two processes.

use std::fs;

use crate::bed::{
    Bed, PATIENCE, Program, ServerPlan, admin, connect, has_logged_in, make_site, profile,
    wait_until,
};

const DATA: &str = "data";

#[test]
fn a_tunnel_of_a_controller_elsewhere_is_known_to_the_control_plane() {
    let bed = Bed::on_loopback();
    let server = ServerPlan::control_plane(&bed, DATA).start();
    let api = server.set_up(&bed, DATA);
    let tunnels = make_site(&api);
    let printed = admin(&bed, DATA, &["token", "create", "edge", "--controller"]);
    let token = printed.split_whitespace().last().unwrap();

    // The routers trust one CA, whichever controller they dial.
    let data = bed.path("edge");
    fs::create_dir(&data).unwrap();
    for file in ["ca.pem", "ca.key"] {
        fs::copy(bed.path(DATA).join(file), data.join(file)).unwrap();
    }
    let mut command = bed.command(env!("CARGO_BIN_EXE_holdfast"));
    command.arg("controller").arg("--data").arg(data);
    command.args(["--control-plane", &format!("http://{}", server.address())]);
    command.arg("--token-file").arg(bed.write("token", token));
    command.args(["--slots", &bed.slots().join(",")]);
    let controller = Program::start("the controller", command);
    controller.err().expect("listening");

    let _client = connect(&bed, &profile(&api, &tunnels[0]));
    assert!(wait_until(PATIENCE, || has_logged_in(&api, &tunnels[0])));
}
