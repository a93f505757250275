//! The side that asks.

use std::{
    collections::{BTreeMap, VecDeque},
    fmt, mem,
};

use crate::{
    codec::{Bounds, CodecError, Decoder, Sentence},
    command::Command,
    login::{Login, parse_challenge},
    reply::{Category, Reply, ReplyError, Trap},
    row::Row,
};

/// Failures of one command whose messages are kept. A router sends one, or a few.
const KEPT_TRAPS: usize = 8;

/// Says which command a reply belongs to. Never used twice on a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag(u64);

/// What happened. The driver drains these after every call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientEvent {
    /// The router let us in. Commands that were sent before are on their way now.
    LoggedIn,
    /// One item, or one change of it.
    Row {
        /// The command.
        tag: Tag,
        /// The item.
        row: Row,
    },
    /// A command is over; nothing follows for it.
    Finished {
        /// The command.
        tag: Tag,
        /// What it returns, such as the id of an item that was added; or why it failed. Items may have come before a
        /// failure.
        result: Result<Option<String>, Trap>,
    },
    /// The connection is over, and with it every command in flight: whether those were carried out is not known. Nothing
    /// follows.
    Closed(ClosedCause),
}

/// Why a connection is over.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClosedCause {
    /// The router does not know this user, or not with this password, or not from this address.
    #[error("the router refused the log-in: {0}")]
    Refused(Trap),
    /// The router ended the session, for this reason.
    #[error("the router ended the session: {0}")]
    Fatal(String),
    /// The router closed the connection.
    #[error("the router closed the connection")]
    PeerClosed,
    /// What came cannot be cut into sentences: most likely it is not the API of a router that is there.
    #[error("the answer is not that of a RouterOS API")]
    Codec(#[source] CodecError),
    /// A sentence that is no reply.
    #[error("the answer is not that of a RouterOS API")]
    Reply(#[source] ReplyError),
    /// The router asks for an answer to something that is no challenge.
    #[error("the router sent a challenge that is not 32 hexadecimal digits")]
    Challenge,
    /// [`Client::quit`] or [`Client::close`] was called.
    #[error("closed on request")]
    Requested,
}

/// How far the connection has come.
#[derive(Debug)]
enum State {
    /// The password was sent.
    ExpectWelcome(Login),
    /// The answer to a challenge was sent.
    ExpectVerdict,
    LoggedIn,
    /// The router was told that we leave.
    Quitting,
    Closed,
}

/// A command that is not over.
#[derive(Debug, Default)]
struct Flight {
    /// How it failed so far.
    traps: Vec<Trap>,
    told: Told,
}

/// What of a command's answer is told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Told {
    #[default]
    All,
    /// It was cancelled: a router that goes on all the same is not listened to.
    End,
    /// It is a `/cancel` of ours.
    Nothing,
}

/// One connection to a router, from its first byte to its last.
///
/// Four kinds of methods: `handle_*` for what happened, plain verbs for what the application wants, `poll_*` for
/// what is to be done next, getters. After each call of the first two kinds the driver drains [`Self::poll_event`] and
/// [`Self::poll_transmit`]. There are no timers: how long a command may take is known to whoever sends it.
///
/// Commands may be sent at once, and as many as wanted; the router answers them side by side.
pub struct Client {
    state: State,
    decoder: Decoder,
    out: Vec<u8>,
    /// Commands that wait for the log-in.
    waiting: Vec<(Tag, Sentence)>,
    flights: BTreeMap<Tag, Flight>,
    next_tag: u64,
    strays: u64,
    events: VecDeque<ClientEvent>,
}

impl Client {
    /// One for a connection that was just opened. Its log-in waits in [`Self::poll_transmit`].
    pub fn new(login: Login) -> Self {
        let mut out = Vec::new();
        login.plain().encode(&mut out);
        Self {
            state: State::ExpectWelcome(login),
            decoder: Decoder::new(Bounds::STRANGER),
            out,
            waiting: Vec::new(),
            flights: BTreeMap::new(),
            next_tag: 1,
            strays: 0,
            events: VecDeque::new(),
        }
    }

