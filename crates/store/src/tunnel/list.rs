//! Lists of tunnels: of a site, of an organization, of everybody.

use holdfast_api_types::{LinkState, OrganizationId, SiteId, TunnelId};

use super::{Tunnel, tunnels};
use crate::{Connection, Page, Result, Seek, column::contains};

/// Which tunnels of an organization a list shows; those that match all that is given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TunnelFilter {
    /// Those of one site.
    pub site: Option<SiteId>,
    /// Those in one state.
    pub state: Option<LinkState>,
    /// Those of one ISP.
    pub provider: Option<String>,
    /// Those with this text in their name, provider or gateway.
    pub text: Option<String>,
}

/// The tunnels of a site in its order, the primary first.
pub async fn of_site(conn: &mut Connection, site: &SiteId) -> Result<Vec<Tunnel>> {
    let site = site.as_str();
    Ok(tunnels!("where t.site_id = $1 order by t.rank", site)
        .fetch_all(conn)
        .await?)
}

/// The tunnels of every organization, the oldest first: for the engine, which reads them all when it starts.
pub async fn all(conn: &mut Connection, seek: &Seek<TunnelId>) -> Result<Page<Tunnel>> {
    let (after, rows) = (seek.after.as_ref().map(TunnelId::as_str), seek.rows());
    let tunnels = tunnels!(
        "where t.id > coalesce($1, '') order by t.id limit $2",
        after,
        rows
    )
    .fetch_all(conn)
    .await?;
    Ok(Page::of(seek, tunnels))
}

/// The ids of the tunnels of every organization, the oldest first: for what is done to one after the other.
pub async fn ids(conn: &mut Connection, seek: &Seek<TunnelId>) -> Result<Page<TunnelId>> {
    let (after, rows) = (seek.after.as_ref().map(TunnelId::as_str), seek.rows());
    let ids = sqlx::query_scalar!(
        "select id from tunnel where id > coalesce($1, '') order by id limit $2",
        after,
        rows,
    )
    .fetch_all(conn)
    .await?;
    Ok(Page::of(seek, ids.into_iter().map(Into::into).collect()))
}

/// The tunnels of an organization that match a filter, the oldest first.
pub async fn list(
    conn: &mut Connection,
    organization: &OrganizationId,
    filter: &TunnelFilter,
    seek: &Seek<TunnelId>,
) -> Result<Page<Tunnel>> {
    let organization = organization.as_str();
    let site = filter.site.as_ref().map(SiteId::as_str);
    let state = filter.state.map(LinkState::as_str);
    let provider = filter.provider.as_deref();
    let pattern = filter.text.as_deref().map(contains);
    let (after, rows) = (seek.after.as_ref().map(TunnelId::as_str), seek.rows());

    // One text for each index: "$n is null or ..." does not use any. The filter that leaves fewest rows goes first.
    macro_rules! matching {
        ($site:literal, $state:literal, $provider:literal) => {
            tunnels!(
                r"where t.organization_id = $1 and t.id > coalesce($6, '')
                    and (" + $site + ") and (" + $state + ") and (" + $provider + r")
                    and ($5 is null or lower(t.name) like $5 escape '\'
                        or lower(t.provider) like $5 escape '\' or t.gateway like $5 escape '\')
                    order by t.id limit $7",
                organization,
                site,
                state,
                provider,
                pattern,
                after,
                rows,
            )
            .fetch_all(conn)
            .await?
        };
    }
    let tunnels = if site.is_some() {
        matching!(
            "t.site_id = $2",
            "$3 is null or t.state = $3",
            "$4 is null or t.provider = $4"
        )
    } else if state.is_some() {
        matching!(
            "$2 is null or t.site_id = $2",
            "t.state = $3",
            "$4 is null or t.provider = $4"
        )
    } else if provider.is_some() {
        matching!(
            "$2 is null or t.site_id = $2",
            "$3 is null or t.state = $3",
            "t.provider = $4"
        )
    } else {
        matching!(
            "$2 is null or t.site_id = $2",
            "$3 is null or t.state = $3",
            "$4 is null or t.provider = $4"
        )
    };
    Ok(Page::of(seek, tunnels))
}
