//! `--metrics` serves Prometheus text with numbers that are true.

use std::{
    io::{Read, Write},
    net::TcpStream,
};

use crate::bed::{
    Bed, Client, ClientPlan, ControllerPlan, PATIENCE, grants, part_arguments, wait_until,
};

const EXPECTED: [&str; 10] = [
    "content-type: application/openmetrics-text; version=1.0.0; charset=utf-8",
    "holdfast_tunnels 2",
    "holdfast_connections_before_login 1",
    "holdfast_handshakes_in_progress 0",
    "holdfast_tunnels_up_total 2",
    "holdfast_logins_refused_total 1",
    "holdfast_rekeys_total 0",
    r#"holdfast_connections_ended_total{cause="incompatible",logged_in="no"} 1"#,
    r#"holdfast_connections_ended_total{cause="refused",logged_in="no"} 1"#,
    "# EOF",
];

#[test]
fn metrics_are_openmetrics_text_and_count_what_happened() {
    let bed = Bed::with_wans(2);
    let controller = ControllerPlan::new(&bed, &grants(&["wan1", "wan2"]))
        .with("--metrics 127.0.0.1:0")
        .start();
    let metrics = controller
        .log()
        .field("serving metrics", "metrics.address=");
    let _clients = ["wan1", "wan2"].map(|tunnel| Client::connect(&bed, &controller, tunnel));
    let mut refused = ClientPlan::new(&bed, &controller, "wan1")
        .with_login("nobody", "guess")
        .start();
    refused.program().wait(PATIENCE);
    let slot = controller.address().to_string();
    let reader = bed.start_part("metrics::read_from_inside", &[&slot, &metrics]);
    reader.err().expect("all is as expected");
}

#[test]
#[ignore = "another test runs it inside its network"]
fn read_from_inside() {
    let Some([slot, metrics]) = part_arguments() else {
        return;
    };
    // One that is no client, and one that has not yet said anything.
    let mut scanner = TcpStream::connect(&slot).unwrap();
    scanner.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    let _silent = TcpStream::connect(&slot).unwrap();
    let mut answer = String::new();
    let all = wait_until(PATIENCE, || {
        answer = get(&metrics, "/metrics");
        let has = |line: &&str| answer.lines().any(|it| it == *line);
        EXPECTED.iter().all(has)
    });
    assert!(all, "{answer}");
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(get(&metrics, "/").starts_with("HTTP/1.1 404 "));
    eprintln!("all is as expected");
}

fn get(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}
