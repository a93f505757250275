//! Connections: who is let in, what runs at once, how they end.

use std::time::Duration;

use holdfast_routeros_proto::{ClientEvent, ClosedCause, Command, Row, Version};
use holdfast_virtual_router::{Behaviour, ControlRequest, Faults, Settings};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use crate::support::{LONG, Running, Session, two_lines};

#[tokio::test]
async fn both_ways_to_log_in_are_understood_and_wrong_passwords_are_not() {
    for challenge_login in [false, true] {
        let settings = Settings {
            behaviour: Behaviour {
                challenge_login,
                ..Behaviour::default()
            },
            ..two_lines()
        };
        let router = Running::start(settings).await;
        router.client().await;
        let refused = Session::log_in(router.address, "admin", "wrong").await;
        assert!(matches!(refused, Err(ClosedCause::Refused(_))));
    }
}

#[tokio::test]
async fn a_group_may_no_more_than_its_policies() {
    let router = Running::start(two_lines()).await;
    let mut admin = router.client().await;
    let user = [("name", "viewer"), ("group", "read"), ("password", "p")];
    admin.add("/user", &user).await;
    let mut viewer = Session::log_in(router.address, "viewer", "p")
        .await
        .unwrap();
    viewer.print("/ip/route").await;
    let add = Command::add("/ip/route").with("gateway", "ether1");
    assert_eq!(viewer.refused(add).await, "not enough permissions (9)");

    let group = [("name", "shell"), ("policy", "read,ssh")];
    admin.add("/user/group", &group).await;
    admin
        .run(&Command::set("/user", "viewer").with("group", "shell"))
        .await
        .unwrap();
    assert!(
        Session::log_in(router.address, "viewer", "p")
            .await
            .is_err()
    );
}

#[tokio::test]
async fn nobody_gives_a_script_more_rights_than_they_have() {
    let router = Running::start(two_lines()).await;
    let mut admin = router.client().await;
    admin
        .add(
            "/user/group",
            &[("name", "few"), ("policy", "read,write,api")],
        )
        .await;
    admin
        .add(
            "/user",
            &[("name", "u"), ("group", "few"), ("password", "p")],
        )
        .await;
    let mut few = Session::log_in(router.address, "u", "p").await.unwrap();
    let add = Command::add("/system/script").with("name", "s");
    assert_eq!(few.refused(add.clone()).await, "not enough permissions (9)");
    few.run(&add.with("policy", "read,write")).await.unwrap();
    let scripts = few.print("/system/script").await;
    assert_eq!(scripts[0].text("owner"), "u");
}

#[tokio::test]
async fn a_change_feed_tells_of_changes_and_deaths_until_it_is_cancelled() {
    let router = Running::start(two_lines()).await;
    let mut listener = router.client().await;
    let feed = listener.send(&Command::listen("/ip/route"));
    // Its answer shows that the feed has begun.
    listener.print("/system/identity").await;
    let mut other = router.client().await;
    let id = other
        .add("/ip/route", &[("gateway", "ether1"), ("comment", "x")])
        .await;
    let row = async |listener: &mut Session| loop {
        match listener.event().await {
            ClientEvent::Row { tag, row } if tag == feed && row.id() == Some(&id) => break row,
            _ => {}
        }
    };
    assert_eq!(row(&mut listener).await.text("comment"), "x");
    other.run(&Command::remove("/ip/route", &id)).await.unwrap();
    while !row(&mut listener).await.is_dead() {}
    listener.cancel(feed);
    loop {
        if let ClientEvent::Finished { tag, result } = listener.event().await
            && tag == feed
        {
            assert!(result.unwrap_err().is_interrupted());
            break;
        }
    }
}

#[tokio::test]
async fn a_command_that_takes_time_does_not_hold_up_another() {
    let router = Running::start(two_lines()).await;
    let mut session = router.client().await;
    let monitor = Command::new("/interface/ethernet/monitor").with("numbers", "ether1");
    let endless = session.send(&monitor);
    assert_eq!(session.print("/system/identity").await.len(), 1);
    session.cancel(endless);
    let (rows, _) = session.run(&monitor.with("once", "")).await.unwrap();
    assert_eq!(rows[0].text("status"), "link-ok");
}

