//! A control plane with an engine and a keeper, and a site with two tunnels and a router.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use holdfast_api_types::{
    JobState, OrganizationId, Repair, SiteId, TunnelId, UserRole,
    api::Change,
    controller::{LoginRequest, LoginVerdict, Report, ReportKind, Verdict},
};
use holdfast_control_plane::{
    Config,
    engine::{Engine, Source},
    events::{Message, Subscription},
    ids::{SecretHash, SecretKind, new_secret},
    jobs::Jobs,
    router::Keeper,
};
use holdfast_store::{
    Seek,
    fault::{self, Fault},
    health,
    job::{self, Job, JobFilter},
    router::{self, Handed},
    traffic::{self, Rate},
    tunnel::{self, Settings},
};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::{
    estate::{config, enabled_site},
    router::bed::authority,
    support::{Client, PASSWORD, TestApp},
};

/// Longer than anything here takes when all is well.
const LONG: Duration = Duration::from_secs(20);

const MANAGEMENT: &str = "tunnel-management";

pub(super) struct Bed {
    pub(super) app: TestApp,
    pub(super) organization: OrganizationId,
    pub(super) site: SiteId,
    /// Ready to connect, the first before the second.
    pub(super) tunnels: [TunnelId; 2],
    pub(super) engine: Engine,
    controller: Source,
    news: Subscription,
    keeper: Option<Keeper>,
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
    pub(super) async fn start() -> Self {
        Self::with(None).await
    }

    /// The same whose router has an address of its own, and what is configured was brought to it at some time.
    pub(super) async fn configured_at(address: SocketAddr) -> Self {
        let bed = Self::with(Some(address)).await;
        let mut write = bed.app.app.store().write().await.unwrap();
        router::set_configured(&mut write, &bed.site, true)
            .await
            .unwrap();
        write.commit().await.unwrap();
        let second = Duration::from_secs(1);
        bed.pass_until(second, "the router to be there", async || {
            (bed.row().await.state.as_str() == "online").then_some(())
        })
        .await;
        bed
    }

    async fn with(router: Option<SocketAddr>) -> Self {
        let config = Config {
            ca: authority().pem,
            ..config()
        };
        let app = TestApp::with(config).await;
        let ours = app.organization("ours").await;
        let organization = ours.id.clone();
        let owner = ours.token(UserRole::Owner).await;
        let (site, tunnels) = enabled_site(&owner, "one").await;
        for (tunnel, number) in tunnels.iter().zip(1..) {
            let settings = json!({ "interface": format!("ether{number}"), "gateway": format!("192.0.{number}.1"),
                "connection_type": "fibre" });
            owner
                .patch(&format!("/tunnels/{tunnel}"), settings)
                .await
                .expect(200);
        }
        if let Some(address) = router {
            let access = json!({ "kind": "direct", "address": address.ip(), "port": address.port(),
                "tls": false, "user": "admin", "password": "" });
            owner
                .put(&format!("/sites/{site}/router/access"), access)
                .await
                .expect(200);
        }
        let site: SiteId = site.parse().unwrap();
        let parts = &app.app;
        let (store, clock) = (parts.store().clone(), parts.clock().clone());
        let engine = Engine::start(store, clock, parts.bus().clone())
            .await
            .unwrap();
        parts.connect_reconciler(engine.clone());
        parts.routers().connect(engine.clone());
        // Past the time in which a start waits for what was connected before.
        app.clock.advance(Duration::from_secs(60));
        engine.clock_moved();
        Self {
            tunnels: tunnels.map(|id| id.parse().unwrap()),
            controller: engine.attach(),
            keeper: Some(Keeper::start(parts.clone(), engine.clone())),
            news: parts.bus().subscribe(&organization, None).unwrap(),
            engine,
            organization,
            site,
            app,
        }
    }

    /// The process ends, as far as routers are concerned.
    pub(super) async fn stop_keeper(&mut self) {
        if let Some(keeper) = self.keeper.take() {
            keeper.stop().await;
        }
    }

    /// And begins anew.
    pub(super) fn start_keeper(&mut self) {
        let keeper = Keeper::start(self.app.app.clone(), self.engine.clone());
        self.keeper = Some(keeper);
    }

