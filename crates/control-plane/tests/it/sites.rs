//! Sites, and enabling and deactivating failover on them.

use std::time::Duration;

use holdfast_api_types::{
    FaultType,
    UserRole::{Operator, Viewer},
};
use holdfast_control_plane::jobs::Jobs;
use serde_json::{Value, json};

use crate::{
    estate::{Reported, config, enabled_site, open_fault, text},
    jobs::ended,
    support::TestApp,
};

#[tokio::test]
async fn a_list_says_how_each_site_is_doing() {
    let app = TestApp::with(config()).await;
    let us = app.organization("ours").await.token(Operator).await;
    us.post("/sites", json!({ "name": "Bare" }))
        .await
        .expect(201);
    let (site, [first, second]) = enabled_site(&us, "Enabled").await;
    open_fault(&app, &site, Some(&first), FaultType::LinkOffline, "cut").await;
    open_fault(&app, &site, None, FaultType::RunningOnBackup, "cut").await;

    let list = us.get("/sites").await.expect(200);

    let [bare, enabled] = [0, 1].map(|index| &list["items"][index]["status"]);
    assert_eq!(
        (&bare["state"], &bare["tunnels"]),
        (&json!("off"), &json!([]))
    );
    assert_eq!(enabled["state"], "unconfigured");
    assert_eq!(enabled["active"], Value::Null);
    assert_eq!(enabled["open_faults"], 2);
    assert!(enabled["on_backup_since"].is_string(), "{enabled}");
    let ids = [0, 1].map(|index| text(&enabled["tunnels"][index]["id"]));
    assert_eq!(ids, [first, second]);
    let one = us.get(&format!("/sites/{site}")).await.expect(200);
    assert_eq!(&one["status"], enabled);
}

