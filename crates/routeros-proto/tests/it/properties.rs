//! Properties over arbitrary streams, conversations and values.

use std::{cmp::Ordering, collections::BTreeMap, time::Duration};

use holdfast_routeros_proto::{
    ClientEvent, Command, Query, Reply, Row, ServerConfig, Tag, Version,
    codec::{Bounds, Decoder, Sentence, read_length, write_length},
    value::{Gateway, Prefix, compare, format_duration, parse_duration, same_value},
};
use proptest::{collection::vec, prelude::*, sample::select};

use crate::pair::{Pair, login};

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn lengths_survive_encoding(length in select(vec![7_u32, 14, 21, 28, 32]).prop_flat_map(|bits| 0..1_u64 << bits)) {
        let length = usize::try_from(length).unwrap();
        let mut bytes = Vec::new();
        write_length(&mut bytes, length);
        prop_assert_eq!(read_length(&bytes), Ok(Some((length, bytes.len()))));
    }

    #[test]
    fn sentences_survive_any_segmentation(
        sentences in vec(vec(vec(any::<u8>(), 1..300), 1..8), 0..6),
        cuts in vec(1_usize..400, 1..20),
    ) {
        let sentences: Vec<Sentence> = sentences.into_iter().map(|words| words.into_iter().collect()).collect();
        let mut stream = Vec::new();
        sentences.iter().for_each(|sentence| sentence.encode(&mut stream));
        let mut decoder = Decoder::new(Bounds::TRUSTED);
        let mut out = Vec::new();
        let mut rest = &stream[..];
        for cut in cuts.iter().cycle() {
            let (segment, tail) = rest.split_at((*cut).min(rest.len()));
            rest = tail;
            decoder.extend(segment);
            out.extend(std::iter::from_fn(|| decoder.next_sentence().unwrap()));
            if rest.is_empty() {
                break;
            }
        }
        prop_assert_eq!(out, sentences);
        prop_assert_eq!(decoder.buffered(), 0);
    }

    #[test]
    fn a_stranger_is_never_held_beyond_one_sentence_and_one_read(bytes in vec(any::<u8>(), 0..20_000), step in 1_usize..4000) {
        let mut decoder = Decoder::new(Bounds::STRANGER);
        'stream: for segment in bytes.chunks(step) {
            decoder.extend(segment);
            loop {
                match decoder.next_sentence() {
                    Ok(Some(sentence)) => prop_assert!(sentence.len() <= Bounds::STRANGER.words),
                    Ok(None) => break,
                    Err(_) => break 'stream,
                }
            }
            prop_assert!(decoder.buffered() <= Bounds::STRANGER.sentence + Bounds::STRANGER.word + 5);
        }
    }

    /// Whatever the order of commands, and however the bytes are split: each command gets its own rows and one end.
    #[test]
    fn answers_find_their_commands(
        steps in vec(step(), 1..40),
        segments in vec(1_usize..200, 1..10),
        empty_replies: bool,
        old: bool,
    ) {
        let challenge = old.then_some([9; 16]);
        let mut pair = Pair::segmented(login(), ServerConfig { challenge, empty_replies }, segments);
        let mut model = Model::default();
        for step in steps {
            match step {
                Step::Run => {
                    pair.run();
                    model.started = true;
                }
                Step::Listen => model.listen(pair.client.send(&Command::listen("/interface"))),
                Step::Cancel(which) => {
                    if let Some(tag) = model.cancel(which) {
                        pair.client.cancel(tag);
                    }
                }
                Step::Add(name) => {
                    let tag = pair.client.send(&Command::add("/interface").with("name", &name));
                    model.add(tag, name);
                }
                Step::Remove(id) => {
                    let tag = pair.client.send(&Command::remove("/interface", &format!("*{id:X}")));
                    model.remove(tag, id);
                }
                Step::Print(name) => {
                    let print = Command::print("/interface").matching(Query::equals("name", &name));
                    let tag = pair.client.send(&print);
                    model.print(tag, &name);
                }
            }
        }
        pair.run();
        prop_assert_eq!(pair.client.in_flight(), model.feeds.len());
        prop_assert_eq!(pair.client.strays(), 0);
        let mut answers = answers(&pair.told);
        for (tag, missed) in model.missed(&answers) {
            answers.entry(tag).or_default().0.extend(missed);
        }
        prop_assert_eq!(answers, model.expected);
    }

    #[test]
    fn arbitrary_bytes_never_panic_and_end_a_connection_once(bytes in vec(any::<u8>(), 0..400), step in 1_usize..50) {
        let mut pair = Pair::new(login(), ServerConfig::default());
        pair.run();
        for segment in bytes.chunks(step) {
            pair.client.handle_bytes(segment);
            pair.server.handle_bytes(segment);
        }
        pair.client.handle_eof();
        pair.server.handle_eof();
        let events: Vec<_> = std::iter::from_fn(|| pair.client.poll_event()).collect();
        let ends = events.iter().filter(|event| matches!(event, ClientEvent::Closed(_))).count();
        prop_assert_eq!(ends, 1);
        prop_assert!(matches!(events.last(), Some(ClientEvent::Closed(_))));
    }

    #[test]
    fn replies_survive_encoding(
        properties in proptest::collection::btree_map("[a-z.][a-z-]{0,8}", "\\PC{0,20}", 0..5),
        tag in proptest::option::of("[0-9]{1,4}"),
    ) {
        let reply = Reply::Row(properties.into_iter().collect());
        let sentence = reply.sentence(tag.as_deref());
        prop_assert_eq!(Reply::read(&sentence), Ok((tag, reply)));
    }

    #[test]
    fn queries_survive_encoding(words in vec(query_word(), 0..6)) {
        let query = Query::parse(words.iter().map(String::as_str)).unwrap();
        let written: Vec<_> = query.words().iter().map(ToString::to_string).collect();
        prop_assert_eq!(Query::parse(written.iter().map(String::as_str)), Ok(query));
    }

    #[test]
    fn joined_queries_mean_what_they_say(
        one in sound_query(),
        other in sound_query(),
        row in row(),
    ) {
        let parse = |words: &[String]| Query::parse(words.iter().map(String::as_str)).unwrap();
        let (one, other) = (parse(&one), parse(&other));
        let (a, b) = (one.matches(&row), other.matches(&row));
        prop_assert_eq!(one.clone().and(other.clone()).matches(&row), a && b);
        prop_assert_eq!(one.or(other).matches(&row), a || b);
    }

    #[test]
    fn durations_survive_writing(nanos: u64) {
        let duration = Duration::from_nanos(nanos);
        let text = format_duration(duration);
        prop_assert_eq!(parse_duration(&text), Some(duration), "{}", text);
    }

    #[test]
    fn prefixes_survive_writing_and_networks_contain_their_addresses(bits: u32, length in 0_u8..=32) {
        let prefix = Prefix { address: std::net::Ipv4Addr::from(bits).into(), length };
        prop_assert_eq!(prefix.to_string().parse(), Ok(prefix));
        prop_assert!(prefix.network().contains(prefix.address));
        prop_assert_eq!(prefix.network().network(), prefix.network());
    }

    #[test]
    fn arbitrary_texts_never_panic(text in "(\\PC|[0-9wdhms:./%@-]){0,20}", other in "[0-9wdhms:./]{0,12}") {
        let _ = text.parse::<Version>();
        let _ = text.parse::<Gateway>();
        let _ = text.parse::<holdfast_routeros_proto::value::DateTime>();
        let _ = Query::parse([text.as_str()]);
        for property in ["policy", "on-up", "address", "distance", "comment"] {
            prop_assert!(same_value(property, &text, &text));
            prop_assert_eq!(same_value(property, &text, &other), same_value(property, &other, &text));
        }
        prop_assert_eq!(compare(&text, &other), compare(&other, &text).reverse());
        prop_assert_eq!(compare(&text, &text), Ordering::Equal);
    }
}

