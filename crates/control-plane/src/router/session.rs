//! One log-in at the API of a router, over any stream of bytes.
//!
//! A task owns the stream and the protocol; whoever has the [`Session`] sends commands, as many at once as wanted. The
//! task leaves when nobody has the session any more, when nothing was asked for a while, or when the router is gone.

use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use holdfast_routeros_proto::{Client, ClientEvent, Command, Login, Row, Tag, Trap};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    sync::{mpsc, oneshot},
    time::Instant,
};

/// A session that nobody uses is closed: a router has 20 for everybody, and a tunnel holds state for each. Longer than
/// from one look at the counters of a router to the next, because routers write each log-in into their log.
const IDLE: Duration = Duration::from_secs(150);

/// How long the last words to a router may take.
const LEAVE_WITHIN: Duration = Duration::from_secs(1);

const READ_AT_ONCE: usize = 16 * 1024;

/// Rows that the unfinished answers of a session may have together. What we ask for has some hundred; a router that goes
/// on and on, or somebody in its place, must not fill our memory.
const ROWS_AT_MOST: usize = 20_000;

/// And the bytes of their names and values.
const BYTES_AT_MOST: usize = 8 << 20;

/// A stream of bytes to a router.
pub trait Io: AsyncRead + AsyncWrite + Send + Unpin + 'static {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin + 'static> Io for T {}

/// What a router answered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answer {
    /// The items, in the router's order.
    pub rows: Vec<Row>,
    /// What the command returns: after an `add` the id of the item.
    pub ret: Option<String>,
}

/// Why a command has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// The router refuses, and nothing has changed.
    #[error("the router refuses: {0}")]
    Refused(Trap),
    /// The connection is over. Whether the command was carried out is not known.
    #[error("{0}")]
    Lost(String),
    /// No answer came in time. Whether the command was carried out is not known.
    #[error("no answer within {} ms", .0.as_millis())]
    Late(Duration),
}

/// A log-in. Clones are the same.
#[derive(Clone)]
pub struct Session(Arc<Shared>);

struct Shared {
    wishes: mpsc::UnboundedSender<Wish>,
    next: AtomicU64,
}

enum Wish {
    Run(u64, Command, oneshot::Sender<Result<Answer, CommandError>>),
    Cancel(u64),
}

impl Session {
    /// Logs in.
    ///
    /// # Errors
    /// In words: the router refuses, does not answer in time, or is none.
    pub async fn log_in(io: impl Io, login: Login, within: Duration) -> Result<Self, String> {
        let (wishes, inbox) = mpsc::unbounded_channel();
        let (entered, welcome) = oneshot::channel();
        let task = Task {
            client: Client::new(login),
            inbox,
            entered: Some(entered),
            flights: HashMap::new(),
            held: Held::default(),
            cause: None,
        };
        tokio::spawn(task.run(io));
        match tokio::time::timeout(within, welcome).await {
            Ok(Ok(Ok(()))) => Ok(Self(Arc::new(Shared {
                wishes,
                next: AtomicU64::new(0),
            }))),
            Ok(Ok(Err(cause))) => Err(cause),
            Ok(Err(_)) => Err("the connection ended during the log-in".into()),
            Err(_) => Err(format!(
                "the router did not answer the log-in within {} ms",
                within.as_millis()
            )),
        }
    }

    /// Whether the connection is over.
    pub fn is_closed(&self) -> bool {
        self.0.wishes.is_closed()
    }

    /// Whether both are the same log-in.
    pub(super) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Sends a command and waits for the end of its answer. Dropped meanwhile, the command is cancelled at the router.
    ///
    /// # Errors
    /// The router refuses, the connection is lost, or no answer comes `within`.
    pub async fn run(&self, command: Command, within: Duration) -> Result<Answer, CommandError> {
        let lost = || CommandError::Lost("the connection is over".into());
        let number = self.0.next.fetch_add(1, Ordering::Relaxed);
        let (reply, answer) = oneshot::channel();
        let wish = Wish::Run(number, command, reply);
        self.0.wishes.send(wish).map_err(|_| lost())?;
        let mut guard = CancelOnDrop(Some((self, number)));
        let answer = tokio::time::timeout(within, answer).await;
        if answer.is_ok() {
            guard.0 = None;
        }
        match answer {
            Ok(answer) => answer.unwrap_or_else(|_| Err(lost())),
            Err(_) => Err(CommandError::Late(within)),
        }
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("closed", &self.is_closed())
            .finish_non_exhaustive()
    }
}

struct CancelOnDrop<'a>(Option<(&'a Session, u64)>);

impl Drop for CancelOnDrop<'_> {
    fn drop(&mut self) {
        if let Some((session, number)) = self.0 {
            // A task that is gone has nothing to cancel.
            let _ = session.0.wishes.send(Wish::Cancel(number));
        }
    }
}

struct Flight {
    number: u64,
    rows: Vec<Row>,
    bytes: usize,
    reply: oneshot::Sender<Result<Answer, CommandError>>,
}

