//! The server's side of conversations, in words as they are on the wire.

use holdfast_routeros_proto::{
    Category, Proof, RequestId, Row, Server, ServerClosed, ServerConfig, ServerEvent, Trap,
    codec::{Bounds, Decoder, Sentence},
};

const OLD: ServerConfig = ServerConfig {
    challenge: Some([0; 16]),
    empty_replies: false,
};

const NEW: ServerConfig = ServerConfig {
    challenge: None,
    empty_replies: true,
};

fn say(server: &mut Server, words: &[&str]) {
    let mut bytes = Vec::new();
    words
        .iter()
        .copied()
        .collect::<Sentence>()
        .encode(&mut bytes);
    server.handle_bytes(&bytes);
}

/// What the server sent: sentences, their words joined by spaces.
fn heard(server: &mut Server) -> Vec<String> {
    let mut bytes = Vec::new();
    server.poll_transmit(&mut bytes);
    let mut decoder = Decoder::new(Bounds::TRUSTED);
    decoder.extend(&bytes);
    std::iter::from_fn(|| decoder.next_sentence().unwrap())
        .map(|sentence| {
            let words = sentence.words().map(String::from_utf8_lossy);
            words.collect::<Vec<_>>().join(" ")
        })
        .collect()
}

fn logged_in(config: ServerConfig) -> Server {
    let mut server = Server::new(config);
    say(
        &mut server,
        &["/login", "=name=a", "=password=b", "=response=00"],
    );
    assert!(matches!(
        server.poll_event(),
        Some(ServerEvent::Authorize { .. })
    ));
    server.admit();
    assert_eq!(heard(&mut server), ["!done"]);
    server
}

/// The id of the next request.
fn request(server: &mut Server) -> RequestId {
    match server.poll_event() {
        Some(ServerEvent::Request { id, .. }) => id,
        event => panic!("{event:?} is no request"),
    }
}

fn closed(server: &mut Server) -> ServerClosed {
    match server.poll_event() {
        Some(ServerEvent::Closed(cause)) => cause,
        event => panic!("{event:?} is no end"),
    }
}

#[test]
fn a_command_before_the_log_in_is_fatal() {
    let mut server = Server::new(NEW);
    say(&mut server, &["/ip/route/print", ".tag=3"]);
    assert_eq!(heard(&mut server), ["!fatal not logged in"]);
    assert_eq!(
        closed(&mut server),
        ServerClosed::Fatal("not logged in".into())
    );
}

#[test]
fn an_old_router_asks_for_an_answer_to_its_challenge() {
    let mut server = Server::new(OLD);
    say(&mut server, &["/login", "=name=a", "=password=b"]);
    assert_eq!(
        heard(&mut server),
        ["!done =ret=00000000000000000000000000000000"]
    );
    assert!(server.poll_event().is_none());
    say(
        &mut server,
        &["/login", "=name=a", "=response=00xx", ".tag=1"],
    );
    let Some(ServerEvent::Authorize { user, proof }) = server.poll_event() else {
        panic!("somebody logs in");
    };
    assert_eq!(user, "a");
    assert!(!proof.fits("b"));
    server.refuse();
    assert_eq!(
        heard(&mut server),
        ["!trap =message=cannot log in .tag=1", "!done .tag=1"]
    );
}

#[test]
fn a_new_router_asks_too_but_takes_no_answer() {
    let mut server = Server::new(NEW);
    say(&mut server, &["/login"]);
    assert_eq!(
        heard(&mut server),
        ["!done =ret=eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee"]
    );
    say(&mut server, &["/login", "=name=a", "=response=00ab"]);
    let Some(ServerEvent::Authorize { proof, .. }) = server.poll_event() else {
        panic!("somebody logs in");
    };
    assert!(
        matches!(proof, Proof::Password(_)),
        "an answer counts as no password"
    );
    server.refuse();
    say(&mut server, &["/login", "=name=a", "=password=b"]);
    assert!(matches!(
        server.poll_event(),
        Some(ServerEvent::Authorize { .. })
    ));
}

#[test]
fn nothing_is_read_until_there_is_a_verdict() {
    let mut server = Server::new(NEW);
    say(&mut server, &["/login", "=name=a", "=password=b"]);
    say(&mut server, &["/ip/route/print"]);
    assert!(matches!(
        server.poll_event(),
        Some(ServerEvent::Authorize { .. })
    ));
    assert!(server.poll_event().is_none());
    server.admit();
    request(&mut server);
}

#[test]
fn a_stranger_may_try_a_few_times_only() {
    let mut server = Server::new(NEW);
    for _ in 0..8 {
        say(&mut server, &["/login", "=name=a", "=password=wrong"]);
        assert!(matches!(
            server.poll_event(),
            Some(ServerEvent::Authorize { .. })
        ));
        server.refuse();
    }
    say(&mut server, &["/login", "=name=a", "=password=b"]);
    assert_eq!(closed(&mut server), ServerClosed::StrangerTooLoud);
}