    /// Bytes came from the router.
    pub fn handle_bytes(&mut self, bytes: &[u8]) {
        if self.is_closed() {
            return;
        }
        self.decoder.extend(bytes);
        while !self.is_closed() {
            match self.decoder.next_sentence() {
                Ok(Some(sentence)) => self.take_sentence(&sentence),
                Ok(None) => break,
                Err(error) => self.end(ClosedCause::Codec(error)),
            }
        }
    }

    /// The router closed its side of the connection, or the connection broke.
    pub fn handle_eof(&mut self) {
        self.end(ClosedCause::PeerClosed);
    }

    /// Sends a command, once the log-in is through. Owed by the router: any number of [`ClientEvent::Row`], then one
    /// [`ClientEvent::Finished`]. On a closed connection nothing comes.
    pub fn send(&mut self, command: &Command) -> Tag {
        let tag = self.new_tag();
        let sentence = command.sentence(Some(&tag.to_string()));
        match self.state {
            State::ExpectWelcome(_) | State::ExpectVerdict => self.waiting.push((tag, sentence)),
            State::LoggedIn => self.launch(tag, &sentence, Flight::default()),
            State::Quitting | State::Closed => {}
        }
        tag
    }

    /// Ends a command that would go on, such as a `listen`. Nothing but its [`ClientEvent::Finished`] follows, as
    /// interrupted, unless it was over already.
    pub fn cancel(&mut self, tag: Tag) {
        if let Some(index) = self.waiting.iter().position(|(waiting, _)| *waiting == tag) {
            self.waiting.remove(index);
            let result = Err(Trap::of(Category::Interrupted, "interrupted"));
            self.events.push_back(ClientEvent::Finished { tag, result });
        } else if let Some(flight) = self.flights.get_mut(&tag)
            && flight.told == Told::All
        {
            flight.told = Told::End;
            let own = self.new_tag();
            let sentence = Command::new("/cancel")
                .with("tag", tag.to_string())
                .sentence(Some(&own.to_string()));
            let flight = Flight {
                told: Told::Nothing,
                ..Flight::default()
            };
            self.launch(own, &sentence, flight);
        }
    }

    /// Tells the router that we leave. Commands in flight are lost.
    pub fn quit(&mut self) {
        match self.state {
            State::LoggedIn => {
                Command::new("/quit").sentence(None).encode(&mut self.out);
                self.state = State::Quitting;
            }
            State::ExpectWelcome(_) | State::ExpectVerdict => self.close(),
            State::Quitting | State::Closed => {}
        }
    }

    /// Ends the connection without a word.
    pub fn close(&mut self) {
        self.out.clear();
        self.end(ClosedCause::Requested);
    }

    /// Appends the bytes that wait to be sent; false when there are none.
    pub fn poll_transmit(&mut self, out: &mut Vec<u8>) -> bool {
        out.extend_from_slice(&self.out);
        !mem::take(&mut self.out).is_empty()
    }

    /// The next thing that happened.
    pub fn poll_event(&mut self) -> Option<ClientEvent> {
        self.events.pop_front()
    }

    /// Whether the router let us in, and the connection is not over.
    pub fn is_logged_in(&self) -> bool {
        matches!(self.state, State::LoggedIn)
    }

    /// Whether the connection is over.
    pub fn is_closed(&self) -> bool {
        matches!(self.state, State::Closed)
    }

    /// Commands that are not over, those included that wait for the log-in.
    pub fn in_flight(&self) -> usize {
        let flights = self.flights.values();
        let ours = flights.filter(|flight| flight.told != Told::Nothing);
        self.waiting.len() + ours.count()
    }

    /// Replies to no command of ours. Some routers send a last one after a `/cancel`.
    pub fn strays(&self) -> u64 {
        self.strays
    }