#[derive(Debug, Clone)]
enum Step {
    /// Lets the bytes flow.
    Run,
    Add(String),
    Remove(u32),
    Print(String),
    Listen,
    /// Cancels one of the feeds that are on.
    Cancel(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let name = || select(vec!["a", "b", "c"]).prop_map(str::to_owned);
    prop_oneof![
        Just(Step::Run),
        name().prop_map(Step::Add),
        (1_u32..12).prop_map(Step::Remove),
        name().prop_map(Step::Print),
        Just(Step::Listen),
        (0_usize..4).prop_map(Step::Cancel),
    ]
}

/// What a command was answered: names of its rows, then whether it succeeded and with which id.
type Answer = (Vec<String>, Option<Result<Option<String>, ()>>);

/// What each command should be answered. A feed goes on until it is cancelled. The router works off commands in the order in which they were sent.
#[derive(Default)]
struct Model {
    items: BTreeMap<u32, String>,
    last: u32,
    expected: BTreeMap<Tag, Answer>,
    /// Feeds that are on.
    feeds: Vec<Tag>,
    cancelled: Vec<Tag>,
    /// Whether commands reach the router.
    started: bool,
}

impl Model {
    fn add(&mut self, tag: Tag, name: String) {
        self.last += 1;
        self.tell(&name);
        self.items.insert(self.last, name);
        let ret = Ok(Some(format!("*{:X}", self.last)));
        self.expected.insert(tag, (Vec::new(), Some(ret)));
    }