#[test]
fn replies_carry_the_tag_and_only_what_was_asked_for() {
    let mut server = logged_in(NEW);
    say(
        &mut server,
        &["/interface/print", "=.proplist=name,mtu", ".tag=x y"],
    );
    let id = request(&mut server);
    server.row(id, &Row::new().with(".id", "*1").with("name", "ether1"));
    server.done(id, None);
    assert_eq!(
        heard(&mut server),
        ["!re =name=ether1 .tag=x y", "!done .tag=x y"]
    );
}

#[test]
fn an_empty_print_says_so_where_the_version_does() {
    for (config, expected) in [
        (NEW, vec!["!empty .tag=1", "!done .tag=1"]),
        (OLD, vec!["!done .tag=1"]),
    ] {
        let mut server = logged_in(config);
        say(&mut server, &["/interface/print", ".tag=1"]);
        let id = request(&mut server);
        server.done(id, None);
        assert_eq!(heard(&mut server), expected);
    }
}

#[test]
fn other_commands_without_items_are_just_done() {
    let mut server = logged_in(NEW);
    say(&mut server, &["/system/reboot"]);
    let id = request(&mut server);
    server.done(id, None);
    assert_eq!(heard(&mut server), ["!done"]);
}

#[test]
fn cancelling_ends_the_command_and_then_itself() {
    let mut server = logged_in(NEW);
    say(&mut server, &["/interface/listen", ".tag=9"]);
    say(&mut server, &["/log/listen", ".tag=8"]);
    let (feed, other) = (request(&mut server), request(&mut server));
    say(&mut server, &["/cancel", "=tag=9", ".tag=10"]);
    assert_eq!(
        heard(&mut server),
        [
            "!trap =category=2 =message=interrupted .tag=9",
            "!done .tag=9",
            "!done .tag=10",
        ]
    );
    assert!(matches!(server.poll_event(), Some(ServerEvent::Cancelled(id)) if id == feed));
    server.row(feed, &Row::new());
    assert!(heard(&mut server).is_empty(), "nothing more is sent for it");

    say(&mut server, &["/cancel"]);
    assert_eq!(heard(&mut server).len(), 3, "the other, and the cancel");
    assert!(matches!(server.poll_event(), Some(ServerEvent::Cancelled(id)) if id == other));
}

#[test]
fn a_query_that_cannot_be_read_fails_its_command_alone() {
    let mut server = logged_in(NEW);
    say(&mut server, &["/interface/print", "?#nonsense", ".tag=1"]);
    let sent = heard(&mut server);
    assert_eq!(sent.len(), 2);
    assert!(sent[0].starts_with("!trap =category=1"), "{sent:?}");
    assert!(server.is_logged_in());
}

#[test]
fn a_request_tells_menu_verb_and_attributes() {
    let mut server = logged_in(NEW);
    say(
        &mut server,
        &[
            "/ip/route/set",
            "=.id=*4",
            "=!comment=",
            "=gateway=a=b",
            "junk",
        ],
    );
    let Some(ServerEvent::Request { id, request }) = server.poll_event() else {
        panic!("a request");
    };
    assert_eq!((request.menu(), request.verb()), ("/ip/route", "set"));
    let expected = Row::new()
        .with(".id", "*4")
        .with("!comment", "")
        .with("gateway", "a=b");
    assert_eq!(request.attributes, expected);
    server.fail(id, Trap::of(Category::Missing, "no such item"));
    assert_eq!(
        heard(&mut server),
        ["!trap =category=0 =message=no such item", "!done"]
    );
}

#[test]
fn quitting_and_switching_the_service_off_are_fatal() {
    let mut server = logged_in(NEW);
    say(&mut server, &["/quit"]);
    assert_eq!(heard(&mut server), ["!fatal session terminated on request"]);
    let mut server = logged_in(NEW);
    server.fatal("service disabled");
    assert_eq!(heard(&mut server), ["!fatal service disabled"]);
    assert!(server.is_closed());
}

#[test]
fn a_stranger_cannot_make_us_hold_much() {
    let mut server = Server::new(NEW);
    server.handle_bytes(&[0xC0, 0x40, 0x00]);
    assert!(matches!(closed(&mut server), ServerClosed::Codec(_)));

    let mut server = Server::new(NEW);
    say(&mut server, &["/login", "=name=a"]);
    server.handle_bytes(&vec![1; 65_537]);
    assert!(server.poll_event().is_some(), "somebody logs in");
    assert_eq!(closed(&mut server), ServerClosed::StrangerTooLoud);
}
