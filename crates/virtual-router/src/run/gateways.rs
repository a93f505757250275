//! `check-gateway`: gateways that do not answer are passed over.

use std::{collections::BTreeMap, net::Ipv4Addr, time::Duration};

use holdfast_routeros_proto::value::{Gateway, parse_list};
use tokio::task::JoinSet;

use crate::{kernel::icmp::Pinger, model::Database, router::Router};

/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(1);

/// Silent rounds in a row after which a gateway is passed over.
const FAILS: u32 = 2;

/// Whoever asks gateways whether they are there.
pub(super) struct Gateways {
    router: Router,
    /// By gateway as routes spell it. A watch ends when it is dropped.
    watches: BTreeMap<String, JoinSet<()>>,
}

impl Gateways {
    pub(super) fn new(router: Router) -> Self {
        Self {
            router,
            watches: BTreeMap::new(),
        }
    }

    /// Watches the gateways of routes that want it, and no others. Without a kernel nobody can be asked.
    pub(super) fn settle(&mut self) {
        if self.router.kernel().is_none() {
            return;
        }
        let wanted = self.router.read(checked);
        self.watches
            .retain(|gateway, _| wanted.contains_key(gateway));
        for (gateway, address) in wanted {
            self.watches.entry(gateway.clone()).or_insert_with(|| {
                let mut watch = JoinSet::new();
                watch.spawn(watch_gateway(self.router.clone(), gateway, address));
                watch
            });
        }
    }
}

/// Gateways of routes with `check-gateway`, and their addresses.
fn checked(database: &Database) -> BTreeMap<String, Ipv4Addr> {
    let routes = database.items("/ip/route");
    let checked = routes.filter(|route| {
        !route.is_disabled() && matches!(route.get("check-gateway"), Some("ping" | "arp" | "bfd"))
    });
    let gateways = checked.flat_map(|route| parse_list(route.text("gateway")));
    gateways
        .filter_map(|text| {
            let gateway: Gateway = text.parse().ok()?;
            match gateway.address? {
                std::net::IpAddr::V4(address) => Some((text.to_owned(), address)),
                std::net::IpAddr::V6(_) => None,
            }
        })
        .collect()
}

/// Asks again and again, in the rhythm of the settings.
async fn watch_gateway(router: Router, text: String, address: Ipv4Addr) {
    let mut fails = 0;
    loop {
        let answered = ask(&router, &text, address).await;
        fails = if answered { 0 } else { fails + 1 };
        mark(&router, &text, fails >= FAILS);
        let interval = router.settings().behaviour.check_gateway_interval_ms;
        tokio::time::sleep(Duration::from_millis(interval.max(10))).await;
    }
}

async fn ask(router: &Router, text: &str, address: Ipv4Addr) -> bool {
    let interface = text.split_once('%').map(|(_, interface)| interface);
    let device = router.read(|database| {
        let interface = database.named("/interface", interface?)?;
        interface.get("device").map(str::to_owned)
    });
    let Ok(pinger) = Pinger::open(address, device.as_deref(), None) else {
        return false;
    };
    matches!(pinger.ask(0, 56, PATIENCE).await, Ok(Some(_)))
}

/// Tells every route of a gateway whether it is there.
fn mark(router: &Router, text: &str, silent: bool) {
    router.update(|database| {
        let routes: Vec<_> = database
            .items("/ip/route")
            .filter(|route| parse_list(route.text("gateway")).any(|gateway| gateway == text))
            .map(|route| {
                let checks = route
                    .get("check-gateway")
                    .is_some_and(|check| check != "none");
                let others =
                    parse_list(route.text("silent-gateways")).filter(|other| *other != text);
                let silent = (silent && checks).then_some(text);
                (route.id, others.chain(silent).collect::<Vec<_>>().join(","))
            })
            .collect();
        for (id, silent) in routes {
            let silent = (!silent.is_empty()).then_some(silent);
            database.set_value("/ip/route", id, "silent-gateways", silent);
        }
    });
}
