//! Routers that are slow, silent, old, or restarted.

use std::time::{Duration, Instant};

use holdfast_routeros_proto::{ClientEvent, Command, Row, Version};
use holdfast_virtual_router::{Behaviour, ControlRequest, Faults, Settings};
use tokio::time::timeout;

use crate::support::{Running, Session, two_lines};

#[tokio::test]
async fn a_router_may_be_slow_to_answer_and_slower_to_print_everything() {
    let router = Running::start(two_lines()).await;
    let mut session = router.client().await;
    let faults = Faults {
        slow_print_ms: 300,
        ..Faults::default()
    };
    router.control(&ControlRequest::Faults(faults)).await;
    let everything = Command::print("/interface");
    let began = Instant::now();
    let slow = session.send(&everything);
    session
        .run(&everything.clone().only(&["name"]))
        .await
        .unwrap();
    loop {
        if let ClientEvent::Finished { tag, .. } = session.event().await
            && tag == slow
        {
            break;
        }
    }
    assert!(began.elapsed() >= Duration::from_millis(300));
}

#[tokio::test]
async fn a_silent_router_takes_connections_and_says_nothing() {
    let router = Running::start(two_lines()).await;
    let silent = Faults {
        silent: true,
        ..Faults::default()
    };
    router.control(&ControlRequest::Faults(silent)).await;
    let log_in = Session::log_in(router.address, "admin", "");
    let mut log_in = std::pin::pin!(log_in);
    let silence = timeout(Duration::from_millis(300), &mut log_in).await;
    assert!(silence.is_err(), "the router has answered");
    router
        .control(&ControlRequest::Faults(Faults::default()))
        .await;
    log_in.await.expect("it goes on where it stopped");
}

#[tokio::test]
async fn a_restart_cuts_connections_and_keeps_the_configuration() {
    let router = Running::start(two_lines()).await;
    let mut session = router.client().await;
    session
        .add("/ip/dhcp-client", &[("interface", "ether1")])
        .await;
    session.wait_for("/ip/route", |row| row.flag("dhcp")).await;
    session.send(&Command::new("/system/reboot"));
    while !matches!(session.event().await, ClientEvent::Closed(_)) {}
    let mut session = router.client().await;
    session
        .wait_for("/ip/route", |row| row.flag("dhcp") && row.flag("active"))
        .await;
    assert_eq!(session.print("/ip/dhcp-client").await.len(), 1);
}

#[tokio::test]
async fn dates_and_durations_are_spelled_as_the_version_does() {
    let settings = |minor: u16, clock: bool| Settings {
        version: Version::release(7, minor, 0),
        behaviour: Behaviour {
            clock_durations: clock,
            ..Behaviour::default()
        },
        ..two_lines()
    };
    let spelled = async |settings: Settings| {
        let router = Running::start(settings).await;
        let mut session = router.client().await;
        let values = [("name", "s"), ("interval", "5430")];
        session.add("/system/scheduler", &values).await;
        let interval = session.print("/system/scheduler").await[0]
            .text("interval")
            .to_owned();
        let admin = |row: &Row| row.text("name") == "admin" && row.get("last-logged-in").is_some();
        let admin = session.wait_for("/user", admin).await;
        (interval, admin.text("last-logged-in").to_owned())
    };
    let (interval, date) = spelled(settings(8, true)).await;
    assert_eq!(interval, "01:30:30");
    assert_eq!(&date[3..4], "/", "{date}");
    let (interval, date) = spelled(settings(20, false)).await;
    assert_eq!(interval, "1h30m30s");
    assert_eq!(&date[4..5], "-", "{date}");
}

#[tokio::test]
async fn whoever_is_logged_in_is_listed_until_they_leave() {
    let router = Running::start(two_lines()).await;
    let mut first = router.client().await;
    let second = router.client().await;
    assert_eq!(first.print("/user/active").await.len(), 2);
    drop(second);
    let gone = timeout(crate::support::LONG, async {
        while first.print("/user/active").await.len() > 1 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    gone.await.expect("the row goes with the session");
}

#[tokio::test]
async fn a_home_router_takes_no_schedulers() {
    let mut settings = two_lines();
    settings.device_mode.scheduler = false;
    let router = Running::start(settings).await;
    let mut session = router.client().await;
    let add = Command::add("/system/scheduler").with("name", "s");
    assert_eq!(
        session.refused(add).await,
        "failure: not allowed by device-mode"
    );
    let mode = session.print("/system/device-mode").await;
    assert_eq!(mode[0].text("scheduler"), "no");
}
