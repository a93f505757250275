//! The load generator against the controller, and the comparison with the stock server.

use std::time::Duration;

use serde_json::Value;

use crate::bed::{Bed, Controller, PATIENCE, Program};

const ANYBODY: &str = "[listen]\nslots = [\"127.0.0.1:0\"]\n\
     [[tunnels]]\nany_username = true\npassword = \"load\"\nsite = \"load\"\nrank = 0\n\
     gateway = \"192.0.2.1\"\nprofile = \"saver\"\n";

#[test]
fn every_kind_of_client_logs_in_with_either_version_of_tls() {
    let bed = Bed::on_loopback();
    let controller = Controller::start(&bed, ANYBODY);
    for client in ["2.7", "2.6", "2.4", "routeros"] {
        for tls in ["1.2", "1.3"] {
            let arguments = format!("--connections 10 --hold 3 --habits {client} --tls {tls}");
            let result = load(&bed, &controller, &arguments);
            assert_eq!(result["up"], 10, "{client}, TLS {tls}: {result}");
            assert_eq!(result["failures"], serde_json::json!({}), "{result}");
        }
    }
}

#[test]
fn a_refused_log_in_is_counted_with_its_reason() {
    let bed = Bed::on_loopback();
    let controller = Controller::start(&bed, ANYBODY);
    let result = load(&bed, &controller, "--connections 3 --hold 2 --password no");
    assert_eq!(result["up"], 0);
    assert_eq!(result["failures"]["refused"]["count"], 3, "{result}");
    let example = result["failures"]["refused"]["example"].to_string();
    assert!(example.contains("password is wrong"), "{example}");
}

#[test]
fn connections_that_never_log_in_are_timed_until_they_are_cut() {
    let bed = Bed::on_loopback();
    let controller = Controller::start(&bed, ANYBODY);
    let result = load(&bed, &controller, "--connections 5 --hold 7 --half-open");
    assert_eq!((&result["cut"], &result["open"]), (&5.into(), &0.into()));
    assert!(result["cut_p50_s"].as_f64().unwrap() > 1.0, "{result}");
}

#[test]
fn the_comparison_with_the_stock_server_loses_nobody() {
    let bed = Bed::on_loopback();
    let mut command = bed.command(env!("CARGO_BIN_EXE_holdfast"));
    command.args(["load", "bench", "--quick", "--out"]);
    command.arg(bed.path("bench"));
    let mut bench = Program::start("the bench", command);
    assert!(bench.wait(Duration::from_secs(120)).success());
    for row in [
        "| failed log-ins, restarts apart | 0 | 0 | |",
        "| lost tunnels, restarts apart | 0 | 0 | |",
        "| clients not up at the end of a part | 0 | 0 | |",
    ] {
        bench.out().expect(row);
    }
    assert!(bed.path("bench/load.md").exists());
    assert!(bed.path("bench/load.json").exists());
}

fn load(bed: &Bed, controller: &Controller, arguments: &str) -> Value {
    let mut command = bed.command(env!("CARGO_BIN_EXE_holdfast"));
    command.args(["load", "--target", &controller.address().to_string()]);
    command.args(arguments.split_whitespace());
    let mut load = Program::start("the load", command);
    assert!(load.wait(PATIENCE).success());
    let result = load.out().expect("{");
    serde_json::from_str(&result).unwrap()
}
