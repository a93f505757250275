//! Setting up, logging in and out, and users.

use std::time::Duration;

use holdfast_api_types::UserRole::{Operator, Owner, Viewer};
use holdfast_control_plane::{Config, SetupLink};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::support::{PASSWORD, TestApp};

const DAY: Duration = Duration::from_secs(86_400);

fn wish(token: &str) -> Value {
    json!({
        "token": token, "organization": "Example Ltd", "name": "Ann", "email": "Ann@Example.org",
        "password": "a password of mine",
    })
}

#[tokio::test]
async fn the_set_up_link_makes_the_first_owner_once() {
    let app = TestApp::start().await;
    let client = app.anonymous();
    assert_eq!(client.get("/setup").await.expect(200)["open"], true);

    client.post("/setup", wish("hfl_guess")).await.error(403);
    let link = SetupLink::make(&app.app).await.unwrap().unwrap();
    let answer = client
        .post("/setup", wish(link.token.expose_secret()))
        .await;
    let me = answer.expect(201);
    assert_eq!(me["role"], "owner");
    assert_eq!(me["actor"]["name"], "ann@example.org");
    let browser = client.clone().header("cookie", &answer.cookie());
    assert_eq!(
        browser.get("/session").await.expect(200)["organization"]["name"],
        "Example Ltd"
    );

    assert_eq!(client.get("/setup").await.expect(200)["open"], false);
    client
        .post("/setup", wish(link.token.expose_secret()))
        .await
        .error(410);
    assert!(SetupLink::make(&app.app).await.unwrap().is_none());
}

#[tokio::test]
async fn a_set_up_link_ends_after_a_day_and_with_the_next_one() {
    let app = TestApp::start().await;
    let first = SetupLink::make(&app.app).await.unwrap().unwrap();
    let second = SetupLink::make(&app.app).await.unwrap().unwrap();
    let client = app.anonymous();
    client
        .post("/setup", wish(first.token.expose_secret()))
        .await
        .error(403);
    app.clock.advance(DAY);
    client
        .post("/setup", wish(second.token.expose_secret()))
        .await
        .error(410);
}

