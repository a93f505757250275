//! A control plane in another process, over HTTP; and how the tunnels get on without it.
//!
//! | module | holds |
//! |---|---|
//! | `api` | requests, and what a failed one means |
//! | `run` | a controller with nothing else in its process |
//! | `tasks` | sending events, following commands |
//! | `streams` | bringing it the streams to routers |
//! | `queue` | events that have not arrived yet (pure) |
//! | `held` | the connected tunnels, and what to do when nobody decides (pure) |
//! | `seals` | sealed grants of the tunnels that were here (pure) |
//! | `presence` | whether the control plane is there (pure) |
//! | `sse` | the stream's format (pure) |
//!
//! What crosses the wire is [`holdfast_api_types::controller::http`].

mod api;
mod held;
mod presence;
mod queue;
mod run;
mod seals;
mod sse;
mod streams;
mod tasks;

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use holdfast_api_types::{
    RunId, StreamId, TunnelId,
    controller::{
        Verdict,
        http::{Authorized, ControllerEvent, LoginCall},
    },
};
use holdfast_sealed_grant::OpenError;
use jiff::Timestamp;
use rand::RngExt;
use secrecy::ExposeSecret;
use serde::de::DeserializeOwned;
use tokio::sync::Notify;

pub use self::run::run_remote;
use self::{
    api::{Api, CallError},
    held::Held,
    presence::Presence,
    queue::{Queue, Weight},
    seals::Seals,
};
use crate::control_plane::{
    Command, ControlPlane, LoginRequest, LoginVerdict, Report, ReportKind, StillGood, TunnelGrant,
    TunnelStream,
};

/// How long an answer to a log-in may take. The control plane lets a backup wait for its primary for up to
/// 2.5 s of that.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// The same when it gave none to whoever asked last: the router waits.
const ANSWER_IN_DOUBT_WITHIN: Duration = Duration::from_secs(1);

/// How to reach a control plane.
#[derive(Debug, Clone)]
pub struct RemoteOptions {
    /// Its address: the URL beneath which `controller/v1` is.
    pub control_plane: String,
    /// The file that holds our token. Looked at again while the token is refused.
    pub token_file: PathBuf,
    /// The authorities to trust instead of the system's, in PEM form.
    pub ca: Option<PathBuf>,
}

/// A control plane in another process.
///
/// While it is away every tunnel stays, one that was here in the last 24 hours comes back in by its sealed
/// grant, a dead one is closed so that its client dials anew, and what happens is kept until it can be told.
pub struct Remote {
    api: Arc<Api>,
    run: RunId,
    state: Mutex<State>,
    /// There are events to send.
    events_waiting: Notify,
    /// There are none left.
    all_told: Notify,
    /// There are commands that no caller will take.
    commands_waiting: Notify,
    /// There are streams to bring.
    streams_waiting: Notify,
}

struct State {
    presence: Presence,
    queue: Queue,
    held: Held,
    seals: Seals,
    /// Whether the stream of commands is open.
    is_following: bool,
    commands: Vec<Command>,
    /// Streams to routers that are open, and that nobody carries yet.
    opened: Vec<(StreamId, TunnelStream)>,
}

impl Remote {
    /// Prepares to speak with a control plane; nothing is sent before [`Self::run`].
    ///
    /// # Errors
    /// When the URL is none, or a file cannot be read.
    pub fn new(options: &RemoteOptions) -> anyhow::Result<Self> {
        let run = format!("{:032x}", rand::rng().random::<u128>());
        Ok(Self {
            api: Arc::new(Api::new(options)?),
            run: run.parse()?,
            state: Mutex::new(State {
                presence: Presence::Unknown,
                queue: Queue::new(),
                held: Held::default(),
                seals: Seals::default(),
                is_following: false,
                commands: Vec::new(),
                opened: Vec::new(),
            }),
            events_waiting: Notify::new(),
            all_told: Notify::new(),
            commands_waiting: Notify::new(),
            streams_waiting: Notify::new(),
        })
    }

