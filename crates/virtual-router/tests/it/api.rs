//! Menus: what commands do and what is said against them.

use holdfast_routeros_proto::{Command, Query, Row, Version};
use holdfast_virtual_router::{ControlReply, ControlRequest, Settings};

use crate::support::{Running, two_lines};

#[tokio::test]
async fn what_is_added_is_shown_normalised_and_can_be_changed_and_removed() {
    let router = Running::start(two_lines()).await;
    let mut session = router.client().await;
    let id = session
        .add(
            "/ip/route",
            &[
                ("dst-address", "203.0.113.11"),
                ("gateway", "198.51.101.1%ether1"),
                ("comment", "holdfast:pin:1"),
            ],
        )
        .await;
    assert!(id.starts_with('*'));
    let by_comment =
        Command::print("/ip/route").matching(Query::equals("comment", "holdfast:pin:1"));
    let (rows, _) = session.run(&by_comment).await.unwrap();
    assert_eq!(rows[0].text("dst-address"), "203.0.113.11/32");
    assert_eq!(rows[0].text("immediate-gw"), "198.51.101.1%ether1");
    assert!(rows[0].flag("active") && rows[0].flag("static") && !rows[0].flag("dynamic"));

    let set = Command::set("/ip/route", &id)
        .with("distance", "20")
        .without("comment");
    session.run(&set).await.unwrap();
    let only = Command::print("/ip/route").only(&[".id", "distance", "comment"]);
    let (rows, _) = session.run(&only).await.unwrap();
    let expected = Row::new().with(".id", &id).with("distance", "20");
    assert!(rows.contains(&expected), "{rows:?}");

    session
        .run(&Command::remove("/ip/route", &id))
        .await
        .unwrap();
    let again = session.refused(Command::remove("/ip/route", &id)).await;
    assert_eq!(again, "no such item");
}

#[tokio::test]
async fn mistakes_are_refused_in_the_words_of_routeros() {
    let router = Running::start(two_lines()).await;
    let mut session = router.client().await;
    let add_client = || {
        Command::add("/interface/ovpn-client")
            .with("name", "holdfast-1")
            .with("connect-to", "203.0.113.11")
            .with("user", "01J9Z6W3R8K4T2Y7Q5N0B1C2D3")
    };
    session.run(&add_client()).await.unwrap();
    let cases = [
        (
            add_client(),
            "failure: already have interface with such name",
        ),
        (Command::new("/ip/nonsense/print"), "no such command prefix"),
        (Command::new("/ip/route/dance"), "no such command"),
        (
            Command::print("/ip/route").with("colour", "red"),
            "unknown parameter colour",
        ),
        (Command::set("/ip/route", "*FFF"), "no such item"),
        (
            Command::add("/ip/address")
                .with("address", "10.0.0.1/24")
                .with("interface", "ether9"),
            "input does not match any value of interface",
        ),
        (
            Command::add("/ip/address")
                .with("address", "10.0.0/24")
                .with("interface", "ether1"),
            "invalid value for argument address",
        ),
        (
            Command::add("/ip/address").with("address", "10.0.0.1/24"),
            "missing value(s) of argument(s) interface",
        ),
        (
            Command::set("/interface/ovpn-client", "holdfast-1").with("port", "70000"),
            "value of port out of range (1..65535)",
        ),
        (
            Command::set("/interface/ovpn-client", "holdfast-1").with("cipher", "aes"),
            "ambiguous value of cipher, more than one possible value matches input",
        ),
        (
            Command::add("/user")
                .with("name", "admin")
                .with("group", "read"),
            "failure: user with the same name already exists",
        ),
        (
            Command::remove("/ppp/profile", "default"),
            "failure: can not remove default profile",
        ),
    ];
    for (command, expected) in cases {
        assert_eq!(
            session.refused(command.clone()).await,
            expected,
            "{command}"
        );
    }
}

#[tokio::test]
async fn dynamic_items_cannot_be_changed() {
    let router = Running::start(two_lines()).await;
    let mut session = router.client().await;
    session
        .add("/ip/dhcp-client", &[("interface", "ether1")])
        .await;
    let route = session.wait_for("/ip/route", |row| row.flag("dhcp")).await;
    let id = route.id().unwrap();
    for command in [
        Command::set("/ip/route", id).with("distance", "7"),
        Command::remove("/ip/route", id),
    ] {
        assert!(session.refused(command).await.contains("dynamic"));
    }
}

