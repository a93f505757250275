//! Sites and tunnels for tests, and an engine that does what a test tells it to.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use holdfast_api_types::{FaultId, FaultType, Place, Route, SiteId, TunnelId};
use holdfast_control_plane::{Config, engine::TunnelHolds, ids::new_id, reconciler::Reconciler};
use holdfast_store::fault::{self, NewFault};
use serde_json::{Value, json};

use crate::support::{Client, TestApp};

/// A configuration with three slots.
pub(crate) fn config() -> Config {
    let slots = [1, 2, 3].map(|n| format!("203.0.113.{n}:443").parse().unwrap());
    Config {
        slots: slots.into(),
        ca: "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n".into(),
        ..Config::default()
    }
}

/// A site with failover enabled: its id, and those of its two tunnels.
pub(crate) async fn enabled_site(client: &Client<'_>, name: &str) -> (String, [String; 2]) {
    let site = client
        .post("/sites", json!({ "name": name }))
        .await
        .expect(201);
    let site = text(&site["id"]);
    let status = client
        .post(&format!("/sites/{site}/failover"), json!({}))
        .await
        .expect(201);
    let tunnels = [0, 1].map(|index| text(&status["tunnels"][index]["id"]));
    (site, tunnels)
}

/// A text of an answer.
#[track_caller]
pub(crate) fn text(value: &Value) -> String {
    value
        .as_str()
        .unwrap_or_else(|| panic!("no text: {value}"))
        .to_owned()
}

/// Opens a fault, as the engine does.
pub(crate) async fn open_fault(
    app: &TestApp,
    site: &str,
    tunnel: Option<&str>,
    kind: FaultType,
    cause: &str,
) -> FaultId {
    let now = app.app.clock().now();
    let new = NewFault {
        id: new_id(now),
        site_id: site.parse().unwrap(),
        tunnel_id: tunnel.map(|id| id.parse().unwrap()),
        kind,
        severity: kind.severity(),
        cause: cause.into(),
        started_at: now,
    };
    let mut write = app.app.store().write().await.unwrap();
    assert!(fault::open(&mut write, &new).await.unwrap());
    write.commit().await.unwrap();
    new.id
}

/// One of everything that a path can name, in this organization.
pub(crate) async fn furnish(app: &TestApp, client: &Client<'_>) {
    let (site, [one, two]) = enabled_site(client, "furnished").await;
    let order = json!({ "tunnels": [two, one] });
    let client = client.clone().header("if-match", "*");
    client
        .put(&format!("/sites/{site}/priority"), order)
        .await
        .expect(202);
    open_fault(app, &site, Some(&one), FaultType::LinkOffline, "cut").await;
}

/// What controllers would report, as the test says it. Clones are the same.
#[derive(Debug, Clone, Default)]
pub(crate) struct Reported(Arc<Mutex<Desk>>);

#[derive(Debug, Default)]
struct Desk {
    holds: BTreeMap<SiteId, Vec<TunnelHolds>>,
    nudged: Vec<SiteId>,
}

impl Reported {
    /// Every tunnel of the site that is connected, with the rung it holds.
    pub(crate) fn set(&self, site: &str, rungs: &[(&str, u8)]) {
        let holds = rungs
            .iter()
            .map(|(tunnel, rung)| holding(tunnel.parse().unwrap(), *rung));
        let mut desk = self.0.lock().unwrap();
        desk.holds.insert(site.parse().unwrap(), holds.collect());
    }

    /// The sites that were said to have changed since the last call.
    pub(crate) fn take_nudged(&self) -> Vec<String> {
        let nudged = std::mem::take(&mut self.0.lock().unwrap().nudged);
        nudged.iter().map(ToString::to_string).collect()
    }
}

fn holding(tunnel: TunnelId, rung: u8) -> TunnelHolds {
    let route = Route {
        network: [0, 0, 0, 0].into(),
        prefix: rung,
        gateway: [192, 0, 2, 1].into(),
        metric: 10,
    };
    TunnelHolds {
        tunnel,
        place: Place { rung, step: 10 },
        routes: vec![route],
    }
}

impl Reconciler for Reported {
    fn site_changed(&self, site: &SiteId) {
        self.0.lock().unwrap().nudged.push(site.clone());
    }

    fn holds(&self, site: &SiteId) -> Vec<TunnelHolds> {
        self.0
            .lock()
            .unwrap()
            .holds
            .get(site)
            .cloned()
            .unwrap_or_default()
    }
}
