//! What is configured takes effect in the kernel, and what the kernel knows is shown.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    time::Duration,
};

use holdfast_routeros_proto::{Command, Row};
use holdfast_virtual_router::{ControlRequest, InterfaceSettings, KernelMode, Peer, Settings};
use tokio::time::timeout;

use crate::{
    namespace::{Provider, ip, run_in_namespace},
    support::{LONG, Running, Session},
};

/// A router on two cables, with an address on each.
pub(crate) struct Site {
    pub(crate) provider: Provider,
    pub(crate) router: Running,
    pub(crate) session: Session,
}

impl Site {
    pub(crate) async fn start(change: impl FnOnce(&mut Settings)) -> Self {
        let provider = Provider::start();
        provider.plug("ether1", "192.0.2.1/24");
        provider.plug("ether2", "198.51.100.1/24");
        let mut settings = Settings {
            kernel: KernelMode::On,
            interfaces: vec![
                InterfaceSettings::ethernet("ether1"),
                InterfaceSettings::ethernet("ether2"),
            ],
            ..Settings::default()
        };
        change(&mut settings);
        let router = Running::start(settings).await;
        let mut session = router.client().await;
        for (interface, address) in [("ether1", "192.0.2.2/24"), ("ether2", "198.51.100.2/24")] {
            let values = [("interface", interface), ("address", address)];
            session.add("/ip/address", &values).await;
            let running = |row: &Row| row.text("name") == interface && row.flag("running");
            session.wait_for("/interface", running).await;
        }
        Self {
            provider,
            router,
            session,
        }
    }
}

