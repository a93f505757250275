//! A store in a directory of its own, and rows to fill it with.

use std::{ops::Deref, path::Path};

use holdfast_api_types::{
    LinkState, OrganizationId, SessionPolicy, SiteId, TunnelId, UserId, UserRole,
};
use holdfast_store::{
    Store,
    organization::{self, Organization},
    site::{self, Site},
    tunnel::{self, Credentials, Link, NewTunnel, Settings, Tunnel},
    user::User,
};
use jiff::Timestamp;
use tempfile::TempDir;

/// A store whose file goes when the value does.
pub(crate) struct TestStore {
    store: Store,
    directory: TempDir,
}

impl TestStore {
    pub(crate) async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(&directory.path().join("holdfast.db"))
            .await
            .unwrap();
        Self { store, directory }
    }

    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) async fn close(self) -> TempDir {
        self.store.close().await;
        self.directory
    }
}

impl Deref for TestStore {
    type Target = Store;

    fn deref(&self) -> &Store {
        &self.store
    }
}

/// Seconds after an arbitrary beginning.
pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_795_000_000 + seconds).unwrap()
}

/// A digest that differs for every number.
pub(crate) fn digest(number: u8) -> [u8; 32] {
    [number; 32]
}

pub(crate) fn organization_id(name: &str) -> OrganizationId {
    format!("organization-{name}").parse().unwrap()
}

pub(crate) fn site_id(name: &str) -> SiteId {
    format!("site-{name}").parse().unwrap()
}

pub(crate) fn tunnel_id(name: &str) -> TunnelId {
    format!("tunnel-{name}").parse().unwrap()
}

pub(crate) fn user_id(name: &str) -> UserId {
    format!("user-{name}").parse().unwrap()
}

pub(crate) async fn add_organization(store: &Store, name: &str) -> OrganizationId {
    let mut tx = store.write().await.unwrap();
    let id = organization_id(name);
    let new = Organization {
        id: id.clone(),
        name: name.into(),
        created_at: at(0),
    };
    organization::insert(&mut tx, &new).await.unwrap();
    tx.commit().await.unwrap();
    id
}

pub(crate) fn user(name: &str, organization: &OrganizationId) -> User {
    User {
        id: user_id(name),
        organization_id: organization.clone(),
        email: format!("{name}@example.net"),
        name: name.into(),
        role: UserRole::Operator,
        password_hash: None,
        created_at: at(0),
        disabled_at: None,
    }
}

pub(crate) fn site(name: &str, organization: &OrganizationId) -> Site {
    Site {
        id: site_id(name),
        organization_id: organization.clone(),
        name: name.into(),
        note: String::new(),
        failover_enabled: true,
        priority_version: 1,
        hold_s: 30,
        created_at: at(0),
    }
}

pub(crate) async fn add_site(store: &Store, name: &str, organization: &OrganizationId) -> SiteId {
    let mut tx = store.write().await.unwrap();
    site::insert(&mut tx, &site(name, organization))
        .await
        .unwrap();
    tx.commit().await.unwrap();
    site_id(name)
}

pub(crate) fn settings(name: &str) -> Settings {
    Settings {
        name: name.into(),
        interface: None,
        gateway: None,
        connection_type: None,
        metered: false,
        enabled: true,
        provider: None,
        sla_latency_ms: None,
        sla_jitter_ms: None,
        sla_loss_ppm: None,
        probe_profile: None,
        policy_failover: SessionPolicy::Keep,
        policy_failback: SessionPolicy::Keep,
        drain_min: 30,
    }
}

pub(crate) fn new_tunnel(name: &str, organization: &OrganizationId, site: &SiteId) -> NewTunnel {
    NewTunnel {
        id: tunnel_id(name),
        organization_id: organization.clone(),
        site_id: site.clone(),
        settings: settings(name),
        credentials: Credentials {
            sealed: vec![1, 2, 3],
            sha256: digest(7),
        },
        created_at: at(0),
        link: Link {
            state: LinkState::Unconfigured,
            cause: "it has no gateway yet".into(),
            since: at(0),
            role: None,
        },
    }
}

pub(crate) async fn add_tunnel(
    store: &Store,
    name: &str,
    organization: &OrganizationId,
    site: &SiteId,
) -> Tunnel {
    let mut tx = store.write().await.unwrap();
    let tunnel = tunnel::insert(&mut tx, new_tunnel(name, organization, site))
        .await
        .unwrap();
    tx.commit().await.unwrap();
    tunnel
}
