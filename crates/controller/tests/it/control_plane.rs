//! A control plane of a few lines: one password for all tunnels, and a book of what it was told.

use std::{
    convert::Infallible,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::State as Extract,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use futures_util::stream;
use holdfast_api_types::{
    Place, RunId, TunnelId,
    controller::{
        Command, LoginVerdict, ProfileName, StillGood, TunnelGrant,
        http::{Authorized, ControllerEvent, EventBatch, EventReceipt, LoginCall},
    },
};
use holdfast_failover::ladder;
use holdfast_sealed_grant::{LIFETIME, SALT_LEN, seal};
use jiff::Timestamp;
use secrecy::ExposeSecret;
use tokio::{net::TcpListener, runtime::Runtime, sync::broadcast};

pub(crate) const TOKEN: &str = "hfc_token";
pub(crate) const GATEWAY: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);

/// A control plane that can be stopped and started at one address.
pub(crate) struct Plane {
    pub(crate) address: SocketAddr,
    book: Arc<Mutex<Book>>,
    runtime: Option<Runtime>,
}

/// What a test tells it, and what it was told.
pub(crate) struct Book {
    /// The password of every tunnel.
    pub(crate) password: String,
    /// Answers everything with this status.
    pub(crate) status: Option<StatusCode>,
    /// Takes requests and never answers.
    pub(crate) is_stuck: bool,
    /// Takes events and loses the receipt, so many times.
    pub(crate) lost_receipts: u32,
    /// Takes no batch with news of this tunnel.
    pub(crate) disliked: Option<TunnelId>,
    /// Events in the order in which they were applied, and how old they were.
    pub(crate) events: Vec<(ControllerEvent, Duration)>,
    pub(crate) runs: Vec<RunId>,
    pub(crate) log_ins: u32,
    last_sequence: u64,
    commands: broadcast::Sender<Vec<Command>>,
}

type Shared = Extract<Arc<Mutex<Book>>>;

impl Plane {
    pub(crate) fn start() -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let book = Book {
            password: "secret".into(),
            status: None,
            is_stuck: false,
            lost_receipts: 0,
            disliked: None,
            events: Vec::new(),
            runs: Vec::new(),
            log_ins: 0,
            last_sequence: 0,
            commands: broadcast::channel(16).0,
        };
        let mut plane = Self {
            address: listener.local_addr().unwrap(),
            book: Arc::new(Mutex::new(book)),
            runtime: None,
        };
        plane.serve(listener);
        plane
    }

    /// Ends it as a crash does: its connections break, and new ones are refused.
    pub(crate) fn stop(&mut self) {
        self.runtime.take().unwrap().shutdown_background();
    }

    pub(crate) fn start_again(&mut self) {
        let mut listener = std::net::TcpListener::bind(self.address);
        for _ in 0..500 {
            if listener.is_ok() {
                break;
            }
            std::thread::sleep(Duration::from_millis(10));
            listener = std::net::TcpListener::bind(self.address);
        }
        self.serve(listener.unwrap());
    }

    pub(crate) fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap()
    }

    /// Sends commands to whoever follows them; false when nobody does.
    pub(crate) fn command(&self, commands: Vec<Command>) -> bool {
        self.book().commands.send(commands).is_ok()
    }

    fn serve(&mut self, listener: std::net::TcpListener) {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let router = Router::new()
            .route("/controller/v1/authorize", post(authorize))
            .route("/controller/v1/reauthorize", post(reauthorize))
            .route("/controller/v1/events", post(events))
            .route("/controller/v1/commands", get(commands))
            .with_state(self.book.clone());
        listener.set_nonblocking(true).unwrap();
        runtime.spawn(async move {
            let listener = TcpListener::from_std(listener).unwrap();
            axum::serve(listener, router).await.unwrap();
        });
        self.runtime = Some(runtime);
    }
}

