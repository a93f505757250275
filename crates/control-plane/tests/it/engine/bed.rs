//! A site with two tunnels in a database of its own, an engine over it, and the controller's side.

use std::{
    net::Ipv4Addr,
    sync::Arc,
    time::{Duration, Instant},
};

use holdfast_api_types::{
    ConnectionType, Health, LinkState, OrganizationId, OverrideKind, SessionPolicy, SiteId,
    TunnelId,
    api::Gateway,
    controller::{
        Command, LoginRequest, LoginVerdict, Order, Report, ReportKind, TunnelGrant, Verdict,
    },
};
use holdfast_control_plane::{
    clock::{Clock, ManualClock},
    engine::{Engine, Source},
    events::Bus,
};
use holdfast_store::{
    Seek, Store,
    fault::{self, Fault},
    link_state::{self, LinkChange},
    organization::{self, Organization},
    site::{self, Site},
    tunnel::{self, Credentials, Link, NewTunnel, Override, Settings, Tunnel},
};
use secrecy::SecretString;
use sha2::{Digest, Sha256};
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(10);

pub(super) struct Bed {
    pub(super) store: Store,
    pub(super) clock: ManualClock,
    pub(super) bus: Bus,
    pub(super) engine: Engine,
    pub(super) controller: Source,
    pub(super) organization: OrganizationId,
    pub(super) site: SiteId,
    connections: u64,
    directory: TempDir,
}

pub(super) fn id(name: &str) -> TunnelId {
    format!("tunnel-{name}").parse().unwrap()
}

pub(super) fn digest(password: &str) -> [u8; 32] {
    Sha256::digest(password).into()
}

