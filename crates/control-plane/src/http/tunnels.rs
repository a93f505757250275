//! `/tunnels`: the internet connections of the sites.

use holdfast_api_types::{
    LinkState, OrganizationId, SessionPolicy, TunnelId,
    api::{Change, Edit, Label, LastLogin, LossPercent, Override, Probing, Subject, Tunnel},
    controller::Role,
};
use holdfast_failover::{ProbeProfile, addresses};
use holdfast_store::{
    Connection,
    link_state::{self, NewLinkChange},
    site,
    tunnel::{self, Link, NewTunnel, Settings},
};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};

use super::{error::ApiError, write::Write};
use crate::{
    App,
    ids::{SecretHash, SecretKind, new_id, new_secret},
    vault::tunnel_password,
};

pub(super) mod add;
pub(super) mod configure;
pub(super) mod credentials;
pub(super) mod fleet;
pub(super) mod force;
pub(super) mod health;
pub(super) mod list;
pub(super) mod profile;
pub(super) mod release;
pub(super) mod remove;
mod settings;
pub(super) mod show;
pub(super) mod states;

pub(super) fn view(row: tunnel::Tunnel) -> Tunnel {
    let settings = row.settings;
    let drains =
        [settings.policy_failover, settings.policy_failback].contains(&SessionPolicy::Drain);
    Tunnel {
        probing: probing(&settings),
        id: row.id,
        site_id: row.site_id,
        name: settings.name,
        rank: row.rank,
        slot: row.slot + 1,
        interface: settings.interface,
        gateway: settings.gateway,
        connection_type: settings.connection_type,
        metered: settings.metered,
        enabled: settings.enabled,
        provider: settings.provider,
        sla_latency_ms: settings.sla_latency_ms,
        sla_jitter_ms: settings.sla_jitter_ms,
        sla_loss_percent: settings.sla_loss_ppm.map(LossPercent::from_ppm),
        probe_profile: settings.probe_profile,
        policy_failover: settings.policy_failover,
        policy_failback: settings.policy_failback,
        drain_min: drains.then_some(settings.drain_min),
        forced: row.forced.map(view_override),
        state: row.link.state,
        cause: row.link.cause,
        since: row.link.since,
        role: row.link.role,
        last_login: row.last_login.map(|login| LastLogin {
            at: login.at,
            remote: login.remote,
            cipher: login.cipher,
        }),
        address: addresses::of_network(row.address_index).router,
        version: row.version,
        created_at: row.created_at,
    }
}

fn view_override(row: tunnel::Override) -> Override {
    Override {
        kind: row.kind,
        reason: row.reason,
        by: row.by,
        at: row.at,
        expires_at: row.expires_at,
    }
}

fn probing(settings: &Settings) -> Probing {
    let usual = ProbeProfile::usual(settings.connection_type, settings.metered);
    let name = settings.probe_profile.unwrap_or(usual);
    let profile = ProbeProfile::of(name);
    Probing {
        profile: name,
        active_bytes_per_month: profile.bytes_per_month(Role::Active),
        standby_bytes_per_month: profile.bytes_per_month(Role::Standby),
    }
}

/// A tunnel as the audit log names it.
pub(super) fn subject(id: &TunnelId) -> Subject {
    Subject {
        kind: "tunnel".into(),
        id: id.to_string(),
    }
}

/// The tunnel of an organization, or 404.
async fn found(
    conn: &mut Connection,
    organization: &OrganizationId,
    id: &TunnelId,
) -> Result<tunnel::Tunnel, ApiError> {
    let row = tunnel::get(conn, organization, id).await?;
    row.ok_or_else(|| ApiError::not_found("tunnel"))
}

/// A tunnel to be made that nobody has configured, with a password of its own.
pub(super) fn blank(app: &App, site: &site::Site, name: Label, now: Timestamp) -> NewTunnel {
    let id: TunnelId = new_id(now);
    let settings = Settings {
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
        policy_failover: SessionPolicy::Usual,
        policy_failback: SessionPolicy::Usual,
        drain_min: 0,
    };
    NewTunnel {
        organization_id: site.organization_id.clone(),
        site_id: site.id.clone(),
        link: configured_link(&settings, now),
        settings,
        credentials: new_credentials(app, &id).1,
        created_at: now,
        id,
    }
}

/// What is known of a tunnel that has never connected.
fn configured_link(settings: &Settings, now: Timestamp) -> Link {
    let (state, cause) = match settings.missing() {
        Some(missing) => (LinkState::Unconfigured, format!("it has no {missing} yet")),
        None => (
            LinkState::NeverSeen,
            "its router has not connected yet".into(),
        ),
    };
    Link {
        state,
        cause,
        since: now,
        role: None,
    }
}

/// A password of 256 random bits, and what is stored of it.
fn new_credentials(app: &App, id: &TunnelId) -> (SecretString, tunnel::Credentials) {
    let password = new_secret(SecretKind::TunnelPassword);
    let credentials = tunnel::Credentials {
        sealed: app
            .vault()
            .seal(&tunnel_password(id), password.expose_secret().as_bytes()),
        sha256: *SecretHash::of(&password).as_bytes(),
    };
    (password, credentials)
}

/// Begins the history of a new tunnel, and tells of it.
pub(super) async fn created(write: &mut Write<'_>, row: &tunnel::Tunnel) -> Result<(), ApiError> {
    remember_link(write, row).await?;
    write.tell(Change::Tunnel {
        site: row.site_id.clone(),
        tunnel: row.id.clone(),
        edit: Edit::Created,
    });
    Ok(())
}

/// Puts what is known of a tunnel's connection now into its history.
async fn remember_link(write: &mut Write<'_>, row: &tunnel::Tunnel) -> Result<(), ApiError> {
    let change = NewLinkChange {
        tunnel_id: &row.id,
        site_id: &row.site_id,
        at: row.link.since,
        state: row.link.state,
        role: row.link.role,
        cause: &row.link.cause,
    };
    link_state::insert(write, &change).await?;
    Ok(())
}

/// Tells that a tunnel was changed.
fn tell_changed(write: &mut Write<'_>, row: &tunnel::Tunnel) {
    write.tell(Change::Tunnel {
        site: row.site_id.clone(),
        tunnel: row.id.clone(),
        edit: Edit::Changed,
    });
}
