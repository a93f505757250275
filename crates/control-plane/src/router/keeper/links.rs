//! What happens to tunnels, as far as their routers have to be told.

use std::collections::HashMap;

use holdfast_api_types::{LinkEventKind, SiteId, TunnelId};
use tokio::{
    sync::mpsc,
    task::{AbortHandle, JoinSet},
};

use super::{
    Household, Snag,
    redial::redial,
    sessions::{self, Move},
};
use crate::engine::Engine;

/// News that wait. Whoever is so far behind leaves some out: nobody may wait for us.
const WAITING: usize = 4096;

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum News {
    /// A tunnel carries no packets any more.
    Dead { site: SiteId, tunnel: TunnelId },
    /// Traffic has moved from one tunnel to another.
    Moved(Move),
}

/// Hears of everything that happens from now on.
pub(super) fn listen(engine: &Engine) -> mpsc::Receiver<News> {
    let (news_tx, news_rx) = mpsc::channel(WAITING);
    engine.follow_links(move |site, tunnel, kind| {
        if let Some(news) = news_of(site, tunnel, kind)
            && news_tx.try_send(news).is_err()
        {
            tracing::warn!(site.id = %site, "nobody tells the router of what happened to its tunnels: too much happens");
        }
    });
    news_rx
}

fn news_of(site: &SiteId, tunnel: &TunnelId, kind: &LinkEventKind) -> Option<News> {
    match kind {
        LinkEventKind::LinkOffline { .. } => Some(News::Dead {
            site: site.clone(),
            tunnel: tunnel.clone(),
        }),
        LinkEventKind::TunnelActive {
            previous: Some(left),
            ..
        } if left != tunnel => Some(News::Moved(Move {
            site: site.clone(),
            left: left.clone(),
            taken: tunnel.clone(),
        })),
        LinkEventKind::TunnelActive { .. }
        | LinkEventKind::TunnelUp { .. }
        | LinkEventKind::TunnelDown { .. }
        | LinkEventKind::RoutesPushed { .. }
        | LinkEventKind::LinkSuspect { .. }
        | LinkEventKind::LinkRecovering { .. }
        | LinkEventKind::LinkFlapping { .. }
        | LinkEventKind::LinkSteady
        | LinkEventKind::LinkOnline
        | LinkEventKind::SiteOffline
        | LinkEventKind::TunnelHealth(_) => None,
    }
}

pub(super) async fn follow(house: Household, mut news: mpsc::Receiver<News>) {
    let mut desk = Desk {
        house,
        moves: HashMap::new(),
        tasks: JoinSet::new(),
    };
    loop {
        tokio::select! {
            news = news.recv() => match news {
                Some(News::Dead { site, tunnel }) => desk.died(site, tunnel),
                Some(News::Moved(moved)) => desk.moved(moved),
                None => return,
            },
            Some(_) = desk.tasks.join_next() => {}
        }
    }
}

struct Desk {
    house: Household,
    /// What was left, and who sees to its connections.
    moves: HashMap<(SiteId, TunnelId), AbortHandle>,
    tasks: JoinSet<()>,
}

impl Desk {
    fn died(&mut self, site: SiteId, tunnel: TunnelId) {
        let may_redial = self.house.may_redial(&tunnel);
        let house = self.house.clone();
        self.tasks.spawn(async move {
            house.change_way(&site).await;
            if !may_redial {
                return;
            }
            if let Err(snag) = redial(&house, &site, &tunnel).await {
                report(&site, "whether its client holds on is not known", &snag);
            }
        });
    }

    fn moved(&mut self, moved: Move) {
        self.moves.retain(|_, task| !task.is_finished());
        // Who has the traffic again keeps its connections.
        if let Some(task) = self
            .moves
            .remove(&(moved.site.clone(), moved.taken.clone()))
        {
            task.abort();
        }
        let key = (moved.site.clone(), moved.left.clone());
        let house = self.house.clone();
        let task = self.tasks.spawn(async move {
            let site = moved.site.clone();
            match sessions::follow(&house, &moved).await {
                Ok(0) => {}
                Ok(count) => tracing::info!(site.id = %site, tunnel.id = %moved.left, count, "connections were moved"),
                Err(snag) => report(&site, "connections stay with the WAN that was left", &snag),
            }
        });
        if let Some(earlier) = self.moves.insert(key, task) {
            earlier.abort();
        }
    }
}

/// A site that is offline has no way to its router: nobody needs to look for that.
fn report(site: &SiteId, what: &str, snag: &Snag) {
    tracing::info!(site.id = %site, error = snag as &dyn std::error::Error, "{what}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_first_active_tunnel_has_not_taken_over_from_anybody() {
        let (site, tunnel): (SiteId, TunnelId) = ("one".parse().unwrap(), "lte".parse().unwrap());
        let active = |previous: Option<&str>| LinkEventKind::TunnelActive {
            previous: previous.map(|id| id.parse().unwrap()),
            cause: String::new(),
        };
        assert_eq!(news_of(&site, &tunnel, &active(None)), None);
        assert_eq!(news_of(&site, &tunnel, &active(Some("lte"))), None);
        let moved = news_of(&site, &tunnel, &active(Some("fibre")));
        assert!(matches!(moved, Some(News::Moved(Move { left, .. })) if left.as_str() == "fibre"));
    }
}
