//! Where routers come to be adopted: over HTTPS, trusting our own authority and nobody else.

use std::{path::Path, process::Output};

use holdfast_lab::api::{Api, Refusal};
use serde_json::{Value, json};

use crate::bed::{Bed, Server, ServerPlan};

const DATA: &str = "data";

/// A server that listens for routers on a port of the system's choice.
fn for_routers(bed: &Bed) -> Server {
    ServerPlan::new(bed, DATA)
        .with_env("HOLDFAST_HTTP_ROUTERS_LISTEN", "127.0.0.1:0")
        .start()
}

/// Asks for the line that adopts the router of a new site.
fn adopt(api: &Api) -> anyhow::Result<Value> {
    let site: Value = api.post("/api/v1/sites", &json!({ "name": "Head office" }))?;
    let path = format!("/api/v1/sites/{}/adoption", site["id"].as_str().unwrap());
    api.post(&path, &json!({}))
}

/// As a router fetches: the status is the last line of what is printed.
fn fetch(bed: &Bed, ca: &Path, url: &str) -> Output {
    let mut command = bed.command("curl");
    command.args(["--silent", "--show-error", "--max-time", "10"]);
    command.args(["--write-out", "\n%{http_code}", "--cacert"]);
    command.arg(ca).arg(url).output().unwrap()
}

fn printed(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn the_script_of_an_adoption_is_fetched_over_https_once() {
    let bed = Bed::on_loopback();
    let server = for_routers(&bed);
    let line = adopt(&server.set_up(&bed, DATA)).unwrap();
    let url = line["script_url"].as_str().unwrap();
    assert!(url.starts_with("https://127.0.0.1:"), "{url}");
    let command = line["command"].as_str().unwrap();
    assert!(command.contains(url), "{command}");

    let ca = bed.path(DATA).join("ca.pem");
    let script = printed(&fetch(&bed, &ca, url));
    assert!(script.starts_with("# Holdfast adopts"), "{script}");
    assert!(script.ends_with("\n200"), "{script}");
    let again = printed(&fetch(&bed, &ca, url));
    assert!(again.ends_with("\n404"), "{again}");
    assert!(again.contains("get a new one"), "{again}");
}

#[test]
fn where_routers_come_nobody_logs_in() {
    let bed = Bed::on_loopback();
    let server = for_routers(&bed);
    let url = server
        .log()
        .field("routers are adopted here", "routers.url=");
    let url = url.trim_matches('"');
    let ca = bed.path(DATA).join("ca.pem");
    let get = |path: &str| printed(&fetch(&bed, &ca, &format!("{url}{path}")));
    for path in ["/", "/api/v1/session", "/api/v1/setup", "/api/v1/health"] {
        let answer = get(path);
        assert!(answer.ends_with("\n404"), "{path}: {answer}");
    }
    let authority = get("/api/v1/certificate-authority");
    assert!(authority.ends_with("\n200"), "{authority}");
}

#[test]
fn a_server_that_routers_cannot_reach_says_what_to_set() {
    let bed = Bed::on_loopback();
    let server = Server::start(&bed, DATA);
    let err = adopt(&server.set_up(&bed, DATA)).unwrap_err();
    let refusal = err.downcast_ref::<Refusal>().unwrap();
    assert_eq!(refusal.status, 409);
    let text = &refusal.error.message;
    assert!(text.contains("set listen under [http.routers]"), "{text}");
}

#[test]
fn an_address_that_is_not_ours_ends_the_start_with_the_key_to_change() {
    let bed = Bed::on_loopback();
    let output = ServerPlan::new(&bed, DATA)
        .with_env("HOLDFAST_HTTP_ROUTERS_LISTEN", "192.0.2.77:8443")
        .fail();
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(
        text.contains("http.routers.listen: cannot listen on 192.0.2.77:8443"),
        "{text}"
    );
}
