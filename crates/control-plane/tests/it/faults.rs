//! The fault log.

use std::time::Duration;

use holdfast_api_types::{
    FaultType,
    UserRole::{Operator, Viewer},
};
use serde_json::json;

use crate::{
    estate::{enabled_site, open_fault, text},
    support::{START, TestApp},
};

#[tokio::test]
async fn faults_are_filtered_and_paged_and_so_is_the_csv() {
    let app = TestApp::start().await;
    let us = app.organization("ours").await.token(Viewer).await;
    let operator = app.organization("theirs").await.token(Operator).await;
    let (site, [one, two]) = enabled_site(&operator, "=1+1, \"x\"").await;
    open_fault(
        &app,
        &site,
        Some(&one),
        FaultType::LinkOffline,
        "6 probes lost",
    )
    .await;
    open_fault(&app, &site, Some(&two), FaultType::LinkOffline, "closed").await;
    open_fault(&app, &site, None, FaultType::SiteOffline, "all are gone").await;

    let count = async |query: &str| {
        let page = operator.get(&format!("/faults?{query}")).await.expect(200);
        let csv = operator.get(&format!("/faults.csv?{query}")).await;
        let count = page["items"].as_array().unwrap().len();
        assert_eq!(csv.text.lines().count(), count + 1, "{}", csv.text);
        count
    };
    assert_eq!(count("").await, 3);
    assert_eq!(count("type=link-offline").await, 2);
    assert_eq!(count(&format!("tunnel={one}")).await, 1);
    assert_eq!(count(&format!("site={site}&severity=critical")).await, 1);
    assert_eq!(count("state=closed").await, 0);
    assert_eq!(count("text=PROBES").await, 1);
    assert_eq!(count("from=2026-11-23T00:00:00Z").await, 3);
    assert_eq!(count("to=2026-11-23T00:00:00Z").await, 0);
    operator.get("/faults?type=x").await.error(422);
    assert_eq!(us.get("/faults").await.expect(200)["items"], json!([]));

    let first = operator.get("/faults?limit=2").await.expect(200);
    let rest = operator
        .get(&format!("/faults?after={}", text(&first["next"])))
        .await
        .expect(200);
    assert_eq!(
        (rest["items"].as_array().unwrap().len(), &rest["next"]),
        (1, &json!(null))
    );

    let csv = operator.get("/faults.csv?type=site-offline").await;
    assert!(csv.header("content-type").starts_with("text/csv"));
    let row = csv.text.lines().nth(1).unwrap();
    assert!(row.contains(",\"'=1+1, \"\"x\"\"\",,site-offline,critical,open,all are gone,2026-11-23T10:00:00Z,,,,"), "{row}");
}

#[tokio::test]
async fn a_csv_is_as_long_as_the_log() {
    let app = TestApp::start().await;
    let us = app.organization("ours").await.token(Operator).await;
    let (site, _) = enabled_site(&us, "one").await;
    for _ in 0..1_201 {
        let id = open_fault(&app, &site, None, FaultType::SiteOffline, "all are gone").await;
        let mut write = app.app.store().write().await.unwrap();
        let end = holdfast_store::fault::End {
            at: app.app.clock().now(),
            cause: "back",
            closed_by: None,
        };
        holdfast_store::fault::close(&mut write, &id, &end)
            .await
            .unwrap();
        write.commit().await.unwrap();
    }
    let csv = us.get("/faults.csv").await;
    assert_eq!(csv.text.lines().count(), 1_202);
    let ids: std::collections::BTreeSet<_> = csv
        .text
        .lines()
        .map(|line| line.split(',').next())
        .collect();
    assert_eq!(ids.len(), 1_202, "each once");
}

#[tokio::test]
async fn people_comment_on_a_fault_and_close_it_once() {
    let app = TestApp::start().await;
    let ours = app.organization("ours").await;
    let us = ours.browser(Operator).await;
    let (site, [one, _]) = enabled_site(&us, "one").await;
    let fault = open_fault(&app, &site, Some(&one), FaultType::LinkDegraded, "slow").await;
    let path = format!("/faults/{fault}");
    us.post(&format!("{path}/comments"), json!({ "text": "  " }))
        .await
        .error(422);
    let comment = us
        .post(
            &format!("{path}/comments"),
            json!({ "text": "called them" }),
        )
        .await
        .expect(201);
    assert_eq!(
        (text(&comment["author"]), &comment["at"]),
        (ours.email(Operator), &json!(START))
    );

    app.clock.advance(Duration::from_millis(90_500));
    let reason = json!({ "reason": "known" });
    let closed = us
        .post(&format!("{path}/closure"), reason.clone())
        .await
        .expect(201);
    assert_eq!(
        (&closed["state"], &closed["duration_s"]),
        (&json!("closed"), &json!(90.5))
    );
    assert_eq!(
        (text(&closed["closed_by"]), &closed["end_cause"]),
        (ours.email(Operator), &json!("known"))
    );
    assert_eq!(closed["comments"], json!([comment]));
    us.post(&format!("{path}/closure"), reason).await.error(409);
    // The condition shows again: another fault.
    open_fault(&app, &site, Some(&one), FaultType::LinkDegraded, "slow").await;
    let open = us.get("/faults?state=open").await.expect(200);
    assert_eq!(open["items"].as_array().unwrap().len(), 1);
}
