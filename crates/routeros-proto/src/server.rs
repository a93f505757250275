//! The side that answers: for doubles of a router.

use std::{
    collections::{BTreeMap, VecDeque},
    fmt, mem,
};

use secrecy::SecretString;

use crate::{
    codec::{Bounds, CodecError, Decoder, Sentence},
    login::{Proof, to_hex},
    query::Query,
    reply::{Category, Reply, Trap, split_attribute},
    row::Row,
};

/// Sentences that a stranger may send. RouterOS has such a bound too, without saying which.
const STRANGER_SENTENCES: usize = 8;

/// Commands in flight on one connection.
const FLIGHTS: usize = 1024;

/// Bytes of a stranger that are held while its log-in waits for a verdict.
const HELD: usize = 64 << 10;

/// What a router asks that takes no answer.
const UNANSWERABLE: [u8; 16] = [0xEE; 16];

/// How a router of some version behaves.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ServerConfig {
    /// Asks this instead of taking passwords, as before 6.43. A new one for each connection.
    pub challenge: Option<[u8; 16]>,
    /// Says `!empty` before the `!done` of a `print` without items, as since 7.18.
    pub empty_replies: bool,
}

/// Which command is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(u64);

/// What happened. The driver drains these after every call.
#[derive(Debug, Clone)]
pub enum ServerEvent {
    /// Somebody logs in. Owed: [`Server::admit`] or [`Server::refuse`]; nothing else is read before.
    Authorize {
        /// User name as sent.
        user: String,
        /// What shows that it is that user.
        proof: Proof,
    },
    /// A command. Owed: any number of [`Server::row`], then [`Server::done`] or [`Server::fail`].
    Request {
        /// To name it by.
        id: RequestId,
        /// What is asked.
        request: Request,
    },
    /// The client cancelled a command, and was told so. Nothing more is owed for it, and nothing more is sent.
    Cancelled(RequestId),
    /// The connection is over. Nothing follows; it is to be closed once all output is written.
    Closed(ServerClosed),
}

/// Why a connection is over.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ServerClosed {
    /// The client closed it.
    #[error("the client closed the connection")]
    PeerClosed,
    /// The client was told to leave, for this reason.
    #[error("told the client: {0}")]
    Fatal(String),
    /// What came cannot be cut into sentences.
    #[error("what came cannot be cut into sentences")]
    Codec(#[source] CodecError),
    /// A stranger sent too much.
    #[error("too much was sent before the log-in")]
    StrangerTooLoud,
    /// There are too many commands in flight.
    #[error("more than {FLIGHTS} commands in flight")]
    TooManyFlights,
}

/// A command as it was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The whole path, such as `/ip/route/print`.
    pub path: String,
    /// Attributes by name; of several with one name the last.
    pub attributes: Row,
    /// Which items are wanted.
    pub query: Query,
    /// Which properties are wanted; all when empty.
    pub proplist: Vec<String>,
}

impl Request {
    /// The menu: the path without its last word.
    pub fn menu(&self) -> &str {
        self.split().0
    }

    /// The last word of the path: `print`, `add` and so on.
    pub fn verb(&self) -> &str {
        self.split().1
    }

    fn split(&self) -> (&str, &str) {
        self.path.rsplit_once('/').unwrap_or(("", &self.path))
    }

    fn prints(&self) -> bool {
        matches!(self.verb(), "print" | "getall")
    }

    /// Reads a command and its tag.
    fn read(sentence: &Sentence) -> Result<(Option<String>, Self), (Option<String>, Trap)> {
        let mut words = sentence.words().map(String::from_utf8_lossy);
        let mut request = Self {
            path: words.next().unwrap_or_default().into_owned(),
            attributes: Row::new(),
            query: Query::all(),
            proplist: Vec::new(),
        };
        let (mut tag, mut queries) = (None, Vec::new());
        for word in words {
            if let Some(text) = word.strip_prefix(".tag=") {
                tag = Some(text.to_owned());
            } else if word.starts_with('?') {
                queries.push(word.into_owned());
            } else if let Some((name, value)) = word.strip_prefix('=').and_then(split_attribute) {
                request.attributes.set(name, value);
            }
        }
        let proplist = request.attributes.unset(".proplist").unwrap_or_default();
        let names = crate::value::parse_list(&proplist).map(str::to_owned);
        request.proplist = names.collect();
        match Query::parse(queries.iter().map(String::as_str)) {
            Ok(query) => Ok((tag, Self { query, ..request })),
            Err(error) => Err((tag, Trap::of(Category::Argument, error.to_string()))),
        }
    }
}