#[tokio::test]
async fn names_are_followed_wherever_they_are_used() {
    let router = Running::start(two_lines()).await;
    let mut session = router.client().await;
    session
        .add(
            "/ip/route",
            &[
                ("gateway", "198.51.101.1%ether1"),
                ("dst-address", "10.0.0.0/8"),
            ],
        )
        .await;
    session
        .run(&Command::set("/interface", "ether1").with("name", "fibre"))
        .await
        .unwrap();
    let rows = session.print("/ip/route").await;
    assert!(
        rows.iter()
            .any(|row| row.text("gateway") == "198.51.101.1%fibre")
    );
}

#[tokio::test]
async fn ordered_menus_place_items_before_others() {
    let router = Running::start(two_lines()).await;
    let mut session = router.client().await;
    let first = session
        .add(
            "/ip/firewall/filter",
            &[("chain", "input"), ("action", "drop")],
        )
        .await;
    let second = session
        .add(
            "/ip/firewall/filter",
            &[("chain", "input"), ("place-before", &first)],
        )
        .await;
    let order = |rows: Vec<Row>| -> Vec<String> {
        rows.iter()
            .filter_map(|row| row.id().map(str::to_owned))
            .collect()
    };
    let rows = session.print("/ip/firewall/filter").await;
    assert_eq!(order(rows), [second.clone(), first.clone()]);
    let move_back = Command::new("/ip/firewall/filter/move")
        .with("numbers", &first)
        .with("destination", &second);
    session.run(&move_back).await.unwrap();
    assert_eq!(
        order(session.print("/ip/firewall/filter").await),
        [first, second]
    );
}

#[tokio::test]
async fn an_export_is_the_same_after_what_was_added_is_removed() {
    let settings = Settings {
        identity: "office".into(),
        ..two_lines()
    };
    let router = Running::start(settings).await;
    let mut session = router.client().await;
    let export = async || match router.control(&ControlRequest::Export).await {
        ControlReply::Text(text) => text,
        other => panic!("{other:?}"),
    };
    let before = export().await;
    assert_eq!(
        before,
        "# by RouterOS 7.16.2\n/system identity\nset name=office\n"
    );
    let profile = [("name", "holdfast-1"), ("on-up", ":log info \"up\"\n")];
    let id = session.add("/ppp/profile", &profile).await;
    let changed = export().await;
    let line = "/ppp profile\nadd name=holdfast-1 on-up=\":log info \\\"up\\\"\\n\"\n";
    assert!(changed.contains(line), "{changed}");
    session
        .run(&Command::remove("/ppp/profile", &id))
        .await
        .unwrap();
    assert_eq!(export().await, before);
}

#[tokio::test]
async fn what_a_version_does_not_have_it_does_not_know() {
    let old = Settings {
        version: Version::release(7, 17, 0),
        ..two_lines()
    };
    let new = Settings {
        version: Version::release(7, 22, 0),
        ..two_lines()
    };
    let long = "x".repeat(300);
    let add = Command::add("/interface/ovpn-client")
        .with("connect-to", "203.0.113.11")
        .with("user", "u")
        .with("password", &long);

    let router = Running::start(old).await;
    let mut session = router.client().await;
    assert_eq!(
        session.refused(Command::print("/safe-mode")).await,
        "no such command prefix"
    );
    assert!(session.refused(add.clone()).await.contains("233"));
    session
        .run(&add.clone().with("password", "short"))
        .await
        .unwrap();
    assert_eq!(
        session.print("/interface/ovpn-client").await[0].text("password"),
        "short"
    );

    let router = Running::start(new).await;
    let mut session = router.client().await;
    session.run(&add).await.unwrap();
    assert_eq!(session.print("/safe-mode").await.len(), 1);
    assert_eq!(
        session.print("/interface/ovpn-client").await[0].get("password"),
        None
    );
    let asked = Command::print("/interface/ovpn-client").with("show-sensitive", "");
    assert_eq!(
        session.run(&asked).await.unwrap().0[0].text("password"),
        long
    );
}
