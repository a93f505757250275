//! Requests that are sent twice and happen once.

use std::time::Duration;

use holdfast_api_types::UserRole::Owner;
use serde_json::{Value, json};

use crate::support::TestApp;

fn token(name: &str) -> Value {
    json!({ "name": name, "role": "viewer" })
}

#[tokio::test]
async fn the_same_request_again_gets_the_first_answer() {
    let app = TestApp::start().await;
    let ours = app.organization("ours").await;
    let owner = ours.token(Owner).await.header("idempotency-key", "key-1");
    let first = owner.post("/tokens", token("a")).await;
    let again = owner.post("/tokens", token("a")).await;
    assert_eq!(first.expect(201), again.expect(201));
    assert!(first.headers.get("idempotency-replayed").is_none());
    assert_eq!(again.header("idempotency-replayed"), "true");
    let listed = owner.get("/tokens").await.expect(200);
    assert_eq!(
        listed["items"].as_array().unwrap().len(),
        2,
        "the client's own and one more"
    );
}

#[tokio::test]
async fn a_key_belongs_to_one_request_of_one_actor_for_a_day() {
    let app = TestApp::start().await;
    let ours = app.organization("ours").await;
    let owner = ours.token(Owner).await.header("idempotency-key", "key-1");
    let first = owner.post("/tokens", token("a")).await.expect(201);
    owner.post("/tokens", token("b")).await.error(409);
    let user = json!({ "email": "a@example.org", "name": "A", "role": "viewer" });
    owner.post("/users", user).await.error(409);

    let other = ours.token(Owner).await.header("idempotency-key", "key-1");
    assert_ne!(
        other.post("/tokens", token("a")).await.expect(201)["id"],
        first["id"]
    );
    app.clock.advance(Duration::from_secs(86_401));
    assert_ne!(
        owner.post("/tokens", token("a")).await.expect(201)["id"],
        first["id"]
    );
}

#[tokio::test]
async fn a_refused_request_keeps_nothing() {
    let app = TestApp::start().await;
    let ours = app.organization("ours").await;
    let owner = ours.token(Owner).await.header("idempotency-key", "key-1");
    owner.post("/tokens", token("")).await.error(422);
    owner.post("/tokens", token("a")).await.expect(201);
    owner
        .header("idempotency-key", "")
        .post("/tokens", token("a"))
        .await
        .error(400);
}

#[tokio::test]
async fn of_ten_at_once_one_happens() {
    let app = TestApp::start().await;
    let ours = app.organization("ours").await;
    let owner = ours.token(Owner).await.header("idempotency-key", "key-1");
    let posts = (0..10).map(|_| owner.post("/tokens", token("a")));
    let answers = futures_util::future::join_all(posts).await;
    let ids: Vec<_> = answers
        .iter()
        .map(|answer| answer.expect(201)["id"].clone())
        .collect();
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    let replayed = answers
        .iter()
        .filter(|answer| answer.headers.contains_key("idempotency-replayed"));
    assert_eq!(replayed.count(), 9);
}
