//! What becomes of live connections when traffic moves: those that were given the address of the WAN that was left stick
//! to it, and are removed when their policy says so. A next packet then opens them anew, through the WAN that took over.

use std::{net::Ipv4Addr, time::Duration};

use futures_util::future::join_all;
use holdfast_api_types::{SessionPolicy, SiteId, TunnelId};
use holdfast_failover::addresses::virtual_next_hop;
use holdfast_routeros_plan::Menu;
use holdfast_routeros_proto::{Command, Query, Row};
use holdfast_store::tunnel::Tunnel;

use super::{Household, Snag, household::wan};
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

/// Removals in one command.
const AT_ONCE: usize = 64;

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
    let Some(wait) = move_after(Fate::of(left), Fate::of(taken)) else {
        return Ok(0);
    };
    tokio::time::sleep(wait).await;
    if !house.is_configured(&moved.site).await? {
        return Ok(0);
    }
    let router = house.reach(&moved.site).await?;
    // The session may go through what has just died, and wait for ever.
    router.hang_up().await;
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

/// What of a tunnel decides about connections.
#[derive(Debug, Clone, Copy)]
struct Fate {
    rank: u32,
    metered: bool,
    failover: SessionPolicy,
    failback: SessionPolicy,
    drain_min: u32,
}

impl Fate {
    fn of(tunnel: &Tunnel) -> Self {
        let settings = &tunnel.settings;
        Self {
            rank: tunnel.rank,
            metered: settings.metered,
            failover: settings.policy_failover,
            failback: settings.policy_failback,
            drain_min: settings.drain_min,
        }
    }
}

