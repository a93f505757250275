//! The client's side of conversations, against our server and against bytes.

use holdfast_routeros_proto::{
    Client, ClientEvent, ClosedCause, Command, Login, Query, Row, ServerConfig, Trap,
    codec::CodecError,
};

use crate::pair::{Pair, login};

const EMPTY: ServerConfig = ServerConfig {
    challenge: None,
    empty_replies: true,
};

/// A pair whose client is in.
fn logged_in() -> Pair {
    let mut pair = Pair::new(login(), EMPTY);
    assert_eq!(pair.run(), [ClientEvent::LoggedIn]);
    pair
}

/// A client that is in, without a server.
fn alone() -> Client {
    let mut client = Client::new(login());
    client.poll_transmit(&mut Vec::new());
    client.handle_bytes(b"\x05!done\x00");
    assert_eq!(client.poll_event(), Some(ClientEvent::LoggedIn));
    client
}

#[test]
fn the_log_in_has_the_documented_bytes() {
    let mut out = Vec::new();
    assert!(Client::new(login()).poll_transmit(&mut out));
    assert_eq!(out, b"\x06/login\x0c=name=wf-api\x10=password=s3cret\x00");
}

#[test]
fn a_challenge_is_answered() {
    let config = ServerConfig {
        challenge: Some([0xA5; 16]),
        ..EMPTY
    };
    let mut pair = Pair::new(login(), config);
    assert_eq!(pair.run(), [ClientEvent::LoggedIn]);
}

#[test]
fn a_challenge_that_is_none_ends_the_connection() {
    let mut client = Client::new(login());
    client.handle_bytes(b"\x05!done\x08=ret=abc\x00");
    assert_eq!(
        client.poll_event(),
        Some(ClientEvent::Closed(ClosedCause::Challenge))
    );
}

#[test]
fn a_wrong_password_is_refused_both_ways() {
    for challenge in [None, Some([1; 16])] {
        let wrong = Login {
            password: "wrong".into(),
            ..login()
        };
        let mut pair = Pair::new(wrong, ServerConfig { challenge, ..EMPTY });
        let message = match challenge {
            None => "invalid user name or password (6)",
            Some(_) => "cannot log in",
        };
        let refused = ClosedCause::Refused(Trap::new(message));
        assert_eq!(pair.run(), [ClientEvent::Closed(refused)]);
        assert!(pair.client.is_closed());
    }
}

#[test]
fn commands_sent_before_the_log_in_follow_it() {
    let mut pair = Pair::new(login(), EMPTY);
    let tag = pair.client.send(&Command::print("/interface"));
    assert_eq!(pair.client.in_flight(), 1);
    let finished = ClientEvent::Finished {
        tag,
        result: Ok(None),
    };
    assert_eq!(pair.run(), [ClientEvent::LoggedIn, finished]);
    assert_eq!(pair.client.in_flight(), 0);
}

#[test]
fn a_command_that_still_waits_can_be_cancelled() {
    let mut client = Client::new(login());
    let tag = client.send(&Command::listen("/interface"));
    client.cancel(tag);
    let Some(ClientEvent::Finished {
        result: Err(trap), ..
    }) = client.poll_event()
    else {
        panic!("it is over");
    };
    assert!(trap.is_interrupted());
    let mut out = Vec::new();
    client.handle_bytes(b"\x05!done\x00");
    client.poll_transmit(&mut out);
    assert!(!String::from_utf8_lossy(&out).contains("listen"));
}

#[test]
fn adding_returns_the_id_and_printing_the_items_that_were_asked_for() {
    let mut pair = logged_in();
    let add = Command::add("/ip/route").with("dst-address", "203.0.113.11/32");
    let tag = pair.client.send(&add);
    let result = Ok(Some("*1".into()));
    assert_eq!(pair.run(), [ClientEvent::Finished { tag, result }]);

    let print = Command::print("/ip/route")
        .only(&["dst-address"])
        .matching(Query::equals("dst-address", "203.0.113.11"));
    let tag = pair.client.send(&print);
    let row = Row::new().with("dst-address", "203.0.113.11/32");
    assert_eq!(
        pair.run(),
        [
            ClientEvent::Row { tag, row },
            ClientEvent::Finished {
                tag,
                result: Ok(None)
            }
        ]
    );
}

#[test]
fn a_failure_names_what_the_router_said() {
    let mut pair = logged_in();
    let tag = pair.client.send(&Command::remove("/ip/route", "*99"));
    let events = pair.run();
    let [
        ClientEvent::Finished {
            tag: own,
            result: Err(trap),
        },
    ] = &events[..]
    else {
        panic!("{events:?}");
    };
    assert_eq!(*own, tag);
    assert!(trap.is_no_such_item());
}

