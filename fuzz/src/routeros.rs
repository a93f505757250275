//! What the fuzz targets of the RouterOS API do with their input: one function per target, of the same name.
//!
//! As for OpenVPN: plain Rust, replayed by ordinary tests; a panic means that a property does not hold.

use std::{
    cmp::Ordering,
    collections::{BTreeSet, VecDeque},
    iter,
};

use holdfast_routeros_proto::{
    Client, ClientEvent, Command, Login, Query, Reply, RequestId, Row, Server, ServerConfig,
    ServerEvent, Tag, Trap, Version,
    codec::{Bounds, CodecError, Decoder, Sentence},
    value::{DateTime, Gateway, Prefix, compare, format_duration, parse_duration, same_value},
};

/// Cuts a stream into sentences: how the stream is split into segments makes no difference, no bound is broken, and
/// what comes out goes in again.
pub fn api_sentence(data: &[u8]) {
    let Some((size, stream)) = data.split_first() else {
        return;
    };
    let bounds = Bounds::STRANGER;
    let whole = sentences(stream, stream.len().max(1), bounds);
    assert_eq!(whole, sentences(stream, usize::from(*size).max(1), bounds));
    let mut written = Vec::new();
    for sentence in &whole.0 {
        assert!(!sentence.is_empty() && sentence.len() <= bounds.words);
        assert!(sentence.words().map(<[u8]>::len).sum::<usize>() <= bounds.sentence);
        sentence.encode(&mut written);
    }
    assert_eq!(
        sentences(&written, written.len().max(1), bounds),
        (whole.0, None)
    );
}

fn sentences(stream: &[u8], size: usize, bounds: Bounds) -> (Vec<Sentence>, Option<CodecError>) {
    let mut decoder = Decoder::new(bounds);
    let mut sentences = Vec::new();
    for segment in stream.chunks(size) {
        decoder.extend(segment);
        loop {
            match decoder.next_sentence() {
                Ok(Some(sentence)) => sentences.push(sentence),
                Ok(None) => break,
                Err(error) => return (sentences, Some(error)),
            }
        }
    }
    (sentences, None)
}

/// Reads words, separated by NULs, as everything that words can be; what can be read is written as something that
/// reads the same.
pub fn api_text(data: &[u8]) {
    let words: Vec<_> = data.split(|byte| *byte == 0).collect();
    let sentence: Sentence = words.iter().map(|word| word.to_vec()).collect();
    reply(&sentence);
    let texts: Vec<_> = words
        .iter()
        .map(|word| String::from_utf8_lossy(word))
        .collect();
    query(texts.iter().map(|text| &**text));
    texts.iter().for_each(|text| value(text));
    for pair in texts.windows(2) {
        values(&pair[0], &pair[1]);
    }
}

fn reply(sentence: &Sentence) {
    let Ok((tag, reply)) = Reply::read(sentence) else {
        return;
    };
    // A reason is a bare word, so one that begins like another kind of word is not read as a reason again.
    if matches!(&reply, Reply::Fatal(_)) {
        return;
    }
    let written = reply.sentence(tag.as_deref());
    assert_eq!(Reply::read(&written), Ok((tag, reply)));
}

fn query<'a>(words: impl Iterator<Item = &'a str>) {
    if let Ok(query) = Query::parse(words) {
        query.matches(&Row::new().with("a", "1").with("b", ""));
        let written: Vec<_> = query.words().iter().map(ToString::to_string).collect();
        assert_eq!(Query::parse(written.iter().map(String::as_str)), Ok(query));
    }
}

fn value(text: &str) {
    if let Some(duration) = parse_duration(text) {
        assert_eq!(parse_duration(&format_duration(duration)), Some(duration));
    }
    if let Ok(prefix) = text.parse::<Prefix>() {
        assert_eq!(prefix.to_string().parse(), Ok(prefix));
        assert!(prefix.network().contains(prefix.address));
    }
    if let Ok(moment) = text.parse::<DateTime>() {
        assert_eq!(moment.to_string().parse(), Ok(moment));
        assert_eq!(moment.old_spelling().parse(), Ok(moment));
    }
    if let Ok(version) = text.parse::<Version>() {
        assert_eq!(version.to_string().parse(), Ok(version));
    }
    let Ok(gateway) = text.parse::<Gateway>();
    assert_eq!(gateway.to_string().parse(), Ok(gateway));
}

fn values(one: &str, other: &str) {
    assert_eq!(compare(one, other), compare(other, one).reverse());
    assert_eq!(compare(one, one), Ordering::Equal);
    for property in ["comment", "on-up", "policy", "address", "distance"] {
        assert!(same_value(property, one, one));
        assert_eq!(
            same_value(property, one, other),
            same_value(property, other, one)
        );
    }
}

