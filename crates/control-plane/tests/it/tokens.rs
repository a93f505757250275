//! API tokens.

use std::time::Duration;

use holdfast_api_types::UserRole::{Operator, Owner, Viewer};
use serde_json::json;

use crate::support::{START, TestApp};

#[tokio::test]
async fn a_token_opens_what_its_role_allows_until_it_is_revoked() {
    let app = TestApp::start().await;
    let ours = app.organization("ours").await;
    let owner = ours.browser(Owner).await;
    let new = json!({ "name": "monitoring", "role": "viewer" });
    let made = owner.post("/tokens", new).await.expect(201);
    assert_eq!(made["created_by"], ours.user(Owner).await.as_str());
    let token = app.anonymous().bearer(made["secret"].as_str().unwrap());
    let me = token.get("/session").await.expect(200);
    assert_eq!(
        (&me["role"], &me["actor"]["kind"]),
        (&json!("viewer"), &json!("token"))
    );
    token
        .patch("/organization", json!({ "name": "x" }))
        .await
        .error(403);

    let listed = owner.get("/tokens").await.expect(200);
    assert_eq!(listed["items"][0]["last_used_at"], START);
    assert!(listed["items"][0].get("secret").is_none());
    let path = format!("/tokens/{}", made["id"].as_str().unwrap());
    owner.delete(&path).await.expect(204);
    token.get("/session").await.error(401);
    owner.delete(&path).await.error(404);
}

#[tokio::test]
async fn a_token_ends_at_its_time() {
    let app = TestApp::start().await;
    let ours = app.organization("ours").await;
    let owner = ours.token(Owner).await;
    let new = |end: &str| json!({ "name": "t", "role": "viewer", "expires_at": end });
    let error = owner.post("/tokens", new(START)).await.error(422);
    assert_eq!(error["fields"][0]["field"], "expires_at");

    let made = owner
        .post("/tokens", new("2026-11-23T11:00:00Z"))
        .await
        .expect(201);
    let token = app.anonymous().bearer(made["secret"].as_str().unwrap());
    app.clock.advance(Duration::from_secs(3599));
    token.get("/session").await.expect(200);
    app.clock.advance(Duration::from_secs(1));
    token.get("/session").await.error(401);
}

#[tokio::test]
async fn the_use_of_a_token_is_noted_at_most_once_a_minute() {
    let app = TestApp::start().await;
    let ours = app.organization("ours").await;
    let owner = ours.token(Owner).await;
    let used = async || owner.get("/tokens").await.expect(200)["items"][0]["last_used_at"].clone();
    assert_eq!(used().await, START);
    app.clock.advance(Duration::from_secs(59));
    assert_eq!(used().await, START);
    app.clock.advance(Duration::from_secs(1));
    assert_eq!(used().await, "2026-11-23T10:01:00Z");
}

#[tokio::test]
async fn nobody_but_an_owner_makes_tokens() {
    let app = TestApp::start().await;
    let ours = app.organization("ours").await;
    let new = json!({ "name": "t", "role": "viewer" });
    for role in [Viewer, Operator] {
        ours.token(role)
            .await
            .post("/tokens", new.clone())
            .await
            .error(403);
    }
}

#[tokio::test]
async fn a_secret_that_is_none_opens_nothing() {
    let app = TestApp::start().await;
    let client = app.anonymous();
    client
        .clone()
        .bearer("hft_0000")
        .get("/session")
        .await
        .error(401);
    let answer = client
        .clone()
        .header("authorization", "Basic eA==")
        .get("/session")
        .await;
    answer.error(401);
    assert_eq!(answer.header("www-authenticate"), "Bearer");
    client
        .header("cookie", "holdfast-session=hfs_0000")
        .get("/session")
        .await
        .error(401);
}
