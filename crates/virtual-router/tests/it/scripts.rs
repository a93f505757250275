//! Scripts: at the start, by name, on time, when something happens, and from elsewhere.

use std::{
    io::{Read, Write},
    net::TcpListener,
};

use holdfast_routeros_proto::{Command, Row};
use holdfast_virtual_router::{ControlReply, ControlRequest, Settings};

use crate::support::{Running, Session, two_lines};

/// Waits until something was logged.
async fn logged(session: &mut Session, message: &str) {
    session
        .wait_for("/log", |row| row.text("message") == message)
        .await;
}

#[tokio::test]
async fn the_configuration_at_the_start_is_a_script() {
    let settings = Settings {
        configuration: "/interface list\n\
                        add name=WAN\n\
                        /interface list member\n\
                        add interface=ether1 list=WAN\n\
                        /ip dhcp-client\n\
                        add interface=ether1 comment=\"the \\\"fast\\\" one\"\n\
                        /system identity\n\
                        set name=branch\n"
            .into(),
        ..two_lines()
    };
    let router = Running::start(settings).await;
    let mut session = router.client().await;
    assert_eq!(
        session.print("/system/identity").await[0].text("name"),
        "branch"
    );
    let client = session.print("/ip/dhcp-client").await;
    assert_eq!(client[0].text("comment"), "the \"fast\" one");
    session.wait_for("/ip/route", |row| row.flag("dhcp")).await;
}

#[tokio::test]
async fn an_export_makes_the_same_router_again() {
    let first = Running::start(two_lines()).await;
    let mut session = first.client().await;
    session
        .add("/ip/dhcp-client", &[("interface", "ether1")])
        .await;
    session
        .add(
            "/ppp/profile",
            &[("name", "p"), ("on-up", ":put \"$interface\"\r\n# x")],
        )
        .await;
    session
        .add(
            "/ip/route",
            &[("dst-address", "10.0.0.0/8"), ("blackhole", "")],
        )
        .await;
    session
        .add(
            "/ip/firewall/filter",
            &[("chain", "input"), ("comment", "a [b] {c}; d")],
        )
        .await;
    session
        .run(&Command::set("/ip/service", "telnet").with("disabled", "yes"))
        .await
        .unwrap();
    let export = Command::new("/export").with("show-sensitive", "");
    let (_, text) = session.run(&export).await.unwrap();

    let settings = Settings {
        configuration: text.clone(),
        ..two_lines()
    };
    let second = Running::start(settings).await;
    let mut session = second.client().await;
    // The port is chosen anew for each.
    assert_eq!(session.run(&export).await.unwrap().1, text);
}

#[tokio::test]
async fn a_script_runs_by_name_with_no_more_rights_than_its_caller_has() {
    let router = Running::start(two_lines()).await;
    let mut session = router.client().await;
    let script = [
        ("name", "hello"),
        ("source", ":log info \"hello\""),
        ("policy", "read,write"),
    ];
    session.add("/system/script", &script).await;
    let run = Command::new("/system/script/run").with("number", "hello");
    session.run(&run).await.unwrap();
    logged(&mut session, "hello").await;
    assert_eq!(
        session.print("/system/script").await[0].text("run-count"),
        "1"
    );

    session
        .add("/user/group", &[("name", "few"), ("policy", "read,api")])
        .await;
    session
        .add(
            "/user",
            &[("name", "u"), ("group", "few"), ("password", "p")],
        )
        .await;
    let mut few = Session::log_in(router.address, "u", "p").await.unwrap();
    assert_eq!(few.refused(run).await, "not enough permissions (9)");
}