/// Lets a client and a server speak, with commands, answers, cancelling and strange bytes in any order.
pub fn api_connection(data: &[u8]) {
    let mut script = data.iter().copied();
    let Some(habits) = script.next() else {
        return;
    };
    let mut world = World::new(habits);
    while let Some(action) = script.next() {
        world.act(action, &mut script);
        world.drain();
        if world.client_over || world.server_over {
            break;
        }
    }
    world.client.handle_eof();
    world.server.handle_eof();
    world.drain();
    assert!(
        world.client_over && world.server_over,
        "a connection that ends says so"
    );
}

struct World {
    client: Client,
    server: Server,
    /// Commands without an end yet, from the first.
    sent: VecDeque<Tag>,
    /// Requests without an end yet.
    asked: VecDeque<RequestId>,
    finished: BTreeSet<Tag>,
    cancelled: BTreeSet<Tag>,
    client_over: bool,
    server_over: bool,
}

impl World {
    fn new(habits: u8) -> Self {
        let login = Login {
            user: "u".into(),
            password: "p".into(),
        };
        let config = ServerConfig {
            challenge: (habits & 1 != 0).then_some([habits; 16]),
            empty_replies: habits & 2 != 0,
        };
        Self {
            client: Client::new(login),
            server: Server::new(config),
            sent: VecDeque::new(),
            asked: VecDeque::new(),
            finished: BTreeSet::new(),
            cancelled: BTreeSet::new(),
            client_over: false,
            server_over: false,
        }
    }

    fn act(&mut self, action: u8, script: &mut impl Iterator<Item = u8>) {
        let (what, which) = (action & 0x0F, usize::from(action >> 4));
        match what {
            0..2 => self
                .sent
                .push_back(self.client.send(&Command::print("/a").only(&["b"]))),
            2 => self
                .sent
                .push_back(self.client.send(&Command::listen("/a"))),
            3 => {
                if let Some(tag) = self.sent.get(which) {
                    self.client.cancel(*tag);
                    self.cancelled.insert(*tag);
                }
            }
            4..7 => self.move_up(which * 3 + 1),
            7..10 => self.move_down(which * 3 + 1),
            10 => self.answer(which, |server, id| {
                server.row(id, &Row::new().with("b", "c"))
            }),
            11 => self.answer(which, |server, id| server.done(id, Some("*1"))),
            12 => self.answer(which, |server, id| {
                server.fail(id, Trap::new("no such item"))
            }),
            13 => self.client.handle_bytes(&strange(which, script)),
            14 => self.server.handle_bytes(&strange(which, script)),
            _ if which == 0 => self.client.quit(),
            _ if which == 1 => self.server.fatal("over"),
            _ => {}
        }
    }

    fn answer(&mut self, which: usize, how: impl Fn(&mut Server, RequestId)) {
        if let Some(id) = self.asked.get(which) {
            how(&mut self.server, *id);
        }
    }

    fn move_up(&mut self, size: usize) {
        let mut bytes = Vec::new();
        self.client.poll_transmit(&mut bytes);
        for segment in bytes.chunks(size) {
            self.server.handle_bytes(segment);
            self.drain();
        }
    }

    fn move_down(&mut self, size: usize) {
        let mut bytes = Vec::new();
        self.server.poll_transmit(&mut bytes);
        for segment in bytes.chunks(size) {
            self.client.handle_bytes(segment);
            self.drain();
        }
    }

    fn drain(&mut self) {
        while let Some(event) = self.client.poll_event() {
            assert!(!self.client_over, "nothing follows the end");
            match event {
                ClientEvent::LoggedIn => {
                    assert!(self.client.is_logged_in() || self.client.is_closed())
                }
                ClientEvent::Row { tag, .. } => {
                    assert!(!self.finished.contains(&tag) && !self.cancelled.contains(&tag));
                }
                ClientEvent::Finished { tag, .. } => {
                    assert!(self.finished.insert(tag), "a command ends once");
                    self.sent.retain(|own| *own != tag);
                }
                ClientEvent::Closed(_) => self.client_over = true,
            }
        }
        while let Some(event) = self.server.poll_event() {
            assert!(!self.server_over, "nothing follows the end");
            match event {
                ServerEvent::Authorize { user, proof } if user == "u" && proof.fits("p") => {
                    self.server.admit();
                }
                ServerEvent::Authorize { .. } => self.server.refuse(),
                ServerEvent::Request { id, request } => {
                    assert!(request.path.ends_with(request.verb()));
                    self.asked.push_back(id);
                }
                ServerEvent::Cancelled(id) => self.asked.retain(|own| *own != id),
                ServerEvent::Closed(_) => self.server_over = true,
            }
        }
    }
}

/// Bytes that no side meant to send.
fn strange(count: usize, script: &mut impl Iterator<Item = u8>) -> Vec<u8> {
    iter::from_fn(|| script.next()).take(count + 1).collect()
}
