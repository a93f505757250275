//! WAN tunnels: the internet connections of the sites.

mod list;
mod row;
mod state;

use holdfast_api_types::{
    ConnectionType, OrganizationId, ProfileName, SiteId, TunnelId, TunnelRole,
};
use jiff::Timestamp;

use crate::{Connection, Result, Unique, column::micros, error::OrDuplicate, fault};

pub use list::{TunnelFilter, all, ids, list, of_site};
pub use row::{Credentials, Link, Login, LoginCheck, NewTunnel, Override, Settings, Tunnel};
use row::{forced, last_login};
pub use state::{
    clear_override, connected, next_override_expiry, set_link, set_override, with_expired_override,
};

/// Every select of whole tunnels: the columns in one place, `$tail` begins with WHERE or with a join.
macro_rules! tunnels {
    ($tail:literal $(+ $more:literal)* $(, $arg:expr)* $(,)?) => {
        sqlx::query!(
            r#"select t.id, t.organization_id, t.site_id, t.rank, t.slot, t.address_index, t.version, t.created_at,
                t.name, t.interface, t.gateway as "gateway!", t.connection_type as "connection_type!",
                t.metered, t.enabled, t.provider, t.sla_latency_ms, t.sla_jitter_ms, t.sla_loss_ppm,
                t.probe_profile as "probe_profile!", t.policy_failover, t.policy_failback, t.drain_min,
                t.override_kind as "override_kind!", t.override_reason, t.override_by,
                t.override_at as "override_at!", t.override_expires_at as "override_expires_at!",
                t.state, t.state_cause, t.state_since, t.role as "role!",
                t.last_up_at as "last_up_at!", t.last_remote as "last_remote!", t.last_cipher
                from tunnel t "# + $tail $(+ $more)*
            $(, $arg)*
        )
        .map(|row| $crate::tunnel::Tunnel {
            id: row.id.into(),
            organization_id: row.organization_id.into(),
            site_id: row.site_id.into(),
            rank: row.rank,
            slot: row.slot,
            address_index: row.address_index,
            version: row.version,
            created_at: row.created_at.into(),
            settings: $crate::tunnel::Settings {
                name: row.name,
                interface: row.interface,
                gateway: row.gateway.into(),
                connection_type: row.connection_type.into(),
                metered: row.metered,
                enabled: row.enabled,
                provider: row.provider,
                sla_latency_ms: row.sla_latency_ms,
                sla_jitter_ms: row.sla_jitter_ms,
                sla_loss_ppm: row.sla_loss_ppm,
                probe_profile: row.probe_profile.into(),
                policy_failover: row.policy_failover.into(),
                policy_failback: row.policy_failback.into(),
                drain_min: row.drain_min,
            },
            forced: $crate::tunnel::forced(
                row.override_kind.into(),
                row.override_reason,
                row.override_by,
                row.override_at.into(),
                row.override_expires_at.into(),
            ),
            link: $crate::tunnel::Link {
                state: row.state.into(),
                cause: row.state_cause,
                since: row.state_since.into(),
                role: row.role.into(),
            },
            last_login: $crate::tunnel::last_login(
                row.last_up_at.into(),
                row.last_remote.into(),
                row.last_cipher,
            ),
        })
    };
}
use tunnels;

/// Adds one at the end of its site's order, with the first free slot and network, and says what came of it.
pub async fn insert(conn: &mut Connection, new: NewTunnel) -> Result<Tunnel> {
    let seat = Seat {
        rank: next_rank(conn, &new.site_id).await?,
        slot: free_slot(conn, &new.site_id).await?,
        address_index: free_address(conn).await?,
    };
    insert_at(conn, new, seat).await
}

/// What no other tunnel may have: rank and slot among those of its site, the network among all.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seat {
    pub(crate) rank: u32,
    pub(crate) slot: u32,
    pub(crate) address_index: u32,
}