#[tokio::test]
async fn a_site_is_made_changed_found_and_removed() {
    let app = TestApp::start().await;
    let ours = app.organization("ours").await;
    let us = ours.token(Operator).await;
    let made = us
        .post("/sites", json!({ "name": "Head office" }))
        .await
        .expect(201);
    assert_eq!(
        (&made["hold_s"], &made["failover_enabled"]),
        (&json!(30), &json!(false))
    );
    let path = format!("/sites/{}", text(&made["id"]));

    let changed = us
        .patch(&path, json!({ "note": "2nd floor", "hold_s": 5 }))
        .await
        .expect(200);
    assert_eq!(
        (&changed["name"], &changed["hold_s"]),
        (&json!("Head office"), &json!(5))
    );
    assert_eq!(us.get(&path).await.expect(200), changed);
    let found = us.get("/sites?text=FLOOR").await.expect(200);
    assert_eq!(found["items"], json!([changed]));
    assert_eq!(
        us.get("/sites?text=x").await.expect(200)["items"],
        json!([])
    );

    us.delete(&path).await.expect(204);
    us.get(&path).await.error(404);
    let actions = ours
        .token(Viewer)
        .await
        .get("/audit?subject_kind=site")
        .await
        .expect(200);
    let actions: Vec<_> = actions["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| &it["action"])
        .collect();
    assert_eq!(actions, ["site.remove", "site.change", "site.create"]);
}

#[tokio::test]
async fn a_sites_name_is_used_once_and_its_numbers_have_bounds() {
    let app = TestApp::start().await;
    let us = app.organization("ours").await.token(Operator).await;
    us.post("/sites", json!({ "name": "one" }))
        .await
        .expect(201);
    let error = us.post("/sites", json!({ "name": "one" })).await.error(409);
    assert!(
        error["message"]
            .as_str()
            .unwrap()
            .contains("choose another"),
        "{error}"
    );
    let error = us
        .post("/sites", json!({ "name": "two", "hold_s": 2 }))
        .await
        .error(422);
    assert_eq!(error["fields"][0]["field"], "hold_s");
    assert_eq!(error["fields"][0]["value"], "2");
    assert!(
        text(&error["message"]).contains("from 3 to 3600"),
        "{error}"
    );
}

#[tokio::test]
async fn enabling_makes_exactly_two_unconfigured_tunnels_and_works_once() {
    let app = TestApp::start().await;
    let us = app.organization("ours").await.token(Operator).await;
    let (site, tunnels) = enabled_site(&us, "one").await;
    let path = format!("/sites/{site}/failover");
    let status = us.get(&path).await.expect(200);
    assert_eq!(
        (&status["enabled"], &status["active"]),
        (&json!(true), &json!(null))
    );
    let shown: Vec<_> = status["tunnels"].as_array().unwrap().iter().collect();
    assert_eq!(shown.len(), 2);
    for (rank, (tunnel, id)) in shown.iter().zip(&tunnels).enumerate() {
        assert_eq!(tunnel["name"], format!("WAN {}", rank + 1));
        assert_eq!((&tunnel["rank"], &tunnel["id"]), (&json!(rank), &json!(id)));
        assert_eq!(tunnel["state"], "unconfigured");
        assert_eq!(
            tunnel["cause"],
            "it has no gateway and no connection type yet"
        );
    }
    us.post(&path, json!({})).await.error(409);
    us.delete(&format!("/sites/{site}")).await.error(409);
}

#[tokio::test]
async fn the_status_shows_what_controllers_report() {
    let app = TestApp::start().await;
    let engine = Reported::default();
    app.app.connect_reconciler(engine.clone());
    let us = app.organization("ours").await.token(Operator).await;
    let (site, [one, _]) = enabled_site(&us, "one").await;
    assert!(engine.take_nudged().contains(&site), "the engine is told");
    engine.set(&site, &[(&one, 1)]);
    let status = us.get(&format!("/sites/{site}/failover")).await.expect(200);
    assert_eq!(status["tunnels"][0]["place"]["rung"], 1);
    assert_eq!(status["tunnels"][0]["routes"][0]["prefix"], 1);
    assert_eq!(status["tunnels"][1]["routes"], json!([]));
}

#[tokio::test]
async fn deactivation_wants_the_confirmation_of_this_very_list() {
    let app = TestApp::with(config()).await;
    let us = app.organization("ours").await.token(Operator).await;
    let (site, [one, _]) = enabled_site(&us, "one").await;
    let (other, _) = enabled_site(&us, "two").await;
    let path = format!("/sites/{site}/failover");
    let ask = async |site: &str| {
        let path = format!("/sites/{site}/failover/deactivation");
        us.post(&path, json!({})).await.expect(201)
    };
    let confirm = async |token: &str| us.delete(&format!("{path}?confirmation={token}")).await;

    us.delete(&path).await.error(422);
    confirm("x").await.error(409);
    confirm(&text(&ask(&other).await["confirmation"]))
        .await
        .error(409);

    let old = ask(&site).await;
    assert_eq!(old["tunnels"].as_array().unwrap().len(), 2);
    us.patch(&format!("/tunnels/{one}"), json!({ "name": "Fibre" }))
        .await
        .expect(200);
    let error = confirm(&text(&old["confirmation"])).await.error(409);
    assert!(
        text(&error["message"]).contains("ask for another"),
        "{error}"
    );

    let late = ask(&site).await;
    app.clock.advance(Duration::from_secs(600));
    confirm(&text(&late["confirmation"])).await.error(410);
    confirm(&text(&ask(&site).await["confirmation"]))
        .await
        .expect(202);
}

#[tokio::test]
async fn deactivation_disconnects_first_and_keeps_history_and_faults() {
    let app = TestApp::start().await;
    let engine = Reported::default();
    app.app.connect_reconciler(engine.clone());
    let us = app.organization("ours").await.token(Operator).await;
    let (site, [one, two]) = enabled_site(&us, "one").await;
    let fault = open_fault(&app, &site, Some(&one), FaultType::LinkOffline, "cut").await;
    engine.set(&site, &[(&two, 1)]);
    let _jobs = Jobs::start(app.app.clone());

    let path = format!("/sites/{site}/failover");
    let asked = us
        .post(&format!("{path}/deactivation"), json!({}))
        .await
        .expect(201);
    let token = text(&asked["confirmation"]);
    let job = us
        .delete(&format!("{path}?confirmation={token}"))
        .await
        .expect(202)["job"]
        .take();
    us.post(&path, json!({})).await.error(409);
    us.post(&format!("/sites/{site}/tunnels"), json!({}))
        .await
        .error(409);
    assert_eq!(
        us.get(&format!("/tunnels/{one}")).await.expect(200)["state"],
        "unconfigured"
    );

    engine.set(&site, &[]);
    let job = ended(&us, &text(&job["id"])).await;
    assert_eq!(
        (&job["state"], &job["result"]),
        (&json!("succeeded"), &json!({ "tunnels_removed": 2 }))
    );
    us.get(&format!("/tunnels/{one}")).await.error(404);
    let history = us.get(&format!("/tunnels/{one}/states")).await.expect(200);
    assert_eq!(history["items"][0]["state"], "unconfigured");
    let fault = us.get(&format!("/faults/{fault}")).await.expect(200);
    assert_eq!(
        (&fault["state"], &fault["tunnel_name"]),
        (&json!("closed"), &json!("WAN 1"))
    );
    assert_eq!(fault["end_cause"], "failover of the site was deactivated");
    us.post(&path, json!({})).await.expect(201);
}