#[tokio::test]
async fn a_scheduler_runs_again_and_again_and_may_remove_itself() {
    let router = Running::start(two_lines()).await;
    let mut session = router.client().await;
    let often = [
        ("name", "often"),
        ("interval", "50ms"),
        ("on-event", ":log info tick"),
    ];
    session.add("/system/scheduler", &often).await;
    let thrice = |row: &Row| row.text("run-count").parse::<u32>().unwrap_or(0) >= 3;
    session.wait_for("/system/scheduler", thrice).await;
    let once = [
        ("name", "once"),
        ("interval", "50ms"),
        (
            "on-event",
            "/ip/route/remove [find comment=risky]\n/system/scheduler/remove once",
        ),
    ];
    let route = [
        ("blackhole", ""),
        ("comment", "risky"),
        ("dst-address", "10.0.0.0/8"),
    ];
    session.add("/ip/route", &route).await;
    session.add("/system/scheduler", &once).await;
    let gone = tokio::time::timeout(crate::support::LONG, async {
        while session.print("/system/scheduler").await.len() > 1 {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    });
    gone.await.expect("it removes itself");
    assert!(session.print("/ip/route").await.is_empty());
}

#[tokio::test]
async fn hooks_run_when_a_connection_comes_and_goes() {
    let mut settings = two_lines();
    settings.interfaces[1].peer = Some(holdfast_virtual_router::Peer {
        local: [100, 64, 0, 7].into(),
        remote: [100, 64, 0, 1].into(),
    });
    let router = Running::start(settings).await;
    let mut session = router.client().await;
    let profile = [
        ("name", "hooked"),
        ("on-up", "/ip/route/enable [find comment=ladder]"),
        ("on-down", "/ip/route/disable [find comment=ladder]"),
    ];
    session.add("/ppp/profile", &profile).await;
    let route = [
        ("blackhole", ""),
        ("comment", "ladder"),
        ("disabled", "yes"),
    ];
    session.add("/ip/route", &route).await;
    let client = [
        ("interface", "ether2"),
        ("profile", "hooked"),
        ("disabled", "no"),
    ];
    session.add("/interface/pppoe-client", &client).await;
    let is = |disabled: bool| {
        move |row: &Row| row.text("comment") == "ladder" && row.flag("disabled") == disabled
    };
    session.wait_for("/ip/route", is(false)).await;
    let pull = ControlRequest::Link {
        interface: "ether2".into(),
        up: false,
    };
    router.control(&pull).await;
    session.wait_for("/ip/route", is(true)).await;
}

#[tokio::test]
async fn a_lease_tells_the_client_s_script_of_its_gateway() {
    let router = Running::start(two_lines()).await;
    let mut session = router.client().await;
    let script = ":if ($bound = 1) do={ :log info \"$interface by $\"gateway-address\"\" }";
    session
        .add(
            "/ip/dhcp-client",
            &[("interface", "ether1"), ("script", script)],
        )
        .await;
    logged(&mut session, "ether1 by 198.51.101.1").await;
}

/// Answers every request with this, and returns the requests.
fn web_server(answers: Vec<String>) -> (u16, std::thread::JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let serve = move || {
        let take = |answer: String| {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = vec![0; 4096];
            let length = stream.read(&mut request).unwrap();
            stream.write_all(answer.as_bytes()).unwrap();
            String::from_utf8_lossy(&request[..length]).into_owned()
        };
        answers.into_iter().map(take).collect()
    };
    (port, std::thread::spawn(serve))
}

fn ok(body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}")
}

#[tokio::test]
async fn what_is_fetched_can_be_imported() {
    let router = Running::start(two_lines()).await;
    let mut session = router.client().await;
    let (port, server) = web_server(vec![
        ok("/system identity set name=fetched\n:error \"stop\"\n/system identity set name=never\n"),
        "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".into(),
        ok(""),
    ]);
    let url = |path: &str| format!("http://127.0.0.1:{port}/{path}");
    let fetch = Command::new("/tool/fetch")
        .with("url", url("a.rsc"))
        .with("dst-path", "a.rsc");
    session.run(&fetch).await.unwrap();
    let import = Command::new("/import").with("file-name", "a.rsc");
    assert_eq!(session.refused(import).await, "stop");
    assert_eq!(
        session.print("/system/identity").await[0].text("name"),
        "fetched"
    );

    let missing = Command::new("/tool/fetch").with("url", url("b"));
    assert_eq!(
        session.refused(missing).await,
        "failure: Status 404, Not Found"
    );
    let post = Command::new("/tool/fetch")
        .with("url", url("c"))
        .with("http-method", "post")
        .with("http-header-field", "Content-Type: application/json,X-Y: z")
        .with("http-data", "{\"a\":1}")
        .with("output", "none");
    session.run(&post).await.unwrap();
    let requests = server.join().unwrap();
    assert!(
        requests[2].starts_with("POST /c HTTP/1.1\r\n"),
        "{}",
        requests[2]
    );
    assert!(requests[2].contains("X-Y: z\r\n") && requests[2].ends_with("{\"a\":1}"));
}

#[tokio::test]
async fn an_imported_certificate_is_known_by_its_fingerprint() {
    let router = Running::start(two_lines()).await;
    let mut session = router.client().await;
    let issued = rcgen::generate_simple_self_signed(["ca".to_owned()]).unwrap();
    let file = [("name", "ca.pem"), ("contents", &issued.cert.pem())];
    session.add("/file", &file).await;
    let import = Command::new("/certificate/import")
        .with("file-name", "ca.pem")
        .with("passphrase", "")
        .with("name", "holdfast-ca")
        .with("trusted", "yes");
    let (rows, _) = session.run(&import).await.unwrap();
    assert_eq!(rows[0].text("certificates-imported"), "1");
    let store = session.print("/certificate").await;
    assert_eq!(store[0].text("name"), "holdfast-ca");
    assert_eq!(store[0].text("fingerprint").len(), 64);
    assert!(store[0].flag("trusted") && !store[0].flag("private-key"));
}

#[tokio::test]
async fn what_is_pasted_prints_what_comes_of_it() {
    let router = Running::start(two_lines()).await;
    let text = ":put \"begins\"; /ip/route add blackhole; :error \"no more\"";
    let printed = router.control(&ControlRequest::Paste(text.into())).await;
    assert_eq!(printed, ControlReply::Text("begins\nno more\n".into()));
    assert_eq!(router.client().await.print("/ip/route").await.len(), 1);
}