/// Adds one with a seat that the caller knows to be free.
pub(crate) async fn insert_at(conn: &mut Connection, new: NewTunnel, seat: Seat) -> Result<Tunnel> {
    let Seat {
        rank,
        slot,
        address_index,
    } = seat;
    let (id, organization) = (new.id.as_str(), new.organization_id.as_str());
    let site = new.site_id.as_str();
    let (created_at, state_since) = (micros(new.created_at), micros(new.link.since));
    let settings = Stored::from(&new.settings);
    let (name, interface) = (&new.settings.name, &new.settings.interface);
    let (metered, enabled) = (new.settings.metered, new.settings.enabled);
    let (sealed, sha256) = (&new.credentials.sealed, &new.credentials.sha256[..]);
    let (state, role) = (
        new.link.state.as_str(),
        new.link.role.map(TunnelRole::as_str),
    );
    sqlx::query!(
        "insert into tunnel (id, organization_id, site_id, rank, slot, address_index, created_at,
                name, interface, gateway, connection_type, metered, enabled, provider,
                sla_latency_ms, sla_jitter_ms, sla_loss_ppm, probe_profile,
                policy_failover, policy_failback, drain_min, password_sealed, password_sha256,
                state, state_cause, state_since, role)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20,
                $21, $22, $23, $24, $25, $26, $27)",
        id,
        organization,
        site,
        rank,
        slot,
        address_index,
        created_at,
        name,
        interface,
        settings.gateway,
        settings.connection_type,
        metered,
        enabled,
        new.settings.provider,
        new.settings.sla_latency_ms,
        new.settings.sla_jitter_ms,
        new.settings.sla_loss_ppm,
        settings.probe_profile,
        settings.policy_failover,
        settings.policy_failback,
        new.settings.drain_min,
        sealed,
        sha256,
        state,
        new.link.cause,
        state_since,
        role,
    )
    .execute(&mut *conn)
    .await
    .or_duplicate(Unique::Id)?;
    tunnels_changed(conn, &new.site_id).await?;

    Ok(Tunnel {
        id: new.id,
        organization_id: new.organization_id,
        site_id: new.site_id,
        rank,
        slot,
        address_index,
        version: 1,
        created_at: new.created_at,
        settings: new.settings,
        forced: None,
        link: new.link,
        last_login: None,
    })
}

/// The tunnel of an organization with this id.
pub async fn get(
    conn: &mut Connection,
    organization: &OrganizationId,
    id: &TunnelId,
) -> Result<Option<Tunnel>> {
    let (organization, id) = (organization.as_str(), id.as_str());
    Ok(tunnels!(
        "where t.id = $2 and t.organization_id = $1",
        organization,
        id
    )
    .fetch_optional(conn)
    .await?)
}

/// The tunnel with this id, in whatever organization: for the engine, which serves them all.
pub async fn find(conn: &mut Connection, id: &TunnelId) -> Result<Option<Tunnel>> {
    let id = id.as_str();
    Ok(tunnels!("where t.id = $1", id).fetch_optional(conn).await?)
}

/// What a log-in with this user name is checked against. The other half is [`of_site`].
pub async fn login_check(conn: &mut Connection, id: &TunnelId) -> Result<Option<LoginCheck>> {
    let id = id.as_str();
    Ok(sqlx::query_as!(
        LoginCheck,
        "select t.site_id, t.password_sha256, s.failover_enabled, s.hold_s
            from tunnel t join site s on s.id = t.site_id where t.id = $1",
        id,
    )
    .fetch_optional(conn)
    .await?)
}

/// The password of a tunnel.
pub async fn credentials(conn: &mut Connection, id: &TunnelId) -> Result<Option<Credentials>> {
    let id = id.as_str();
    Ok(sqlx::query_as!(
        Credentials,
        "select password_sealed as sealed, password_sha256 as sha256 from tunnel where id = $1",
        id,
    )
    .fetch_optional(conn)
    .await?)
}