#[test]
fn several_failures_of_one_command_are_told_as_one() {
    let mut client = alone();
    let tag = client.send(&Command::new("/import"));
    for reply in [
        &b"\x05!trap\x0a=message=a\x06.tag=1\x00"[..],
        b"\x05!trap\x0a=message=b\x06.tag=1\x00",
        b"\x05!done\x06.tag=1\x00",
    ] {
        client.handle_bytes(reply);
    }
    let result = Err(Trap::new("a; b"));
    assert_eq!(
        client.poll_event(),
        Some(ClientEvent::Finished { tag, result })
    );
}

#[test]
fn a_listen_goes_on_until_it_is_cancelled() {
    let mut pair = logged_in();
    let feed = pair
        .client
        .send(&Command::listen("/interface").only(&["name"]));
    let add = pair
        .client
        .send(&Command::add("/interface").with("name", "a"));
    let remove = pair.client.send(&Command::remove("/interface", "*1"));
    let row = |row| ClientEvent::Row { tag: feed, row };
    let done = |tag, ret: Option<&str>| ClientEvent::Finished {
        tag,
        result: Ok(ret.map(str::to_owned)),
    };
    assert_eq!(
        pair.run(),
        [
            row(Row::new().with("name", "a")),
            done(add, Some("*1")),
            row(Row::new().with(".id", "*1").with(".dead", "yes")),
            done(remove, None),
        ]
    );
    pair.client.cancel(feed);
    let events = pair.run();
    let [
        ClientEvent::Finished {
            tag,
            result: Err(trap),
        },
    ] = &events[..]
    else {
        panic!("{events:?}");
    };
    assert_eq!(*tag, feed);
    assert!(trap.is_interrupted());
    assert!(pair.table.listeners.is_empty());
    assert_eq!(pair.client.in_flight(), 0);
}

#[test]
fn a_router_that_goes_on_after_a_cancel_is_not_listened_to() {
    let mut client = alone();
    let tag = client.send(&Command::listen("/log"));
    client.handle_bytes(b"\x03!re\x06.tag=1\x00");
    assert!(matches!(client.poll_event(), Some(ClientEvent::Row { .. })));
    client.cancel(tag);
    client.cancel(tag);
    let mut sent = Vec::new();
    client.poll_transmit(&mut sent);
    let cancels = sent.windows(7).filter(|bytes| bytes == b"/cancel").count();
    assert_eq!(cancels, 1, "once is enough");
    client.handle_bytes(b"\x03!re\x06.tag=1\x00");
    assert_eq!(client.poll_event(), None);
    assert_eq!(client.in_flight(), 1);
    client.handle_bytes(b"\x05!done\x06.tag=1\x00");
    assert!(matches!(
        client.poll_event(),
        Some(ClientEvent::Finished { .. })
    ));
}

#[test]
fn cancelling_what_is_over_does_nothing() {
    let mut pair = logged_in();
    let tag = pair.client.send(&Command::print("/interface"));
    pair.run();
    pair.client.cancel(tag);
    assert_eq!(pair.run(), []);
}

#[test]
fn a_fatal_ends_everything_in_flight() {
    let mut client = alone();
    client.send(&Command::print("/interface"));
    client.handle_bytes(b"\x06!fatal\x0dshutting down\x00");
    let fatal = ClosedCause::Fatal("shutting down".into());
    assert_eq!(client.poll_event(), Some(ClientEvent::Closed(fatal)));
    assert_eq!(client.in_flight(), 0);
    client.handle_bytes(b"\x05!done\x06.tag=1\x00");
    client.handle_eof();
    assert_eq!(client.poll_event(), None);
}

#[test]
fn quitting_ends_on_request() {
    let mut pair = logged_in();
    pair.client.quit();
    assert_eq!(pair.run(), [ClientEvent::Closed(ClosedCause::Requested)]);
    assert!(pair.server.is_closed());
}

#[test]
fn replies_that_belong_to_nothing_are_counted_and_ignored() {
    let mut client = alone();
    client.handle_bytes(b"\x05!done\x06.tag=7\x00\x05!done\x00");
    assert_eq!(client.poll_event(), None);
    assert_eq!(client.strays(), 2);
    assert!(client.is_logged_in());
}

#[test]
fn something_else_on_the_port_is_named_as_such() {
    let mut client = Client::new(login());
    client.handle_bytes(b"\xff\x00");
    let closed = ClosedCause::Codec(CodecError::Length(0xFF));
    assert_eq!(client.poll_event(), Some(ClientEvent::Closed(closed)));
    let mut client = Client::new(login());
    client.handle_bytes(b"\x04HTTP\x00");
    let Some(ClientEvent::Closed(ClosedCause::Reply(error))) = client.poll_event() else {
        panic!("it is no reply");
    };
    assert_eq!(error.word, "HTTP");
}

#[test]
fn what_waits_to_be_sent_does_not_show() {
    let client = Client::new(login());
    let shown = format!("{client:?}");
    assert!(
        !shown.contains("s3cret") && !shown.contains("115, 51"),
        "{shown}"
    );
}
