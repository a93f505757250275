//! The routers of sites: how they are reached, and what is remembered of them.

mod change;
mod row;

use holdfast_api_types::{OrganizationId, RouterAccess, RouterState, SiteId, TunnelId};
use jiff::Timestamp;

use crate::{
    Connection, Page, Result, Seek, Sha256, Unique, column::micros, error::OrDuplicate, tunnel,
};

pub use change::{
    hand_over, missed_since, seen, set_access, set_configured, set_facts, set_findings, set_memory,
    set_mode, set_repair, take_away,
};
pub use row::{
    ApiLogin, Direct, Facts, Findings, Handed, ManagementCredentials, ManagementLogin, Mode, Router,
};

/// Every select of whole routers: the columns in one place, `$tail` begins with WHERE.
macro_rules! routers {
    ($tail:literal $(, $arg:expr)* $(,)?) => {
        sqlx::query!(
            r#"select site_id, organization_id, state, state_since, direct_address, direct_port, direct_tls,
                direct_fingerprint as "direct_fingerprint!", management_username, address_index,
                identity, serial, board, version, adopted_at as "adopted_at!", last_seen_at as "last_seen_at!",
                mode, mode_version, mode_reason, repair, memory, configured,
                drift, problems, observed_at as "observed_at!"
                from router "# + $tail
            $(, $arg)*
        )
        .map(|row| $crate::router::Router {
            site_id: row.site_id.into(),
            organization_id: row.organization_id.into(),
            state: row.state.into(),
            state_since: row.state_since.into(),
            direct: $crate::router::row::direct(
                row.direct_address,
                row.direct_port,
                row.direct_tls,
                row.direct_fingerprint.into(),
            ),
            management_username: row.management_username.into(),
            address_index: row.address_index,
            facts: $crate::router::Facts {
                identity: row.identity,
                serial: row.serial,
                board: row.board,
                version: row.version,
            },
            adopted_at: row.adopted_at.into(),
            last_seen_at: row.last_seen_at.into(),
            mode: $crate::router::Mode {
                mode: row.mode.into(),
                version: row.mode_version,
                reason: row.mode_reason,
            },
            repair: row.repair.into(),
            memory: row.memory,
            configured: row.configured,
            findings: $crate::router::row::findings(row.drift, row.problems, row.observed_at.into()),
        })
    };
}

/// Adds the router of a site, with the first free network: pending, reached through its tunnels. One that the site has
/// already is [`Unique::Id`].
pub async fn insert(
    conn: &mut Connection,
    organization: &OrganizationId,
    site: &SiteId,
    handed: &Handed,
    now: Timestamp,
) -> Result<()> {
    let address_index = tunnel::free_address(conn).await?;
    let (organization, site, now) = (organization.as_str(), site.as_str(), micros(now));
    let (state, access) = (RouterState::Pending.as_str(), RouterAccess::Tunnel.as_str());
    let (username, sha256) = (
        handed.management_username.as_str(),
        &handed.management_password_sha256[..],
    );
    let check_in = handed.check_in_token_hash.as_ref().map(|hash| &hash[..]);
    sqlx::query!(
        "insert into router (site_id, organization_id, state, state_since, access, api_user, api_password_sealed,
                management_username, management_password_sealed, management_password_sha256, address_index,
                check_in_token_hash)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        site,
        organization,
        state,
        now,
        access,
        handed.api_user,
        handed.api_password_sealed,
        username,
        handed.management_password_sealed,
        sha256,
        address_index,
        check_in,
    )
    .execute(conn)
    .await
    .or_duplicate(Unique::Id)?;
    Ok(())
}

/// The router of a site. Whoever asks knows whose the site is.
pub async fn of_site(conn: &mut Connection, site: &SiteId) -> Result<Option<Router>> {
    let site = site.as_str();
    Ok(routers!("where site_id = $1", site)
        .fetch_optional(conn)
        .await?)
}

/// The routers of every organization: for whoever looks after them all.
pub async fn all(conn: &mut Connection, seek: &Seek<SiteId>) -> Result<Page<Router>> {
    let (after, rows) = (seek.after.as_ref().map(SiteId::as_str), seek.rows());
    let routers = routers!(
        "where site_id > coalesce($1, '') order by site_id limit $2",
        after,
        rows
    )
    .fetch_all(conn)
    .await?;
    Ok(Page::of(seek, routers))
}

/// The router that shows this when it checks in.
pub async fn checking_in(conn: &mut Connection, token_hash: &Sha256) -> Result<Option<Router>> {
    let token_hash = &token_hash[..];
    Ok(routers!("where check_in_token_hash = $1", token_hash)
        .fetch_optional(conn)
        .await?)
}

/// What we log in to its API with.
pub async fn api_login(conn: &mut Connection, site: &SiteId) -> Result<Option<ApiLogin>> {
    let site = site.as_str();
    Ok(sqlx::query_as!(
        ApiLogin,
        r#"select api_user as "user", api_password_sealed as password_sealed from router where site_id = $1"#,
        site,
    )
    .fetch_optional(conn)
    .await?)
}

/// What a log-in with this user name is checked against; `None` if no management tunnel has it.
pub async fn management_login(
    conn: &mut Connection,
    username: &TunnelId,
) -> Result<Option<ManagementLogin>> {
    let username = username.as_str();
    Ok(sqlx::query_as!(
        ManagementLogin,
        "select site_id, organization_id, management_password_sha256 as password_sha256, address_index
            from router where management_username = $1",
        username,
    )
    .fetch_optional(conn)
    .await?)
}

/// What the management tunnel of a site's router logs in with.
pub async fn management_credentials(
    conn: &mut Connection,
    site: &SiteId,
) -> Result<Option<ManagementCredentials>> {
    let site = site.as_str();
    Ok(sqlx::query_as!(
        ManagementCredentials,
        "select management_username as username, management_password_sealed as password_sealed
            from router where site_id = $1",
        site,
    )
    .fetch_optional(conn)
    .await?)
}

/// Forgets the router of a site, which ends its right to connect and to check in; false if there is none.
pub async fn delete(conn: &mut Connection, site: &SiteId) -> Result<bool> {
    let site = site.as_str();
    let done = sqlx::query!("delete from router where site_id = $1", site)
        .execute(conn)
        .await?;
    Ok(done.rows_affected() > 0)
}
