//! A client that sits there although its tunnel is dead, and so keeps routes that lead nowhere: some routers ignore the
//! keepalive that they are pushed. It is switched off and on again, by way of another tunnel.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use holdfast_api_types::{SiteId, TunnelId};
use holdfast_routeros_plan::{Kind, Menu, Tag};
use holdfast_routeros_proto::{Command, Row};

use super::{Household, Snag};
use crate::router::access::Router;

/// Clients that heed the keepalive have noticed by then.
const GRACE: Duration = Duration::from_secs(5);

/// A tunnel that dies again and again is dialled anew this often at most.
const PAUSE: Duration = Duration::from_secs(120);

const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// A client that was switched off must come on again: it is tried this often, each time by the best way there is.
const INSISTENCE: u32 = 6;

/// When each tunnel was dialled anew.
#[derive(Debug, Default)]
pub(super) struct Redials(HashMap<TunnelId, Instant>);

impl Redials {
    /// Whether it may be done now; it counts as done then.
    pub(super) fn may(&mut self, tunnel: &TunnelId, now: Instant) -> bool {
        self.0.retain(|_, at| now.duration_since(*at) < PAUSE);
        let is_new = !self.0.contains_key(tunnel);
        if is_new {
            self.0.insert(tunnel.clone(), now);
        }
        is_new
    }
}

/// Sees to it that the client of a dead tunnel dials anew.
pub(super) async fn redial(
    house: &Household,
    site: &SiteId,
    tunnel: &TunnelId,
) -> Result<(), Snag> {
    tokio::time::sleep(GRACE).await;
    let Some(slot) = house.slot(site, tunnel).await? else {
        return Ok(());
    };
    let router = house.reach(site).await?;
    let (engine, dead) = (house.engine.clone(), tunnel.clone());
    dial_anew(house, router, slot, move || !engine.is_up(&dead)).await
}

/// Has the client of a slot dial anew, if it holds on to a connection and it is still so that it should.
pub(super) async fn dial_anew(
    house: &Household,
    router: Router,
    slot: u8,
    is_so: impl FnOnce() -> bool + Send + 'static,
) -> Result<(), Snag> {
    let hands = house.hands.clone();
    // On its own: broken off in the middle it would leave the client switched off.
    let task = tokio::spawn(async move {
        let _hand = hands.acquire().await;
        let _pen = router.pen().await;
        if !is_so() {
            return Ok(());
        }
        // The session may go by the line that has died, and would be waited for in vain: the management tunnel shares
        // the line of the first slot. A new one takes the first way that answers.
        router.hang_up().await;
        match holding_on(&router, slot).await? {
            Some(client) => switch_off_and_on(&router, &client).await,
            None => Ok(()),
        }
    });
    task.await
        .unwrap_or_else(|err| Err(Snag::Reach(err.to_string())))
}

async fn holding_on(router: &Router, slot: u8) -> Result<Option<String>, Snag> {
    let print =
        Command::print(Menu::OvpnClient.path()).only(&[".id", "comment", "running", "disabled"]);
    let rows = router.read(print, ANSWER_WITHIN).await?;
    Ok(sits_there(&rows, slot))
}

/// The client of a slot, if it holds on to its connection.
fn sits_there(rows: &[Row], slot: u8) -> Option<String> {
    let tag = Tag::of_slot(Kind::Tunnel, slot).to_string();
    let client = rows.iter().find(|row| row.text("comment") == tag)?;
    let holds_on = client.flag("running") && !client.flag("disabled");
    client.id().filter(|_| holds_on).map(Into::into)
}

async fn switch_off_and_on(router: &Router, client: &str) -> Result<(), Snag> {
    tracing::info!(client, "a client is made to dial anew");
    let switch = |off| Command::set(Menu::OvpnClient.path(), client).with("disabled", off);
    // Lost or late, it may have been carried out all the same.
    let off = router.send(switch("yes"), ANSWER_WITHIN).await;
    let mut on = router.send(switch("no"), ANSWER_WITHIN).await;
    for _ in 1..INSISTENCE {
        if on.is_ok() {
            break;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
        on = router.send(switch("no"), ANSWER_WITHIN).await;
    }
    off?;
    on?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tunnel_is_not_dialled_anew_over_and_over() {
        let (fibre, lte): (TunnelId, TunnelId) = ("fibre".parse().unwrap(), "lte".parse().unwrap());
        let mut redials = Redials::default();
        let now = Instant::now();
        assert!(redials.may(&fibre, now));
        assert!(!redials.may(&fibre, now + PAUSE / 2));
        assert!(redials.may(&lte, now + PAUSE / 2), "each for itself");
        assert!(redials.may(&fibre, now + PAUSE));
    }

    #[test]
    fn only_a_client_of_ours_that_holds_on_is_touched() {
        let client = |comment: &str, running: &str, disabled: &str| {
            Row::new()
                .with(".id", "*1")
                .with("comment", comment)
                .with("running", running)
                .with("disabled", disabled)
        };
        let ours = "holdfast:tunnel:1";
        assert_eq!(
            sits_there(&[client(ours, "true", "false")], 1).as_deref(),
            Some("*1")
        );
        for (row, why) in [
            (client(ours, "false", "false"), "it dials already"),
            (client(ours, "true", "true"), "somebody has switched it off"),
            (client("my vpn", "true", "false"), "it is not ours"),
            (client("holdfast:tunnel:2", "true", "false"), "another slot"),
        ] {
            assert_eq!(sits_there(&[row], 1), None, "{why}");
        }
    }
}