/// How far the connection has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Stranger,
    /// A log-in waits for its verdict.
    ExpectVerdict,
    LoggedIn,
    Closed,
}

/// A command that is not answered.
#[derive(Debug)]
struct Flight {
    tag: Option<String>,
    proplist: Vec<String>,
    /// Whether `!empty` is to be said, unless a row comes.
    says_empty: bool,
}

/// One connection of one client, from its first byte to its last.
///
/// The driver's part is as with [`Client`](crate::Client). It knows of log-ins, tags and cancelling, and of nothing that
/// a router has: that is what requests are for.
pub struct Server {
    config: ServerConfig,
    state: State,
    decoder: Decoder,
    /// Sentences read so far of a stranger.
    heard: usize,
    /// Of the log-in that waits.
    login_tag: Option<String>,
    out: Vec<u8>,
    flights: BTreeMap<RequestId, Flight>,
    next_id: u64,
    events: VecDeque<ServerEvent>,
}

impl Server {
    /// One for a connection that was just accepted.
    pub fn new(config: ServerConfig) -> Self {
        Self {
            config,
            state: State::Stranger,
            decoder: Decoder::new(Bounds::STRANGER),
            heard: 0,
            login_tag: None,
            out: Vec::new(),
            flights: BTreeMap::new(),
            next_id: 1,
            events: VecDeque::new(),
        }
    }

    /// Bytes came from the client.
    pub fn handle_bytes(&mut self, bytes: &[u8]) {
        if self.state != State::Closed {
            self.decoder.extend(bytes);
            self.read_on();
        }
    }

    /// The client closed its side of the connection, or the connection broke.
    pub fn handle_eof(&mut self) {
        self.end(ServerClosed::PeerClosed);
    }

    /// Lets the user of [`ServerEvent::Authorize`] in.
    pub fn admit(&mut self) {
        if self.state == State::ExpectVerdict {
            self.state = State::LoggedIn;
            self.decoder.set_bounds(Bounds::TRUSTED);
            let tag = self.login_tag.take();
            self.say(tag.as_deref(), &Reply::Done(None));
            self.read_on();
        }
    }

    /// Does not let the user of [`ServerEvent::Authorize`] in. The client may try again.
    pub fn refuse(&mut self) {
        if self.state == State::ExpectVerdict {
            self.state = State::Stranger;
            let message = match self.config.challenge {
                None => "invalid user name or password (6)",
                Some(_) => "cannot log in",
            };
            let tag = self.login_tag.take();
            self.say(tag.as_deref(), &Reply::Trap(Trap::new(message)));
            self.say(tag.as_deref(), &Reply::Done(None));
            self.read_on();
        }
    }

    /// Sends one item, with the properties that were asked for.
    pub fn row(&mut self, id: RequestId, row: &Row) {
        let Some(flight) = self.flights.get_mut(&id) else {
            return;
        };
        flight.says_empty = false;
        // That an item is gone is told in full, whatever was asked for.
        let sent = match row.is_dead() {
            true => row.clone(),
            false => row.only(&flight.proplist),
        };
        let sentence = Reply::Row(sent).sentence(flight.tag.as_deref());
        sentence.encode(&mut self.out);
    }

    /// Ends a command, with what it returns.
    pub fn done(&mut self, id: RequestId, ret: Option<&str>) {
        if let Some(flight) = self.flights.remove(&id) {
            let tag = flight.tag.as_deref();
            if flight.says_empty {
                self.say(tag, &Reply::Empty);
            }
            self.say(tag, &Reply::Done(ret.map(str::to_owned)));
        }
    }

    /// Ends a command that failed.
    pub fn fail(&mut self, id: RequestId, trap: Trap) {
        if let Some(flight) = self.flights.remove(&id) {
            self.say_failure(flight.tag.as_deref(), trap);
        }
    }

    /// Ends the connection, telling the client why.
    pub fn fatal(&mut self, reason: &str) {
        if self.state != State::Closed {
            self.say(None, &Reply::Fatal(reason.to_owned()));
            self.end(ServerClosed::Fatal(reason.to_owned()));
        }
    }

    /// Appends the bytes that wait to be sent; false when there are none.
    pub fn poll_transmit(&mut self, out: &mut Vec<u8>) -> bool {
        out.extend_from_slice(&self.out);
        !mem::take(&mut self.out).is_empty()
    }

    /// The next thing that happened.
    pub fn poll_event(&mut self) -> Option<ServerEvent> {
        self.events.pop_front()
    }

    /// Whether somebody is logged in.
    pub fn is_logged_in(&self) -> bool {
        self.state == State::LoggedIn
    }