/// Waits until the kernel says it.
pub(crate) async fn says(arguments: &str, expected: &str) {
    let mut said = String::new();
    let heard = timeout(LONG, async {
        loop {
            said = ip(arguments);
            if said.contains(expected) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    let heard = heard.await;
    assert!(
        heard.is_ok(),
        "ip {arguments} does not say {expected:?}:\n{said}"
    );
}

#[test]
fn routes_are_in_the_kernel_and_follow_cables() {
    run_in_namespace(
        "kernel::routes_are_in_the_kernel_and_follow_cables",
        || async {
            let mut site = Site::start(|_| {}).await;
            let session = &mut site.session;
            let pin = ("dst-address", "203.0.113.11");
            session
                .add("/ip/route", &[pin, ("gateway", "192.0.2.1%ether1")])
                .await;
            session
                .add("/ip/route", &[pin, ("blackhole", ""), ("distance", "250")])
                .await;
            let hop = [
                ("dst-address", "100.127.255.2"),
                ("gateway", "198.51.100.1%ether2"),
                ("scope", "10"),
            ];
            session.add("/ip/route", &hop).await;
            let ladder = [("dst-address", "0.0.0.0/1"), ("gateway", "100.127.255.2")];
            session.add("/ip/route", &ladder).await;
            says("route", "203.0.113.11 via 192.0.2.1 dev ether1 proto 201").await;
            says("route", "0.0.0.0/1 via 198.51.100.1 dev ether2 proto 201").await;

            site.provider.ip("link set ether1 down");
            says("route", "blackhole 203.0.113.11 proto 201").await;
            let pulled = |row: &Row| row.text("name") == "ether1" && !row.flag("running");
            session.wait_for("/interface", pulled).await;
            site.provider.ip("link set ether1 up");
            says("route", "203.0.113.11 via 192.0.2.1 dev ether1 proto 201").await;
        },
    );
}

#[test]
fn routes_and_addresses_of_others_are_left_alone_and_ours_are_removed() {
    run_in_namespace(
        "kernel::routes_and_addresses_of_others_are_left_alone_and_ours_are_removed",
        || async {
            let mut site = Site::start(|_| {}).await;
            ip("route add 10.99.0.0/16 via 192.0.2.1");
            ip("address add 127.9.9.9/32 dev lo");
            let values = [
                ("dst-address", "10.0.0.0/8"),
                ("gateway", "192.0.2.1,198.51.100.1"),
            ];
            let id = site.session.add("/ip/route", &values).await;
            says("route", "nexthop via 198.51.100.1 dev ether2").await;
            site.session
                .run(&Command::remove("/ip/route", &id))
                .await
                .unwrap();
            let gone = timeout(LONG, async {
                while ip("route").contains("10.0.0.0/8") {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
            });
            gone.await.expect("the route goes");
            assert!(ip("route").contains("10.99.0.0/16"));
            assert!(ip("address show lo").contains("127.9.9.9"));
        },
    );
}

#[test]
fn the_router_s_own_packets_to_a_port_ask_the_table_of_their_mark() {
    run_in_namespace(
        "kernel::the_router_s_own_packets_to_a_port_ask_the_table_of_their_mark",
        || async {
            let mut site = Site::start(|_| {}).await;
            let session = &mut site.session;
            session.add("/ip/route", &[("gateway", "192.0.2.1")]).await;
            session
                .add("/routing/table", &[("name", "wan-2"), ("fib", "")])
                .await;
            session
                .add(
                    "/ip/route",
                    &[("gateway", "198.51.100.1"), ("routing-table", "wan-2")],
                )
                .await;
            let mark = [
                ("chain", "output"),
                ("action", "mark-routing"),
                ("new-routing-mark", "wan-2"),
                ("dst-address", "203.0.113.11"),
                ("protocol", "tcp"),
                ("dst-port", "4432"),
            ];
            session.add("/ip/firewall/mangle", &mark).await;
            says(
                "route get 203.0.113.11 ipproto tcp dport 4432",
                "via 198.51.100.1",
            )
            .await;
            says(
                "route get 203.0.113.11 ipproto tcp dport 4431",
                "via 192.0.2.1",
            )
            .await;

            let rule = [
                ("dst-address", "10.7.0.0/16"),
                ("action", "lookup-only-in-table"),
                ("table", "wan-2"),
            ];
            session.add("/routing/rule", &rule).await;
            says("route get 10.7.0.1", "via 198.51.100.1").await;
        },
    );
}

#[test]
fn a_ping_leaves_by_the_interface_that_is_named_and_loss_is_counted() {
    run_in_namespace(
        "kernel::a_ping_leaves_by_the_interface_that_is_named_and_loss_is_counted",
        || async {
            let mut site = Site::start(|_| {}).await;
            let ping = |address: &str| {
                Command::new("/tool/ping")
                    .with("address", address)
                    .with("interface", "ether1")
                    .with("count", "2")
                    .with("interval", "50ms")
            };
            let (rows, _) = site.session.run(&ping("192.0.2.1")).await.unwrap();
            assert_eq!(rows.len(), 2);
            assert_eq!(rows[1].text("received"), "2");
            assert!(!rows[1].text("time").is_empty() && rows[1].text("packet-loss") == "0");
            let (rows, _) = site.session.run(&ping("192.0.2.77")).await.unwrap();
            assert_eq!(rows[1].text("packet-loss"), "100");
            assert_eq!(rows[1].text("status"), "timeout");

            let (neighbors, _) = site.session.run(&Command::print("/ip/arp")).await.unwrap();
            let gateway =
                |row: &Row| row.text("address") == "192.0.2.1" && row.text("interface") == "ether1";
            let found = neighbors.iter().find(|row| gateway(row)).unwrap();
            assert!(found.flag("complete") && !found.text("mac-address").is_empty());
        },
    );
}

#[test]
fn a_gateway_that_does_not_answer_is_passed_over() {
    run_in_namespace(
        "kernel::a_gateway_that_does_not_answer_is_passed_over",
        || async {
            let quick = |settings: &mut Settings| settings.behaviour.check_gateway_interval_ms = 50;
            let mut site = Site::start(quick).await;
            let checked = [("gateway", "192.0.2.1"), ("check-gateway", "ping")];
            site.session.add("/ip/route", &checked).await;
            site.session
                .add(
                    "/ip/route",
                    &[("gateway", "198.51.100.1"), ("distance", "2")],
                )
                .await;
            says("route", "default via 192.0.2.1").await;
            // The cable stays in: only the provider's address is gone.
            site.provider.ip("address del 192.0.2.1/24 dev ether1");
            says("route", "default via 198.51.100.1").await;
            site.provider.ip("address add 192.0.2.1/24 dev ether1");
            says("route", "default via 192.0.2.1").await;
        },
    );
}

#[test]
fn tracked_connections_are_shown_and_can_be_forgotten() {
    run_in_namespace(
        "kernel::tracked_connections_are_shown_and_can_be_forgotten",
        || async {
            let mut site = Site::start(|_| {}).await;
            let rule = [
                ("chain", "input"),
                ("connection-state", "established,related"),
            ];
            site.session.add("/ip/firewall/filter", &rule).await;
            let listener = site
                .provider
                .run(|| TcpListener::bind("192.0.2.1:7777").unwrap());
            let connection = [("protocol", "tcp"), ("reply-src-address", "192.0.2.1:7777")];
            let is_it = |row: &Row| {
                connection
                    .iter()
                    .all(|(name, value)| row.text(name) == *value)
            };
            let found = timeout(LONG, async {
                loop {
                    // The rule that makes the kernel track may not be there yet.
                    let mut stream = TcpStream::connect("192.0.2.1:7777").unwrap();
                    let (mut accepted, _) = listener.accept().unwrap();
                    stream.write_all(b"x").unwrap();
                    accepted.read_exact(&mut [0]).unwrap();
                    let rows = site.session.print("/ip/firewall/connection").await;
                    if let Some(row) = rows.into_iter().find(is_it) {
                        break row;
                    }
                }
            });
            let found = found.await.expect("the connection is tracked");
            assert_eq!(found.text("tcp-state"), "established");
            let id = found.id().unwrap();
            let remove = Command::remove("/ip/firewall/connection", id);
            site.session.run(&remove).await.unwrap();
            let source = found.text("src-address").to_owned();
            let rows = site.session.print("/ip/firewall/connection").await;
            assert!(!rows.iter().any(|row| row.text("src-address") == source));
        },
    );
}

#[test]
fn a_pppoe_session_carries_packets_and_counts_them() {
    run_in_namespace(
        "kernel::a_pppoe_session_carries_packets_and_counts_them",
        || async {
            let peer = Peer {
                local: [100, 64, 0, 7].into(),
                remote: [198, 51, 100, 1].into(),
            };
            let dial = |settings: &mut Settings| settings.interfaces[1].peer = Some(peer);
            let mut site = Site::start(dial).await;
            let session = &mut site.session;
            let addresses = session.print("/ip/address").await;
            let on_wire = addresses
                .iter()
                .find(|row| row.text("interface") == "ether2")
                .unwrap();
            session
                .run(&Command::remove("/ip/address", on_wire.id().unwrap()))
                .await
                .unwrap();
            let client = [
                ("interface", "ether2"),
                ("add-default-route", "yes"),
                ("disabled", "no"),
            ];
            session.add("/interface/pppoe-client", &client).await;
            says("route", "default via 198.51.100.1 dev ether2 proto 201").await;
            says(
                "address show ether2",
                "inet 100.64.0.7 peer 198.51.100.1/32",
            )
            .await;
            site.provider.ip("route add 100.64.0.7/32 dev ether2");
            site.provider.ip("address add 172.31.1.1/32 dev ether2");
            let ping = Command::new("/tool/ping")
                .with("address", "172.31.1.1")
                .with("count", "1");
            let (rows, _) = session.run(&ping).await.unwrap();
            assert_eq!(rows[0].text("received"), "1", "{rows:?}");
            let sent = |row: &Row| {
                row.text("name") == "pppoe-out1"
                    && row.text("tx-byte").parse::<u64>().unwrap_or(0) > 0
            };
            session.wait_for("/interface", sent).await;
            drop(
                site.router
                    .control(&ControlRequest::Redial {
                        interface: "pppoe-out1".into(),
                    })
                    .await,
            );
            let again = |row: &Row| row.text("name") == "pppoe-out1" && row.flag("running");
            session.wait_for("/interface", again).await;
        },
    );
}

#[test]
fn masquerading_takes_the_interfaces_of_a_list() {
    run_in_namespace(
        "kernel::masquerading_takes_the_interfaces_of_a_list",
        || async {
            let mut site = Site::start(|_| {}).await;
            let session = &mut site.session;
            session.add("/interface/list", &[("name", "WAN")]).await;
            let rule = [
                ("chain", "srcnat"),
                ("action", "masquerade"),
                ("out-interface-list", "WAN"),
            ];
            session.add("/ip/firewall/nat", &rule).await;
            session
                .add(
                    "/interface/list/member",
                    &[("list", "WAN"), ("interface", "ether2")],
                )
                .await;
            let rules = || {
                let output = std::process::Command::new("nft")
                    .args(["list", "ruleset"])
                    .output()
                    .unwrap();
                String::from_utf8(output.stdout).unwrap()
            };
            let applied = timeout(LONG, async {
                while !rules().contains("oifname \"ether2\" masquerade") {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
            });
            assert!(applied.await.is_ok(), "{}", rules());
        },
    );
}

#[test]
fn a_watched_host_that_goes_runs_a_script() {
    run_in_namespace("kernel::a_watched_host_that_goes_runs_a_script", || async {
        let mut site = Site::start(|_| {}).await;
        let watch = [
            ("host", "192.0.2.1"),
            ("type", "icmp"),
            ("interval", "50ms"),
            ("packet-count", "2"),
            ("packet-interval", "10ms"),
            ("thr-avg", "5s"),
            ("timeout", "100ms"),
            ("startup-delay", "0s"),
            ("up-script", ":log info \"$host is up\""),
            (
                "down-script",
                "/ip/route/add dst-address=10.0.0.0/8 blackhole",
            ),
        ];
        site.session.add("/tool/netwatch", &watch).await;
        let up = |row: &Row| row.text("message") == "192.0.2.1 is up";
        site.session.wait_for("/log", up).await;
        site.provider.ip("address del 192.0.2.1/24 dev ether1");
        says("route", "blackhole 10.0.0.0/8 proto 201").await;
        let watches = site.session.print("/tool/netwatch").await;
        assert_eq!(watches[0].text("status"), "down");
    });
}
