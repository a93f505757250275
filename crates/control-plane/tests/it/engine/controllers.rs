//! Controllers in other processes, over HTTP.

use std::{sync::Arc, time::Duration};

use holdfast_api_types::{
    ControllerId, LinkState, Place, RunId,
    controller::{
        Command, LoginVerdict, Order, Report, ReportKind, StillGood, Verdict,
        http::{
            Authorized, ControllerEvent, EventBatch, EventReceipt, HeldTunnel, LoginCall,
            SequencedEvent,
        },
    },
};
use holdfast_control_plane::{
    App, Config, Parts,
    clock::Clock,
    controllers::Controllers,
    http,
    ids::{SecretHash, SecretKind, new_secret},
    password::Passwords,
    vault::Vault,
};
use holdfast_sealed_grant::LIFETIME;
use holdfast_store::controller;
use jiff::SignedDuration;
use reqwest::{Response, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde::{Serialize, de::DeserializeOwned};
use tempfile::TempDir;
use tokio::task::JoinHandle;

use super::bed::{Bed, id, until};

/// A site with an engine, and the HTTP API of that for one controller.
pub(super) struct Wire {
    pub(super) bed: Bed,
    pub(super) token: SecretString,
    pub(super) base: String,
    pub(super) http: reqwest::Client,
    tasks: Vec<JoinHandle<()>>,
    data: TempDir,
}

impl Wire {
    pub(super) async fn new() -> Self {
        let bed = Bed::new().await;
        let token = enrol(&bed, &controller_id(), "amsterdam").await;
        let mut wire = Self {
            bed,
            token,
            base: String::new(),
            http: reqwest::Client::new(),
            tasks: Vec::new(),
            data: tempfile::tempdir().unwrap(),
        };
        wire.serve().await;
        wire
    }

    async fn serve(&mut self) {
        let app = App::new(Parts {
            store: self.bed.store.clone(),
            vault: Vault::in_directory(self.data.path()).unwrap(),
            clock: Arc::new(self.bed.clock.clone()),
            passwords: Passwords::cheap(),
            config: Config::default(),
        });
        let controllers = Controllers::new(app, self.bed.engine.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        self.base = format!("http://{}/controller/v1", listener.local_addr().unwrap());
        let router = http::controllers::router(controllers.clone());
        let serving = async move { axum::serve(listener, router).await.unwrap() };
        self.tasks = vec![
            tokio::spawn(serving),
            tokio::spawn(async move { controllers.watch().await }),
        ];
    }

    /// The control plane's process ends, and another begins.
    async fn restart(&mut self) {
        for task in self.tasks.drain(..) {
            task.abort();
        }
        self.bed.restart().await;
        self.serve().await;
    }

    // --- what a controller says -------------------------------------------------------------

    async fn post(&self, path: &str, body: &impl Serialize) -> Response {
        let request = self.http.post(format!("{}/{path}", self.base));
        let request = request.bearer_auth(self.token.expose_secret()).json(body);
        request.send().await.unwrap()
    }

    async fn ask<A: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> A {
        let response = self.post(path, body).await;
        assert_eq!(response.status(), StatusCode::OK);
        response.json().await.unwrap()
    }

    async fn log_in(&mut self, run: &str, name: &str, password: &str) -> (u64, Authorized) {
        let (connection, call) = self.call(run, name, password);
        (connection, self.ask("authorize", &call).await)
    }

    fn call(&mut self, run: &str, name: &str, password: &str) -> (u64, LoginCall) {
        let login = self.bed.next_login(name, password);
        let run = run_id(run);
        (login.connection, LoginCall { run, login })
    }

    /// Tells of events with these numbers, and returns the number up to which they were taken.
    pub(super) async fn tell(&self, run: &str, events: &[(u64, ControllerEvent)]) -> u64 {
        self.tell_late(run, events, Duration::ZERO).await
    }

    async fn tell_late(&self, run: &str, events: &[(u64, ControllerEvent)], age: Duration) -> u64 {
        let events = events.iter().map(|(sequence, event)| SequencedEvent {
            sequence: *sequence,
            age,
            event: event.clone(),
        });
        let batch = EventBatch {
            run: run_id(run),
            events: events.collect(),
        };
        let EventReceipt { through } = self.ask("events", &batch).await;
        through
    }

    /// Logs in and comes up, with the events 1 and 2.
    pub(super) async fn connect(&mut self, run: &str, name: &str) -> (u64, Place) {
        let (connection, answer) = self.log_in(run, name, name).await;
        let LoginVerdict::Granted(grant) = answer.verdict else {
            panic!("{answer:?}");
        };
        let events = [(1, up(name, connection)), (2, answered(name, connection))];
        assert_eq!(self.tell(run, &events).await, 2);
        (connection, grant.place.expect("a place"))
    }

    pub(super) async fn follow(&self, run: &str) -> Response {
        let request = self.http.get(format!("{}/commands?run={run}", self.base));
        let request = request.bearer_auth(self.token.expose_secret());
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        response
    }

    fn held(&self, name: &str, connection: u64, place: Place) -> HeldTunnel {
        HeldTunnel {
            connection,
            tunnel: id(name),
            site: self.bed.site.clone(),
            remote: "203.0.113.9:40000".parse().unwrap(),
            slot: 0,
            place: Some(place),
            gateway: super::bed::gateway(name),
            cipher: Some("AES-256-GCM".into()),
            verdict: Some(Verdict::Answered),
        }
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        for task in self.tasks.drain(..) {
            task.abort();
        }
    }
}

/// Makes a controller known; its token.
async fn enrol(bed: &Bed, id: &ControllerId, name: &str) -> SecretString {
    let token = new_secret(SecretKind::ControllerToken);
    let hash = SecretHash::of(&token);
    let mut tx = bed.store.write().await.unwrap();
    controller::insert(&mut tx, id, name, hash.as_bytes(), bed.clock.now())
        .await
        .unwrap();
    tx.commit().await.unwrap();
    token
}

fn controller_id() -> ControllerId {
    "controller-a".parse().unwrap()
}

fn run_id(run: &str) -> RunId {
    run.parse().unwrap()
}

fn report(name: &str, connection: u64, kind: ReportKind) -> ControllerEvent {
    ControllerEvent::Report(Report {
        tunnel: id(name),
        connection,
        kind,
    })
}

fn up(name: &str, connection: u64) -> ControllerEvent {
    let up = ReportKind::Up {
        remote: "203.0.113.9:40000".parse().unwrap(),
        slot: 0,
        cipher: "AES-256-GCM".into(),
    };
    report(name, connection, up)
}

fn answered(name: &str, connection: u64) -> ControllerEvent {
    report(name, connection, ReportKind::Verdict(Verdict::Answered))
}

fn down(name: &str, connection: u64) -> ControllerEvent {
    let down = ReportKind::Down {
        cause: "connection reset".into(),
        planned: false,
    };
    report(name, connection, down)
}

/// Reads a stream of commands until one passes.
pub(super) async fn next_command(
    stream: &mut Response,
    wanted: impl Fn(&Command) -> bool,
) -> Command {
    let mut text = String::new();
    let found = async {
        loop {
            let piece = stream.chunk().await.unwrap().expect("the stream goes on");
            text += std::str::from_utf8(&piece).unwrap();
            let lists = text.lines().filter_map(|line| line.strip_prefix("data:"));
            let commands = lists.flat_map(|list| serde_json::from_str::<Vec<_>>(list).unwrap());
            if let Some(command) = commands.into_iter().find(&wanted) {
                return command;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(10), found)
        .await
        .unwrap()
}

#[tokio::test]
async fn only_a_controllers_token_opens_the_door() {
    let mut wire = Wire::new().await;
    let (_, call) = wire.call("run-1", "fibre", "fibre");
    wire.token = new_secret(SecretKind::ApiToken);
    for path in ["authorize", "reauthorize", "events"] {
        let status = wire.post(path, &call).await.status();
        assert_eq!(status, StatusCode::UNAUTHORIZED, "{path}");
    }
    let commands = format!("{}/commands?run=run-1", wire.base);
    let response = wire.http.get(commands).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_log_in_is_granted_with_a_seal_that_its_password_opens() {
    let mut wire = Wire::new().await;
    let (_, answer) = wire.log_in("run-1", "fibre", "fibre").await;
    let LoginVerdict::Granted(grant) = answer.verdict else {
        panic!("{answer:?}");
    };
    let sealed = answer.sealed.unwrap();
    let now = wire.bed.clock.now();
    let opened = holdfast_sealed_grant::open(&sealed, &id("fibre"), "fibre", now);
    assert_eq!(opened.as_ref(), Ok(&*grant));
    let expired = holdfast_sealed_grant::open(&sealed, &id("fibre"), "fibre", now + LIFETIME);
    assert!(expired.is_err());

    let (_, answer) = wire.log_in("run-1", "fibre", "guess").await;
    assert!(matches!(answer.verdict, LoginVerdict::Refused(_)));
    assert_eq!(answer.sealed, None);
}

#[tokio::test]
async fn a_renegotiation_is_decided_too() {
    let mut wire = Wire::new().await;
    let (_, call) = wire.call("run-1", "fibre", "fibre");
    assert_eq!(
        wire.ask::<StillGood>("reauthorize", &call).await,
        StillGood::Yes
    );
    let (_, call) = wire.call("run-1", "fibre", "guess");
    let verdict = wire.ask::<StillGood>("reauthorize", &call).await;
    assert!(matches!(verdict, StillGood::No(_)), "{verdict:?}");
}

#[tokio::test]
async fn without_a_database_there_is_no_verdict() {
    let mut wire = Wire::new().await;
    let (_, call) = wire.call("run-1", "fibre", "fibre");
    wire.bed.store.clone().close().await;
    for path in ["authorize", "reauthorize"] {
        let status = wire.post(path, &call).await.status();
        assert!(status.is_server_error(), "{path}: {status}");
    }
}

#[tokio::test]
async fn an_event_counts_once_however_often_it_is_told() {
    let mut wire = Wire::new().await;
    let (connection, _) = wire.connect("run-1", "fibre").await;
    wire.bed.until_state("fibre", LinkState::Online).await;
    let before = wire.bed.history("fibre").await.len();
    let lost = [(3, down("fibre", connection))];
    for _ in 0..3 {
        assert_eq!(wire.tell("run-1", &lost).await, 3);
    }
    let after = wire.bed.history("fibre").await.len();
    assert_eq!(after, before + 1);

    // The receipt was lost, and then so was the control plane.
    wire.restart().await;
    let restarted = wire.bed.history("fibre").await.len();
    let snapshot = ControllerEvent::Snapshot(Vec::new());
    let again = [(3, down("fibre", connection)), (4, snapshot)];
    assert_eq!(wire.tell("run-1", &again).await, 4);
    assert_eq!(wire.bed.history("fibre").await.len(), restarted);
}

#[tokio::test]
async fn what_is_told_late_is_stored_with_the_time_at_which_it_was() {
    let mut wire = Wire::new().await;
    let (connection, _) = wire.connect("run-1", "fibre").await;
    wire.bed.until_state("fibre", LinkState::Online).await;
    wire.bed.clock.advance(Duration::from_secs(60));
    let lost = [(3, down("fibre", connection))];
    wire.tell_late("run-1", &lost, Duration::from_secs(45))
        .await;
    let tunnel = wire.bed.until_state("fibre", LinkState::Offline).await;
    let ago = SignedDuration::from_secs(45);
    assert_eq!(tunnel.link.since, wire.bed.clock.now() - ago);
}

#[tokio::test]
async fn commands_reach_the_newest_stream_and_the_older_one_ends() {
    let mut wire = Wire::new().await;
    let mut older = wire.follow("run-1").await;
    let mut newer = wire.follow("run-1").await;
    let ended = async { while older.chunk().await.unwrap().is_some() {} };
    tokio::time::timeout(Duration::from_secs(10), ended)
        .await
        .unwrap();
    let (connection, _) = wire.connect("run-1", "fibre").await;
    let command = next_command(&mut newer, |it| matches!(it.order, Order::SetRole { .. })).await;
    assert_eq!(command.connection, connection);
}

#[tokio::test]
async fn a_control_plane_that_has_restarted_takes_over_what_is_connected() {
    let mut wire = Wire::new().await;
    let (connection, place) = wire.connect("run-1", "fibre").await;
    wire.bed.until_state("fibre", LinkState::Online).await;
    wire.restart().await;
    assert!(wire.bed.engine.holds(&wire.bed.site).is_empty());
    let held = wire.held("fibre", connection, place);
    let snapshot = ControllerEvent::Snapshot(vec![held]);
    assert_eq!(wire.tell("run-1", &[(3, snapshot)]).await, 3);
    let holds = wire.bed.engine.holds(&wire.bed.site);
    assert_eq!(holds.len(), 1);
    assert_eq!((&holds[0].tunnel, holds[0].place), (&id("fibre"), place));
    assert!(wire.bed.open_faults().await.is_empty());
}

/// The control plane was away, and has no memory of the connection that was lost meanwhile.
#[tokio::test]
async fn what_happened_during_a_restart_is_in_the_history_once() {
    let mut wire = Wire::new().await;
    let (connection, place) = wire.connect("run-1", "fibre").await;
    wire.bed.until_state("fibre", LinkState::Online).await;
    wire.restart().await;
    wire.bed.until_state("fibre", LinkState::Unknown).await;
    let before = wire.bed.history("fibre").await.len();
    let events = [
        (3, down("fibre", connection)),
        (
            4,
            ControllerEvent::Readmitted(wire.held("fibre", 77, place)),
        ),
        (5, up("fibre", 77)),
        (6, answered("fibre", 77)),
        (
            7,
            ControllerEvent::Snapshot(vec![wire.held("fibre", 77, place)]),
        ),
    ];
    assert_eq!(wire.tell("run-1", &events).await, 7);
    assert_eq!(wire.tell("run-1", &events).await, 7);
    wire.bed.until_state("fibre", LinkState::Online).await;
    let history = wire.bed.history("fibre").await.split_off(before);
    let offline: Vec<_> = history
        .iter()
        .filter(|change| change.state == LinkState::Offline)
        .collect();
    assert_eq!(offline.len(), 1, "{history:?}");
    assert!(offline[0].cause.contains("connection reset"), "{history:?}");
    wire.bed.until_faults(&[]).await;
}

#[tokio::test]
async fn a_tunnel_let_in_by_its_sealed_grant_is_taken_over() {
    let mut wire = Wire::new().await;
    let (_, place) = wire.connect("run-1", "fibre").await;
    let held = wire.held("fibre", 77, place);
    let readmitted = ControllerEvent::Readmitted(held);
    wire.tell("run-1", &[(3, readmitted), (4, up("fibre", 77))])
        .await;
    let (_, call) = wire.call("run-1", "fibre", "fibre");
    // The request that its controller did not wait for arrives at last.
    let mut late = call;
    late.login.connection = 77;
    let answer: Authorized = wire.ask("authorize", &late).await;
    assert!(
        matches!(answer.verdict, LoginVerdict::Unavailable(_)),
        "{answer:?}"
    );
    assert_eq!(wire.bed.engine.holds(&wire.bed.site).len(), 1);
}

#[tokio::test]
async fn a_silent_controller_is_a_fault_until_it_says_what_it_holds() {
    let mut wire = Wire::new().await;
    let (connection, place) = wire.connect("run-1", "fibre").await;
    wire.bed.until_state("fibre", LinkState::Online).await;
    let other = enrol(&wire.bed, &"rotterdam".parse().unwrap(), "rotterdam").await;
    let amsterdam = std::mem::replace(&mut wire.token, other);
    wire.connect("run-2", "lte").await;
    wire.bed.until_state("lte", LinkState::Online).await;
    wire.token = amsterdam;
    wire.bed.clock.advance(Duration::from_secs(19));
    wire.tell("run-1", &[]).await;
    wire.bed.clock.advance(Duration::from_secs(19));
    wire.bed.engine.clock_moved();
    // That the other is missed shows that somebody has looked.
    wire.bed.until_faults(&["controller-lost"]).await;
    let faults = wire.bed.open_faults().await;
    assert!(faults[0].cause.contains("rotterdam"), "{}", faults[0].cause);
    wire.bed.clock.advance(Duration::from_secs(2));
    wire.bed.until_state("fibre", LinkState::Unknown).await;

    let held = wire.held("fibre", connection, place);
    wire.tell("run-1", &[(3, ControllerEvent::Snapshot(vec![held]))])
        .await;
    wire.bed.until_state("fibre", LinkState::Online).await;
}

#[tokio::test]
async fn a_new_run_ends_the_connections_of_the_old_one_without_a_fault() {
    let mut wire = Wire::new().await;
    wire.connect("run-1", "fibre").await;
    let mut stream = wire.follow("run-1").await;
    wire.tell("run-2", &[(1, ControllerEvent::Snapshot(Vec::new()))])
        .await;
    assert!(wire.bed.engine.holds(&wire.bed.site).is_empty());
    let ended = async { while stream.chunk().await.unwrap().is_some() {} };
    tokio::time::timeout(Duration::from_secs(10), ended)
        .await
        .unwrap();
    assert!(wire.bed.open_faults().await.is_empty());
}

#[tokio::test]
async fn when_a_controller_was_last_heard_of_is_stored() {
    let wire = Wire::new().await;
    wire.tell("run-1", &[]).await;
    let seen = until("the controller to be seen", async || {
        let mut conn = wire.bed.store.read().await.unwrap();
        let row = controller::get(&mut conn, &controller_id()).await.unwrap();
        row.unwrap().last_seen_at
    });
    assert_eq!(seen.await, wire.bed.clock.now());
}
