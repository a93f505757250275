//! `holdfast serve` as a process: first start, second process, mistakes, and its end.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::Path,
    process::Output,
};

use holdfast_lab::api::Refusal;
use nix::sys::signal::Signal;
use serde_json::{Value, json};

use crate::bed::{
    Bed, OWNER, PASSWORD, PATIENCE, Server, ServerPlan, admin, free_port, set_up, setup_token,
};

const DATA: &str = "data";

#[test]
fn the_first_start_leads_to_a_logged_in_owner_and_keeps_the_link_out_of_the_log() {
    let bed = Bed::on_loopback();
    let server = Server::start(&bed, DATA);
    server
        .log()
        .expect("there is no account yet: `holdfast admin setup-link`");
    let token = setup_token(&bed, DATA);
    set_up(&server.api(), &token);

    let mut api = server.api();
    let log_in = json!({ "email": OWNER, "password": PASSWORD });
    let answer = api
        .send_json("POST", "/api/v1/session", &[], &log_in)
        .unwrap();
    api.use_session(&answer).unwrap();
    let me: Value = api.get("/api/v1/session").unwrap();
    assert_eq!(me["actor"]["name"], OWNER);
    assert_eq!(server.log().count(&token), 0);
}

#[test]
fn a_set_up_link_works_once() {
    let bed = Bed::on_loopback();
    let server = Server::start(&bed, DATA);
    let first = setup_token(&bed, DATA);
    let second = setup_token(&bed, DATA);
    let claim = |token: &str| {
        let wish = json!({ "token": token, "organization": "E", "name": "A", "email": OWNER,
                           "password": PASSWORD });
        let err = server
            .api()
            .post::<Value>("/api/v1/setup", &wish)
            .unwrap_err();
        err.downcast_ref::<Refusal>().unwrap().status
    };
    assert_eq!(claim(&first), 403, "a newer link ends the one before");
    set_up(&server.api(), &second);
    assert_eq!(claim(&second), 410);
}

#[test]
fn a_second_process_on_the_same_data_is_refused_in_a_readable_line() {
    let bed = Bed::on_loopback();
    let _server = Server::start(&bed, DATA);
    let output = ServerPlan::new(&bed, DATA).fail();
    let text = said(&output);
    assert!(text.contains("is in use by process"), "{text}");
    assert_eq!(text.lines().count(), 1, "{text}");
}

#[test]
fn a_wrong_configuration_ends_it_with_status_2_and_all_mistakes() {
    let bed = Bed::on_loopback();
    let output = ServerPlan::new(&bed, DATA)
        .with_env("HOLDFAST_HTTP_LISTEN", "everywhere")
        .with_env("HOLDFAST_LOG_FORMAT", "xml")
        .fail();
    assert_eq!(output.status.code(), Some(2));
    let text = said(&output);
    assert!(
        text.contains("HOLDFAST_HTTP_LISTEN = \"everywhere\""),
        "{text}"
    );
    assert!(text.contains("HOLDFAST_LOG_FORMAT = \"xml\""), "{text}");
    assert!(
        !bed.path(DATA).exists(),
        "nothing is made for a configuration with mistakes"
    );
}

#[test]
fn management_tunnels_may_have_an_address_of_their_own() {
    let bed = Bed::on_loopback();
    let address = format!("127.0.0.1:{}", free_port());
    let server = ServerPlan::new(&bed, DATA)
        .with_env("HOLDFAST_CONTROLLER_MANAGEMENT", &address)
        .start();
    for address in bed.slots().into_iter().chain([address]) {
        server.log().expect(&format!("slot.address={address}"));
        TcpStream::connect(address).unwrap();
    }
}

#[test]
fn sigterm_ends_it_with_status_0_though_a_client_follows_events() {
    let bed = Bed::on_loopback();
    let mut server = Server::start(&bed, DATA);
    server.set_up(&bed, DATA);
    let printed = admin(&bed, DATA, &["token", "create", "follower"]);
    let token = printed.split_whitespace().last().unwrap();
    let mut stream = TcpStream::connect(server.address()).unwrap();
    write!(
        stream,
        "GET /api/v1/events HTTP/1.1\r\nhost: here\r\nauthorization: Bearer {token}\r\n\r\n"
    )
    .unwrap();
    let mut lines = BufReader::new(stream).lines();
    let first = lines.find(|line| line.as_ref().unwrap().starts_with("event: "));
    assert!(first.is_some(), "the stream is open");

    server.signal(Signal::SIGTERM);
    assert!(server.wait(PATIENCE).success());
}

#[test]
fn every_path_that_is_not_the_apis_leads_to_the_dashboard() {
    let bed = Bed::on_loopback();
    let server = Server::start(&bed, DATA);
    let index = concat!(env!("CARGO_MANIFEST_DIR"), "/../../web/dist/index.html");
    // Not built, it says so: Node is not needed for a change to the rest.
    let expected = match Path::new(index).exists() {
        true => "HTTP/1.1 200",
        false => "HTTP/1.1 503",
    };
    for path in ["/", "/setup", "/sites/some-site"] {
        let answer = get(&server, path);
        assert!(answer.starts_with(expected), "{path}: {answer}");
        assert!(answer.contains("content-type: text/html"), "{answer}");
        assert!(answer.contains("content-security-policy: "), "{answer}");
    }
    let answer = get(&server, "/api/v1/nothing");
    assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
    assert!(answer.contains("\"code\":\"not-found\""), "{answer}");
}

fn get(server: &Server, path: &str) -> String {
    let mut stream = TcpStream::connect(server.address()).unwrap();
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nhost: here\r\nconnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
