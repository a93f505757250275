//! A router with an address of its own, configured by jobs that people ask for over HTTP.

use std::time::Duration;

use holdfast_api_types::UserRole::{Operator, Owner};
use holdfast_control_plane::{Config, jobs::Jobs};
use serde_json::{Value, json};

use super::bed::{Bed, authority};
use crate::{
    estate::{config, enabled_site, text},
    support::{Client, TestApp},
};

/// A site whose router is the bed's, with two tunnels over its two lines.
struct Site<'a> {
    app: &'a TestApp,
    client: Client<'a>,
    id: String,
    tunnels: [String; 2],
}

async fn start() -> TestApp {
    TestApp::with(Config {
        ca: authority().pem,
        ..config()
    })
    .await
}

impl<'a> Site<'a> {
    async fn with_router(app: &'a TestApp, bed: &Bed) -> Self {
        let organization = app.organization("ours").await;
        let owner = organization.token(Owner).await;
        let (id, tunnels) = enabled_site(&owner, "office").await;
        let access = json!({
            "kind": "direct",
            "address": bed.address.ip(),
            "port": bed.address.port(),
            "tls": false,
            "user": "admin",
            "password": "",
        });
        let path = format!("/sites/{id}/router/access");
        owner.put(&path, access).await.expect(200);
        Self {
            app,
            client: organization.token(Operator).await,
            id,
            tunnels,
        }
    }

    async fn configure(&self, index: usize, wish: Value) -> crate::support::Answer {
        let path = format!("/tunnels/{}", self.tunnels[index]);
        self.client.patch(&path, wish).await
    }

    async fn configure_both(&self) {
        for number in [1, 2] {
            let wish = json!({
                "interface": format!("ether{number}"),
                "gateway": format!("192.0.{number}.1"),
                "connection_type": "fibre",
            });
            self.configure(number - 1, wish).await.expect(200);
        }
    }

    async fn get(&self, path: &str) -> Value {
        let path = format!("/sites/{}/{path}", self.id);
        self.client.get(&path).await.expect(200)
    }

    async fn confirm(&self) -> String {
        let client = self.client.clone().header("if-match", "*");
        let path = format!("/sites/{}/priority", self.id);
        let order = json!({ "tunnels": self.tunnels });
        text(&client.put(&path, order).await.expect(202)["job"]["id"])
    }

    /// Waits until a job is like that, while time goes by.
    async fn until(&self, job: &str, what: impl Fn(&Value) -> bool) -> Value {
        let deadline = tokio::time::Instant::now() + Duration::from_secs(30);
        loop {
            let latest = self.client.get(&format!("/jobs/{job}")).await.expect(200);
            if what(&latest) {
                return latest;
            }
            assert!(tokio::time::Instant::now() < deadline, "it stays {latest}");
            self.app.clock.advance(Duration::from_millis(500));
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn done(&self, job: &str) -> Value {
        let ended = self.until(job, |job| !job["ended_at"].is_null()).await;
        assert_eq!(ended["state"], "succeeded", "{ended}");
        ended
    }

    /// The latest job of a kind.
    async fn latest(&self, kind: &str) -> Value {
        let path = format!("/jobs?site={}&kind={kind}", self.id);
        self.client.get(&path).await.expect(200)["items"][0].take()
    }
}

#[tokio::test]
async fn what_is_confirmed_comes_to_the_router_and_deactivation_takes_it_off() {
    let (bed, app) = (Bed::start().await, start().await);
    let site = Site::with_router(&app, &bed).await;
    let before = bed.configuration().await;
    let jobs = Jobs::start(app.app.clone());
    site.configure_both().await;
    assert!(
        !site.get("router/plan").await["steps"]
            .as_array()
            .unwrap()
            .is_empty()
    );

    let ended = site.done(&site.confirm().await).await;
    assert_eq!(
        ended["steps"][0]["title"], "Configure the router",
        "{ended}"
    );
    let plan = site.get("router/plan").await;
    assert_eq!(plan["steps"], json!([]), "{plan}");
    let router = site.get("router").await;
    assert_eq!(
        (&router["configured"], &router["drift"]),
        (&json!(true), &json!(0))
    );
    assert_eq!(router["via"], "direct");
    assert!(text(&router["version"]).starts_with("7."), "{router}");
    let log = site
        .client
        .get(&format!("/jobs/{}/log", text(&ended["id"])))
        .await
        .expect(200);
    let log = log.to_string();
    assert!(
        log.contains("/interface/ovpn-client/add") && !log.contains("password=hf"),
        "{log}"
    );

    site.configure(1, json!({ "enabled": false }))
        .await
        .expect(200);
    let job = site.latest("configuration").await;
    site.done(&text(&job["id"])).await;
    let has = |lines: &[String], text: &str| lines.iter().any(|line| line.contains(text));
    let lines = bed.configuration().await;
    assert!(
        lines
            .iter()
            .any(|line| line.contains("holdfast-2") && line.contains("\"disabled\": \"true\"")),
        "{lines:#?}"
    );
    assert!(has(&lines, "holdfast:tunnel:1"));

    let path = format!("/sites/{}/failover", site.id);
    let answer = site
        .client
        .post(&format!("{path}/deactivation"), json!({}))
        .await
        .expect(201);
    let token = text(&answer["confirmation"]);
    let answer = site
        .client
        .delete(&format!("{path}?confirmation={token}"))
        .await
        .expect(202);
    site.done(&text(&answer["job"]["id"])).await;
    assert_eq!(bed.configuration().await, before);
    assert_eq!(site.get("router").await["configured"], json!(false));
    jobs.stop().await;
}

#[tokio::test]
async fn what_cannot_work_on_the_router_is_refused_before_anything_is_sent_to_it() {
    let (bed, app) = (Bed::start().await, start().await);
    let site = Site::with_router(&app, &bed).await;
    let before = bed.configuration().await;
    let wish =
        |interface: &str, gateway: &str| json!({ "interface": interface, "gateway": gateway });
    for (interface, gateway, field, says) in [
        ("ether9", "192.0.1.1", "interface", "no such interface"),
        ("ether1", "198.51.100.1", "gateway", "192.0.1.0/24"),
        ("ether1", "192.0.1.7", "gateway", "own"),
    ] {
        let error = site.configure(0, wish(interface, gateway)).await.error(422);
        let fault = &error["fields"][0];
        assert_eq!(fault["field"], field, "{error}");
        assert!(text(&fault["message"]).contains(says), "{error}");
    }
    site.configure(0, wish("ether1", "192.0.1.1"))
        .await
        .expect(200);
    let error = site
        .configure(1, wish("ether1", "192.0.1.1"))
        .await
        .error(422);
    assert_eq!(error["fields"][0]["field"], "interface", "{error}");
    assert_eq!(bed.configuration().await, before);
}

#[tokio::test]
async fn a_router_that_is_away_is_waited_for_and_gets_it_when_it_is_back() {
    let (bed, app) = (Bed::start().await, start().await);
    let site = Site::with_router(&app, &bed).await;
    site.configure_both().await;
    bed.faults(holdfast_virtual_router::Faults {
        silent: true,
        ..Default::default()
    })
    .await;
    let jobs = Jobs::start(app.app.clone());
    let job = site.confirm().await;
    let waiting = site
        .until(&job, |job| {
            job["state"] == "queued" && !job["error"].is_null()
        })
        .await;
    assert_eq!(waiting["steps"][0]["state"], "pending", "{waiting}");
    bed.faults(holdfast_virtual_router::Faults::default()).await;
    site.done(&job).await;
    jobs.stop().await;
}
