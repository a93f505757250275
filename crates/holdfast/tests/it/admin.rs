//! `holdfast admin`: accounts, tokens, backup and restore.

use std::{
    os::unix::fs::PermissionsExt,
    process::Output,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
};

use holdfast_lab::api::{Api, Refusal};
use serde_json::{Value, json};

use crate::bed::{Bed, OWNER, PASSWORD, PATIENCE, Server, admin, try_admin, wait_until};

const DATA: &str = "data";

fn log_in(server: &Server, email: &str, password: &str) -> Result<Api, u16> {
    let mut api = server.api();
    let wish = json!({ "email": email, "password": password });
    match api.send_json("POST", "/api/v1/session", &[], &wish) {
        Ok(answer) => {
            api.use_session(&answer).unwrap();
            Ok(api)
        }
        Err(err) => Err(err.downcast_ref::<Refusal>().unwrap().status),
    }
}

fn status_of(api: &Api, path: &str) -> u16 {
    match api.send("GET", path, &[], None) {
        Ok(answer) => answer.status,
        Err(err) => err.downcast_ref::<Refusal>().unwrap().status,
    }
}

/// The last word of what was printed.
fn last_word(text: &str) -> &str {
    text.split_whitespace().last().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn an_account_made_at_the_command_line_logs_in_until_it_is_disabled() {
    let bed = Bed::on_loopback();
    let server = Server::start(&bed, DATA);
    server.set_up(&bed, DATA);
    let printed = admin(
        &bed,
        DATA,
        &["user", "add", "bob@example.org", "--role", "operator"],
    );
    let bob = log_in(&server, "bob@example.org", last_word(&printed)).unwrap();
    let me: Value = bob.get("/api/v1/session").unwrap();
    assert_eq!(me["role"], "operator");

    let printed = admin(&bed, DATA, &["user", "password", "bob@example.org"]);
    assert_eq!(
        status_of(&bob, "/api/v1/session"),
        401,
        "the old session has ended"
    );
    let bob = log_in(&server, "bob@example.org", last_word(&printed)).unwrap();

    admin(&bed, DATA, &["user", "disable", "bob@example.org"]);
    assert_eq!(status_of(&bob, "/api/v1/session"), 401);
    assert!(admin(&bed, DATA, &["user", "list"]).contains("disabled"));
}

#[test]
fn the_last_owner_stays_one_and_what_admin_did_is_in_the_audit_log() {
    let bed = Bed::on_loopback();
    let server = Server::start(&bed, DATA);
    let api = server.set_up(&bed, DATA);
    let refused = try_admin(&bed, DATA, &["user", "role", OWNER, "viewer"]);
    assert!(
        said(&refused).contains("is the last owner who can log in"),
        "{}",
        said(&refused)
    );
    admin(
        &bed,
        DATA,
        &["user", "add", "bob@example.org", "--role", "owner"],
    );
    admin(&bed, DATA, &["user", "role", OWNER, "viewer"]);
    assert!(log_in(&server, OWNER, PASSWORD).is_ok());

    let audit: Value = api.get("/api/v1/audit").unwrap();
    let latest = &audit["items"][0];
    let entries = audit["items"].as_array().unwrap();
    let changed = entries
        .iter()
        .find(|entry| entry["action"] == "user.change");
    let changed = changed.unwrap_or(latest);
    assert_eq!(changed["actor"]["kind"], "admin", "{audit}");
    assert_eq!(changed["detail"], json!({ "role": "viewer" }));
}

#[test]
fn a_token_made_at_the_command_line_opens_the_api_until_it_is_revoked() {
    let bed = Bed::on_loopback();
    let server = Server::start(&bed, DATA);
    server.set_up(&bed, DATA);
    let printed = admin(&bed, DATA, &["token", "create", "monitoring"]);
    let mut api = server.api();
    api.use_token(last_word(&printed));
    assert_eq!(status_of(&api, "/api/v1/organization"), 200);
    assert_eq!(status_of(&api, "/api/v1/users"), 200);
    let id = printed.split_whitespace().nth(1).unwrap();
    assert!(admin(&bed, DATA, &["token", "list"]).contains(id));
    admin(&bed, DATA, &["token", "revoke", id]);
    assert_eq!(status_of(&api, "/api/v1/organization"), 401);
}

#[test]
fn config_check_says_what_serve_would_say() {
    let bed = Bed::on_loopback();
    assert_eq!(
        admin(&bed, DATA, &["config-check"]),
        "the configuration is good\n"
    );
    let file = bed.write(
        "holdfast.toml",
        "[http]\nlisten = 8080\n[log]\nlevl = \"info\"\n",
    );
    let output = try_admin(
        &bed,
        DATA,
        &["config-check", "--config", file.to_str().unwrap()],
    );
    assert_eq!(output.status.code(), Some(2));
    let text = said(&output);
    assert!(
        text.contains("http.listen = 8080: write an address and a port"),
        "{text}"
    );
    assert!(
        text.contains("log.levl is unknown: known in [log] are format, level"),
        "{text}"
    );
}

#[test]
fn config_check_reads_the_certificates_that_are_named() {
    let bed = Bed::on_loopback();
    let text = "[http.tls]\ncertificate = \"web.pem\"\nkey = \"web.key\"\n";
    let file = bed.write("holdfast.toml", text);
    let output = try_admin(
        &bed,
        DATA,
        &["config-check", "--config", file.to_str().unwrap()],
    );
    assert!(!output.status.success());
    let text = said(&output);
    assert!(text.contains("http.tls.certificate = "), "{text}");
    assert!(text.contains("web.pem"), "{text}");
}

#[test]
fn a_backup_under_write_load_holds_everything_acknowledged_before_it() {
    let bed = Bed::on_loopback();
    let server = Server::start(&bed, DATA);
    let api = server.set_up(&bed, DATA);
    let file = bed.path("backup.tar");
    let (acknowledged, enough) = (AtomicUsize::new(0), AtomicBool::new(false));
    let name = |n: usize| format!("token {n}");
    let before = std::thread::scope(|scope| {
        scope.spawn(|| {
            while !enough.load(Ordering::Relaxed) {
                let n = acknowledged.load(Ordering::Relaxed);
                let wish = json!({ "name": name(n), "role": "viewer" });
                api.post::<Value>("/api/v1/tokens", &wish).unwrap();
                acknowledged.store(n + 1, Ordering::Relaxed);
            }
        });
        let count = || acknowledged.load(Ordering::Relaxed);
        assert!(wait_until(PATIENCE, || count() >= 20));
        let before = count();
        admin(&bed, DATA, &["backup", file.to_str().unwrap()]);
        assert!(
            wait_until(PATIENCE, || count() > before),
            "writes go on meanwhile"
        );
        enough.store(true, Ordering::Relaxed);
        before
    });
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);

    admin(&bed, "restored", &["restore", file.to_str().unwrap()]);
    let listed = admin(&bed, "restored", &["token", "list"]);
    for n in 0..before {
        assert!(
            listed.contains(&format!(" {} ", name(n))),
            "{} is missing",
            name(n)
        );
    }
    for key in ["secret.key", "ca.key", "ca.pem"] {
        let read = |data: &str| std::fs::read(bed.path(data).join(key)).ok();
        assert_eq!(read("restored"), read(DATA), "{key}");
    }
}

