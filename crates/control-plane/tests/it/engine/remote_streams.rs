//! Streams to routers whose tunnels end at a controller in another process.

use std::time::Duration;

use holdfast_api_types::{
    StreamId,
    controller::{
        Order,
        http::ControllerEvent,
        stream::{HEAD_LEN, PROTOCOL, Piece},
    },
};
use reqwest::{
    Response, StatusCode, Upgraded,
    header::{CONNECTION, UPGRADE},
};
use secrecy::ExposeSecret;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{
    bed::id,
    controllers::{Wire, next_command},
};

impl Wire {
    /// The next stream that is ordered.
    async fn ordered(&self, commands: &mut Response) -> StreamId {
        let is_stream = |order: &Order| matches!(order, Order::OpenStream { .. });
        let command = next_command(commands, |it| is_stream(&it.order)).await;
        match command.order {
            Order::OpenStream { stream, .. } => stream,
            other @ (Order::Push { .. }
            | Order::Burst
            | Order::SetRole { .. }
            | Order::Disconnect { .. }) => panic!("{other:?}"),
        }
    }

    /// Brings a stream as a controller does.
    async fn bring(&self, stream: &StreamId, protocol: &str) -> Response {
        let path = format!("{}/streams/{stream}?run=run-1", self.base);
        let request = self.http.get(path).bearer_auth(self.token.expose_secret());
        let request = request.header(CONNECTION, "upgrade");
        request.header(UPGRADE, protocol).send().await.unwrap()
    }
}

async fn upgraded(response: Response) -> Upgraded {
    assert_eq!(response.status(), StatusCode::SWITCHING_PROTOCOLS);
    assert_eq!(response.headers()[UPGRADE], PROTOCOL);
    response.upgrade().await.unwrap()
}

#[tokio::test]
async fn a_stream_is_brought_and_carries_bytes_both_ways_until_it_breaks() {
    let mut wire = Wire::new().await;
    wire.connect("run-1", "fibre").await;
    let mut commands = wire.follow("run-1").await;
    let engine = wire.bed.engine.clone();
    let site = wire.bed.site.clone();
    let opening = engine.open_stream(&site, 8728);
    let bringing = async {
        let stream = wire.ordered(&mut commands).await;
        upgraded(wire.bring(&stream, PROTOCOL).await).await
    };
    let (opened, mut controller) = tokio::join!(opening, bringing);
    let mut opened = opened.unwrap();

    opened.write_all(b"/quit").await.unwrap();
    let mut told = [0; HEAD_LEN + 5];
    controller.read_exact(&mut told).await.unwrap();
    assert_eq!(told[..HEAD_LEN], Piece::Bytes(5).head());
    assert_eq!(&told[HEAD_LEN..], b"/quit");

    let cause = b"its tunnel is gone: no answer";
    let length = u16::try_from(cause.len()).unwrap();
    controller.write_all(&Piece::Bytes(2).head()).await.unwrap();
    controller.write_all(b"!f").await.unwrap();
    let failed = Piece::Failed(length).head();
    controller.write_all(&failed).await.unwrap();
    controller.write_all(cause).await.unwrap();
    let mut answer = Vec::new();
    let err = opened.read_to_end(&mut answer).await.unwrap_err();
    assert_eq!(answer, b"!f");
    assert_eq!(err.to_string(), "its tunnel is gone: no answer");

    drop(opened);
    let read = controller.read(&mut [0]).await;
    assert!(matches!(read, Ok(0) | Err(_)), "{read:?}");
}

#[tokio::test]
async fn a_stream_that_nobody_waits_for_is_turned_away() {
    let mut wire = Wire::new().await;
    wire.connect("run-1", "fibre").await;
    let stream: StreamId = id("01J9ZQ3V6N8W4T2K5R7M1X0ABC").as_str().parse().unwrap();
    let answer = wire.bring(&stream, PROTOCOL).await;
    assert_eq!(answer.status(), StatusCode::NOT_FOUND);
    let answer = wire.bring(&stream, "websocket").await;
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
    assert!(answer.text().await.unwrap().contains(PROTOCOL));
}

#[tokio::test]
async fn a_controller_that_cannot_open_a_stream_says_why() {
    let mut wire = Wire::new().await;
    wire.connect("run-1", "fibre").await;
    let mut commands = wire.follow("run-1").await;
    let opening = wire.bed.engine.open_stream(&wire.bed.site, 8728);
    let refusing = async {
        let stream = wire.ordered(&mut commands).await;
        let cause = "198.18.0.2 port 8728 refuses connections".into();
        let failed = ControllerEvent::StreamFailed { stream, cause };
        wire.tell("run-1", &[(3, failed)]).await;
    };
    let (opened, ()) = tokio::join!(opening, refusing);
    let told = opened.unwrap_err().to_string();
    assert!(
        told.ends_with(": 198.18.0.2 port 8728 refuses connections"),
        "{told}"
    );
}

#[tokio::test]
async fn a_stream_that_never_comes_is_an_error_and_is_not_ordered_later() {
    let mut wire = Wire::new().await;
    wire.connect("run-1", "fibre").await;
    // Nobody follows the commands.
    let opened = wire.bed.engine.open_stream(&wire.bed.site, 8728).await;
    let told = opened.unwrap_err().to_string();
    assert!(told.ends_with(": no answer within 2 s"), "{told}");

    let mut commands = wire.follow("run-1").await;
    let opening = wire.bed.engine.open_stream(&wire.bed.site, 8729);
    let following = async {
        let command = next_command(&mut commands, |it| {
            matches!(it.order, Order::OpenStream { .. })
        });
        let is_the_new_one = matches!(command.await.order, Order::OpenStream { port: 8729, .. });
        assert!(is_the_new_one);
    };
    let both = async { tokio::join!(opening, following) };
    let (opened, ()) = tokio::time::timeout(Duration::from_secs(20), both)
        .await
        .unwrap();
    opened.unwrap_err();
}