/// How long connections of the WAN that was left may stay; none if they may for ever. Traffic returns to a tunnel that
/// ranks above the other; it leaves one for another below because it must.
fn move_after(left: Fate, taken: Fate) -> Option<Duration> {
    let (policy, drain_min) = if taken.rank < left.rank {
        (taken.failback, taken.drain_min)
    } else {
        (left.failover, left.drain_min)
    };
    match policy {
        SessionPolicy::Usual if left.metered => Some(BLIP),
        SessionPolicy::Usual | SessionPolicy::Keep => None,
        SessionPolicy::Drain => Some(Duration::from_secs(60 * u64::from(drain_min))),
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
            && is_in_force(router, slot(left), slot(taken)).await?
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

/// Whether the router sends traffic by way of one slot and not of the other.
async fn is_in_force(router: &Router, left: u8, taken: u8) -> Result<bool, Snag> {
    let through = |slot: u8| Query::equals("gateway", virtual_next_hop(slot).to_string());
    let print = Command::print(Menu::Route.path())
        .only(&["dst-address", "gateway", "active"])
        .matching(through(left).or(through(taken)));
    let rows = router.read(print, ANSWER_WITHIN).await?;
    Ok(leads_elsewhere(&rows, left, taken))
}

fn slot(tunnel: &Tunnel) -> u8 {
    u8::try_from(tunnel.slot + 1).unwrap_or(u8::MAX)
}

/// Whether the longest prefixes that are in force are those of the slot that took over.
fn leads_elsewhere(rows: &[Row], left: u8, taken: u8) -> bool {
    let longest = |slot: u8| {
        let hop = virtual_next_hop(slot).to_string();
        let own = rows
            .iter()
            .filter(|row| row.flag("active") && row.text("gateway") == hop);
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
    let Some(interface) = wan(&left.settings) else {
        return Ok(0);
    };
    let connections =
        Command::print(CONNECTIONS).only(&[".id", "src-address", "reply-dst-address"]);
    let connections = router.read(connections, TABLE_WITHIN).await?;
    let stuck = stuck(&connections, &addresses, interface);
    for some in stuck.chunks(AT_ONCE) {
        remove(router, some).await?;
    }
    Ok(stuck.len())
}

/// Removes connections with one command or, if one of them has ended by itself meanwhile and the router refuses the
/// whole, each with its own.
async fn remove(router: &Router, ids: &[String]) -> Result<(), Snag> {
    let all = Command::remove(CONNECTIONS, &ids.join(","));
    match router.send(all, TABLE_WITHIN).await {
        Err(AccessError::Command(CommandError::Refused(_))) => {}
        Err(err) => return Err(err.into()),
        Ok(_) => return Ok(()),
    }
    let removals = ids
        .iter()
        .map(|id| router.send(Command::remove(CONNECTIONS, id), TABLE_WITHIN));
    let mut refused = None;
    for removed in join_all(removals).await {
        match removed {
            Err(AccessError::Command(CommandError::Refused(trap))) if trap.is_no_such_item() => {}
            // One that cannot be removed is no reason to leave the others.
            Err(err @ AccessError::Command(CommandError::Refused(_))) => refused = Some(err),
            Err(err) => return Err(err.into()),
            Ok(_) => {}
        }
    }
    refused.map_or(Ok(()), |err| Err(err.into()))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn connection(id: &str, from: &str, translated_to: &str) -> Row {
        Row::new()
            .with(".id", id)
            .with("src-address", from)
            .with("reply-dst-address", translated_to)
    }

    fn on(interface: &str, address: &str) -> Row {
        Row::new()
            .with("interface", interface)
            .with("address", address)
    }

    #[test]
    fn only_what_was_translated_to_the_address_of_the_wan_is_stuck_there() {
        let addresses = [
            on("ether1", "192.0.2.7/24"),
            on("ether2", "198.51.100.7/24"),
            on("bridge", "10.0.0.1/24"),
            on("bridge", "192.0.2.99/32").with("actual-interface", "ether1"),
        ];
        let connections = [
            connection("*1", "10.0.0.5:5060", "192.0.2.7:1024"),
            connection("*2", "10.0.0.5", "192.0.2.7"),
            connection("*3", "10.0.0.5:5060", "192.0.2.99:5060"),
            connection("*4", "10.0.0.5:5061", "198.51.100.7:5061"),
            // Nobody has translated it.
            connection("*5", "10.0.0.5:5062", "10.0.0.5:5062"),
            // Tunnels of the router itself, one of them with the address that its first look-up gave it.
            connection("*6", "192.0.2.7:40000", "192.0.2.7:40000"),
            connection("*7", "198.51.100.7:40001", "192.0.2.7:40001"),
        ];
        assert_eq!(
            stuck(&connections, &addresses, "ether1"),
            ["*1", "*2", "*3"]
        );
        assert_eq!(stuck(&connections, &addresses, "ether9"), [""; 0]);
        assert_eq!(stuck(&connections, &[], "ether1"), [""; 0]);
    }

    #[test]
    fn routes_that_are_not_in_force_and_pins_lead_nobody_elsewhere() {
        let route = |slot: u8, to: &str, active: bool| {
            Row::new()
                .with("dst-address", to)
                .with("gateway", virtual_next_hop(slot).to_string())
                .with("active", active.to_string())
        };
        let (pin, upper) = (
            route(1, "203.0.113.1/32", true),
            route(1, "0.0.0.0/1", true),
        );
        let withdrawn = route(1, "0.0.0.0/1", false);
        let (lower, better) = (route(2, "0.0.0.0/0", true), route(2, "0.0.0.0/2", true));
        let elsewhere = |rows: &[&Row]| {
            leads_elsewhere(
                &rows.iter().map(|&row| row.clone()).collect::<Vec<_>>(),
                1,
                2,
            )
        };
        assert!(!elsewhere(&[&pin, &upper, &lower]));
        assert!(elsewhere(&[&pin, &upper, &better]));
        assert!(elsewhere(&[&pin, &withdrawn, &lower]));
        assert!(!elsewhere(&[&pin]), "there are no routes at all");
    }

    #[test]
    fn a_policy_is_that_of_the_tunnel_whose_fate_moves_the_traffic() {
        use SessionPolicy::{Drain, Keep, MoveNow};
        let tunnel = |rank, failover, failback| Fate {
            rank,
            metered: false,
            failover,
            failback,
            drain_min: 5,
        };
        let (primary, backup) = (tunnel(0, MoveNow, Drain), tunnel(1, Keep, Keep));
        assert_eq!(
            move_after(primary, backup),
            Some(BLIP),
            "the primary failed"
        );
        let five_minutes = Some(Duration::from_secs(300));
        assert_eq!(
            move_after(backup, primary),
            five_minutes,
            "the primary is back"
        );
        assert_eq!(move_after(backup, tunnel(2, MoveNow, MoveNow)), None);
    }

    #[test]
    fn as_usual_nothing_sticks_to_a_connection_that_costs_money() {
        let tunnel = |rank, metered| Fate {
            rank,
            metered,
            failover: SessionPolicy::Usual,
            failback: SessionPolicy::Usual,
            drain_min: 0,
        };
        let (fibre, lte) = (tunnel(0, false), tunnel(1, true));
        assert_eq!(move_after(lte, fibre), Some(BLIP));
        assert_eq!(move_after(lte, tunnel(2, false)), Some(BLIP));
        assert_eq!(move_after(fibre, lte), None);
    }
}
