//! A router as it is at this moment: what people choose interfaces and gateways from.
//!
//! Everything is asked at once, and answers within two seconds, or the reason why not is the answer.

use std::{collections::BTreeMap, time::Duration};

use futures_util::future::join_all;
use holdfast_routeros_plan::{
    Candidate, Gateway, InterfaceView, Menu, Observed, gateways as candidates, interfaces as views,
};
use holdfast_routeros_proto::{
    Command, Row, Version,
    menu::{PingReply, Traffic, View},
};
use holdfast_store::router;

use super::{
    access::{AccessError, Router},
    observe::{ObserveError, look_around},
};

/// People wait for it.
const WITHIN: Duration = Duration::from_millis(1900);

/// Three probes, as the ping below sends them, and the answer to the last.
const PING_WITHIN: Duration = Duration::from_millis(1200);

/// Routers measure rates over a second.
const TRAFFIC_WITHIN: Duration = Duration::from_millis(1500);

/// Candidates that are probed. A router with more neighbours on a WAN has its gateway among the first of them.
const PROBED: usize = 16;

/// An interface, and what passes through it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveInterface {
    /// The interface.
    pub interface: InterfaceView,
    /// Bits received in a second; none where the router does not count.
    pub rx_bits_per_s: Option<u64>,
    /// Bits sent in a second.
    pub tx_bits_per_s: Option<u64>,
}

/// A gateway that an interface may have, and whether it answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveGateway {
    /// The candidate.
    pub candidate: Candidate,
    /// Whether it answers pings; none if it was not asked, as the far end of an interface cannot be.
    pub reachable: Option<bool>,
    /// Time to its answer.
    pub rtt: Option<Duration>,
}

/// What a router is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// Its name.
    pub identity: String,
    /// What it is built as.
    pub board: String,
    /// Serial number; empty on virtual ones.
    pub serial: String,
    /// Version of its software.
    pub version: String,
}

impl From<Facts> for router::Facts {
    /// As it is stored: what is empty it did not say.
    fn from(facts: Facts) -> Self {
        let said = |text: String| Some(text).filter(|text| !text.is_empty());
        Self {
            identity: said(facts.identity),
            serial: said(facts.serial),
            board: said(facts.board),
            version: said(facts.version),
        }
    }
}

/// The interfaces, those that can be a WAN first.
///
/// # Errors
/// The router cannot be reached, or not in time.
pub async fn interfaces(router: &Router) -> Result<Vec<LiveInterface>, ObserveError> {
    in_time(async {
        let requests = Observed::interface_queries();
        let observed = look_around(router, &requests).await?;
        let views = views(&observed);
        let rates = rates(router, &views).await;
        let with_rate = |interface: InterfaceView| {
            let rate = rates.get(&interface.name);
            LiveInterface {
                rx_bits_per_s: rate.and_then(|rate| rate.rx_bits),
                tx_bits_per_s: rate.and_then(|rate| rate.tx_bits),
                interface,
            }
        };
        Ok(views.into_iter().map(with_rate).collect())
    })
    .await
}

/// The gateways that an interface may have, best first, each probed through that interface.
///
/// # Errors
/// The router cannot be reached, or not in time.
pub async fn gateways(router: &Router, interface: &str) -> Result<Vec<LiveGateway>, ObserveError> {
    in_time(async {
        let mut requests = Observed::interface_queries();
        requests.extend(Observed::gateway_queries(interface));
        let observed = look_around(router, &requests).await?;
        let found = candidates(interface, &observed);
        let probes = found
            .into_iter()
            .enumerate()
            .map(|(position, candidate)| async move {
                let answer = match candidate.gateway {
                    Gateway::Address(address) if position < PROBED => {
                        probe(router, &address.to_string(), interface).await
                    }
                    Gateway::Address(_) | Gateway::Interface => None,
                };
                LiveGateway {
                    candidate,
                    reachable: answer.map(|rtt| rtt.is_some()),
                    rtt: answer.flatten(),
                }
            });
        Ok(join_all(probes).await)
    })
    .await
}

/// What the router is.
///
/// # Errors
/// The router cannot be reached, or not in time.
pub async fn facts(router: &Router) -> Result<Facts, ObserveError> {
    let of = |menu: &str, field: &str| Command::print(menu).only(&[field]);
    let commands = [
        of("/system/identity", "name"),
        Command::print(Menu::Resource.path()).only(&["board-name", "version"]),
        of("/system/routerboard", "serial-number"),
    ];
    let mut answers = in_time(async { Ok(router.read_all(commands, WITHIN).await) })
        .await?
        .into_iter();
    let mut row = || -> Result<Row, AccessError> {
        let rows = answers.next().unwrap_or_else(|| Ok(Vec::new()))?;
        Ok(rows.into_iter().next().unwrap_or_default())
    };
    let (identity, resource) = (row()?, row()?);
    // Virtual ones have no such menu.
    let routerboard = row().unwrap_or_default();
    Ok(Facts {
        identity: identity.text("name").into(),
        board: resource.text("board-name").into(),
        serial: routerboard.text("serial-number").into(),
        version: resource.text("version").parse::<Version>().map_or_else(
            |_| resource.text("version").into(),
            |version| version.to_string(),
        ),
    })
}

/// Rates by interface; none where the router does not tell: they are not worth an error.
async fn rates(router: &Router, views: &[InterfaceView]) -> BTreeMap<String, Traffic> {
    let names: Vec<&str> = views.iter().map(|view| view.name.as_str()).collect();
    let monitor = Command::new(Traffic::PATH)
        .with("interface", names.join(","))
        .with("once", "");
    let rows = router
        .read(monitor, TRAFFIC_WITHIN)
        .await
        .unwrap_or_default();
    let rates = Traffic::read_all(&rows);
    let by_name = rates.into_iter().map(|rate| (rate.name.clone(), rate));
    by_name.collect()
}

/// The time to the first answer, or that there was none; `None` if the router could not ask.
async fn probe(router: &Router, address: &str, interface: &str) -> Option<Option<Duration>> {
    let ping = Command::new(PingReply::PATH)
        .with("address", address)
        .with("interface", interface)
        .with("count", "3")
        .with("interval", "200ms");
    let rows = router.read(ping, PING_WITHIN).await.ok()?;
    let replies = PingReply::read_all(&rows);
    let answered = replies.iter().find(|reply| reply.is_answered());
    Some(answered.and_then(|reply| reply.time))
}

async fn in_time<T>(
    work: impl Future<Output = Result<T, ObserveError>>,
) -> Result<T, ObserveError> {
    match tokio::time::timeout(WITHIN, work).await {
        Ok(result) => result,
        Err(_) => {
            let why = format!("it did not answer within {} ms", WITHIN.as_millis());
            Err(AccessError::Away(why).into())
        }
    }
}