#[tokio::test]
async fn whoever_logs_in_is_known_until_logging_out() {
    let app = TestApp::start().await;
    let ours = app.organization("ours").await;
    let browser = ours.browser(Operator).await;
    let me = browser.get("/session").await.expect(200);
    assert_eq!(me["actor"]["name"], ours.email(Operator));
    assert_eq!(me["organization"]["id"], ours.id.as_str());

    let answer = browser.delete("/session").await;
    answer.expect(204);
    assert!(answer.header("set-cookie").contains("Max-Age=0"));
    browser.get("/session").await.error(401);
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_user_get_the_same_answer() {
    let app = TestApp::start().await;
    let ours = app.organization("ours").await;
    let client = app.anonymous();
    let mut errors = Vec::new();
    for (email, password) in [
        (ours.email(Viewer), "wrong password"),
        ("nobody@ours.example".into(), PASSWORD),
    ] {
        let body = json!({ "email": email, "password": password });
        let mut error = client.post("/session", body).await.error(401);
        error["request_id"].take();
        errors.push(error);
    }
    assert_eq!(errors[0], errors[1]);
}

#[tokio::test]
async fn a_session_ends_after_14_idle_days_or_90_in_all() {
    let app = TestApp::start().await;
    let ours = app.organization("ours").await;
    let idle = ours.browser(Viewer).await;
    let busy = ours.browser(Viewer).await;
    for _ in 0..8 {
        app.clock.advance(DAY * 11);
        busy.get("/session").await.expect(200);
    }
    idle.get("/session").await.error(401);
    app.clock.advance(DAY * 2);
    busy.get("/session").await.error(401);
}

#[tokio::test]
async fn over_https_the_cookie_is_bound_to_the_host() {
    let app = TestApp::with(Config {
        public_url: Some("https://holdfast.example.org".parse().unwrap()),
        ..Config::default()
    })
    .await;
    let ours = app.organization("ours").await;
    let body = json!({ "email": ours.email(Viewer), "password": PASSWORD });
    let answer = app.anonymous().post("/session", body).await;
    answer.expect(201);
    let cookie = answer.header("set-cookie");
    for part in [
        "__Host-holdfast-session=hfs_",
        "; Secure",
        "; HttpOnly",
        "; SameSite=Lax",
        "; Path=/;",
    ] {
        assert!(cookie.contains(part), "{part} is not in {cookie}");
    }
    assert!(
        answer
            .header("strict-transport-security")
            .starts_with("max-age=")
    );
}

#[tokio::test]
async fn a_cookie_changes_something_only_from_our_own_pages() {
    let app = TestApp::start().await;
    let ours = app.organization("ours").await;
    let browser = ours.browser(Owner).await;
    let rename = json!({ "name": "New name" });
    browser
        .patch("/organization", rename.clone())
        .await
        .expect(200);

    let foreign = browser.clone().header("origin", "https://evil.example");
    foreign
        .patch("/organization", rename.clone())
        .await
        .error(403);
    foreign.get("/organization").await.expect(200);
    let body = json!({ "email": ours.email(Owner), "password": PASSWORD });
    foreign.post("/session", body).await.error(403);
}

#[tokio::test]
async fn guessing_is_slowed_down_per_account() {
    let app = TestApp::start().await;
    let ours = app.organization("ours").await;
    let client = app.anonymous();
    let guess = json!({ "email": ours.email(Owner), "password": "wrong password" });
    for _ in 0..10 {
        client.post("/session", guess.clone()).await.error(401);
    }
    let answer = client.post("/session", guess.clone()).await;
    assert_eq!(answer.error(429)["code"], "rate-limited");
    let wait: u64 = answer.header("retry-after").parse().unwrap();
    assert!((1..=12).contains(&wait), "{wait}");

    app.clock.advance(Duration::from_secs(wait));
    let right = json!({ "email": ours.email(Owner), "password": PASSWORD });
    client.post("/session", right).await.expect(201);
}

#[tokio::test]
async fn a_new_password_ends_every_other_session() {
    let app = TestApp::start().await;
    let ours = app.organization("ours").await;
    let (here, there) = (ours.browser(Viewer).await, ours.browser(Viewer).await);
    let change = |current: &str| json!({ "current": current, "new": "another password" });
    let refused = here
        .put("/session/password", change("wrong password"))
        .await;
    let error = refused.error(422);
    assert_eq!(error["fields"][0]["field"], "current");
    assert!(!refused.text.contains("wrong password"));

    here.put("/session/password", change(PASSWORD))
        .await
        .expect(204);
    here.get("/session").await.expect(200);
    there.get("/session").await.error(401);
    let old = json!({ "email": ours.email(Viewer), "password": PASSWORD });
    app.anonymous().post("/session", old).await.error(401);
    app.anonymous()
        .log_in(&ours.email(Viewer), "another password")
        .await;
}

#[tokio::test]
async fn an_api_token_has_no_session_to_end() {
    let app = TestApp::start().await;
    let ours = app.organization("ours").await;
    let token = ours.token(Owner).await;
    token.delete("/session").await.error(403);
    let body = json!({ "current": PASSWORD, "new": "another password" });
    token.put("/session/password", body).await.error(403);
}

#[tokio::test]
async fn an_owner_makes_changes_and_removes_users() {
    let app = TestApp::start().await;
    let ours = app.organization("ours").await;
    let owner = ours.token(Owner).await;
    let new = json!({ "email": "Bob@Example.org", "name": "Bob", "role": "viewer" });
    let made = owner.post("/users", new.clone()).await.expect(201);
    assert_eq!(made["email"], "bob@example.org");
    owner.post("/users", new).await.error(409);

    let path = format!("/users/{}", made["id"].as_str().unwrap());
    let password = made["password"].as_str().unwrap();
    let bob = app.anonymous().log_in("bob@example.org", password).await;
    assert_eq!(owner.get(&path).await.expect(200)["name"], "Bob");
    owner
        .patch(&path, json!({ "role": "operator" }))
        .await
        .expect(200);
    assert_eq!(bob.get("/session").await.expect(200)["role"], "operator");

    owner
        .patch(&path, json!({ "disabled": true }))
        .await
        .expect(200);
    bob.get("/session").await.error(401);
    owner
        .patch(
            &path,
            json!({ "disabled": false, "password": "a third password" }),
        )
        .await
        .expect(200);
    app.anonymous()
        .log_in("bob@example.org", "a third password")
        .await;
    owner.delete(&path).await.expect(204);
    owner.get(&path).await.error(404);
}

#[tokio::test]
async fn a_disabled_user_cannot_log_in() {
    let app = TestApp::start().await;
    let ours = app.organization("ours").await;
    let path = format!("/users/{}", ours.user(Viewer).await);
    ours.token(Owner)
        .await
        .patch(&path, json!({ "disabled": true }))
        .await
        .expect(200);
    let body = json!({ "email": ours.email(Viewer), "password": PASSWORD });
    app.anonymous().post("/session", body).await.error(401);
}

#[tokio::test]
async fn the_last_owner_stays_an_owner() {
    let app = TestApp::start().await;
    let ours = app.organization("ours").await;
    let owner = ours.token(Owner).await;
    let path = format!("/users/{}", ours.user(Owner).await);
    owner.delete(&path).await.error(409);
    for change in [json!({ "role": "operator" }), json!({ "disabled": true })] {
        owner.patch(&path, change).await.error(409);
    }
    let after = owner.get(&path).await.expect(200);
    assert_eq!(
        (&after["role"], after.get("disabled_at")),
        (&json!("owner"), None)
    );

    let other = format!("/users/{}", ours.user(Operator).await);
    owner
        .patch(&other, json!({ "role": "owner" }))
        .await
        .expect(200);
    owner.delete(&path).await.expect(204);
}

#[tokio::test]
async fn users_come_in_pages_that_neither_lose_nor_repeat() {
    let app = TestApp::start().await;
    let ours = app.organization("ours").await;
    let owner = ours.token(Owner).await;
    for n in 0..4 {
        let new = json!({ "email": format!("u{n}@example.org"), "name": "U", "role": "viewer" });
        owner.post("/users", new).await.expect(201);
    }
    let mut ids = Vec::new();
    let mut path = "/users?limit=3".to_owned();
    loop {
        let page = owner.get(&path).await.expect(200);
        let items = page["items"].as_array().unwrap();
        assert!(items.len() <= 3);
        ids.extend(
            items
                .iter()
                .map(|user| user["id"].as_str().unwrap().to_owned()),
        );
        let Some(next) = page["next"].as_str() else {
            break;
        };
        path = format!("/users?limit=3&after={next}");
    }
    assert_eq!(ids.len(), 7);
    assert!(
        ids.is_sorted() && ids.windows(2).all(|pair| pair[0] != pair[1]),
        "{ids:?}"
    );
}
