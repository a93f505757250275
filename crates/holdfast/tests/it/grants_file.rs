//! A grants file with a mistake: one line names file, key, value and mend. At the start it ends the process
//! with status 2; later the old grants stay.

use std::{fs, path::Path, process::Command};

use holdfast_api_types::LinkEventKind;
use nix::sys::signal::Signal;
use rcgen::KeyPair;

use crate::bed::{Bed, Client, Controller, grants};

const SLOTS: &str = "[listen]\nslots = [\"127.0.0.1:0\"]\n";

const FIBRE: &str = r#"[[tunnels]]
username = "fibre"
password = "secret"
site = "office"
rank = 0
gateway = "192.0.2.1"
"#;

/// A file that is wrong in one way, and the line that says so after the file's name.
struct Mistake {
    file: String,
    line: &'static str,
}

#[test]
fn a_mistake_ends_the_start_with_one_line_and_status_2() {
    let bed = Bed::on_loopback();
    for Mistake { file, line } in mistakes(&bed) {
        let path = bed.write("grants.toml", &file);
        assert_eq!(complaint_about(&path), format!("{line}\n"), "for\n{file}");
    }
}

#[test]
fn a_file_that_is_not_there_ends_the_start_with_one_line_and_status_2() {
    let bed = Bed::on_loopback();
    assert_eq!(
        complaint_about(&bed.path("nowhere.toml")),
        "cannot be read: No such file or directory (os error 2); give the path of a grants file\n"
    );
}

#[test]
fn an_empty_file_is_told_what_it_must_have() {
    let bed = Bed::on_loopback();
    let path = bed.write("grants.toml", "");
    assert_eq!(
        complaint_about(&path),
        "listen.slots is missing: add slots = [\"203.0.113.1:443\"] under [listen]\n\
         tunnels is missing: add a [[tunnels]] table with username, password, site, rank and gateway\n"
    );
}

#[test]
fn every_mistake_of_a_file_is_told_at_once() {
    let bed = Bed::on_loopback();
    let file = format!(
        "{SLOTS}{}{}",
        FIBRE.replace("192.0.2.1", "192.0.2.256"),
        FIBRE.replace("rank = 0", "rank = 9\nprofile = \"rapid\""),
    );
    let path = bed.write("grants.toml", &file);
    assert_eq!(complaint_about(&path).lines().count(), 3);
}

#[test]
fn a_reload_with_a_mistake_keeps_the_old_grants() {
    let bed = Bed::with_wans(2);
    let controller = Controller::start(&bed, &grants(&["wan1", "wan2"]));
    let _first = Client::connect(&bed, &controller, "wan1");
    for Mistake { file, line } in mistakes(&bed) {
        controller.reload(&bed, &file);
        let logged = controller.log().expect(line);
        assert!(logged.contains("the old grants stay"), "{logged}");
    }
    fs::remove_file(bed.path("grants.toml")).unwrap();
    controller.signal(Signal::SIGHUP);
    controller.log().expect("cannot be read: No such file");
    // Both grants are still in force: for the tunnel that is up, and for one that comes now.
    let _second = Client::connect(&bed, &controller, "wan2");
    let is_down = |kind: &LinkEventKind| matches!(kind, LinkEventKind::TunnelDown { .. });
    assert!(!controller.events().iter().any(|event| is_down(&event.kind)));
}

