//! The audit log.

use std::time::Duration;

use holdfast_api_types::UserRole::{Owner, Viewer};
use serde_json::{Value, json};

use crate::support::{PASSWORD, TestApp};

fn actions(page: &Value) -> Vec<&str> {
    let items = page["items"].as_array().unwrap();
    items
        .iter()
        .map(|entry| entry["action"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn every_write_is_in_the_log_with_who_what_and_from_where() {
    let app = TestApp::start().await;
    let ours = app.organization("ours").await;
    let owner = ours.browser(Owner).await;
    owner
        .patch("/organization", json!({ "name": "Renamed" }))
        .await
        .expect(200);
    let page = owner.get("/audit").await.expect(200);
    assert_eq!(actions(&page), ["organization.change", "session.create"]);
    let entry = &page["items"][0];
    assert_eq!(entry["actor"]["name"], ours.email(Owner));
    assert_eq!(
        entry["subject"],
        json!({ "kind": "organization", "id": ours.id.as_str() })
    );
    assert_eq!(entry["detail"]["name"], "Renamed");
    assert_eq!(entry["remote"], "127.0.0.1");
}

#[tokio::test]
async fn the_log_is_filtered_and_paged_and_stays_in_its_organization() {
    let app = TestApp::start().await;
    let (ours, theirs) = (
        app.organization("ours").await,
        app.organization("theirs").await,
    );
    theirs.browser(Viewer).await;
    let owner = ours.browser(Owner).await;
    for n in 0..3 {
        app.clock.advance(Duration::from_secs(60));
        owner
            .patch("/organization", json!({ "name": format!("Name {n}") }))
            .await
            .expect(200);
    }
    let count = async |query: &str| {
        let page = owner.get(&format!("/audit?{query}")).await.expect(200);
        page["items"].as_array().unwrap().len()
    };
    assert_eq!(count("").await, 4);
    assert_eq!(count("action=organization.change").await, 3);
    assert_eq!(count(&format!("subject={}", ours.id)).await, 3);
    assert_eq!(count(&format!("actor={}", ours.user(Owner).await)).await, 4);
    assert_eq!(count("actor=nobody").await, 0);
    assert_eq!(count("from=2026-11-23T10:02:00Z").await, 2);
    assert_eq!(count("to=2026-11-23T10:02:00Z").await, 2);

    let first = owner.get("/audit?limit=3").await.expect(200);
    let rest = owner
        .get(&format!(
            "/audit?limit=3&after={}",
            first["next"].as_str().unwrap()
        ))
        .await;
    let rest = rest.expect(200);
    assert_eq!([actions(&first), actions(&rest)].concat().len(), 4);
    assert_eq!(
        (actions(&rest), rest["next"].is_null()),
        (vec!["session.create"], true)
    );
}

#[tokio::test]
async fn no_secret_is_in_the_log() {
    let app = TestApp::start().await;
    let ours = app.organization("ours").await;
    let owner = ours.browser(Owner).await;
    let new = json!({ "email": "a@example.org", "name": "A", "role": "viewer", "password": "a secret password" });
    let made = owner.post("/users", new).await.expect(201);
    let path = format!("/users/{}", made["id"].as_str().unwrap());
    owner
        .patch(&path, json!({ "password": "another secret one" }))
        .await
        .expect(200);
    let token = owner
        .post("/tokens", json!({ "name": "t", "role": "viewer" }))
        .await
        .expect(201);
    let log = owner.get("/audit").await.text;
    let secret = token["secret"].as_str().unwrap();
    for text in ["a secret password", "another secret one", PASSWORD, secret] {
        assert!(!log.contains(text), "{text}");
    }
    assert!(log.contains("user.change") && log.contains("token.create"));
}
