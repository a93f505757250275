//! Leases and sessions of the providers, and the routes that come of them.

use holdfast_routeros_proto::{Command, Row};
use holdfast_virtual_router::{
    ControlReply, ControlRequest, InterfaceKind, InterfaceSettings, Lease, Peer,
};

use crate::support::{Running, two_lines};

fn is_default(row: &Row) -> bool {
    row.text("dst-address") == "0.0.0.0/0"
}

#[tokio::test]
async fn a_dhcp_client_brings_an_address_and_a_default_route_that_follow_the_lease() {
    let router = Running::start(two_lines()).await;
    let mut session = router.client().await;
    session
        .add("/ip/dhcp-client", &[("interface", "ether1")])
        .await;
    let client = session
        .wait_for("/ip/dhcp-client", |row| row.text("status") == "bound")
        .await;
    assert_eq!(client.text("gateway"), "198.51.101.1");
    let route = session.wait_for("/ip/route", is_default).await;
    assert_eq!(route.text("immediate-gw"), "198.51.101.1%ether1");
    assert!(route.flag("dhcp") && route.flag("dynamic") && route.flag("active"));

    let lease = Lease {
        address: [192, 168, 1, 7].into(),
        prefix: 24,
        gateway: Some([192, 168, 1, 1].into()),
        server: None,
        dns: vec![],
    };
    let change = ControlRequest::Lease {
        interface: "ether1".into(),
        lease: Some(lease),
    };
    assert_eq!(router.control(&change).await, ControlReply::Done);
    let new = |row: &Row| is_default(row) && row.text("immediate-gw") == "192.168.1.1%ether1";
    session.wait_for("/ip/route", new).await;
    let addresses = session.print("/ip/address").await;
    assert_eq!(addresses.len(), 1);
    assert_eq!(addresses[0].text("address"), "192.168.1.7/24");
}

#[tokio::test]
async fn a_pulled_cable_takes_the_lease_and_its_routes_along() {
    let router = Running::start(two_lines()).await;
    let mut session = router.client().await;
    session
        .add("/ip/dhcp-client", &[("interface", "ether1")])
        .await;
    session
        .add(
            "/ip/dhcp-client",
            &[("interface", "ether2"), ("default-route-distance", "5")],
        )
        .await;
    let through = |interface: &'static str| {
        move |row: &Row| {
            is_default(row) && row.flag("active") && row.text("immediate-gw").ends_with(interface)
        }
    };
    session.wait_for("/ip/route", through("%ether1")).await;
    let pull = ControlRequest::Link {
        interface: "ether1".into(),
        up: false,
    };
    router.control(&pull).await;
    session.wait_for("/ip/route", through("%ether2")).await;
    let clients = session.print("/ip/dhcp-client").await;
    assert_eq!(clients[0].text("status"), "searching...");
}

#[tokio::test]
async fn a_pppoe_client_dials_and_is_a_gateway_by_itself() {
    let mut settings = two_lines();
    settings.behaviour.redial_delay_ms = 10;
    settings.interfaces[1].peer = Some(Peer {
        local: [100, 64, 0, 7].into(),
        remote: [100, 64, 0, 1].into(),
    });
    let router = Running::start(settings).await;
    let mut session = router.client().await;
    let client = [
        ("interface", "ether2"),
        ("add-default-route", "yes"),
        ("disabled", "no"),
    ];
    session.add("/interface/pppoe-client", &client).await;
    session
        .wait_for("/interface", |row| {
            row.text("name") == "pppoe-out1" && row.flag("running")
        })
        .await;
    let route = session.wait_for("/ip/route", is_default).await;
    assert_eq!(route.text("immediate-gw"), "pppoe-out1");
    let monitor = Command::new("/interface/pppoe-client/monitor")
        .with("numbers", "pppoe-out1")
        .with("once", "");
    let (rows, _) = session.run(&monitor).await.unwrap();
    assert_eq!(rows[0].text("status"), "connected");
    assert_eq!(rows[0].text("remote-address"), "100.64.0.1");

    let away = ControlRequest::Peer {
        interface: "ether2".into(),
        peer: None,
    };
    router.control(&away).await;
    session
        .wait_for("/interface", |row| {
            row.text("name") == "pppoe-out1" && !row.flag("running")
        })
        .await;
    assert!(!session.print("/ip/route").await.iter().any(is_default));
}

#[tokio::test]
async fn an_lte_interface_has_an_address_and_a_default_route_of_the_modem() {
    let mut settings = two_lines();
    settings.interfaces.push(InterfaceSettings {
        kind: InterfaceKind::Lte,
        peer: Some(Peer {
            local: [10, 20, 30, 40].into(),
            remote: [10, 20, 30, 41].into(),
        }),
        ..InterfaceSettings::ethernet("lte1")
    });
    let router = Running::start(settings).await;
    let mut session = router.client().await;
    let route = session.wait_for("/ip/route", is_default).await;
    assert!(route.flag("modem"));
    assert_eq!(
        (route.text("gateway"), route.text("distance")),
        ("lte1", "2")
    );
}

#[tokio::test]
async fn leases_can_fill_tables_of_their_own() {
    let mut settings = two_lines();
    settings.version = "7.20".parse().unwrap();
    let router = Running::start(settings).await;
    let mut session = router.client().await;
    session
        .add("/routing/table", &[("name", "wan-1"), ("fib", "")])
        .await;
    let client = [
        ("interface", "ether1"),
        ("default-route-tables", "default,wan-1:7"),
    ];
    session.add("/ip/dhcp-client", &client).await;
    let own = |row: &Row| is_default(row) && row.text("routing-table") == "wan-1";
    let route = session.wait_for("/ip/route", own).await;
    assert_eq!(route.text("distance"), "7");
    assert!(route.flag("active"));
}