    fn take_sentence(&mut self, sentence: &Sentence) {
        let (tag, reply) = match Reply::read(sentence) {
            Ok((tag, reply)) => (tag, reply),
            Err(error) => return self.end(ClosedCause::Reply(error)),
        };
        if let Reply::Fatal(reason) = reply {
            return self.end(ClosedCause::Fatal(reason));
        }
        match &self.state {
            State::ExpectWelcome(_) | State::ExpectVerdict => self.take_login_reply(reply),
            State::LoggedIn => self.take_reply(tag.as_deref(), reply),
            State::Quitting | State::Closed => {}
        }
    }

    fn take_login_reply(&mut self, reply: Reply) {
        match reply {
            Reply::Trap(trap) => self.end(ClosedCause::Refused(trap)),
            Reply::Done(challenge) => {
                match (mem::replace(&mut self.state, State::Closed), challenge) {
                    (State::ExpectWelcome(login), Some(challenge)) => {
                        self.answer(&login, &challenge)
                    }
                    _ => self.enter(),
                }
            }
            // Nothing of this is part of a log-in.
            Reply::Row(_) | Reply::Empty | Reply::Fatal(_) => self.strays += 1,
        }
    }

    fn answer(&mut self, login: &Login, challenge: &str) {
        self.state = State::ExpectVerdict;
        match parse_challenge(challenge) {
            Some(challenge) => login.answering(&challenge).encode(&mut self.out),
            None => self.end(ClosedCause::Challenge),
        }
    }

    fn enter(&mut self) {
        self.state = State::LoggedIn;
        self.decoder.set_bounds(Bounds::TRUSTED);
        self.events.push_back(ClientEvent::LoggedIn);
        for (tag, sentence) in mem::take(&mut self.waiting) {
            self.launch(tag, &sentence, Flight::default());
        }
    }

    fn take_reply(&mut self, tag: Option<&str>, reply: Reply) {
        let tag = tag.and_then(|text| text.parse().ok()).map(Tag);
        let flight = tag.and_then(|tag| Some((tag, self.flights.get_mut(&tag)?)));
        let Some((tag, flight)) = flight else {
            self.strays += 1;
            return;
        };
        match reply {
            Reply::Row(row) => {
                if flight.told == Told::All {
                    self.events.push_back(ClientEvent::Row { tag, row });
                }
            }
            Reply::Trap(trap) => {
                if flight.traps.len() < KEPT_TRAPS {
                    flight.traps.push(trap);
                }
            }
            Reply::Done(ret) => self.finish(tag, ret),
            Reply::Empty | Reply::Fatal(_) => {}
        }
    }

    fn finish(&mut self, tag: Tag, ret: Option<String>) {
        let Some(flight) = self.flights.remove(&tag) else {
            return;
        };
        if flight.told != Told::Nothing {
            let result = joined(flight.traps).map_or(Ok(ret), Err);
            self.events.push_back(ClientEvent::Finished { tag, result });
        }
    }

    fn launch(&mut self, tag: Tag, sentence: &Sentence, flight: Flight) {
        sentence.encode(&mut self.out);
        self.flights.insert(tag, flight);
    }

    fn new_tag(&mut self) -> Tag {
        let tag = Tag(self.next_tag);
        self.next_tag += 1;
        tag
    }

    fn end(&mut self, cause: ClosedCause) {
        let cause = match mem::replace(&mut self.state, State::Closed) {
            State::Closed => return,
            State::Quitting => ClosedCause::Requested,
            State::ExpectWelcome(_) | State::ExpectVerdict | State::LoggedIn => cause,
        };
        self.waiting.clear();
        self.flights.clear();
        self.events.push_back(ClientEvent::Closed(cause));
    }
}

/// Without the bytes that wait: a password may be among them.
impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("state", &self.state)
            .field("flights", &self.flights)
            .field("events", &self.events)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// The first failure, with the messages of all.
fn joined(traps: Vec<Trap>) -> Option<Trap> {
    let mut traps = traps.into_iter();
    let mut first = traps.next()?;
    for trap in traps {
        first.message.push_str("; ");
        first.message.push_str(&trap.message);
    }
    Some(first)
}