    fn remove(&mut self, tag: Tag, id: u32) {
        let removed = self.items.remove(&id);
        if removed.is_some() {
            self.tell("");
        }
        let result = removed.map(|_| None).ok_or(());
        self.expected.insert(tag, (Vec::new(), Some(result)));
    }

    fn print(&mut self, tag: Tag, name: &str) {
        let rows = self.items.values().filter(|own| *own == name).cloned();
        self.expected.insert(tag, (rows.collect(), Some(Ok(None))));
    }

    fn listen(&mut self, tag: Tag) {
        self.feeds.push(tag);
    }

    fn cancel(&mut self, which: usize) -> Option<Tag> {
        if which >= self.feeds.len() {
            return None;
        }
        let tag = self.feeds.remove(which);
        self.cancelled.push(tag);
        let (rows, end) = self.expected.entry(tag).or_default();
        *end = Some(Err(()));
        if !self.started {
            // The router has never heard of it.
            rows.clear();
        }
        Some(tag)
    }

    /// The last changes of feeds that were cancelled: a cancel may overtake them.
    fn missed(&self, answers: &BTreeMap<Tag, Answer>) -> Vec<(Tag, Vec<String>)> {
        let cancelled = self.cancelled.iter();
        cancelled
            .map(|tag| {
                let told = answers.get(tag).map_or(0, |(rows, _)| rows.len());
                let rest = self.expected[tag].0.get(told..).unwrap_or_default();
                (*tag, rest.to_vec())
            })
            .collect()
    }

    /// A change: every feed gets the name, or nothing when the item is gone.
    fn tell(&mut self, name: &str) {
        for feed in &self.feeds {
            let (rows, _) = self.expected.entry(*feed).or_default();
            rows.push(name.to_owned());
        }
    }
}

fn answers(told: &[ClientEvent]) -> BTreeMap<Tag, Answer> {
    let mut answers: BTreeMap<Tag, Answer> = BTreeMap::new();
    for event in told {
        match event {
            ClientEvent::Row { tag, row } => {
                let answer = answers.entry(*tag).or_default();
                assert!(answer.1.is_none(), "nothing follows the end of a command");
                answer.0.push(row.text("name").to_owned());
            }
            ClientEvent::Finished { tag, result } => {
                let answer = answers.entry(*tag).or_default();
                let ended = answer.1.replace(result.clone().map_err(|_| ()));
                assert!(ended.is_none(), "a command ends once");
            }
            ClientEvent::LoggedIn | ClientEvent::Closed(_) => {}
        }
    }
    answers
}

/// Words whose operations never lack a value: as many conditions as an operation needs come before it.
fn sound_query() -> impl Strategy<Value = Vec<String>> {
    let condition = || "\\?[=<>]?[ab]=[0-2]".boxed();
    let operated = (
        condition(),
        condition(),
        select(vec!["|", "&", "!|", "|!", ".&&", "1.||", "1", "0"]),
    )
        .prop_map(|(one, other, operations)| vec![one, other, format!("?#{operations}")]);
    let part = prop_oneof![condition().prop_map(|word| vec![word]), operated];
    vec(part, 0..4).prop_map(|parts| parts.concat())
}

fn query_word() -> impl Strategy<Value = String> {
    let operations = vec(select(vec!["!", "&", "|", ".", "0", "1", "1."]), 1..5);
    prop_oneof![
        4 => "\\?-?[ab]",
        6 => "\\?[=<>]?[ab]=[0-2]",
        1 => operations.prop_map(|operations| format!("?#{}", operations.concat())),
    ]
}

fn row() -> impl Strategy<Value = Row> {
    proptest::collection::btree_map("[ab]", "[0-2]", 0..3)
        .prop_map(|properties| properties.into_iter().collect())
}
