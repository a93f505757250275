//! What every endpoint has in common: the envelope of errors, headers, limits.

use holdfast_api_types::UserRole::Owner;
use reqwest::Method;
use serde_json::json;

use crate::support::TestApp;

#[tokio::test]
async fn a_field_that_cannot_be_is_named_with_its_value_and_the_mend() {
    let app = TestApp::start().await;
    let ours = app.organization("ours").await;
    let owner = ours.token(Owner).await;
    let good = json!({ "email": "a@example.org", "name": "A", "role": "viewer" });
    for (field, value, shown) in [
        ("email", json!("nonsense"), Some("nonsense")),
        ("name", json!(""), Some("")),
        ("role", json!("root"), Some("root")),
        ("password", json!("short"), None),
        ("password", json!(271_828), None),
        ("surname", json!("B"), Some("B")),
    ] {
        let mut body = good.clone();
        body[field] = value;
        let answer = owner.post("/users", body).await;
        let error = answer.error(422);
        assert_eq!(error["code"], "invalid");
        assert_eq!(error["fields"][0]["field"], field, "{error}");
        assert_eq!(
            error["fields"][0]
                .get("value")
                .and_then(|value| value.as_str()),
            shown
        );
        assert!(!answer.text.contains("271828"));
    }
    let error = owner
        .post("/users", json!({ "name": "A" }))
        .await
        .error(422);
    assert_eq!(
        error["fields"][0]["field"], "email",
        "the first that is missing: {error}"
    );
}

#[tokio::test]
async fn a_query_that_cannot_be_is_named_as_well() {
    let app = TestApp::start().await;
    let ours = app.organization("ours").await;
    let owner = ours.token(Owner).await;
    for (query, field) in [
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=x", "limit"),
        ("after=zz", "after"),
        ("after=6e6f20696421", "after"),
        ("color=red", "color"),
    ] {
        let error = owner.get(&format!("/users?{query}")).await.error(422);
        assert_eq!(error["fields"][0]["field"], field, "{query}: {error}");
    }
    let error = owner.get("/audit?from=yesterday").await.error(422);
    assert_eq!(error["fields"][0]["field"], "from");
    assert_eq!(error["fields"][0]["value"], "yesterday");
}

#[tokio::test]
async fn a_body_that_is_not_json_or_too_long_is_refused() {
    let app = TestApp::start().await;
    let ours = app.organization("ours").await;
    let owner = ours.token(Owner).await;
    let post = || owner.request(Method::POST, "/users");
    let json = "application/json";
    let cases = [
        (400, post().header("content-type", json).body("{")),
        (
            400,
            post().header("content-type", json).body("[".repeat(10_000)),
        ),
        (
            413,
            post().header("content-type", json).body("x".repeat(70_000)),
        ),
        (415, post().body("{}")),
        (415, post().header("content-type", "text/plain").body("{}")),
        (422, post().header("content-type", json).body("[]")),
        (422, post()),
    ];
    for (status, request) in cases {
        owner.send(request).await.error(status);
    }
}

#[tokio::test]
async fn what_does_not_exist_has_an_envelope_too() {
    let app = TestApp::start().await;
    let client = app.anonymous();
    assert_eq!(client.get("/nothing").await.error(404)["code"], "not-found");
    assert_eq!(
        client.put("/users", json!({})).await.error(405)["code"],
        "method-not-allowed"
    );
    let ours = app.organization("ours").await;
    let owner = ours.token(Owner).await;
    owner.get("/users/%20no-id").await.error(404);
    owner
        .get("/users/01J9ZQ3V6N8W4T2K5R7M1X0ABC")
        .await
        .error(404);
}

#[tokio::test]
async fn every_answer_has_the_headers_that_protect_browsers() {
    let app = TestApp::start().await;
    for path in ["/health", "/nothing", "/session"] {
        let answer = app.anonymous().get(path).await;
        assert!(
            answer
                .header("content-security-policy")
                .contains("frame-ancestors 'none'")
        );
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(answer.header("x-request-id").len(), 26);
    }
}

#[tokio::test]
async fn health_and_the_document_are_open() {
    let app = TestApp::start().await;
    let health = app.anonymous().get("/health").await.expect(200);
    assert_eq!(health["status"], "ok");
    let document = app.anonymous().get("/openapi.json").await.expect(200);
    assert_eq!(document["openapi"], "3.1.0");
}
