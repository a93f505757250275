//! `GET /events`.

use std::time::Duration;

use holdfast_api_types::{
    UserRole::Viewer,
    api::{Change, Edit, LiveEvent},
};
use reqwest::{Method, Response};
use serde_json::Value;

use crate::support::{Client, Organization, START, TestApp};

/// One open stream.
struct Stream {
    response: Response,
    text: String,
}

#[derive(Debug)]
struct Message {
    name: String,
    id: String,
    data: Value,
}

impl Stream {
    async fn open(client: &Client<'_>, after: Option<&str>) -> Self {
        let mut request = client.request(Method::GET, "/events");
        if let Some(after) = after {
            request = request.header("last-event-id", after);
        }
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self {
            response,
            text: String::new(),
        }
    }

    /// The next message that is not just a comment; `None` when the stream has ended.
    async fn next(&mut self) -> Option<Message> {
        loop {
            while let Some((block, rest)) = self.text.split_once("\n\n") {
                let message = message(block);
                self.text = rest.to_owned();
                if message.is_some() {
                    return message;
                }
            }
            let chunk = self.response.chunk().await.unwrap()?;
            self.text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }
}

fn message(block: &str) -> Option<Message> {
    let field = |name: &str| {
        let lines = block.lines();
        lines
            .filter_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
            .next()
    };
    Some(Message {
        name: field("event")?.into(),
        id: field("id")?.into(),
        data: serde_json::from_str(field("data")?).unwrap(),
    })
}

fn publish(app: &TestApp, organization: &Organization<'_>, site: &str) {
    let event = LiveEvent {
        at: START.parse().unwrap(),
        change: Change::Site {
            site: site.parse().unwrap(),
            edit: Edit::Changed,
        },
    };
    app.app.bus().publish(&organization.id, event);
}

#[tokio::test]
async fn a_stream_begins_with_a_snapshot_and_goes_on_where_it_was_left() {
    let app = TestApp::start().await;
    let (ours, theirs) = (
        app.organization("ours").await,
        app.organization("theirs").await,
    );
    let viewer = ours.token(Viewer).await;
    let mut stream = Stream::open(&viewer, None).await;
    let snapshot = stream.next().await.unwrap();
    assert_eq!(snapshot.name, "snapshot");
    assert_eq!(snapshot.data["serial"], snapshot.id.as_str());

    publish(&app, &theirs, "not-ours");
    publish(&app, &ours, "a");
    let first = stream.next().await.unwrap();
    assert_eq!(
        (first.name.as_str(), &first.data["site"]),
        ("site", &"a".into())
    );
    drop(stream);

    publish(&app, &ours, "b");
    let mut stream = Stream::open(&viewer, Some(&first.id)).await;
    let missed = stream.next().await.unwrap();
    assert_eq!(
        (missed.name.as_str(), &missed.data["site"]),
        ("site", &"b".into())
    );
}

#[tokio::test]
async fn a_serial_from_before_a_restart_is_answered_with_a_reset() {
    let app = TestApp::start().await;
    let ours = app.organization("ours").await;
    let viewer = ours.token(Viewer).await;
    let mut stream = Stream::open(&viewer, Some("00000000-7")).await;
    let reset = stream.next().await.unwrap();
    assert_eq!(reset.name, "reset");
    assert!(reset.data["reason"].as_str().unwrap().contains("restarted"));
    publish(&app, &ours, "a");
    assert_eq!(stream.next().await.unwrap().name, "site");
}

#[tokio::test]
async fn a_stream_ends_with_the_server() {
    let app = TestApp::start().await;
    let ours = app.organization("ours").await;
    let mut stream = Stream::open(&ours.token(Viewer).await, None).await;
    stream.next().await.unwrap();
    app.app.bus().close();
    let end = tokio::time::timeout(Duration::from_secs(5), stream.next()).await;
    assert!(end.unwrap().is_none());
}