fn mistakes(bed: &Bed) -> Vec<Mistake> {
    bed.write("garbage.pem", "neither certificate nor key\n");
    let tls = |certificate: &str, key: &str| {
        let tls = format!("[tls]\ncertificate = \"{certificate}\"\nkey = \"{key}\"\n");
        format!("{SLOTS}{FIBRE}{tls}")
    };
    let own = own_certificate(bed);
    let other_key = KeyPair::generate().unwrap().serialize_pem();
    bed.write("other.key", &other_key);
    let fibre = |from: &str, to: &str| format!("{SLOTS}{}", FIBRE.replacen(from, to, 1));
    [
        (
            fibre("gateway = \"192.0.2.1\"\n", ""),
            r#"tunnels[0] (fibre).gateway is missing: add the address of the ISP's gateway, as in "192.0.2.1""#,
        ),
        (
            fibre("192.0.2.1", "192.0.2.256"),
            r#"tunnels[0] (fibre).gateway = "192.0.2.256": is not an IPv4 address: write it as in "192.0.2.1""#,
        ),
        (
            fibre("192.0.2.1", "127.0.0.1"),
            r#"tunnels[0] (fibre).gateway = "127.0.0.1": no router can have this address: write the ISP's gateway"#,
        ),
        (
            fibre("\"fibre\"", "\"fibre\\nline\""),
            r#"tunnels[0].username: "fibre\nline" is not an id: use 1 to 64 letters, digits, '-', '_', '.' or '@'"#,
        ),
        (
            format!("{SLOTS}{FIBRE}{}", FIBRE.replace("rank = 0", "rank = 1")),
            r#"tunnels[1] (fibre).username = "fibre": another tunnel has this name: every tunnel needs its own"#,
        ),
        (
            format!("{SLOTS}{FIBRE}{}", FIBRE.replace("fibre", "lte")),
            "tunnels (lte).rank = 0: fibre of site office has this rank: every tunnel needs its own",
        ),
        (
            fibre("rank = 0", "rank = -1"),
            "tunnels[0] (fibre).rank = -1: a site has at most eight tunnels: write 0 to 7",
        ),
        (
            fibre("rank = 0", "rank = \"first\""),
            r#"line 7: rank: invalid type: string "first", expected a whole number"#,
        ),
        (
            fibre("\"secret\"", "12345"),
            "line 5: password: write it in quotes",
        ),
        (
            fibre("password = \"secret\"\n", ""),
            "tunnels[0] (fibre).password is missing: add password or password_sha256",
        ),
        (
            fibre("password", "password_sha256"),
            "tunnels[0] (fibre).password_sha256 (6 characters) is no digest: write the SHA-256 of the password \
             as 64 hexadecimal digits",
        ),
        (
            fibre("rank", "profile = \"rapid\"\nrank"),
            r#"tunnels[0] (fibre).profile = "rapid": write fast, normal or saver"#,
        ),
        (
            fibre("gateway", "gatewya"),
            "line 8: unknown field `gatewya`, expected one of `username`, `password`, `password_sha256`, `site`, \
             `rank`, `gateway`, `profile`, `any_username`",
        ),
        (
            format!("[listen]\nslots = [\"controller:443\"]\n{FIBRE}"),
            r#"listen.slots[0] = "controller:443": write an address and a port, as in "203.0.113.1:443""#,
        ),
        (
            tls(&own, "nowhere.key"),
            r#"tls.key = "nowhere.key": cannot be used: No such file or directory (os error 2); give the path of a PEM private key"#,
        ),
        (
            tls(&own, "garbage.pem"),
            r#"tls.key = "garbage.pem": cannot be used: it holds none in PEM form; give the path of a PEM private key"#,
        ),
        (
            tls(&own, "other.key"),
            r#"tls.key = "other.key": cannot be used: keys may not be consistent: KeyMismatch; give the path of a PEM private key that belongs to the certificate"#,
        ),
        (
            tls("garbage.pem", "other.key"),
            r#"tls.certificate = "garbage.pem": cannot be used: there is no certificate in it; give the path of a PEM certificate chain"#,
        ),
        (
            "tunnels: 2\n".into(),
            "line 1: key with no value, expected `=`",
        ),
    ]
    .into_iter()
    .map(|(file, line)| Mistake { file, line })
    .collect()
}

/// An operator's certificate; the name of its file.
fn own_certificate(bed: &Bed) -> String {
    let certified = rcgen::generate_simple_self_signed(["controller".to_owned()]).unwrap();
    bed.write("own.pem", &certified.cert.pem());
    "own.pem".into()
}

/// What the controller says about a file before it ends with status 2, without the file's name.
fn complaint_about(path: &Path) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_holdfast"))
        .arg("controller")
        .arg("--grants")
        .arg(path)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert!(output.stdout.is_empty());
    let prefix = format!("holdfast: {}: ", path.display());
    text.lines()
        .map(|line| {
            let rest = line.strip_prefix(&prefix);
            format!(
                "{}\n",
                rest.unwrap_or_else(|| panic!("{line} does not name the file"))
            )
        })
        .collect()
}
