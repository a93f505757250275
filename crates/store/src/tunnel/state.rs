//! What happens to tunnels: log-ins, link states, overrides.

use holdfast_api_types::{TunnelId, TunnelRole};
use jiff::Timestamp;

use super::{Link, Login, Override, Tunnel, tunnels};
use crate::{
    Connection, Result,
    column::{MaybeMicros, micros},
};

/// Writes what is known of a tunnel's connection; false if there is no such tunnel. The history is
/// `link_state`'s.
pub async fn set_link(conn: &mut Connection, id: &TunnelId, link: &Link) -> Result<bool> {
    let (id, state, since) = (id.as_str(), link.state.as_str(), micros(link.since));
    let role = link.role.map(TunnelRole::as_str);
    let done = sqlx::query!(
        "update tunnel set state = $2, state_cause = $3, state_since = $4, role = $5 where id = $1",
        id,
        state,
        link.cause,
        since,
        role,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Notes a log-in; false if there is no such tunnel.
pub async fn connected(conn: &mut Connection, id: &TunnelId, login: &Login) -> Result<bool> {
    let (id, at, remote) = (id.as_str(), micros(login.at), login.remote.to_string());
    let done = sqlx::query!(
        "update tunnel set last_up_at = $2, last_remote = $3, last_cipher = $4 where id = $1",
        id,
        at,
        remote,
        login.cipher,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Forces something upon a tunnel, in place of what was forced before; false if there is no such tunnel.
pub async fn set_override(conn: &mut Connection, id: &TunnelId, new: &Override) -> Result<bool> {
    let (id, kind) = (id.as_str(), new.kind.as_str());
    let (at, expires_at) = (micros(new.at), new.expires_at.map(micros));
    let done = sqlx::query!(
        "update tunnel set override_kind = $2, override_reason = $3, override_by = $4, override_at = $5,
            override_expires_at = $6 where id = $1",
        id,
        kind,
        new.reason,
        new.by,
        at,
        expires_at,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Takes back what is forced upon a tunnel; false if there is nothing, or no such tunnel.
pub async fn clear_override(conn: &mut Connection, id: &TunnelId) -> Result<bool> {
    let id = id.as_str();
    let done = sqlx::query!(
        "update tunnel set override_kind = null, override_reason = null, override_by = null,
            override_at = null, override_expires_at = null
            where id = $1 and override_kind is not null",
        id,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// The tunnels upon which something is forced whose time is over.
pub async fn with_expired_override(conn: &mut Connection, now: Timestamp) -> Result<Vec<Tunnel>> {
    let now = micros(now);
    let found = tunnels!(
        "where t.override_expires_at <= $1 order by t.override_expires_at",
        now
    )
    .fetch_all(conn)
    .await?;
    Ok(found)
}

/// When the next override ends by itself.
pub async fn next_override_expiry(conn: &mut Connection) -> Result<Option<Timestamp>> {
    let next: Option<MaybeMicros> = sqlx::query_scalar!(
        r#"select override_expires_at as "at!: MaybeMicros" from tunnel
            where override_expires_at is not null order by override_expires_at limit 1"#,
    )
    .fetch_optional(conn)
    .await?;
    Ok(next.and_then(Into::into))
}