impl Drop for Plane {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

async fn authorize(book: Shared, headers: HeaderMap, body: Bytes) -> Response {
    if let Some(answer) = way_out(&book, &headers).await {
        return answer;
    }
    let LoginCall { login, .. } = serde_json::from_slice(&body).unwrap();
    let mut book = book.lock().unwrap();
    book.log_ins += 1;
    let answer = if login.password.expose_secret() == book.password {
        let grant = grant(&login.username);
        let expires_at = Timestamp::now() + LIFETIME;
        Authorized {
            sealed: Some(seal(&grant, &book.password, expires_at, [7; SALT_LEN])),
            verdict: LoginVerdict::Granted(Box::new(grant)),
        }
    } else {
        Authorized {
            verdict: LoginVerdict::Refused("user name or password is wrong".into()),
            sealed: None,
        }
    };
    serde_json::to_string(&answer).unwrap().into_response()
}

async fn reauthorize(book: Shared, headers: HeaderMap, body: Bytes) -> Response {
    if let Some(answer) = way_out(&book, &headers).await {
        return answer;
    }
    let LoginCall { login, .. } = serde_json::from_slice(&body).unwrap();
    let answer = match login.password.expose_secret() == book.lock().unwrap().password {
        true => StillGood::Yes,
        false => StillGood::No("changed".into()),
    };
    serde_json::to_string(&answer).unwrap().into_response()
}

async fn events(book: Shared, headers: HeaderMap, body: Bytes) -> Response {
    if let Some(answer) = way_out(&book, &headers).await {
        return answer;
    }
    let EventBatch { run, events } = serde_json::from_slice(&body).unwrap();
    let mut book = book.lock().unwrap();
    if events
        .iter()
        .any(|event| is_about(&event.event, &book.disliked))
    {
        return StatusCode::UNPROCESSABLE_ENTITY.into_response();
    }
    if !book.runs.contains(&run) {
        book.runs.push(run);
        book.last_sequence = 0;
    }
    for event in events {
        if event.sequence > book.last_sequence {
            book.last_sequence = event.sequence;
            book.events.push((event.event, event.age));
        }
    }
    if book.lost_receipts > 0 {
        book.lost_receipts -= 1;
        return StatusCode::BAD_GATEWAY.into_response();
    }
    let receipt = EventReceipt {
        through: book.last_sequence,
    };
    serde_json::to_string(&receipt).unwrap().into_response()
}

async fn commands(book: Shared, headers: HeaderMap) -> Response {
    if let Some(answer) = way_out(&book, &headers).await {
        return answer;
    }
    let commands = book.lock().unwrap().commands.subscribe();
    let stream = stream::unfold(commands, async |mut commands| {
        let list = commands.recv().await.ok()?;
        let text = format!("data: {}\n\n", serde_json::to_string(&list).unwrap());
        Some((Ok::<_, Infallible>(text), commands))
    });
    Body::from_stream(stream).into_response()
}

/// The answer that a test wants instead of the right one.
async fn way_out(book: &Shared, headers: &HeaderMap) -> Option<Response> {
    let (status, is_stuck) = {
        let book = book.lock().unwrap();
        (book.status, book.is_stuck)
    };
    if is_stuck {
        std::future::pending::<()>().await;
    }
    if let Some(status) = status {
        return Some(status.into_response());
    }
    let token = headers.get("authorization").map(|it| it.as_bytes());
    let is_ours = token == Some(format!("Bearer {TOKEN}").as_bytes());
    (!is_ours).then(|| StatusCode::UNAUTHORIZED.into_response())
}

fn is_about(event: &ControllerEvent, tunnel: &Option<TunnelId>) -> bool {
    matches!(event, ControllerEvent::Report(report) if Some(&report.tunnel) == tunnel.as_ref())
}

fn grant(username: &str) -> TunnelGrant {
    let place = Place { rung: 1, step: 10 };
    TunnelGrant {
        tunnel: username.parse().unwrap(),
        site: "office".parse().unwrap(),
        address: Ipv4Addr::new(198, 18, 0, 2),
        server: Ipv4Addr::new(198, 18, 0, 1),
        prefix: 30,
        place: Some(place),
        routes: ladder::routes(place, GATEWAY),
        profile: ProfileName::Fast,
    }
}