/// Waits until something is so.
pub(super) async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let give_up = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(Instant::now() < give_up, "waited in vain for: {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

impl Bed {
    /// Two tunnels, "fibre" before "lte", both ready to connect, after the grace of a start.
    pub(super) async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(&directory.path().join("holdfast.db"))
            .await
            .unwrap();
        let clock = ManualClock::at("2026-11-23T10:00:00Z".parse().unwrap());
        let (organization, site) = add_site(&store, &clock).await;
        for name in ["fibre", "lte"] {
            add_tunnel(&store, &clock, &organization, &site, name).await;
        }
        let bus = Bus::new();
        let engine = start(&store, &clock, &bus).await;
        clock.advance(Duration::from_secs(20));
        engine.clock_moved();
        Self {
            controller: engine.attach(),
            store,
            clock,
            bus,
            engine,
            organization,
            site,
            connections: 0,
            directory,
        }
    }

    /// The process ends, and another begins.
    pub(super) async fn restart(&mut self) {
        self.engine.stop(PATIENCE).await;
        self.engine = start(&self.store, &self.clock, &self.bus).await;
        self.controller = self.engine.attach();
    }

    /// A second process with the same database file.
    pub(super) async fn second_store(&self) -> Store {
        Store::open(&self.directory.path().join("holdfast.db"))
            .await
            .unwrap()
    }

    // --- the controller's side --------------------------------------------------------------

    /// A log-in on a new connection.
    pub(super) fn next_login(&mut self, name: &str, password: &str) -> LoginRequest {
        self.connections += 1;
        self.login(name, password)
    }

    pub(super) async fn log_in(&mut self, name: &str, password: &str) -> (u64, LoginVerdict) {
        let login = self.next_login(name, password);
        let verdict = self.engine.authorize(self.controller, login).await;
        (self.connections, verdict)
    }

    pub(super) fn login(&self, name: &str, password: &str) -> LoginRequest {
        LoginRequest {
            connection: self.connections,
            username: id(name).to_string(),
            password: SecretString::from(password),
            remote: "203.0.113.9:40000".parse().unwrap(),
            slot: 0,
        }
    }

    pub(super) fn report(&self, name: &str, connection: u64, kind: ReportKind) {
        let report = Report {
            tunnel: id(name),
            connection,
            kind,
        };
        self.engine.report(self.controller, report);
    }

    /// Logs in, gets its routes, and answers its first probe.
    pub(super) async fn connect(&mut self, name: &str) -> (u64, TunnelGrant) {
        self.connect_with(name, name).await
    }

    pub(super) async fn connect_with(&mut self, name: &str, password: &str) -> (u64, TunnelGrant) {
        let (connection, verdict) = self.log_in(name, password).await;
        let LoginVerdict::Granted(grant) = verdict else {
            panic!("{verdict:?}");
        };
        self.come_up(name, connection);
        (connection, *grant)
    }

    pub(super) fn come_up(&self, name: &str, connection: u64) {
        let up = ReportKind::Up {
            remote: "203.0.113.9:40000".parse().unwrap(),
            slot: 0,
            cipher: "AES-256-GCM".into(),
        };
        self.report(name, connection, up);
        self.answer(name, connection);
    }

    pub(super) fn answer(&self, name: &str, connection: u64) {
        self.report(name, connection, ReportKind::Verdict(Verdict::Answered));
    }

    pub(super) fn die(&self, name: &str, connection: u64) {
        let dead = Verdict::Dead {
            cause: "4 of 4 probes lost".into(),
            lingers: Duration::from_secs(4),
        };
        self.report(name, connection, ReportKind::Verdict(dead));
    }

    pub(super) fn go_down(&self, name: &str, connection: u64, planned: bool) {
        let cause = "connection closed".into();
        self.report(name, connection, ReportKind::Down { cause, planned });
    }

    pub(super) fn measure(&self, name: &str, connection: u64, loss: f64) {
        let health = Health {
            rtt_ms: Some(20.0),
            jitter_ms: Some(1.0),
            loss,
            probes: 10,
        };
        self.report(name, connection, ReportKind::Health(health));
    }

    /// Both tunnels connected and past their holds, the first with the traffic.
    pub(super) async fn both_up(&mut self) -> (u64, u64) {
        let (fibre, _) = self.connect("fibre").await;
        let (lte, _) = self.connect("lte").await;
        self.pass(40, &[("fibre", fibre), ("lte", lte)]).await;
        until("the primary to be active", async || {
            self.pass(1, &[("fibre", fibre), ("lte", lte)]).await;
            (self.engine.active(&self.site) == Some(id("fibre"))).then_some(())
        })
        .await;
        self.engine.take_commands(self.controller);
        (fibre, lte)
    }

    /// Lets seconds pass in which these answer their probes.
    pub(super) async fn pass(&self, seconds: u64, answering: &[(&str, u64)]) {
        for _ in 0..seconds * 2 {
            self.clock.advance(Duration::from_millis(500));
            self.engine.clock_moved();
            for (name, connection) in answering {
                self.answer(name, *connection);
            }
            tokio::task::yield_now().await;
        }
    }

    /// The next planned disconnect that the controller is told.
    pub(super) async fn planned_disconnect(&self) -> u64 {
        until("a planned disconnect", async || {
            self.pass(1, &[]).await;
            self.disconnects().into_iter().next()
        })
        .await
    }

    /// Connections that the controller is told to end as planned, of those not taken yet.
    pub(super) fn disconnects(&self) -> Vec<u64> {
        let is_planned =
            |command: &Command| matches!(command.order, Order::Disconnect { planned: true, .. });
        self.engine
            .take_commands(self.controller)
            .iter()
            .filter(|command| is_planned(command))
            .map(|command| command.connection)
            .collect()
    }

    // --- the operator's side ----------------------------------------------------------------

    pub(super) async fn tunnel(&self, name: &str) -> Tunnel {
        let mut conn = self.store.read().await.unwrap();
        tunnel::get(&mut conn, &self.organization, &id(name))
            .await
            .unwrap()
            .unwrap()
    }

    pub(super) async fn configure(&self, name: &str, change: impl FnOnce(&mut Settings)) {
        let now = self.tunnel(name).await;
        let mut settings = now.settings;
        change(&mut settings);
        let mut tx = self.store.write().await.unwrap();
        let done = tunnel::configure(&mut tx, &id(name), now.version, &settings)
            .await
            .unwrap();
        assert!(done.is_some());
        tx.commit().await.unwrap();
        self.engine.site_changed(&self.site);
    }

    pub(super) async fn change_site(&self, change: impl FnOnce(&mut Site)) {
        let mut tx = self.store.write().await.unwrap();
        let mut site = site::find(&mut tx, &self.site).await.unwrap().unwrap();
        change(&mut site);
        assert!(site::update(&mut tx, &site).await.unwrap());
        tx.commit().await.unwrap();
        self.engine.site_changed(&self.site);
    }

    pub(super) async fn set_password(&self, name: &str, password: &str) {
        let mut tx = self.store.write().await.unwrap();
        let new = credentials(password);
        assert!(
            tunnel::set_credentials(&mut tx, &id(name), &new)
                .await
                .unwrap()
        );
        tx.commit().await.unwrap();
        self.engine.site_changed(&self.site);
    }

    pub(super) async fn force(&self, name: &str, kind: OverrideKind, for_s: Option<i64>) {
        let at = self.clock.now();
        let new = Override {
            kind,
            reason: "works on the mast".into(),
            by: "Ada".into(),
            at,
            expires_at: for_s.map(|s| at + jiff::SignedDuration::from_secs(s)),
        };
        let mut tx = self.store.write().await.unwrap();
        assert!(
            tunnel::set_override(&mut tx, &id(name), &new)
                .await
                .unwrap()
        );
        tx.commit().await.unwrap();
        self.engine.site_changed(&self.site);
    }

    // --- what was written -------------------------------------------------------------------

    pub(super) async fn open_faults(&self) -> Vec<Fault> {
        let mut conn = self.store.read().await.unwrap();
        fault::open_of_site(&mut conn, &self.site).await.unwrap()
    }

    pub(super) async fn until_faults(&self, expected: &[&str]) {
        let mut last = Vec::new();
        let give_up = Instant::now() + PATIENCE;
        while last != expected {
            assert!(Instant::now() < give_up, "{last:?} is not {expected:?}");
            tokio::time::sleep(Duration::from_millis(2)).await;
            last = self
                .open_faults()
                .await
                .iter()
                .map(|fault| fault.kind.to_string())
                .collect();
            last.sort();
        }
    }

    pub(super) async fn until_state(&self, name: &str, state: LinkState) -> Tunnel {
        until(&format!("{name} to be {state}"), async || {
            let tunnel = self.tunnel(name).await;
            (tunnel.link.state == state).then_some(tunnel)
        })
        .await
    }

    /// The history of a tunnel, oldest first.
    pub(super) async fn history(&self, name: &str) -> Vec<LinkChange> {
        let mut conn = self.store.read().await.unwrap();
        let page = link_state::of_tunnel(&mut conn, &id(name), &Seek::first(200))
            .await
            .unwrap();
        page.items.into_iter().rev().collect()
    }
}

