//! How a router becomes a site's, from the line that is pasted to its release, as the router sees it.

use std::time::Duration;

use holdfast_api_types::UserRole::{Operator, Owner};
use holdfast_control_plane::{Config, ForRouters, jobs::Jobs};
use serde_json::{Value, json};

use crate::{
    estate::{config, text},
    router::bed::authority,
    support::{Client, TestApp},
};

async fn start() -> TestApp {
    let url = "https://203.0.113.1:8443".parse().unwrap();
    TestApp::with(Config {
        ca: authority().pem,
        for_routers: ForRouters::At(url),
        ..config()
    })
    .await
}

async fn site(client: &Client<'_>) -> String {
    let wish = json!({ "name": "office" });
    text(&client.post("/sites", wish).await.expect(201)["id"])
}

/// Gets a line, and fetches its script as the router does: the line's token and the token for checking in.
async fn adopt(app: &TestApp, client: &Client<'_>, site: &str) -> (String, String) {
    let path = format!("/sites/{site}/adoption");
    let adoption = client.post(&path, json!({})).await.expect(201);
    let url = text(&adoption["script_url"]);
    assert!(text(&adoption["command"]).contains(&url), "{adoption}");
    let token = url.split('/').nth_back(1).unwrap().to_owned();
    let script = fetch(app, &token).await;
    assert_eq!(script.0, 200, "{}", script.1);
    let check_in = script.1.split("Bearer ").nth(1).unwrap();
    let end = check_in.find(['"', '\\']).unwrap();
    (token, check_in[..end].to_owned())
}

async fn fetch(app: &TestApp, token: &str) -> (u16, String) {
    let answer = app
        .anonymous()
        .get(&format!("/adoption/{token}/script"))
        .await;
    (answer.status, answer.text)
}

async fn check_in(app: &TestApp, token: &str) -> u16 {
    let said = json!({ "identity": "office", "version": "7.20.6" });
    let client = app.anonymous().bearer(token);
    client.post("/check-in", said).await.status
}

async fn state(client: &Client<'_>, site: &str) -> Value {
    client
        .get(&format!("/sites/{site}/router"))
        .await
        .expect(200)["state"]
        .take()
}

#[tokio::test]
async fn a_line_is_good_once_and_a_newer_one_ends_what_the_older_has_given() {
    let app = start().await;
    let client = app.organization("ours").await.token(Operator).await;
    let site = site(&client).await;
    assert_eq!(state(&client, &site).await, "none");

    let (line, first) = adopt(&app, &client, &site).await;
    assert_eq!(fetch(&app, &line).await.0, 404, "it was fetched before");
    assert_eq!(state(&client, &site).await, "pending");
    let step =
        json!({ "step": "authority", "state": "succeeded", "detail": "", "identity": "office" });
    let path = format!("/adoption/{line}/progress");
    let answer = app.anonymous().post(&path, step).await;
    answer.expect(204);
    assert_eq!(check_in(&app, &first).await, 200);
    assert_eq!(state(&client, &site).await, "online");

    // It was reset, and is adopted anew: what it had before is worth nothing.
    let (_, second) = adopt(&app, &client, &site).await;
    assert_eq!(state(&client, &site).await, "pending");
    assert_eq!(check_in(&app, &first).await, 401);
    assert_eq!(check_in(&app, &second).await, 200);
    assert_eq!(state(&client, &site).await, "online");
}

#[tokio::test]
async fn a_line_that_was_not_used_in_time_is_not_good_any_more() {
    let app = start().await;
    let client = app.organization("ours").await.token(Operator).await;
    let site = site(&client).await;
    let path = format!("/sites/{site}/adoption");
    let adoption = client.post(&path, json!({})).await.expect(201);
    let url = text(&adoption["script_url"]);
    app.clock.advance(Duration::from_secs(30 * 60 + 1));
    let token = url.split('/').nth_back(1).unwrap();
    assert_eq!(fetch(&app, token).await.0, 404);
    assert_eq!(state(&client, &site).await, "none");
}

#[tokio::test]
async fn a_site_whose_router_was_adopted_is_removed_after_the_release_of_that() {
    let app = start().await;
    let organization = app.organization("ours").await;
    let (owner, client) = (
        organization.token(Owner).await,
        organization.token(Operator).await,
    );
    let site = site(&client).await;
    let (_, token) = adopt(&app, &client, &site).await;
    assert_eq!(check_in(&app, &token).await, 200);
    let error = client.delete(&format!("/sites/{site}")).await.error(409);
    assert!(
        text(&error["message"]).contains("release it first"),
        "{error}"
    );

    // It is away. A release waits for it, unless one is asked that does not.
    let jobs = Jobs::start(app.app.clone());
    let path = format!("/sites/{site}/router");
    let waits = owner.delete(&path).await.expect(202);
    let forced = owner
        .delete(&format!("{path}?force=true"))
        .await
        .expect(202);
    assert_ne!(waits["job"]["id"], forced["job"]["id"]);
    let ended = crate::jobs::ended(&client, &text(&forced["job"]["id"])).await;
    assert_eq!(ended["state"], "succeeded", "{ended}");
    let waited = crate::jobs::ended(&client, &text(&waits["job"]["id"])).await;
    assert_eq!(waited["state"], "cancelled", "{waited}");
    assert_eq!(state(&client, &site).await, "none");
    assert_eq!(check_in(&app, &token).await, 401);
    client.delete(&format!("/sites/{site}")).await.expect(204);
    jobs.stop().await;
}