    /// Sends events, follows commands and brings streams, for ever.
    pub async fn run(&self) {
        tokio::join!(
            self.send_events(),
            self.follow_commands(),
            self.carry_streams()
        );
    }

    /// Waits until the control plane has heard everything, while [`Self::run`] runs.
    pub async fn told(&self) {
        loop {
            let told = self.all_told.notified();
            if self.lock().queue.is_empty() {
                return;
            }
            told.await;
        }
    }

    // --- log-ins ----------------------------------------------------------------------------

    async fn ask<A: DeserializeOwned>(
        &self,
        path: &str,
        login: &LoginRequest,
    ) -> Result<A, CallError> {
        let call = LoginCall {
            run: self.run.clone(),
            login: login.clone(),
        };
        let within = match self.lock().presence.is_deciding() {
            true => ANSWER_WITHIN,
            false => ANSWER_IN_DOUBT_WITHIN,
        };
        self.api.ask(path, &call, within).await
    }

    fn answered(&self, login: &LoginRequest, answer: Authorized) -> LoginVerdict {
        let now = Instant::now();
        let mut state = self.lock();
        match &answer.verdict {
            LoginVerdict::Granted(grant) => {
                if let Some(sealed) = answer.sealed {
                    state.seals.keep(&grant.tunnel, sealed, now);
                }
                state.admit(login, grant, now);
            }
            LoginVerdict::Refused(_) | LoginVerdict::Unavailable(_) => state.withdraw(login),
        }
        answer.verdict
    }

    fn unanswered(&self, login: &LoginRequest, err: &CallError) -> LoginVerdict {
        let CallError::Away {
            may_have_arrived, ..
        } = err
        else {
            tracing::debug!(%err, "nobody decides on a log-in");
            return LoginVerdict::Unavailable("the control plane gives no answer".into());
        };
        let now = Instant::now();
        let mut state = self.lock();
        let verdict = match state.open(login) {
            Some(Ok(grant)) => {
                state.readmit(login, &grant, now);
                LoginVerdict::Granted(Box::new(grant))
            }
            // Not refused, even when the password is wrong: it may be newer than what we know, and refused
            // clients stop for good.
            Some(Err(err)) => {
                tracing::debug!(tunnel.user = login.username, %err, "no sealed grant to admit by");
                state.give_up(login, *may_have_arrived, now);
                LoginVerdict::Unavailable("the control plane is away".into())
            }
            None => {
                state.give_up(login, *may_have_arrived, now);
                LoginVerdict::Unavailable("the control plane is away".into())
            }
        };
        drop(state);
        self.events_waiting.notify_one();
        verdict
    }

    // --- what becomes known -----------------------------------------------------------------

    /// Commands of the control plane.
    fn obey(&self, commands: Vec<Command>) {
        let now = Instant::now();
        let mut state = self.lock();
        let State { held, seals, .. } = &mut *state;
        for command in &commands {
            if let Some((tunnel, place, gateway)) = held.take_command(command, now) {
                seals.moved(tunnel, place, gateway);
            }
        }
        state.commands.extend(commands);
        drop(state);
        self.commands_waiting.notify_one();
    }

