//! The order of a site's tunnels.

use std::collections::BTreeSet;

use holdfast_api_types::{SiteId, TunnelId};

use crate::{Connection, Result};

/// What came of writing an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replaced {
    /// It is written; this is the order's new version.
    Done {
        /// The version.
        version: u32,
    },
    /// Somebody else changed the order or the tunnels since; nothing is written.
    Stale {
        /// The version there is now.
        version: u32,
    },
    /// The order does not name each tunnel of the site once; nothing is written.
    OtherTunnels,
    /// There is no such site.
    NoSite,
}

/// Writes the whole order of a site, the primary first, if it still has the version that its author saw.
///
/// Call it in a [`WriteTransaction`](crate::WriteTransaction): it is several statements.
pub async fn replace(
    conn: &mut Connection,
    site: &SiteId,
    version: u32,
    order: &[TunnelId],
) -> Result<Replaced> {
    let current = match self::version(conn, site).await? {
        None => return Ok(Replaced::NoSite),
        Some(current) if current != version => return Ok(Replaced::Stale { version: current }),
        Some(current) => current,
    };
    if !same_tunnels(order, &self::order(conn, site).await?) {
        return Ok(Replaced::OtherTunnels);
    }

    let site = site.as_str();
    // Out of the way first: no two tunnels of a site may have one rank even for a moment.
    sqlx::query!(
        "update tunnel set rank = -1 - rank where site_id = $1",
        site
    )
    .execute(&mut *conn)
    .await?;
    for (rank, tunnel) in (0u32..).zip(order) {
        let tunnel = tunnel.as_str();
        sqlx::query!("update tunnel set rank = $2 where id = $1", tunnel, rank)
            .execute(&mut *conn)
            .await?;
    }
    let version = current + 1;
    sqlx::query!(
        "update site set priority_version = $2 where id = $1",
        site,
        version
    )
    .execute(conn)
    .await?;
    Ok(Replaced::Done { version })
}

/// The version of a site's order; `None` if there is no such site.
pub async fn version(conn: &mut Connection, site: &SiteId) -> Result<Option<u32>> {
    let site = site.as_str();
    Ok(
        sqlx::query_scalar!("select priority_version from site where id = $1", site)
            .fetch_optional(conn)
            .await?,
    )
}

/// The tunnels of a site, the primary first.
pub async fn order(conn: &mut Connection, site: &SiteId) -> Result<Vec<TunnelId>> {
    let site = site.as_str();
    let ids = sqlx::query_scalar!(
        "select id from tunnel where site_id = $1 order by rank",
        site
    )
    .fetch_all(conn)
    .await?;
    Ok(ids.into_iter().map(Into::into).collect())
}

fn same_tunnels(one: &[TunnelId], other: &[TunnelId]) -> bool {
    let set = |ids: &[TunnelId]| ids.iter().cloned().collect::<BTreeSet<_>>();
    one.len() == other.len() && set(one) == set(other)
}