#[test]
fn restore_refuses_what_is_not_whole_or_would_overwrite_something() {
    let bed = Bed::on_loopback();
    let server = Server::start(&bed, DATA);
    server.set_up(&bed, DATA);
    let file = bed.path("backup.tar");
    admin(&bed, DATA, &["backup", file.to_str().unwrap()]);
    let refused = |data: &str, file: &std::path::Path| {
        let output = try_admin(&bed, data, &["restore", file.to_str().unwrap()]);
        assert!(!output.status.success());
        said(&output)
    };
    assert!(refused(DATA, &file).contains("is not empty"));

    let whole = std::fs::read(&file).unwrap();
    let mut altered = whole.clone();
    // Within the database, which is the first file after the manifest.
    altered[4096 + 2048] ^= 1;
    std::fs::write(bed.path("altered.tar"), altered).unwrap();
    assert!(
        refused("new", &bed.path("altered.tar"))
            .contains("its checksum is not that of the manifest")
    );
    std::fs::write(bed.path("short.tar"), &whole[..whole.len() / 2]).unwrap();
    refused("new", &bed.path("short.tar"));
    std::fs::write(bed.path("none.tar"), b"hello").unwrap();
    assert!(refused("new", &bed.path("none.tar")).contains("it is no backup of Holdfast"));
    let left = std::fs::read_dir(bed.path("new")).map_or(0, Iterator::count);
    assert_eq!(left, 0, "what could not be restored leaves nothing behind");
    admin(&bed, "new", &["restore", file.to_str().unwrap()]);
}