    /// Nobody decides about tunnels any more.
    fn decide_alone(&self) {
        let mut state = self.lock();
        let hopeless = state.held.hopeless();
        if hopeless.is_empty() {
            return;
        }
        state.commands.extend(hopeless);
        drop(state);
        self.commands_waiting.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ControlPlane for Remote {
    async fn authorize(&self, login: LoginRequest) -> LoginVerdict {
        match self.ask("authorize", &login).await {
            Ok(answer) => self.answered(&login, answer),
            Err(err) => self.unanswered(&login, &err),
        }
    }

    async fn reauthorize(&self, login: LoginRequest) -> StillGood {
        match self.ask("reauthorize", &login).await {
            Ok(verdict) => verdict,
            Err(CallError::Away { .. }) => match self.lock().open(&login) {
                Some(Err(OpenError::Refused)) => StillGood::No("the password is wrong".into()),
                Some(Ok(_) | Err(OpenError::Expired { .. } | OpenError::UnknownForm)) | None => {
                    StillGood::Yes
                }
            },
            Err(CallError::Unwelcome | CallError::Rejected { .. }) => StillGood::Yes,
        }
    }

    fn report(&self, report: Report) {
        let now = Instant::now();
        let mut state = self.lock();
        let connection = report.connection;
        let has_died = matches!(report.kind, ReportKind::Verdict(Verdict::Dead { .. }));
        if let Some(weight) = state.held.take_report(&report, now) {
            state.tell(ControllerEvent::Report(report), weight, now);
            self.events_waiting.notify_one();
        }
        if has_died && !state.is_decided() {
            let hopeless = state.held.hopeless_beside(connection);
            state.commands.extend(hopeless);
        }
    }

    fn take_commands(&self) -> Vec<Command> {
        std::mem::take(&mut self.lock().commands)
    }

    async fn commands_waiting(&self) {
        self.commands_waiting.notified().await;
    }

    fn stream_opened(&self, stream: StreamId, bytes: TunnelStream) {
        self.lock().opened.push((stream, bytes));
        self.streams_waiting.notify_one();
    }

    fn stream_failed(&self, stream: StreamId, cause: String) {
        let event = ControllerEvent::StreamFailed { stream, cause };
        self.lock().tell(event, Weight::Event, Instant::now());
        self.events_waiting.notify_one();
    }
}

impl State {
    fn admit(&mut self, login: &LoginRequest, grant: &TunnelGrant, now: Instant) -> Option<u64> {
        let LoginRequest {
            connection,
            remote,
            slot,
            ..
        } = *login;
        self.held.admit(connection, remote, slot, grant, now)
    }

    /// Opens the grant of a log-in with its password; none when there is no such grant.
    fn open(&self, login: &LoginRequest) -> Option<Result<TunnelGrant, OpenError>> {
        let tunnel: TunnelId = login.username.parse().ok()?;
        let password = login.password.expose_secret();
        self.seals.open(&tunnel, password, Timestamp::now())
    }

    /// A log-in is granted because its password opens the grant.
    fn readmit(&mut self, login: &LoginRequest, grant: &TunnelGrant, now: Instant) {
        tracing::info!(site.id = %grant.site, tunnel.id = %grant.tunnel, "let in by its sealed grant");
        if let Some(older) = self.admit(login, grant, now) {
            let command = held::disconnect(older, "replaced by a new log-in", true);
            self.commands.push(command);
        }
        if let Some(held) = self.held.get(login.connection) {
            let event = ControllerEvent::Readmitted(held.clone());
            self.tell(event, Weight::Event, now);
        }
    }

    /// The router was told to come back. If the control plane has heard of the log-in all the same, it may have
    /// let the connection in.
    fn give_up(&mut self, login: &LoginRequest, may_have_arrived: bool, now: Instant) {
        let Ok(tunnel) = login.username.parse() else {
            return;
        };
        if !may_have_arrived {
            return;
        }
        let kind = ReportKind::Down {
            cause: "its log-in was not answered in time".into(),
            planned: true,
        };
        let report = Report {
            tunnel,
            connection: login.connection,
            kind,
        };
        self.tell(ControllerEvent::Report(report), Weight::Event, now);
    }

    /// A log-in was turned away. If its password is the one that was good before, the tunnel's grant is good no
    /// longer: its password was changed, or it was switched off.
    fn withdraw(&mut self, login: &LoginRequest) {
        if let Some(Ok(grant)) = self.open(login) {
            self.seals.forget(&grant.tunnel);
        }
    }

    fn tell(&mut self, event: ControllerEvent, weight: Weight, now: Instant) {
        self.queue.push(event, weight, now);
    }

    fn tell_snapshot(&mut self, now: Instant) {
        let snapshot = self.held.snapshot();
        self.tell(snapshot, Weight::Event, now);
    }

    /// Whether somebody decides about tunnels, and can tell us.
    fn is_decided(&self) -> bool {
        self.presence.is_deciding() && self.is_following
    }
}