struct Task {
    client: Client,
    inbox: mpsc::UnboundedReceiver<Wish>,
    entered: Option<oneshot::Sender<Result<(), String>>>,
    flights: HashMap<Tag, Flight>,
    held: Held,
    cause: Option<String>,
}

/// What the answers in flight hold.
#[derive(Default)]
struct Held {
    rows: usize,
    bytes: usize,
}

impl Task {
    async fn run(mut self, io: impl Io) {
        let (mut reader, mut writer) = tokio::io::split(io);
        let mut out = Vec::new();
        let mut bytes = vec![0; READ_AT_ONCE];
        let mut idle_at = Instant::now() + IDLE;
        loop {
            self.drain_events();
            self.client.poll_transmit(&mut out);
            if self.client.is_closed() {
                break;
            }
            let is_idle = self.client.in_flight() == 0;
            tokio::select! {
                read = reader.read(&mut bytes) => match read {
                    Ok(0) => self.client.handle_eof(),
                    Ok(len) => self.client.handle_bytes(&bytes[..len]),
                    Err(err) => self.end(err.to_string()),
                },
                written = writer.write(&out), if !out.is_empty() => match written {
                    Ok(len) => { out.drain(..len); }
                    Err(err) => self.end(err.to_string()),
                },
                wish = self.inbox.recv() => match wish {
                    Some(wish) => self.follow(wish),
                    None => break,
                },
                () = tokio::time::sleep_until(idle_at), if is_idle => {
                    self.end("the session was not used for a while".into());
                }
            }
            if !is_idle {
                idle_at = Instant::now() + IDLE;
            }
        }
        self.inbox.close();
        self.client.quit();
        self.client.poll_transmit(&mut out);
        // Out of courtesy: a router that does not hear it notices that the connection is closed.
        let farewell = async {
            writer.write_all(&out).await?;
            writer.shutdown().await
        };
        let _ = tokio::time::timeout(LEAVE_WITHIN, farewell).await;
        self.drain_events();
        self.answer_rest();
    }

    fn end(&mut self, cause: String) {
        self.cause.get_or_insert(cause);
        self.client.close();
    }

    fn follow(&mut self, wish: Wish) {
        match wish {
            Wish::Run(number, command, reply) => {
                let flight = Flight {
                    number,
                    rows: Vec::new(),
                    bytes: 0,
                    reply,
                };
                let tag = self.client.send(&command);
                self.flights.insert(tag, flight);
            }
            Wish::Cancel(number) => {
                let mut flights = self.flights.iter();
                let found = flights.find(|(_, flight)| flight.number == number);
                if let Some((&tag, _)) = found {
                    self.client.cancel(tag);
                }
            }
        }
    }

    fn drain_events(&mut self) {
        while let Some(event) = self.client.poll_event() {
            match event {
                ClientEvent::LoggedIn => self.enter(Ok(())),
                ClientEvent::Row { tag, row } => self.keep(tag, row),
                ClientEvent::Finished { tag, result } => {
                    if let Some(flight) = self.flights.remove(&tag) {
                        self.held.rows -= flight.rows.len();
                        self.held.bytes -= flight.bytes;
                        let rows = flight.rows;
                        let answer = result
                            .map(|ret| Answer { rows, ret })
                            .map_err(CommandError::Refused);
                        // Nobody may be waiting any more.
                        let _ = flight.reply.send(answer);
                    }
                }
                ClientEvent::Closed(cause) => {
                    let cause = self.cause.get_or_insert(cause.to_string()).clone();
                    self.enter(Err(cause));
                }
            }
        }
    }

    /// Adds a row to the answer that it belongs to.
    fn keep(&mut self, tag: Tag, row: Row) {
        let Some(flight) = self.flights.get_mut(&tag) else {
            return;
        };
        let bytes: usize = row
            .iter()
            .map(|(name, value)| name.len() + value.len())
            .sum();
        self.held.rows += 1;
        self.held.bytes += bytes;
        if self.held.rows > ROWS_AT_MOST || self.held.bytes > BYTES_AT_MOST {
            self.held.rows -= 1;
            self.held.bytes -= bytes;
            self.end(format!(
                "the router answers with more than {ROWS_AT_MOST} rows or {} MiB at once",
                BYTES_AT_MOST >> 20
            ));
            return;
        }
        flight.bytes += bytes;
        flight.rows.push(row);
    }

    fn enter(&mut self, result: Result<(), String>) {
        if let Some(entered) = self.entered.take() {
            // Whoever logged in may have given up.
            let _ = entered.send(result);
        }
    }

    /// Tells everybody who still waits that nothing comes.
    fn answer_rest(mut self) {
        let cause = self.cause.take();
        let cause = cause.unwrap_or_else(|| "the session was closed".into());
        while let Ok(Wish::Run(_, _, reply)) = self.inbox.try_recv() {
            let _ = reply.send(Err(CommandError::Lost(cause.clone())));
        }
        for (_, flight) in self.flights {
            let _ = flight.reply.send(Err(CommandError::Lost(cause.clone())));
        }
    }
}