async fn start(store: &Store, clock: &ManualClock, bus: &Bus) -> Engine {
    Engine::start(store.clone(), Arc::new(clock.clone()), bus.clone())
        .await
        .unwrap()
}

async fn add_site(store: &Store, clock: &ManualClock) -> (OrganizationId, SiteId) {
    let organization: OrganizationId = "organization-a".parse().unwrap();
    let site: SiteId = "site-a".parse().unwrap();
    let mut tx = store.write().await.unwrap();
    let new = Organization {
        id: organization.clone(),
        name: "A".into(),
        created_at: clock.now(),
    };
    organization::insert(&mut tx, &new).await.unwrap();
    let new = Site {
        id: site.clone(),
        organization_id: organization.clone(),
        name: "Head office".into(),
        note: String::new(),
        failover_enabled: true,
        priority_version: 1,
        hold_s: 30,
        created_at: clock.now(),
    };
    site::insert(&mut tx, &new).await.unwrap();
    tx.commit().await.unwrap();
    (organization, site)
}

async fn add_tunnel(
    store: &Store,
    clock: &ManualClock,
    organization: &OrganizationId,
    site: &SiteId,
    name: &str,
) {
    let new = NewTunnel {
        id: id(name),
        organization_id: organization.clone(),
        site_id: site.clone(),
        settings: settings(name),
        credentials: credentials(name),
        created_at: clock.now(),
        link: Link {
            state: LinkState::NeverSeen,
            cause: "it has never connected".into(),
            since: clock.now(),
            role: None,
        },
    };
    let mut tx = store.write().await.unwrap();
    tunnel::insert(&mut tx, new).await.unwrap();
    tx.commit().await.unwrap();
}

fn settings(name: &str) -> Settings {
    Settings {
        name: name.to_uppercase(),
        interface: None,
        gateway: Some(Gateway::Address(gateway(name))),
        connection_type: Some(ConnectionType::Fibre),
        metered: false,
        enabled: true,
        provider: None,
        sla_latency_ms: None,
        sla_jitter_ms: None,
        sla_loss_ppm: Some(20_000),
        probe_profile: None,
        policy_failover: SessionPolicy::Keep,
        policy_failback: SessionPolicy::Keep,
        drain_min: 5,
    }
}

/// The gateway of a tunnel.
pub(super) fn gateway(name: &str) -> Ipv4Addr {
    Ipv4Addr::new(192, 0, 2, if name == "fibre" { 1 } else { 2 })
}

fn credentials(password: &str) -> Credentials {
    Credentials {
        sealed: Vec::new(),
        sha256: digest(password),
    }
}
