//! What becomes of live connections when traffic moves: those that were given the address of the WAN that was left stick
//! to it, and are removed when their policy says so. A next packet then opens them anew, through the WAN that took over.

use std::{net::Ipv4Addr, time::Duration};

use futures_util::future::join_all;
use holdfast_api_types::{SessionPolicy, SiteId, TunnelId};
use holdfast_failover::addresses::virtual_next_hop;
use holdfast_routeros_plan::Menu;
use holdfast_routeros_proto::{Command, Query, Row};
use holdfast_store::tunnel::Tunnel;

use super::{Household, Snag};
use crate::router::{
    access::{AccessError, Router},
    session::CommandError,
};

const CONNECTIONS: &str = "/ip/firewall/connection";

/// A link that is back within this time has cost nobody a connection.
const BLIP: Duration = Duration::from_secs(2);

/// How long the routes of the tunnel that took over may take to be in force.
const TAKE_OVER_WITHIN: Duration = Duration::from_secs(20);
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Packets that were under way may have opened a connection anew the old way; they are through by then.
const SECOND_SWEEP: Duration = Duration::from_secs(3);

/// A table may have many thousand rows.
const TABLE_WITHIN: Duration = Duration::from_secs(20);
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// Removals that are under way at once.
const AT_ONCE: usize = 32;

/// Traffic of a site has moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Move {
    pub(super) site: SiteId,
    /// Which tunnel had it.
    pub(super) left: TunnelId,
    /// Which has it.
    pub(super) taken: TunnelId,
}

/// Does with the connections of the WAN that was left what its policy says. How many were removed.
pub(super) async fn follow(house: &Household, moved: &Move) -> Result<usize, Snag> {
    let tunnels = house.tunnels(&moved.site).await?;
    let of = |id: &TunnelId| tunnels.iter().find(|tunnel| tunnel.id == *id);
    let (Some(left), Some(taken)) = (of(&moved.left), of(&moved.taken)) else {
        return Ok(0);
    };
    let Some(wait) = move_after(left, taken) else {
        return Ok(0);
    };
    tokio::time::sleep(wait).await;
    if !house.is_configured(&moved.site).await? {
        return Ok(0);
    }
    let router = house.reach(&moved.site).await?;
    if !taken_over(house, &router, &moved.site, left, &tunnels).await? {
        return Ok(0);
    }
    let first = sweep(&router, left).await?;
    tokio::time::sleep(SECOND_SWEEP).await;
    // It may have moved back meanwhile.
    if house.engine.active(&moved.site).as_ref() == Some(&left.id) {
        return Ok(first);
    }
    Ok(first + sweep(&router, left).await?)
}

/// How long connections of the WAN that was left may stay; none if they may for ever.
fn move_after(left: &Tunnel, taken: &Tunnel) -> Option<Duration> {
    let (policy, whose) = if taken.rank < left.rank {
        (taken.settings.policy_failback, taken)
    } else {
        (left.settings.policy_failover, left)
    };
    match policy {
        SessionPolicy::Keep => None,
        SessionPolicy::Drain => Some(Duration::from_secs(
            60 * u64::from(whose.settings.drain_min),
        )),
        SessionPolicy::MoveNow => Some(BLIP),
    }
}

