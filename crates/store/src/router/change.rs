//! What becomes of a router. Every function answers false if the site has none.

use holdfast_api_types::{Repair, RouterAccess, RouterState, SiteId};
use jiff::Timestamp;

use super::{ApiLogin, Direct, Facts, Findings, Handed, Mode};
use crate::{
    Connection, Result,
    column::{Text, micros},
};

/// Gives the router of a site new credentials, because it is adopted anew: the old ones are worth nothing from then on,
/// and it is pending until it comes. It may have been reset, so nothing counts as brought to it.
pub async fn hand_over(
    conn: &mut Connection,
    site: &SiteId,
    handed: &Handed,
    now: Timestamp,
) -> Result<bool> {
    let (site, now) = (site.as_str(), micros(now));
    let (state, access) = (RouterState::Pending.as_str(), RouterAccess::Tunnel.as_str());
    let (username, sha256) = (
        handed.management_username.as_str(),
        &handed.management_password_sha256[..],
    );
    let (check_in, configured) = (
        handed.check_in_token_hash.as_ref().map(|hash| &hash[..]),
        false,
    );
    let done = sqlx::query!(
        "update router set state = $2, state_since = $3, access = $4, direct_address = null, direct_port = null,
                direct_tls = null, direct_fingerprint = null, api_user = $5, api_password_sealed = $6,
                management_username = $7, management_password_sealed = $8, management_password_sha256 = $9,
                check_in_token_hash = $10, adopted_at = null, last_seen_at = null, configured = $11, drift = null
            where site_id = $1",
        site,
        state,
        now,
        access,
        handed.api_user,
        handed.api_password_sealed,
        username,
        handed.management_password_sealed,
        sha256,
        check_in,
        configured,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Writes where its API is and, unless it stays, what we log in to it with.
pub async fn set_access(
    conn: &mut Connection,
    site: &SiteId,
    direct: Option<&Direct>,
    login: Option<&ApiLogin>,
) -> Result<bool> {
    let site = site.as_str();
    let access = match direct {
        Some(_) => RouterAccess::Direct.as_str(),
        None => RouterAccess::Tunnel.as_str(),
    };
    let (address, port, tls) = (
        direct.map(|direct| direct.address.as_str()),
        direct.map(|direct| direct.port),
        direct.map(|direct| direct.tls),
    );
    let fingerprint = direct
        .and_then(|direct| direct.fingerprint.as_ref())
        .map(|fingerprint| &fingerprint[..]);
    let (user, password) = (
        login.map(|login| login.user.as_str()),
        login.map(|login| login.password_sealed.as_slice()),
    );
    let done = sqlx::query!(
        "update router set access = $2, direct_address = $3, direct_port = $4, direct_tls = $5,
                direct_fingerprint = $6, api_user = coalesce($7, api_user),
                api_password_sealed = coalesce($8, api_password_sealed)
            where site_id = $1",
        site,
        access,
        address,
        port,
        tls,
        fingerprint,
        user,
        password,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Notes that it was heard of, and answers whether it was not online before. `None` if the site has none.
pub async fn seen(conn: &mut Connection, site: &SiteId, at: Timestamp) -> Result<Option<bool>> {
    let (site, at, online) = (site.as_str(), micros(at), RouterState::Online.as_str());
    let done = sqlx::query!(
        "update router set last_seen_at = $2 where site_id = $1",
        site,
        at,
    )
    .execute(&mut *conn)
    .await?;
    if done.rows_affected() == 0 {
        return Ok(None);
    }
    let done = sqlx::query!(
        "update router set state = $3, state_since = $2, adopted_at = coalesce(adopted_at, $2)
            where site_id = $1 and state <> $3",
        site,
        at,
        online,
    )
    .execute(conn)
    .await?;
    Ok(Some(done.rows_affected() > 0))
}

/// The routers that are online and were not heard of since.
pub async fn missed_since(conn: &mut Connection, since: Timestamp) -> Result<Vec<SiteId>> {
    let (since, online) = (micros(since), RouterState::Online.as_str());
    let missed = sqlx::query_scalar!(
        r#"select site_id as "site_id: Text<SiteId>" from router where state = $1 and last_seen_at < $2"#,
        online,
        since,
    )
    .fetch_all(conn)
    .await?;
    Ok(missed.into_iter().map(Into::into).collect())
}

/// Notes that it is away, unless it was heard of since; false if so.
pub async fn take_away(
    conn: &mut Connection,
    site: &SiteId,
    since: Timestamp,
    now: Timestamp,
) -> Result<bool> {
    let (site, since, now) = (site.as_str(), micros(since), micros(now));
    let (online, away) = (RouterState::Online.as_str(), RouterState::Away.as_str());
    let done = sqlx::query!(
        "update router set state = $4, state_since = $3 where site_id = $1 and state = $5 and last_seen_at < $2",
        site,
        since,
        now,
        away,
        online,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Writes what it says of itself. What it did not say stays.
pub async fn set_facts(conn: &mut Connection, site: &SiteId, facts: &Facts) -> Result<bool> {
    let site = site.as_str();
    let done = sqlx::query!(
        "update router set identity = coalesce($2, identity), serial = coalesce($3, serial),
                board = coalesce($4, board), version = coalesce($5, version)
            where site_id = $1",
        site,
        facts.identity,
        facts.serial,
        facts.board,
        facts.version,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Writes where the routes of its tunnels come from.
pub async fn set_mode(conn: &mut Connection, site: &SiteId, mode: &Mode) -> Result<bool> {
    let (site, word) = (site.as_str(), mode.mode.as_str());
    let done = sqlx::query!(
        "update router set mode = $2, mode_version = $3, mode_reason = $4 where site_id = $1",
        site,
        word,
        mode.version,
        mode.reason,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Writes what happens when it differs from what is configured.
pub async fn set_repair(conn: &mut Connection, site: &SiteId, repair: Repair) -> Result<bool> {
    let (site, repair) = (site.as_str(), repair.as_str());
    let done = sqlx::query!(
        "update router set repair = $2 where site_id = $1",
        site,
        repair,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Writes which of its fields we changed and must restore, as JSON.
pub async fn set_memory(conn: &mut Connection, site: &SiteId, memory: &str) -> Result<bool> {
    let site = site.as_str();
    let done = sqlx::query!(
        "update router set memory = $2 where site_id = $1",
        site,
        memory,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Writes whether what is configured for the site was brought to it.
pub async fn set_configured(
    conn: &mut Connection,
    site: &SiteId,
    configured: bool,
) -> Result<bool> {
    let site = site.as_str();
    let done = sqlx::query!(
        "update router set configured = $2 where site_id = $1",
        site,
        configured,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Writes what was found at it.
pub async fn set_findings(
    conn: &mut Connection,
    site: &SiteId,
    findings: &Findings,
) -> Result<bool> {
    let (site, at) = (site.as_str(), micros(findings.at));
    let done = sqlx::query!(
        "update router set drift = $2, problems = $3, observed_at = $4 where site_id = $1",
        site,
        findings.drift,
        findings.problems,
        at,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}