    /// Whether the connection is over.
    pub fn is_closed(&self) -> bool {
        self.state == State::Closed
    }

    /// Bytes that wait to be sent.
    pub fn unsent(&self) -> usize {
        self.out.len()
    }

    fn read_on(&mut self) {
        while matches!(self.state, State::Stranger | State::LoggedIn) {
            match self.decoder.next_sentence() {
                Ok(Some(sentence)) => self.take_sentence(&sentence),
                Ok(None) => return,
                Err(error) => self.end(ServerClosed::Codec(error)),
            }
        }
        if self.state == State::ExpectVerdict && self.decoder.buffered() > HELD {
            self.end(ServerClosed::StrangerTooLoud);
        }
    }

    fn take_sentence(&mut self, sentence: &Sentence) {
        if self.state == State::Stranger {
            self.heard += 1;
            if self.heard > STRANGER_SENTENCES {
                return self.end(ServerClosed::StrangerTooLoud);
            }
        }
        let (tag, request) = match Request::read(sentence) {
            Ok((tag, request)) => (tag, request),
            Err((tag, trap)) if self.state == State::LoggedIn => {
                return self.say_failure(tag.as_deref(), trap);
            }
            Err(_) => return self.fatal("not logged in"),
        };
        match (request.path.as_str(), self.state) {
            ("/login", _) => self.take_login(tag, request),
            (_, State::Stranger) => self.fatal("not logged in"),
            ("/quit", _) => self.fatal("session terminated on request"),
            ("/cancel", _) => self.cancel(tag.as_deref(), request.attributes.get("tag")),
            _ => self.take_request(tag, request),
        }
    }

    fn take_login(&mut self, tag: Option<String>, mut request: Request) {
        let attributes = &mut request.attributes;
        let user = attributes.unset("name").unwrap_or_default();
        let password = attributes.unset("password").unwrap_or_default();
        let proof = match (self.config.challenge, attributes.unset("response")) {
            (Some(challenge), Some(response)) => Proof::Response {
                challenge,
                response,
            },
            (Some(challenge), None) => {
                let challenge = Some(to_hex(&challenge));
                return self.say(tag.as_deref(), &Reply::Done(challenge));
            }
            // Since 6.45 the answer to this challenge fits no user, but clients that begin like that then go on with
            // the password.
            (None, None) if password.is_empty() && user.is_empty() => {
                let challenge = Some(to_hex(&UNANSWERABLE));
                return self.say(tag.as_deref(), &Reply::Done(challenge));
            }
            (None, _) => Proof::Password(SecretString::from(password)),
        };
        self.state = State::ExpectVerdict;
        self.login_tag = tag;
        self.events
            .push_back(ServerEvent::Authorize { user, proof });
    }

    fn take_request(&mut self, tag: Option<String>, request: Request) {
        if self.flights.len() >= FLIGHTS {
            return self.end(ServerClosed::TooManyFlights);
        }
        let id = RequestId(self.next_id);
        self.next_id += 1;
        let flight = Flight {
            tag,
            proplist: request.proplist.clone(),
            says_empty: self.config.empty_replies && request.prints(),
        };
        self.flights.insert(id, flight);
        self.events.push_back(ServerEvent::Request { id, request });
    }

    /// Ends the commands with a tag, or all; then the `/cancel` itself.
    fn cancel(&mut self, own: Option<&str>, tag: Option<&str>) {
        let chosen = |flight: &Flight| tag.is_none() || flight.tag.as_deref() == tag;
        let ids: Vec<_> = self
            .flights
            .iter()
            .filter(|(_, flight)| chosen(flight))
            .map(|(id, _)| *id)
            .collect();
        for id in ids {
            self.fail(id, Trap::of(Category::Interrupted, "interrupted"));
            self.events.push_back(ServerEvent::Cancelled(id));
        }
        self.say(own, &Reply::Done(None));
    }

    fn say_failure(&mut self, tag: Option<&str>, trap: Trap) {
        self.say(tag, &Reply::Trap(trap));
        self.say(tag, &Reply::Done(None));
    }

    fn say(&mut self, tag: Option<&str>, reply: &Reply) {
        reply.sentence(tag).encode(&mut self.out);
    }

    fn end(&mut self, cause: ServerClosed) {
        if self.state != State::Closed {
            self.state = State::Closed;
            self.flights.clear();
            self.events.push_back(ServerEvent::Closed(cause));
        }
    }
}

/// Without the bytes that wait: they hold what items hold.
impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("state", &self.state)
            .field("flights", &self.flights)
            .field("events", &self.events)
            .finish_non_exhaustive()
    }
}
