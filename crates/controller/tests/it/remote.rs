//! Log-ins, events and commands, with the control plane there, away, and back.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use axum::http::StatusCode;
use holdfast_api_types::{
    Health, Place,
    controller::{Verdict, http::ControllerEvent},
};
use holdfast_controller::{
    Command, ControlPlane, LoginRequest, LoginVerdict, Order, Remote, RemoteOptions, Report,
    ReportKind, StillGood,
};
use holdfast_failover::ladder;
use secrecy::SecretString;
use tempfile::NamedTempFile;

use crate::control_plane::{Book, GATEWAY, Plane, TOKEN};

const PATIENCE: Duration = Duration::from_secs(20);

/// A control plane, and a controller without sockets that speaks with it.
struct Bed {
    plane: Plane,
    remote: Arc<Remote>,
    token: NamedTempFile,
}

impl Bed {
    /// Both have found each other.
    async fn start() -> Self {
        let bed = Self::with_token(TOKEN);
        bed.until(|book| has_snapshot(book, 0)).await;
        bed
    }

    fn with_token(token: &str) -> Self {
        let plane = Plane::start();
        let file = NamedTempFile::new().unwrap();
        std::fs::write(file.path(), token).unwrap();
        let remote = Remote::new(&RemoteOptions {
            control_plane: format!("http://{}", plane.address),
            token_file: file.path().into(),
            ca: None,
        });
        let remote = Arc::new(remote.unwrap());
        let running = remote.clone();
        tokio::spawn(async move { running.run().await });
        Self {
            plane,
            remote,
            token: file,
        }
    }

    async fn log_in(&self, tunnel: &str, connection: u64, password: &str) -> LoginVerdict {
        self.remote
            .authorize(login(tunnel, connection, password))
            .await
    }

    async fn come_up(&self, tunnel: &str, connection: u64) {
        let verdict = self.log_in(tunnel, connection, "secret").await;
        assert!(matches!(verdict, LoginVerdict::Granted(_)), "{verdict:?}");
        self.report(tunnel, connection, up());
    }

    fn report(&self, tunnel: &str, connection: u64, kind: ReportKind) {
        self.remote.report(Report {
            tunnel: tunnel.parse().unwrap(),
            connection,
            kind,
        });
    }

