//! How sites are doing, in the outline that a list shows.

use std::collections::HashMap;

use holdfast_api_types::{
    LinkState, OrganizationId, SiteId, SiteState, TunnelRole,
    api::{Site, SiteStatus, TunnelOutline},
};
use holdfast_store::{
    Connection,
    site::{self, FaultOutline, LinkOutline},
};

use crate::http::error::ApiError;

/// The sites as the API shows them, with how each is doing. They are in the order of their ids, as pages are.
pub(super) async fn views(
    conn: &mut Connection,
    organization: &OrganizationId,
    rows: Vec<site::Site>,
) -> Result<Vec<Site>, ApiError> {
    let (Some(first), Some(last)) = (rows.first(), rows.last()) else {
        return Ok(Vec::new());
    };
    let mut links: HashMap<SiteId, Vec<LinkOutline>> = HashMap::new();
    for link in site::links(conn, organization, &first.id, &last.id).await? {
        links.entry(link.site_id.clone()).or_default().push(link);
    }
    let faults = site::open_faults(conn, organization, &first.id, &last.id).await?;
    let mut faults: HashMap<SiteId, FaultOutline> = faults
        .into_iter()
        .map(|faults| (faults.site_id.clone(), faults))
        .collect();
    let view = |row: site::Site| {
        let links = links.remove(&row.id).unwrap_or_default();
        let faults = faults.remove(&row.id);
        view(row, links, faults)
    };
    Ok(rows.into_iter().map(view).collect())
}

/// One site as the API shows it.
pub(super) async fn view_one(conn: &mut Connection, row: site::Site) -> Result<Site, ApiError> {
    let links = site::links(conn, &row.organization_id, &row.id, &row.id).await?;
    let faults = site::open_faults(conn, &row.organization_id, &row.id, &row.id).await?;
    Ok(view(row, links, faults.into_iter().next()))
}

fn view(row: site::Site, links: Vec<LinkOutline>, faults: Option<FaultOutline>) -> Site {
    let on_backup_since = faults.as_ref().and_then(|faults| faults.on_backup_since);
    let active = links
        .iter()
        .find(|link| link.role == Some(TunnelRole::Active));
    Site {
        status: SiteStatus {
            state: state(row.failover_enabled, &links, on_backup_since.is_some()),
            active: active.map(|link| link.id.clone()),
            on_backup_since,
            open_faults: faults.map_or(0, |faults| faults.open),
            tunnels: links.into_iter().map(outline).collect(),
        },
        id: row.id,
        name: row.name,
        note: row.note,
        failover_enabled: row.failover_enabled,
        hold_s: row.hold_s,
        created_at: row.created_at,
    }
}

fn outline(link: LinkOutline) -> TunnelOutline {
    TunnelOutline {
        id: link.id,
        name: link.name,
        state: link.state,
        role: link.role,
    }
}

/// The state of a site, from those of its tunnels.
fn state(enabled: bool, links: &[LinkOutline], on_backup: bool) -> SiteState {
    let all = |states: &[LinkState]| links.iter().all(|link| states.contains(&link.state));
    if !enabled || all(&[LinkState::Off]) {
        return SiteState::Off;
    }
    let active = links
        .iter()
        .find(|link| link.role == Some(TunnelRole::Active));
    if let Some(active) = active {
        return match active.state {
            LinkState::Unknown => SiteState::Unknown,
            LinkState::Degraded => SiteState::Degraded,
            // Nobody has taken its traffic over yet.
            LinkState::Offline => SiteState::Offline,
            LinkState::Unconfigured
            | LinkState::NeverSeen
            | LinkState::Online
            | LinkState::Recovering
            | LinkState::Off => match on_backup {
                true => SiteState::OnBackup,
                false => SiteState::Online,
            },
        };
    }
    if all(&[LinkState::Unconfigured, LinkState::Off]) {
        SiteState::Unconfigured
    } else if all(&[
        LinkState::NeverSeen,
        LinkState::Unconfigured,
        LinkState::Off,
    ]) {
        SiteState::NeverSeen
    } else if links.iter().any(|link| link.state == LinkState::Unknown) {
        SiteState::Unknown
    } else {
        SiteState::Offline
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn links(states: &[(LinkState, Option<TunnelRole>)]) -> Vec<LinkOutline> {
        states
            .iter()
            .enumerate()
            .map(|(rank, (state, role))| LinkOutline {
                id: format!("t{rank}").parse().unwrap(),
                site_id: "s".parse().unwrap(),
                name: format!("WAN {rank}"),
                state: *state,
                role: *role,
            })
            .collect()
    }

    #[test]
    fn the_active_tunnel_says_how_the_site_is() {
        use LinkState::{Degraded, Offline, Online, Unknown};
        let active = Some(TunnelRole::Active);
        let standby = Some(TunnelRole::Standby);
        for (first, on_backup, expected) in [
            (Online, false, SiteState::Online),
            (Degraded, false, SiteState::Degraded),
            (Offline, false, SiteState::Offline),
            (Unknown, false, SiteState::Unknown),
            (Online, true, SiteState::OnBackup),
        ] {
            let links = links(&[(first, active), (Online, standby)]);
            assert_eq!(state(true, &links, on_backup), expected, "{first}");
        }
    }

    #[test]
    fn without_an_active_tunnel_the_furthest_of_them_says_it() {
        use LinkState::{NeverSeen, Off, Offline, Unconfigured, Unknown};
        for (states, expected) in [
            (vec![], SiteState::Off),
            (vec![Off, Off], SiteState::Off),
            (vec![Off, Unconfigured], SiteState::Unconfigured),
            (vec![NeverSeen, Unconfigured], SiteState::NeverSeen),
            (vec![Offline, NeverSeen], SiteState::Offline),
            (vec![Offline, Unknown], SiteState::Unknown),
        ] {
            let pairs: Vec<_> = states.iter().map(|state| (*state, None)).collect();
            assert_eq!(state(true, &links(&pairs), false), expected, "{states:?}");
        }
    }

    #[test]
    fn a_site_without_failover_is_off_whatever_its_tunnels_were() {
        let links = links(&[(LinkState::Online, Some(TunnelRole::Active))]);
        assert_eq!(state(false, &links, false), SiteState::Off);
    }
}