/// Writes a new password; false if there is no such tunnel.
pub async fn set_credentials(
    conn: &mut Connection,
    id: &TunnelId,
    new: &Credentials,
) -> Result<bool> {
    let (id, sha256) = (id.as_str(), &new.sha256[..]);
    let done = sqlx::query!(
        "update tunnel set password_sealed = $2, password_sha256 = $3 where id = $1",
        id,
        new.sealed,
        sha256,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Writes `settings` if the tunnel still has this version, and answers its new one; `None` if it has another by now,
/// or is gone.
pub async fn configure(
    conn: &mut Connection,
    id: &TunnelId,
    version: u32,
    settings: &Settings,
) -> Result<Option<u32>> {
    let id = id.as_str();
    let stored = Stored::from(settings);
    let done = sqlx::query!(
        "update tunnel set name = $3, interface = $4, gateway = $5, connection_type = $6, metered = $7,
                enabled = $8, provider = $9, sla_latency_ms = $10, sla_jitter_ms = $11, sla_loss_ppm = $12,
                probe_profile = $13, policy_failover = $14, policy_failback = $15, drain_min = $16,
                version = version + 1
            where id = $1 and version = $2",
        id,
        version,
        settings.name,
        settings.interface,
        stored.gateway,
        stored.connection_type,
        settings.metered,
        settings.enabled,
        settings.provider,
        settings.sla_latency_ms,
        settings.sla_jitter_ms,
        settings.sla_loss_ppm,
        stored.probe_profile,
        stored.policy_failover,
        stored.policy_failback,
        settings.drain_min,
    )
    .execute(conn)
    .await?;
    Ok((done.rows_affected() > 0).then_some(version + 1))
}

/// Removes a tunnel with its measurements, ends what goes on with it, and moves the tunnels behind it up. Its history
/// and its faults stay. False if there is none.
pub async fn delete(
    conn: &mut Connection,
    organization: &OrganizationId,
    id: &TunnelId,
    at: Timestamp,
) -> Result<bool> {
    let Some(tunnel) = get(conn, organization, id).await? else {
        return Ok(false);
    };
    let end = fault::End {
        at,
        cause: "the tunnel was removed",
        closed_by: None,
    };
    fault::close_of_tunnel(conn, &tunnel.site_id, id, &end).await?;
    let (id, site) = (id.as_str(), tunnel.site_id.as_str());
    sqlx::query!("delete from tunnel where id = $1", id)
        .execute(&mut *conn)
        .await?;
    // By way of negative ranks, as no two tunnels of a site may have one rank even for a moment.
    sqlx::query!(
        "update tunnel set rank = -rank where site_id = $1 and rank > $2",
        site,
        tunnel.rank,
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "update tunnel set rank = -rank - 1 where site_id = $1 and rank < 0",
        site,
    )
    .execute(&mut *conn)
    .await?;
    tunnels_changed(conn, &tunnel.site_id).await?;
    Ok(true)
}

/// The lowest slot that no tunnel of the site has.
async fn free_slot(conn: &mut Connection, site: &SiteId) -> Result<u32> {
    let site = site.as_str();
    let taken: Vec<u32> = sqlx::query_scalar!(
        "select slot from tunnel where site_id = $1 order by slot",
        site,
    )
    .fetch_all(conn)
    .await?;
    let gap = (0..).zip(&taken).find(|(slot, taken)| slot != *taken);
    Ok(gap.map_or(taken.len() as u32, |(slot, _)| slot))
}

async fn next_rank(conn: &mut Connection, site: &SiteId) -> Result<u32> {
    let site = site.as_str();
    Ok(sqlx::query_scalar!(
        r#"select coalesce(max(rank) + 1, 0) as "rank!: u32" from tunnel where site_id = $1"#,
        site,
    )
    .fetch_one(conn)
    .await?)
}

/// The lowest network that no tunnel has, nor the management tunnel of a router.
pub(crate) async fn free_address(conn: &mut Connection) -> Result<u32> {
    let used = sqlx::query!(
        r#"select count(*) as "count!: u32", coalesce(max(address_index) + 1, 0) as "end!: u32"
            from (select address_index from tunnel union all select address_index from router) used"#,
    )
    .fetch_one(&mut *conn)
    .await?;
    if used.count == used.end {
        return Ok(used.end);
    }
    // There is a gap. Looking for it takes long in a large fleet.
    Ok(sqlx::query_scalar!(
        r#"select min(used.address_index) + 1 as "free!: u32"
            from (
                select -1 as address_index union all select address_index from tunnel
                union all select address_index from router
            ) used
            where not exists (select 1 from tunnel t where t.address_index = used.address_index + 1)
                and not exists (select 1 from router r where r.address_index = used.address_index + 1)"#,
    )
    .fetch_one(conn)
    .await?)
}

/// A client that saw another set of tunnels may not write an order for them.
async fn tunnels_changed(conn: &mut Connection, site: &SiteId) -> Result<()> {
    let site = site.as_str();
    sqlx::query!(
        "update site set priority_version = priority_version + 1 where id = $1",
        site,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Those settings that the database keeps as text.
struct Stored {
    gateway: Option<String>,
    connection_type: Option<&'static str>,
    probe_profile: Option<&'static str>,
    policy_failover: &'static str,
    policy_failback: &'static str,
}

impl From<&Settings> for Stored {
    fn from(settings: &Settings) -> Self {
        Self {
            gateway: settings.gateway.as_ref().map(ToString::to_string),
            connection_type: settings.connection_type.map(ConnectionType::as_str),
            probe_profile: settings.probe_profile.map(ProfileName::as_str),
            policy_failover: settings.policy_failover.as_str(),
            policy_failback: settings.policy_failback.as_str(),
        }
    }
}