    /// Waits until the control plane's book says so.
    async fn until(&self, condition: impl Fn(&Book) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !condition(&self.plane.book()) {
            let is_overdue = Instant::now() >= deadline;
            assert!(!is_overdue, "it was told {:#?}", self.plane.book().events);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Sends a command as soon as somebody follows.
    async fn command(&self, command: &Command) {
        let deadline = Instant::now() + PATIENCE;
        while !self.plane.command(vec![command.clone()]) {
            assert!(Instant::now() < deadline, "nobody follows the commands");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Waits for commands.
    async fn commands(&self) -> Vec<Command> {
        let commands = async {
            loop {
                let commands = self.remote.take_commands();
                if !commands.is_empty() {
                    return commands;
                }
                self.remote.commands_waiting().await;
            }
        };
        tokio::time::timeout(PATIENCE, commands).await.unwrap()
    }
}

fn login(tunnel: &str, connection: u64, password: &str) -> LoginRequest {
    LoginRequest {
        connection,
        username: tunnel.into(),
        password: SecretString::from(password),
        remote: "203.0.113.9:40000".parse().unwrap(),
        slot: 0,
    }
}

fn up() -> ReportKind {
    ReportKind::Up {
        remote: "203.0.113.9:40000".parse().unwrap(),
        slot: 0,
        cipher: "AES-256-GCM".into(),
    }
}

fn down() -> ReportKind {
    ReportKind::Down {
        cause: "reset".into(),
        planned: false,
    }
}

fn dead() -> ReportKind {
    ReportKind::Verdict(Verdict::Dead {
        cause: "silent".into(),
        lingers: Duration::from_secs(4),
    })
}

fn has_snapshot(book: &Book, tunnels: usize) -> bool {
    let last = book.events.last().map(|(event, _)| event);
    matches!(last, Some(ControllerEvent::Snapshot(held)) if held.len() == tunnels)
}

/// The reports that were told about connections, without measurements.
fn reports(book: &Book) -> Vec<(u64, ReportKind)> {
    let events = book.events.iter();
    let reports = events.filter_map(|(event, _)| match event {
        ControllerEvent::Report(report) => Some((report.connection, report.kind.clone())),
        ControllerEvent::Readmitted(_)
        | ControllerEvent::Snapshot(_)
        | ControllerEvent::StreamFailed { .. }
        | ControllerEvent::Gap { .. } => None,
    });
    reports
        .filter(|(_, kind)| !matches!(kind, ReportKind::Health(_)))
        .collect()
}

fn granted_place(verdict: LoginVerdict) -> Place {
    let LoginVerdict::Granted(grant) = verdict else {
        panic!("it was not granted: {verdict:?}");
    };
    let place = grant
        .place
        .expect("a tunnel that carries traffic has a place");
    assert_eq!(grant.routes, ladder::routes(place, GATEWAY));
    place
}

#[tokio::test]
async fn the_control_plane_decides_on_log_ins_and_renegotiations() {
    let bed = Bed::start().await;
    let granted = bed.log_in("fibre", 1, "secret").await;
    assert_eq!(granted_place(granted).rung, 1);
    let refused = bed.log_in("fibre", 2, "guess").await;
    let reason = "user name or password is wrong".to_owned();
    assert_eq!(refused, LoginVerdict::Refused(reason));
    let good = bed.remote.reauthorize(login("fibre", 1, "secret")).await;
    assert_eq!(good, StillGood::Yes);
    let changed = bed.remote.reauthorize(login("fibre", 1, "old")).await;
    assert_eq!(changed, StillGood::No("changed".into()));
}

#[tokio::test]
async fn while_it_is_stopped_the_password_of_a_tunnel_that_was_here_lets_it_in() {
    let mut bed = Bed::start().await;
    bed.come_up("fibre", 1).await;
    bed.plane.stop();
    assert_lets_in_what_was_here(&bed).await;
}

#[tokio::test]
async fn while_it_answers_with_failures_the_password_lets_a_tunnel_in() {
    let bed = Bed::start().await;
    bed.come_up("fibre", 1).await;
    bed.plane.book().status = Some(StatusCode::SERVICE_UNAVAILABLE);
    assert_lets_in_what_was_here(&bed).await;
}

#[tokio::test]
async fn while_it_is_stuck_the_password_lets_a_tunnel_in() {
    let bed = Bed::start().await;
    bed.come_up("fibre", 1).await;
    bed.plane.book().is_stuck = true;
    let start = Instant::now();
    assert_lets_in_what_was_here(&bed).await;
    // The router is told to come back after 8 s without a verdict.
    assert!(start.elapsed() < 3 * Duration::from_secs(7));
}

async fn assert_lets_in_what_was_here(bed: &Bed) {
    let verdict = bed.log_in("fibre", 2, "secret").await;
    assert_eq!(granted_place(verdict).rung, 1);
    // Not refused, which would stop its client for good: its password may be newer than what is known here.
    let away = LoginVerdict::Unavailable("the control plane is away".into());
    assert_eq!(bed.log_in("fibre", 3, "guess").await, away);
    assert_eq!(bed.log_in("stranger", 4, "secret").await, away);
    let good = bed.remote.reauthorize(login("fibre", 2, "secret")).await;
    assert_eq!(good, StillGood::Yes);
    let bad = bed.remote.reauthorize(login("fibre", 2, "guess")).await;
    assert!(matches!(bad, StillGood::No(_)), "{bad:?}");
    let unknown = bed.remote.reauthorize(login("stranger", 9, "x")).await;
    assert_eq!(unknown, StillGood::Yes, "nobody can say otherwise");
}

#[tokio::test]
async fn a_controller_whose_token_is_refused_lets_nobody_in() {
    let bed = Bed::start().await;
    bed.come_up("fibre", 1).await;
    bed.plane.book().status = Some(StatusCode::UNAUTHORIZED);
    let verdict = bed.log_in("fibre", 2, "secret").await;
    assert!(
        matches!(verdict, LoginVerdict::Unavailable(_)),
        "{verdict:?}"
    );
}

#[tokio::test]
async fn a_tunnel_that_was_withdrawn_does_not_come_in_later() {
    let mut bed = Bed::start().await;
    bed.come_up("fibre", 1).await;
    bed.plane.book().password = "another".into();
    let refused = bed.log_in("fibre", 2, "secret").await;
    assert!(matches!(refused, LoginVerdict::Refused(_)), "{refused:?}");
    bed.plane.stop();
    let verdict = bed.log_in("fibre", 3, "secret").await;
    assert!(
        matches!(verdict, LoginVerdict::Unavailable(_)),
        "{verdict:?}"
    );
}

#[tokio::test]
async fn a_tunnel_returns_to_where_it_was_put_last() {
    let mut bed = Bed::start().await;
    bed.come_up("fibre", 1).await;
    let place = Place { rung: 3, step: 10 };
    let routes = ladder::routes(place, GATEWAY);
    let push = Command {
        connection: 1,
        order: Order::Push { routes },
    };
    bed.command(&push).await;
    assert_eq!(bed.commands().await, [push]);
    bed.plane.stop();
    let verdict = bed.log_in("fibre", 2, "secret").await;
    assert_eq!(granted_place(verdict), place);
}

#[tokio::test]
async fn what_happens_in_an_outage_is_told_afterwards_once_and_in_order() {
    let mut bed = Bed::start().await;
    bed.come_up("fibre", 1).await;
    bed.until(|book| reports(book).len() == 1).await;
    bed.plane.stop();
    bed.report("fibre", 1, down());
    bed.come_up("fibre", 2).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    bed.plane.book().lost_receipts = 2;
    bed.plane.start_again();
    bed.until(|book| has_snapshot(book, 1)).await;
    let book = bed.plane.book();
    let told = reports(&book);
    assert_eq!(told, [(1, up()), (1, down()), (2, up())]);
    let readmitted = book.events.iter().filter_map(|(event, age)| match event {
        ControllerEvent::Readmitted(held) => Some((held.connection, *age)),
        ControllerEvent::Report(_)
        | ControllerEvent::Snapshot(_)
        | ControllerEvent::StreamFailed { .. }
        | ControllerEvent::Gap { .. } => None,
    });
    let readmitted: Vec<_> = readmitted.collect();
    assert_eq!(readmitted.len(), 1);
    assert_eq!(readmitted[0].0, 2);
    assert!(
        readmitted[0].1 >= Duration::from_millis(300),
        "its age is told"
    );
    assert_eq!(book.runs.len(), 1);
}

#[tokio::test]
async fn a_control_plane_that_was_replaced_is_told_everything_that_is_connected() {
    let mut bed = Bed::start().await;
    bed.come_up("fibre", 1).await;
    bed.come_up("lte", 2).await;
    bed.plane.stop();
    bed.plane.start_again();
    bed.until(|book| has_snapshot(book, 2)).await;
    let last = bed.plane.book().events.pop();
    let Some((ControllerEvent::Snapshot(held), _)) = last else {
        unreachable!("it was waited for");
    };
    assert_eq!(held[0].tunnel.as_str(), "fibre");
    assert_eq!(held[0].cipher.as_deref(), Some("AES-256-GCM"));
    assert_eq!(held[0].place, Some(Place { rung: 1, step: 10 }));
    let burst = Command {
        connection: 2,
        order: Order::Burst,
    };
    bed.command(&burst).await;
    assert_eq!(bed.commands().await[0].connection, 2);
}

#[tokio::test]
async fn a_dead_tunnel_is_closed_when_nobody_decides_and_otherwise_not() {
    let mut bed = Bed::start().await;
    bed.come_up("fibre", 1).await;
    bed.come_up("lte", 2).await;
    bed.report("fibre", 1, dead());
    bed.until(|book| reports(book).len() == 3).await;
    assert!(
        bed.remote.take_commands().is_empty(),
        "that is for others to decide"
    );
    bed.plane.stop();
    let disconnect = |connection| Command {
        connection,
        order: Order::Disconnect {
            cause: "silent".into(),
            planned: false,
        },
    };
    assert_eq!(bed.commands().await[0], disconnect(1));
    bed.report("fibre", 1, down());
    bed.remote.take_commands();
    // Now it is alone.
    bed.report("lte", 2, dead());
    assert!(bed.remote.take_commands().contains(&disconnect(2)));
}

#[tokio::test]
async fn a_log_in_during_an_outage_ends_the_older_connection_of_its_tunnel() {
    let mut bed = Bed::start().await;
    bed.come_up("fibre", 1).await;
    bed.plane.stop();
    bed.come_up("fibre", 2).await;
    let replaced = Command {
        connection: 1,
        order: Order::Disconnect {
            cause: "replaced by a new log-in".into(),
            planned: true,
        },
    };
    assert!(bed.remote.take_commands().contains(&replaced));
}

#[tokio::test]
async fn an_event_that_is_never_taken_does_not_hold_up_the_others() {
    let bed = Bed::start().await;
    bed.plane.book().disliked = Some("odd".parse().unwrap());
    bed.report("odd", 1, down());
    bed.report("fibre", 2, down());
    bed.until(|book| reports(book) == [(2, down())]).await;
}

#[tokio::test]
async fn everything_has_been_told_when_told_returns() {
    let bed = Bed::start().await;
    for connection in 0..2_000 {
        let health = Health {
            rtt_ms: Some(20.0),
            jitter_ms: Some(1.0),
            loss: 0.0,
            probes: 5,
        };
        bed.report("fibre", connection, ReportKind::Health(health));
    }
    tokio::time::timeout(PATIENCE, bed.remote.told())
        .await
        .unwrap();
    assert!(bed.plane.book().events.len() > 2_000);
}

#[tokio::test]
async fn a_token_that_is_put_right_is_taken_up_without_a_restart() {
    let bed = Bed::with_token("hfc_wrong");
    let verdict = bed.log_in("fibre", 1, "secret").await;
    assert!(
        matches!(verdict, LoginVerdict::Unavailable(_)),
        "{verdict:?}"
    );
    std::fs::write(bed.token.path(), TOKEN).unwrap();
    bed.until(|book| has_snapshot(book, 0)).await;
}
