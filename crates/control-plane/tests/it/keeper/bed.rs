//! A control plane with an engine and a keeper, and a site with two tunnels and a router.

use std::time::{Duration, Instant};

use holdfast_api_types::{
    OrganizationId, SiteId, TunnelId, UserRole,
    api::Change,
    controller::{LoginRequest, LoginVerdict, Report, ReportKind},
};
use holdfast_control_plane::{
    engine::{Engine, Source},
    events::{Message, Subscription},
    ids::{SecretHash, SecretKind, new_secret},
    router::Keeper,
};
use holdfast_store::router::{self, Handed};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::{
    estate::{config, enabled_site},
    support::TestApp,
};

/// Longer than anything here takes when all is well.
const LONG: Duration = Duration::from_secs(20);

const MANAGEMENT: &str = "tunnel-management";

pub(super) struct Bed {
    pub(super) app: TestApp,
    pub(super) organization: OrganizationId,
    pub(super) site: SiteId,
    engine: Engine,
    controller: Source,
    news: Subscription,
    keeper: Keeper,
}

/// Waits until something is so.
pub(super) async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let give_up = Instant::now() + LONG;
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(Instant::now() < give_up, "waited in vain for: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

impl Bed {
    /// A site whose router has its credentials and has not come yet.
    pub(super) async fn start() -> Self {
        let app = TestApp::with(config()).await;
        let ours = app.organization("ours").await;
        let organization = ours.id.clone();
        let operator = ours.token(UserRole::Operator).await;
        let (site, _) = enabled_site(&operator, "one").await;
        let site: SiteId = site.parse().unwrap();
        let parts = &app.app;
        let (store, clock) = (parts.store().clone(), parts.clock().clone());
        let engine = Engine::start(store, clock, parts.bus().clone())
            .await
            .unwrap();
        parts.connect_reconciler(engine.clone());
        Self {
            controller: engine.attach(),
            keeper: Keeper::start(parts.clone(), engine.clone()),
            news: parts.bus().subscribe(&organization, None).unwrap(),
            engine,
            organization,
            site,
            app,
        }
    }

    /// Ends the keeper, and begins another.
    pub(super) async fn restart_keeper(&mut self) {
        let next = Keeper::start(self.app.app.clone(), self.engine.clone());
        std::mem::replace(&mut self.keeper, next).stop().await;
    }

    /// Gives a router its credentials; the token with which it checks in.
    pub(super) async fn adopt(&self) -> SecretString {
        let token = new_secret(SecretKind::CheckIn);
        let handed = Handed {
            api_user: "holdfast".into(),
            api_password_sealed: vec![1],
            management_username: MANAGEMENT.parse().unwrap(),
            management_password_sealed: vec![1],
            management_password_sha256: Sha256::digest(MANAGEMENT).into(),
            check_in_token_hash: Some(*SecretHash::of(&token).as_bytes()),
        };
        let now = self.app.app.clock().now();
        let mut write = self.app.app.store().write().await.unwrap();
        router::insert(&mut write, &self.organization, &self.site, &handed, now)
            .await
            .unwrap();
        write.commit().await.unwrap();
        token
    }

    /// What a router's scheduler sends.
    pub(super) async fn check_in(&self, token: &SecretString, version: &str) {
        let router = self.app.anonymous().bearer(token.expose_secret());
        let facts = json!({ "identity": "office", "version": version });
        let answer = router.post("/check-in", facts).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
    }

    /// The router's management tunnel comes up.
    pub(super) async fn management_up(&self) {
        let login = LoginRequest {
            connection: 1,
            username: MANAGEMENT.into(),
            password: SecretString::from(MANAGEMENT),
            remote: "203.0.113.9:40000".parse().unwrap(),
            slot: 0,
        };
        let verdict = self.engine.authorize(self.controller, login).await;
        assert!(matches!(verdict, LoginVerdict::Granted(_)), "{verdict:?}");
        self.report(ReportKind::Up {
            remote: "203.0.113.9:40000".parse().unwrap(),
            slot: 0,
            cipher: "AES-256-GCM".into(),
        });
    }

    /// And goes down.
    pub(super) fn management_down(&self) {
        self.report(ReportKind::Down {
            cause: "connection closed".into(),
            planned: false,
        });
    }

    fn report(&self, kind: ReportKind) {
        let tunnel: TunnelId = MANAGEMENT.parse().unwrap();
        let report = Report {
            tunnel,
            connection: 1,
            kind,
        };
        self.engine.report(self.controller, report);
    }

    pub(super) async fn row(&self) -> router::Router {
        let mut conn = self.app.app.store().read().await.unwrap();
        router::of_site(&mut conn, &self.site)
            .await
            .unwrap()
            .unwrap()
    }

    pub(super) async fn wait_for_state(&self, state: &str) {
        until(state, async || {
            (self.row().await.state.as_str() == state).then_some(())
        })
        .await;
    }

    /// The states of the router that dashboards were told.
    pub(super) async fn told(&mut self) -> Vec<String> {
        let mut states = Vec::new();
        let soon = Duration::from_millis(50);
        while let Ok(Some(messages)) = tokio::time::timeout(soon, self.news.next()).await {
            for message in messages {
                if let Message::Event { event, .. } = message
                    && let Change::Router { state, .. } = &event.change
                {
                    states.push(state.to_string());
                }
            }
        }
        states
    }
}
