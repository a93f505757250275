//! `/tool/netwatch`: hosts that are asked again and again, and scripts for when one comes or goes.

use std::{collections::BTreeMap, net::Ipv4Addr, time::Duration};

use holdfast_routeros_proto::value::parse_duration;
use tokio::{sync::broadcast::error::RecvError, task::JoinSet};

use super::run_event;
use crate::{
    kernel::icmp::Pinger,
    model::{Caller, Id, Item},
    router::{Event, Router},
};

const MENU: &str = "/tool/netwatch";

/// Rights that scripts of a watch have, whoever made it.
const POLICIES: [&str; 4] = ["read", "write", "test", "reboot"];

/// An entry, as it was configured.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Watch {
    host: Ipv4Addr,
    interval: Duration,
    timeout: Duration,
    startup_delay: Duration,
    packets: u32,
    packet_interval: Duration,
    /// This share of lost packets, in percent, is too much.
    most_loss: u32,
    /// A mean time longer than this is too long.
    most_time: Duration,
    up: String,
    down: String,
}

/// Watches until dropped. Without a kernel nobody can be asked.
pub(crate) async fn run(router: Router) {
    if router.kernel().is_none() {
        return std::future::pending().await;
    }
    let mut events = router.events();
    let mut running: BTreeMap<Id, (Watch, JoinSet<()>)> = BTreeMap::new();
    loop {
        follow(&router, &mut running);
        loop {
            match events.recv().await {
                Ok(Event::Changed(change)) if change.menu == MENU && change.configured => break,
                Err(RecvError::Lagged(_)) => break,
                Ok(_) => {}
                Err(RecvError::Closed) => return,
            }
        }
    }
}

fn follow(router: &Router, running: &mut BTreeMap<Id, (Watch, JoinSet<()>)>) {
    let wanted: BTreeMap<_, _> = router.read(|database| {
        let entries = database.items(MENU).filter(|item| !item.is_disabled());
        entries
            .filter_map(|item| Some((item.id, Watch::read(item)?)))
            .collect()
    });
    running.retain(|id, (watch, _)| wanted.get(id) == Some(watch));
    for (id, watch) in wanted {
        running.entry(id).or_insert_with(|| {
            let mut task = JoinSet::new();
            task.spawn(keep_watching(router.clone(), id, watch.clone()));
            (watch, task)
        });
    }
}

impl Watch {
    fn read(item: &Item) -> Option<Self> {
        let time =
            |name: &str, usual: Duration| item.get(name).and_then(parse_duration).unwrap_or(usual);
        let number = |name: &str, usual: u32| {
            item.get(name)
                .and_then(|text| text.parse().ok())
                .unwrap_or(usual)
        };
        let is_icmp = item.text("type") == "icmp";
        Some(Self {
            host: item.text("host").parse().ok()?,
            interval: time("interval", Duration::from_secs(10)),
            timeout: time("timeout", Duration::from_secs(3)),
            startup_delay: time("startup-delay", Duration::from_secs(300)),
            packets: if is_icmp {
                number("packet-count", 10)
            } else {
                1
            },
            packet_interval: time("packet-interval", Duration::from_millis(50)),
            most_loss: number("thr-loss-percent", 85),
            most_time: time("thr-avg", Duration::from_millis(100)),
            up: item.text("up-script").to_owned(),
            down: item.text("down-script").to_owned(),
        })
    }

    /// Whether the host is there, by as many packets as the watch sends.
    async fn ask(&self) -> bool {
        let Ok(pinger) = Pinger::open(self.host, None, None) else {
            return false;
        };
        let mut times = Vec::new();
        for sequence in 0..self.packets {
            // A network that cannot be reached answers as nobody does.
            if let Ok(Some(echo)) = pinger.ask(sequence as u16, 56, self.timeout).await {
                times.push(echo.time);
            }
            tokio::time::sleep(self.packet_interval).await;
        }
        let received = u32::try_from(times.len()).unwrap_or(u32::MAX);
        let lost = 100 * (self.packets - received) / self.packets;
        let mean = times.iter().sum::<Duration>().checked_div(received);
        let is_quick = self.packets == 1 || mean.is_some_and(|mean| mean <= self.most_time);
        lost < self.most_loss.max(1) && is_quick
    }
}

async fn keep_watching(router: Router, id: Id, watch: Watch) {
    say(&router, id, "unknown");
    let uptime = Duration::from_millis(router.uptime_ms());
    tokio::time::sleep(watch.startup_delay.saturating_sub(uptime)).await;
    let mut before = None;
    loop {
        let is_up = watch.ask().await;
        if before != Some(is_up) {
            before = Some(is_up);
            let (status, script) = if is_up {
                ("up", &watch.up)
            } else {
                ("down", &watch.down)
            };
            say(&router, id, status);
            let caller = Caller {
                policies: POLICIES.into_iter().collect(),
                ..Caller::system()
            };
            let variables = vec![
                ("host", watch.host.to_string()),
                ("status", status.to_owned()),
            ];
            run_event(&router, script, caller, variables).await;
        }
        tokio::time::sleep(watch.interval).await;
    }
}

fn say(router: &Router, id: Id, status: &str) {
    let now = router.now();
    router.update(|database| {
        database.set_state(MENU, id, "status", Some(status.into()));
        database.set_state(MENU, id, "since", Some(now));
    });
}