    /// A browser of somebody who only looks.
    pub(super) async fn viewer(&self) -> Client<'_> {
        let nobody = self.app.anonymous();
        nobody.log_in("viewer@ours.example", PASSWORD).await
    }

    /// Lets time pass, so much in each look, until something is so.
    pub(super) async fn pass_until<T>(
        &self,
        step: Duration,
        what: &str,
        mut look: impl AsyncFnMut() -> Option<T>,
    ) -> T {
        until(what, async || {
            self.app.clock.advance(step);
            self.engine.clock_moved();
            look().await
        })
        .await
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
        self.log_in(1, MANAGEMENT, SecretString::from(MANAGEMENT))
            .await;
    }

    /// And goes down.
    pub(super) fn management_down(&self) {
        let cause = "connection closed".into();
        let planned = false;
        self.report(1, MANAGEMENT, ReportKind::Down { cause, planned });
    }

    /// Both tunnels are up and past their holds, and the first has the traffic.
    pub(super) async fn both_up(&self) {
        for (number, tunnel) in (1..).zip(&self.tunnels) {
            let password = self.password(tunnel).await;
            self.log_in(number, tunnel.as_str(), password).await;
        }
        let second = Duration::from_secs(1);
        self.pass_until(second, "the first tunnel to be active", async || {
            self.answer();
            (self.engine.active(&self.site).as_ref() == Some(&self.tunnels[0])).then_some(())
        })
        .await;
    }

    /// The connected tunnels answer their probes.
    pub(super) fn answer(&self) {
        for (number, tunnel) in (1..).zip(&self.tunnels) {
            let answered = ReportKind::Verdict(Verdict::Answered);
            self.report(number, tunnel.as_str(), answered);
        }
    }

    /// The first tunnel carries no packets any more.
    pub(super) fn first_dies(&self) {
        let dead = Verdict::Dead {
            cause: "4 of 4 probes lost".into(),
            lingers: Duration::from_secs(4),
        };
        let first = self.tunnels[0].as_str();
        self.report(1, first, ReportKind::Verdict(dead));
        // The controller is told to close it.
        let cause = "4 of 4 probes lost".into();
        let planned = false;
        self.report(1, first, ReportKind::Down { cause, planned });
    }

    /// Waits until the second tunnel has the traffic.
    pub(super) async fn second_takes_over(&self) {
        let step = Duration::from_millis(100);
        self.pass_until(step, "the second tunnel to have the traffic", async || {
            self.answer();
            (self.engine.active(&self.site).as_ref() == Some(&self.tunnels[1])).then_some(())
        })
        .await;
    }

    async fn log_in(&self, connection: u64, username: &str, password: SecretString) {
        let remote = "203.0.113.9:40000".parse().unwrap();
        let login = LoginRequest {
            connection,
            username: username.into(),
            password,
            remote,
            slot: 0,
        };
        let verdict = self.engine.authorize(self.controller, login).await;
        assert!(matches!(verdict, LoginVerdict::Granted(_)), "{verdict:?}");
        let up = ReportKind::Up {
            remote,
            slot: 0,
            cipher: "AES-256-GCM".into(),
        };
        self.report(connection, username, up);
    }

    fn report(&self, connection: u64, tunnel: &str, kind: ReportKind) {
        let report = Report {
            tunnel: tunnel.parse().unwrap(),
            connection,
            kind,
        };
        self.engine.report(self.controller, report);
    }

    /// Configures a tunnel.
    pub(super) async fn set(&self, tunnel: usize, change: impl FnOnce(&mut Settings)) {
        let mut write = self.app.app.store().write().await.unwrap();
        let id = &self.tunnels[tunnel];
        let row = tunnel::get(&mut write, &self.organization, id)
            .await
            .unwrap()
            .unwrap();
        let mut settings = row.settings;
        change(&mut settings);
        let done = tunnel::configure(&mut write, id, row.version, &settings)
            .await
            .unwrap();
        assert!(done.is_some());
        write.commit().await.unwrap();
    }

    /// The password of a tunnel, from its profile.
    async fn password(&self, tunnel: &TunnelId) -> SecretString {
        let operator = self.app.anonymous();
        let operator = operator.log_in("operator@ours.example", PASSWORD).await;
        let profile = operator.get(&format!("/tunnels/{tunnel}/profile")).await;
        assert_eq!(profile.status, 200, "{}", profile.text);
        let mut lines = profile.text.lines();
        lines.by_ref().find(|line| *line == "<auth-user-pass>");
        let password = lines.nth(1).unwrap();
        SecretString::from(password)
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

    /// What went through the first tunnel's WAN in each minute of the last hour.
    pub(super) async fn rates(&self) -> Vec<Option<Rate>> {
        let now = self.app.app.clock().now();
        let from = now - jiff::SignedDuration::from_hours(1);
        let mut conn = self.app.app.store().read().await.unwrap();
        let tunnel = &self.tunnels[0];
        let series = health::series(&mut conn, tunnel, from, now, 61, now)
            .await
            .unwrap();
        traffic::rates(&mut conn, tunnel, &series).await.unwrap()
    }

    /// A job brings what is configured to the router, and nobody does so from then on.
    pub(super) async fn configure(&self) {
        let jobs = Jobs::start(self.app.app.clone());
        self.repair(Repair::Automatic).await;
        let step = Duration::from_secs(2);
        let job = self
            .pass_until(step, "the router to be configured", async || {
                let job = self.jobs().await.pop()?;
                job.state.is_finished().then_some(job)
            })
            .await;
        assert_eq!(job.state, JobState::Succeeded, "{job:?}");
        jobs.stop().await;
        self.repair(Repair::Ask).await;
    }

    /// What happens when the router differs.
    pub(super) async fn repair(&self, repair: Repair) {
        let mut write = self.app.app.store().write().await.unwrap();
        router::set_repair(&mut write, &self.site, repair)
            .await
            .unwrap();
        write.commit().await.unwrap();
    }

    /// What goes on at the site.
    pub(super) async fn faults(&self) -> Vec<Fault> {
        let mut conn = self.app.app.store().read().await.unwrap();
        fault::open_of_site(&mut conn, &self.site).await.unwrap()
    }

    /// Every job about the site, the latest first.
    pub(super) async fn jobs(&self) -> Vec<Job> {
        let mut conn = self.app.app.store().read().await.unwrap();
        let all = JobFilter::default();
        let jobs = job::list(&mut conn, &self.organization, &all, &Seek::first(100)).await;
        jobs.unwrap().items
    }
}
