//! The order of tunnels, and the jobs that carry it out.

use std::time::Duration;

use holdfast_api_types::{JobKind, UserRole::Operator};
use holdfast_control_plane::{events::Message, ids::new_id, jobs::Jobs};
use holdfast_store::job::{self, NewJob};
use serde_json::{Value, json};

use crate::{
    estate::{Reported, enabled_site, text},
    support::{Client, TestApp},
};

/// Waits until a job has finished.
pub(crate) async fn ended(client: &Client<'_>, id: &str) -> Value {
    until(client, id, |job| !job["ended_at"].is_null()).await
}

async fn until(client: &Client<'_>, id: &str, done: impl Fn(&Value) -> bool) -> Value {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    loop {
        let job = client.get(&format!("/jobs/{id}")).await.expect(200);
        if done(&job) {
            return job;
        }
        assert!(tokio::time::Instant::now() < deadline, "it stays {job}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn set(client: &Client<'_>, site: &str, order: &[&String]) -> String {
    let client = client.clone().header("if-match", "*");
    let answer = client
        .put(
            &format!("/sites/{site}/priority"),
            json!({ "tunnels": order }),
        )
        .await;
    text(&answer.expect(202)["job"]["id"])
}

#[tokio::test]
async fn an_order_is_set_whole_by_who_has_seen_the_last_one() {
    let app = TestApp::start().await;
    let us = app.organization("ours").await.token(Operator).await;
    let (site, [one, two]) = enabled_site(&us, "one").await;
    let (_, [foreign, _]) = enabled_site(&us, "two").await;
    let path = format!("/sites/{site}/priority");
    let answer = us.get(&path).await;
    assert_eq!(answer.expect(200)["tunnels"], json!([one, two]));
    let seen = us.clone().header("if-match", answer.header("etag"));

    us.put(&path, json!({ "tunnels": [two, one] }))
        .await
        .error(428);
    let wrong = json!({ "tunnels": [two, two, foreign] });
    let error = seen.put(&path, wrong).await.error(422);
    let faults: Vec<_> = error["fields"]
        .as_array()
        .unwrap()
        .iter()
        .map(|fault| (text(&fault["field"]), text(&fault["value"])))
        .collect();
    let named = |field: &str, id: &String| (field.to_owned(), id.clone());
    assert_eq!(
        faults,
        [
            named("tunnels[1]", &two),
            named("tunnels[2]", &foreign),
            named("tunnels", &one)
        ]
    );

    let job = seen
        .put(&path, json!({ "tunnels": [two, one] }))
        .await
        .expect(202)["job"]
        .take();
    assert_eq!(
        (&job["kind"], &job["state"]),
        (&json!("priority"), &json!("queued"))
    );
    seen.put(&path, json!({ "tunnels": [one, two] }))
        .await
        .error(412);
    assert_eq!(
        us.get(&path).await.expect(200)["tunnels"],
        json!([two, one])
    );
}

#[tokio::test]
async fn every_change_is_told_to_whoever_listens() {
    let app = TestApp::start().await;
    let ours = app.organization("ours").await;
    let us = ours.token(Operator).await;
    let mut listener = app.app.bus().subscribe(&ours.id, None).unwrap();
    let first = listener.next().await.unwrap();
    assert!(matches!(first[..], [Message::Snapshot(_)]), "{first:?}");
    let (site, [one, two]) = enabled_site(&us, "one").await;
    let job = set(&us, &site, &[&two, &one]).await;
    us.post(&format!("/jobs/{job}/cancellation"), json!({}))
        .await
        .expect(202);
    let override_path = format!("/tunnels/{one}/override");
    us.put(&override_path, json!({ "kind": "off", "reason": "x" }))
        .await
        .expect(200);

    let wanted = [
        "site", "tunnel", "tunnel", "site", "priority", "job", "job", "tunnel",
    ];
    let mut kinds = Vec::new();
    while kinds.len() < wanted.len() {
        let next = tokio::time::timeout(Duration::from_secs(5), listener.next()).await;
        for message in next.unwrap().unwrap() {
            if let Message::Event { event, .. } = message {
                kinds.push(event.change.kind());
            }
        }
    }
    assert_eq!(kinds, wanted);
}

#[tokio::test]
async fn a_priority_job_ends_when_every_connected_tunnel_holds_its_place() {
    let app = TestApp::start().await;
    let engine = Reported::default();
    app.app.connect_reconciler(engine.clone());
    let _jobs = Jobs::start(app.app.clone());
    let us = app.organization("ours").await.token(Operator).await;
    let (site, [one, two]) = enabled_site(&us, "one").await;
    let third = us
        .post(&format!("/sites/{site}/tunnels"), json!({ "name": "LTE" }))
        .await
        .expect(201);
    let third = text(&third["id"]);
    engine.set(&site, &[(&one, 1), (&two, 0)]);

    let id = set(&us, &site, &[&two, &one, &third]).await;
    let running = until(&us, &id, |job| job["steps"].as_array().unwrap().len() == 3).await;
    assert_eq!(
        (&running["state"], &running["steps"][0]["state"]),
        (&json!("running"), &json!("running"))
    );
    assert_eq!(running["steps"][0]["title"], "Bring WAN 2 to its place");

    engine.set(&site, &[(&one, 1), (&two, 2)]);
    let job = ended(&us, &id).await;
    assert_eq!(job["state"], "succeeded", "{job}");
    let tunnels = &job["result"]["tunnels"];
    assert_eq!(
        (&tunnels[0]["id"], &tunnels[0]["place"]["rung"]),
        (&json!(two), &json!(2))
    );
    assert_eq!(tunnels[0]["routes"][0]["prefix"], 2);
    assert_eq!(tunnels[0].get("reason"), None);
    assert_eq!(
        (&tunnels[2]["place"], &tunnels[2]["routes"]),
        (&json!(null), &json!([]))
    );
    assert!(
        text(&tunnels[2]["reason"]).starts_with("unconfigured: "),
        "{job}"
    );
}

#[tokio::test]
async fn a_tunnel_that_does_not_confirm_is_named_at_the_deadline() {
    let app = TestApp::start().await;
    let engine = Reported::default();
    app.app.connect_reconciler(engine.clone());
    let _jobs = Jobs::start(app.app.clone());
    let us = app.organization("ours").await.token(Operator).await;
    let (site, [one, two]) = enabled_site(&us, "one").await;
    engine.set(&site, &[(&one, 1), (&two, 0)]);
    let id = set(&us, &site, &[&two, &one]).await;
    until(&us, &id, |job| job["steps"].as_array().unwrap().len() == 2).await;
    app.clock.advance(Duration::from_secs(61));
    let job = ended(&us, &id).await;
    assert_eq!(job["state"], "failed");
    assert!(
        text(&job["error"]).contains("not confirmed within 60 s: WAN 2, WAN 1"),
        "{job}"
    );
}

#[tokio::test]
async fn a_newer_order_supersedes_the_job_of_the_older_one() {
    let app = TestApp::start().await;
    let engine = Reported::default();
    app.app.connect_reconciler(engine.clone());
    let _jobs = Jobs::start(app.app.clone());
    let us = app.organization("ours").await.token(Operator).await;
    let (site, [one, two]) = enabled_site(&us, "one").await;
    engine.set(&site, &[(&one, 1), (&two, 0)]);
    let old = set(&us, &site, &[&two, &one]).await;
    until(&us, &old, |job| job["state"] == "running").await;
    let new = set(&us, &site, &[&one, &two]).await;
    let old = ended(&us, &old).await;
    assert_eq!(
        (&old["state"], &old["error"]),
        (
            &json!("cancelled"),
            &json!(format!("superseded by job {new}"))
        )
    );
    assert_eq!(ended(&us, &new).await["state"], "succeeded");
}

#[tokio::test]
async fn a_job_is_cancelled_whether_it_waits_or_runs() {
    let app = TestApp::start().await;
    let engine = Reported::default();
    app.app.connect_reconciler(engine.clone());
    let us = app.organization("ours").await.token(Operator).await;
    let (site, [one, two]) = enabled_site(&us, "one").await;
    engine.set(&site, &[(&one, 1), (&two, 0)]);
    let waits = set(&us, &site, &[&two, &one]).await;
    let cancel = async |id: &str| {
        us.post(&format!("/jobs/{id}/cancellation"), json!({}))
            .await
    };
    assert_eq!(cancel(&waits).await.expect(202)["state"], "cancelled");
    cancel(&waits).await.error(409);

    let runs = set(&us, &site, &[&two, &one]).await;
    let _jobs = Jobs::start(app.app.clone());
    until(&us, &runs, |job| job["state"] == "running").await;
    cancel(&runs).await.expect(202);
    assert_eq!(ended(&us, &runs).await["state"], "cancelled");

    let listed = us
        .get("/jobs?state=cancelled&kind=priority")
        .await
        .expect(200);
    assert_eq!(listed["items"].as_array().unwrap().len(), 2);
    assert_eq!(
        us.get("/jobs?state=failed").await.expect(200)["items"],
        json!([])
    );
}

#[tokio::test]
async fn a_job_whose_worker_died_is_taken_up_again_when_its_lease_is_over() {
    let app = TestApp::start().await;
    let us = app.organization("ours").await.token(Operator).await;
    let (site, [one, two]) = enabled_site(&us, "one").await;
    let id = set(&us, &site, &[&two, &one]).await;
    let now = app.app.clock().now();
    let mut write = app.app.store().write().await.unwrap();
    let lease = now + Duration::from_secs(30);
    job::claim(&mut write, now, lease).await.unwrap().unwrap();
    write.commit().await.unwrap();

    let _jobs = Jobs::start(app.app.clone());
    assert_eq!(
        us.get(&format!("/jobs/{id}")).await.expect(200)["state"],
        "running"
    );
    app.clock.advance(Duration::from_secs(30));
    assert_eq!(ended(&us, &id).await["state"], "succeeded");
}

#[tokio::test]
async fn a_job_that_cannot_be_read_fails_and_says_so() {
    let app = TestApp::start().await;
    let ours = app.organization("ours").await;
    let us = ours.token(Operator).await;
    let (site, _) = enabled_site(&us, "one").await;
    let now = app.app.clock().now();
    let new = NewJob {
        id: new_id(now),
        organization_id: ours.id.clone(),
        site_id: Some(site.parse().unwrap()),
        kind: JobKind::Priority,
        requested_by: "a test".into(),
        created_at: now,
        input: "{}".into(),
        dedup: None,
    };
    let mut write = app.app.store().write().await.unwrap();
    job::insert(&mut write, &new).await.unwrap();
    write.commit().await.unwrap();
    let _jobs = Jobs::start(app.app.clone());
    let job = ended(&us, new.id.as_str()).await;
    assert!(
        text(&job["error"]).contains("missing field `version`"),
        "{job}"
    );
}