#[tokio::test]
async fn a_service_that_is_disabled_ends_its_sessions_and_takes_no_more() {
    let router = Running::start(two_lines()).await;
    let mut session = router.client().await;
    session.send(&Command::new("/ip/service/disable").with("numbers", "api"));
    let ended = loop {
        if let ClientEvent::Closed(cause) = session.event().await {
            break cause;
        }
    };
    assert!(matches!(ended, ClosedCause::Fatal(_)), "{ended}");
    assert!(Session::log_in(router.address, "admin", "").await.is_err());
}

#[tokio::test]
async fn a_service_takes_only_clients_from_its_networks() {
    let router = Running::start(two_lines()).await;
    let mut session = router.client().await;
    let restrict = Command::set("/ip/service", "api").with("address", "127.0.0.0/8");
    session.run(&restrict).await.unwrap();
    router.client().await;
    session.send(&Command::set("/ip/service", "api").with("address", "192.0.2.0/24"));
    while !matches!(session.event().await, ClientEvent::Closed(_)) {}
    assert!(Session::log_in(router.address, "admin", "").await.is_err());
}

#[tokio::test]
async fn a_service_has_no_more_sessions_than_it_may() {
    let router = Running::start(two_lines()).await;
    let mut sessions = vec![router.client().await];
    sessions[0]
        .run(&Command::set("/ip/service", "api").with("max-sessions", "3"))
        .await
        .unwrap();
    sessions.push(router.client().await);
    sessions.push(router.client().await);
    assert!(Session::log_in(router.address, "admin", "").await.is_err());
    sessions.pop();
    let again = timeout(LONG, async {
        while Session::log_in(router.address, "admin", "").await.is_err() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    again
        .await
        .expect("a place that is free again can be taken");
}

#[tokio::test]
async fn an_older_service_has_as_many_sessions_as_come() {
    let settings = Settings {
        version: Version::release(7, 15, 0),
        ..two_lines()
    };
    let router = Running::start(settings).await;
    let mut sessions = Vec::new();
    for _ in 0..21 {
        sessions.push(router.client().await);
    }
    let services = sessions[20].print("/ip/service").await;
    assert_eq!(services[0].get("max-sessions"), None);
}

#[tokio::test]
async fn a_connection_is_cut_at_the_chosen_change_before_or_after_it() {
    for takes_effect in [false, true] {
        let router = Running::start(two_lines()).await;
        let faults = Faults {
            cut_after_changes: Some(2),
            cut_takes_effect: takes_effect,
            ..Faults::default()
        };
        router.control(&ControlRequest::Faults(faults)).await;
        let mut session = router.client().await;
        let add = |name: &str| Command::add("/ppp/profile").with("name", name);
        session.run(&add("first")).await.unwrap();
        session.send(&add("second"));
        let cause = loop {
            match session.event().await {
                ClientEvent::Closed(cause) => break cause,
                ClientEvent::Finished { result, .. } => panic!("answered: {result:?}"),
                _ => {}
            }
        };
        assert_eq!(cause, ClosedCause::PeerClosed);
        let profiles = router.client().await.print("/ppp/profile").await;
        let named = |name: &str| profiles.iter().any(|row: &Row| row.text("name") == name);
        assert!(named("first"));
        assert_eq!(named("second"), takes_effect);
    }
}

#[tokio::test]
async fn a_stranger_who_does_not_log_in_is_sent_away() {
    let router = Running::start(two_lines()).await;
    let mut stream = TcpStream::connect(router.address).await.unwrap();
    stream.write_all(b"\x10/interface/print\x00").await.unwrap();
    let mut answer = Vec::new();
    timeout(LONG, stream.read_to_end(&mut answer))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(answer, b"\x06!fatal\x0dnot logged in\x00");
}