/// Waits until the router sends traffic another way than through the tunnel that was left; false if it never does.
async fn taken_over(
    house: &Household,
    router: &Router,
    site: &SiteId,
    left: &Tunnel,
    tunnels: &[Tunnel],
) -> Result<bool, Snag> {
    let give_up = tokio::time::Instant::now() + TAKE_OVER_WITHIN;
    loop {
        let active = house.engine.active(site);
        if active.as_ref() == Some(&left.id) {
            return Ok(false);
        }
        let taken = tunnels.iter().find(|it| Some(&it.id) == active.as_ref());
        if let Some(taken) = taken
            && leads_elsewhere(&ladder_routes(router, left, taken).await?, left, taken)
        {
            return Ok(true);
        }
        if tokio::time::Instant::now() >= give_up {
            tracing::warn!(site.id = %site, "connections stay: the router still has the routes of the WAN that was left");
            return Ok(false);
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

async fn ladder_routes(router: &Router, left: &Tunnel, taken: &Tunnel) -> Result<Vec<Row>, Snag> {
    let through = |tunnel: &Tunnel| Query::equals("gateway", hop(tunnel).to_string());
    let print = Command::print(Menu::Route.path())
        .only(&["dst-address", "gateway", "active"])
        .matching(through(left).or(through(taken)));
    Ok(router.read(print, ANSWER_WITHIN).await?)
}

fn hop(tunnel: &Tunnel) -> Ipv4Addr {
    virtual_next_hop(u8::try_from(tunnel.slot + 1).unwrap_or(u8::MAX))
}

/// Whether the longest prefixes that are in force are those of the tunnel that took over.
fn leads_elsewhere(rows: &[Row], left: &Tunnel, taken: &Tunnel) -> bool {
    let longest = |tunnel: &Tunnel| {
        let own = hop(tunnel).to_string();
        let own = rows
            .iter()
            .filter(|row| row.flag("active") && row.text("gateway") == own);
        let prefix = |row: &Row| {
            row.text("dst-address")
                .rsplit_once('/')?
                .1
                .parse::<u8>()
                .ok()
        };
        // The route that pins the tunnel itself is one to a single host.
        own.filter_map(prefix).filter(|prefix| *prefix < 32).max()
    };
    longest(taken) > longest(left)
}

/// Removes the connections that stick to the WAN of a tunnel. How many they were.
async fn sweep(router: &Router, left: &Tunnel) -> Result<usize, Snag> {
    let addresses = Command::print(Menu::Address.path()).only(&[
        "address",
        "interface",
        "actual-interface",
        "disabled",
    ]);
    let addresses = router.read(addresses, ANSWER_WITHIN).await?;
    let interface = left.settings.interface.as_deref().unwrap_or_default();
    let connections =
        Command::print(CONNECTIONS).only(&[".id", "src-address", "reply-dst-address"]);
    let connections = router.read(connections, TABLE_WITHIN).await?;
    let stuck = stuck(&connections, &addresses, interface);
    for some in stuck.chunks(AT_ONCE) {
        let removals = some
            .iter()
            .map(|id| router.send(Command::remove(CONNECTIONS, id), ANSWER_WITHIN));
        for removed in join_all(removals).await {
            match removed {
                // It has ended by itself.
                Err(AccessError::Command(CommandError::Refused(trap)))
                    if trap.is_no_such_item() => {}
                Err(err) => return Err(err.into()),
                Ok(_) => {}
            }
        }
    }
    Ok(stuck.len())
}

/// The connections that were translated to an address of this interface. Those of the router itself are not touched:
/// tunnels are among them.
fn stuck(connections: &[Row], addresses: &[Row], interface: &str) -> Vec<String> {
    let is_on = |row: &&Row| {
        let on = row.get("actual-interface");
        on.unwrap_or_else(|| row.text("interface")) == interface && !row.flag("disabled")
    };
    let of_wan: Vec<_> = addresses.iter().filter(is_on).filter_map(address).collect();
    let own: Vec<_> = addresses.iter().filter_map(address).collect();
    let is_stuck = |row: &&Row| {
        let translated_to = host(row.text("reply-dst-address"));
        let from = host(row.text("src-address"));
        translated_to.is_some_and(|it| of_wan.contains(&it))
            && from.is_some_and(|it| !own.contains(&it))
    };
    let stuck = connections.iter().filter(is_stuck);
    stuck.filter_map(|row| row.id().map(Into::into)).collect()
}

/// `192.0.2.7` of `192.0.2.7/24`.
fn address(row: &Row) -> Option<Ipv4Addr> {
    row.text("address").split('/').next()?.parse().ok()
}

/// `192.0.2.7` of `192.0.2.7:443`.
fn host(text: &str) -> Option<Ipv4Addr> {
    text.split(':').next()?.parse().ok()
}
