//! Looking after routers.

mod bed;
mod scripted;

use std::time::Duration;

use holdfast_api_types::{FaultType, JobKind, Repair, SessionPolicy};
use holdfast_control_plane::jobs::Jobs;
use holdfast_routeros_proto::{Command, Row};

use self::{
    bed::{Bed, until},
    scripted::Scripted,
};
use crate::router::bed::Bed as Virtual;

#[tokio::test]
async fn a_router_is_there_while_its_management_tunnel_is_up_and_away_some_time_after() {
    let bed = Bed::start().await;
    bed.adopt().await;
    bed.management_up().await;
    bed.wait_for_state("online").await;
    bed.app.clock.advance(Duration::from_secs(200));
    let now = bed.app.app.clock().now();
    until("the tunnel to count as word of it", async || {
        let row = bed.row().await;
        assert_eq!(row.state.as_str(), "online");
        (row.last_seen_at == Some(now)).then_some(())
    })
    .await;
    bed.management_down();
    bed.app.clock.advance(Duration::from_secs(101));
    bed.wait_for_state("away").await;
}

#[tokio::test]
async fn a_router_that_checks_in_comes_back_and_tells_what_it_is() {
    let mut bed = Bed::start().await;
    let token = bed.adopt().await;
    bed.told().await;
    bed.check_in(&token, "7.20.6").await;
    assert_eq!(bed.row().await.state.as_str(), "online");
    bed.check_in(&token, "7.20.6").await;
    bed.app.clock.advance(Duration::from_secs(101));
    bed.wait_for_state("away").await;
    bed.check_in(&token, "7.21").await;
    let row = bed.row().await;
    assert_eq!(row.state.as_str(), "online");
    assert_eq!(row.facts.version.as_deref(), Some("7.21"));
    assert_eq!(bed.told().await, ["online", "away", "online"]);
}

#[tokio::test]
async fn a_router_that_answers_is_there() {
    let router = Virtual::start().await;
    let mut bed = Bed::configured_at(router.address).await;
    bed.stop_keeper().await;
    bed.app.clock.advance(Duration::from_secs(600));
    let before = bed.row().await.last_seen_at;
    let viewer = bed.viewer().await;
    let path = format!("/sites/{}/router/interfaces", bed.site);
    viewer.get(&path).await.expect(200);
    let seen = bed.row().await.last_seen_at;
    assert_eq!(seen, Some(bed.app.app.clock().now()));
    assert_ne!(seen, before);
}

#[tokio::test]
async fn nobody_is_away_because_we_were() {
    let mut bed = Bed::start().await;
    let token = bed.adopt().await;
    bed.told().await;
    bed.check_in(&token, "7.20.6").await;
    bed.stop_keeper().await;
    bed.app.clock.advance(Duration::from_secs(3600));
    bed.start_keeper();
    assert_eq!(bed.told().await, ["online"], "it had no chance to check in");
    bed.app.clock.advance(Duration::from_secs(101));
    bed.wait_for_state("away").await;
}

#[tokio::test]
async fn a_router_that_differs_is_a_fault_and_repaired_if_it_may_be() {
    let router = Virtual::start().await;
    let bed = Bed::configured_at(router.address).await;
    let step = Duration::from_secs(2);
    let drift = async || {
        let findings = bed.row().await.findings?;
        (findings.drift > 10).then_some(findings)
    };
    bed.pass_until(step, "what differs to be found", drift)
        .await;
    let faults = bed.faults().await;
    let [fault] = &faults[..] else {
        panic!("{faults:?}");
    };
    assert_eq!(fault.kind, FaultType::ConfigurationDrift);
    assert!(
        fault.cause.contains("it lacks: ") && fault.cause.contains(" more"),
        "{fault:?}"
    );
    assert!(bed.jobs().await.is_empty(), "somebody is asked first");

    bed.repair(Repair::Automatic).await;
    let job = bed
        .pass_until(step, "a job", async || bed.jobs().await.pop())
        .await;
    assert_eq!(
        (job.kind, job.requested_by.as_str()),
        (JobKind::Configuration, "Holdfast")
    );
    let found_at = bed.row().await.findings.unwrap().at;
    for _ in 0..100 {
        bed.app.clock.advance(Duration::from_secs(10));
        bed.engine.clock_moved();
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(
        bed.row().await.findings.unwrap().at,
        found_at,
        "a job is at it"
    );
    assert_eq!(bed.jobs().await.len(), 1);

    let jobs = Jobs::start(bed.app.app.clone());
    bed.pass_until(step, "it to be repaired", async || {
        bed.faults().await.is_empty().then_some(())
    })
    .await;
    assert_eq!(bed.row().await.findings.unwrap().drift, 0);
    jobs.stop().await;
}

#[tokio::test]
async fn what_somebody_else_changes_is_found() {
    let router = Virtual::start().await;
    let bed = Bed::configured_at(router.address).await;
    bed.configure().await;
    let (way, soon) = (router.router(), Duration::from_secs(5));
    let print = Command::print("/interface/ovpn-client");
    let clients = way.read(print, soon).await.unwrap();
    let first = clients.first().and_then(Row::id).unwrap();
    let off = Command::set("/interface/ovpn-client", first).with("disabled", "yes");
    way.send(off, soon).await.unwrap();
    let step = Duration::from_secs(2);
    let fault = bed
        .pass_until(step, "it to be found", async || bed.faults().await.pop())
        .await;
    assert_eq!(fault.kind, FaultType::ConfigurationDrift);
    assert!(fault.cause.contains("tunnel of slot 1"), "{fault:?}");
    assert_eq!(bed.row().await.findings.unwrap().drift, 1);
}

#[tokio::test]
async fn a_tunnel_whose_routes_are_not_on_the_router_is_a_fault() {
    let router = Virtual::start().await;
    let bed = Bed::configured_at(router.address).await;
    bed.configure().await;
    bed.both_up().await;
    let step = Duration::from_secs(1);
    let fault = bed
        .pass_until(step, "it to be found", async || {
            bed.answer();
            let faults = bed.faults().await.into_iter();
            faults
                .into_iter()
                .find(|it| it.kind == FaultType::ConfigurationDrift)
        })
        .await;
    assert!(fault.cause.contains("the pushed route to "), "{fault:?}");
}

#[tokio::test]
async fn bytes_through_a_wan_become_rates() {
    let router = Scripted::start().await;
    let count = |bytes: u64| {
        let ether1 = Row::new()
            .with(".id", "*1")
            .with("name", "ether1")
            .with("rx-byte", bytes.to_string())
            .with("tx-byte", "7");
        router.put("/interface", vec![ether1]);
    };
    count(1_000_000);
    let bed = Bed::configured_at(router.address).await;
    let mut bytes = 1_000_000;
    let rate = bed
        .pass_until(Duration::from_secs(1), "a rate", async || {
            // As much in each second that passes.
            bytes += 1_000;
            count(bytes);
            bed.rates().await.into_iter().flatten().next_back()
        })
        .await;
    assert!((4_000..16_000).contains(&rate.rx), "8000 b/s: {rate:?}");
    assert_eq!(rate.tx, 0);
}

#[tokio::test]
async fn a_dead_client_that_holds_on_is_made_to_dial_anew_once() {
    let router = Scripted::start().await;
    let client = |slot: u8| {
        Row::new()
            .with(".id", format!("*{slot}"))
            .with("comment", format!("holdfast:tunnel:{slot}"))
            .with("running", "true")
            .with("disabled", "false")
    };
    router.put("/interface/ovpn-client", vec![client(1), client(2)]);
    let bed = Bed::configured_at(router.address).await;
    bed.both_up().await;
    bed.first_dies();
    let changes = until("the client to be switched off and on", async || {
        Some(router.changes()).filter(|changes| changes.len() >= 2)
    })
    .await;
    let set = "/interface/ovpn-client/set .id=*1 disabled";
    assert_eq!(changes, [format!("{set}=yes"), format!("{set}=no")]);
}

#[tokio::test]
async fn connections_of_a_dead_wan_move_when_the_routes_of_the_next_are_in_force() {
    let router = Scripted::start().await;
    let address = |number: u8| {
        Row::new()
            .with("address", format!("192.0.{number}.7/24"))
            .with("interface", format!("ether{number}"))
    };
    router.put("/ip/address", vec![address(1), address(2)]);
    let connection = |id: &str, from: &str, translated_to: &str| {
        Row::new()
            .with(".id", id)
            .with("src-address", from)
            .with("reply-dst-address", translated_to)
    };
    let connections = vec![
        connection("*1", "10.0.0.5:5060", "192.0.1.7:5060"),
        connection("*2", "10.0.0.5:5061", "192.0.2.7:5061"),
        connection("*3", "192.0.1.7:40000", "192.0.1.7:40000"),
        connection("*4", "10.0.0.6", "192.0.1.7"),
        connection("*5", "10.0.0.7", "192.0.1.7").with("ended", "true"),
    ];
    router.put("/ip/firewall/connection", connections);
    let route = |slot: u8, to: &str, active: &str| {
        Row::new()
            .with("dst-address", to)
            .with("gateway", format!("100.127.255.{slot}"))
            .with("active", active)
    };
    let pin = route(1, "203.0.113.1/32", "true");
    let before = vec![
        pin.clone(),
        route(1, "0.0.0.0/1", "true"),
        route(2, "0.0.0.0/0", "true"),
    ];
    router.put("/ip/route", before);
    let bed = Bed::configured_at(router.address).await;
    bed.set(0, |settings| {
        settings.policy_failover = SessionPolicy::MoveNow
    })
    .await;
    bed.both_up().await;
    bed.first_dies();
    bed.second_takes_over().await;
    let none = tokio::time::timeout(Duration::from_secs(4), async {
        while router.changes().is_empty() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    assert!(
        none.await.is_err(),
        "the old routes are in force: {:?}",
        router.changes()
    );
    router.put("/ip/route", vec![pin, route(2, "0.0.0.0/0", "true")]);
    let left = until("connections to be removed", async || {
        let rows = router.rows("/ip/firewall/connection");
        (rows.len() <= 3).then_some(rows)
    })
    .await;
    let ids: Vec<_> = left.iter().filter_map(Row::id).collect();
    assert_eq!(ids, ["*2", "*3", "*5"], "{:?}", router.changes());
}
