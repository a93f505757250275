//! `/tool/ping`.

use std::{
    net::Ipv4Addr,
    time::{Duration, Instant},
};

use holdfast_routeros_proto::{
    Command, Row, Trap,
    value::{format_duration, parse_duration},
};

use super::Replies;
use crate::{
    kernel::icmp::{Echo, Pinger},
    model::{Answer, Caller, failure, invalid, missing, no_match},
    rib::Entry,
    router::Router,
};

/// How long one answer is waited for, unless the interval is shorter.
const PATIENCE: Duration = Duration::from_secs(1);

/// What is asked for.
struct Order {
    address: Ipv4Addr,
    interface: Option<String>,
    source: Option<Ipv4Addr>,
    count: Option<u32>,
    interval: Duration,
    size: usize,
}

pub(super) async fn run(
    router: &Router,
    caller: &Caller,
    command: &Command,
    replies: &Replies,
) -> Result<Answer, Trap> {
    caller.require("test")?;
    let order = Order::read(router, command)?;
    let mut tally = Tally::default();
    let mut way = Way::open(router, &order)?;
    let mut sequence = 0_u32;
    while order.count.is_none_or(|count| sequence < count) {
        let began = Instant::now();
        let patience = order.interval.clamp(Duration::from_millis(10), PATIENCE);
        let echo = way.ask(router, &order, sequence, patience).await;
        tally.count(echo.as_ref().ok().copied().flatten());
        replies.row(tally.row(sequence, &order, echo)).await;
        sequence += 1;
        if order.count.is_none_or(|count| sequence < count) {
            tokio::time::sleep(order.interval.saturating_sub(began.elapsed())).await;
        }
    }
    Ok(Answer::done())
}

impl Order {
    fn read(router: &Router, command: &Command) -> Result<Self, Trap> {
        let address = command.get("address").ok_or_else(|| missing("address"))?;
        let number = |name: &str, least: u32, most: u32| match command.get(name) {
            None => Ok(None),
            Some(text) => match text.parse() {
                Ok(number) if (least..=most).contains(&number) => Ok(Some(number)),
                Ok(_) | Err(_) => Err(invalid(name)),
            },
        };
        let interval = match command.get("interval") {
            None => Duration::from_secs(1),
            Some(text) => parse_duration(text)
                .filter(|interval| {
                    (Duration::from_millis(10)..=Duration::from_secs(5)).contains(interval)
                })
                .ok_or_else(|| invalid("interval"))?,
        };
        let interface = match command.get("interface") {
            None => None,
            Some(name) => {
                let known = router.read(|database| database.named("/interface", name).is_some());
                Some(name.to_owned())
                    .filter(|_| known)
                    .ok_or_else(|| no_match("interface"))
                    .map(Some)?
            }
        };
        let source = command.get("src-address").map(str::parse).transpose();
        Ok(Self {
            address: address.parse().map_err(|_| invalid("address"))?,
            interface,
            source: source.map_err(|_| invalid("src-address"))?,
            count: number("count", 0, u32::MAX)?.filter(|count| *count > 0),
            interval,
            size: number("size", 28, 1500)?.unwrap_or(56) as usize,
        })
    }
}

/// How packets get out.
enum Way {
    Kernel(Pinger),
    /// Without a kernel, whatever a route leads to answers.
    Routes,
}

impl Way {
    fn open(router: &Router, order: &Order) -> Result<Self, Trap> {
        if router.kernel().is_none() {
            return Ok(Self::Routes);
        }
        let device = router.read(|database| {
            let interface = database.named("/interface", order.interface.as_ref()?)?;
            interface.get("device").map(str::to_owned)
        });
        let pinger = Pinger::open(order.address, device.as_deref(), order.source);
        Ok(Self::Kernel(pinger.map_err(failure)?))
    }

    async fn ask(
        &mut self,
        router: &Router,
        order: &Order,
        sequence: u32,
        patience: Duration,
    ) -> Result<Option<Echo>, String> {
        match self {
            Self::Kernel(pinger) => {
                let sequence = (sequence & 0xffff) as u16;
                let asked = pinger.ask(sequence, order.size, patience).await;
                asked.map_err(|error| error.to_string())
            }
            Self::Routes => Ok(answers(router, order).then_some(Echo {
                time: Duration::from_millis(1),
                ttl: 64,
                from: order.address,
            })),
        }
    }
}

fn answers(router: &Router, order: &Order) -> bool {
    let resolution = router.watch_resolution().borrow().clone();
    let by = |name: &String| order.interface.as_ref().is_none_or(|wanted| wanted == name);
    match resolution.lookup("main", order.address) {
        None | Some(Entry::Blackhole) => false,
        Some(Entry::Connected(interface)) => by(interface),
        Some(Entry::Hops(hops)) => hops.iter().any(|hop| by(&hop.interface)),
    }
}

/// What has come back so far.
#[derive(Default)]
struct Tally {
    sent: u32,
    times: Vec<Duration>,
}

impl Tally {
    fn count(&mut self, echo: Option<Echo>) {
        self.sent += 1;
        self.times.extend(echo.map(|echo| echo.time));
    }

    fn row(&self, sequence: u32, order: &Order, echo: Result<Option<Echo>, String>) -> Row {
        let received = u32::try_from(self.times.len()).unwrap_or(u32::MAX);
        let loss = (self.sent - received.min(self.sent)) * 100 / self.sent.max(1);
        let mut row = Row::new()
            .with("seq", sequence.to_string())
            .with("host", order.address.to_string())
            .with("sent", self.sent.to_string())
            .with("received", received.to_string())
            .with("packet-loss", loss.to_string());
        match echo {
            Ok(Some(echo)) => {
                row.set("host", echo.from.to_string());
                row.set("size", order.size.to_string());
                row.set("ttl", echo.ttl.to_string());
                row.set("time", show(echo.time));
            }
            Ok(None) => row.set("status", "timeout"),
            Err(why) => row.set("status", why),
        }
        if let (Some(least), Some(most)) = (self.times.iter().min(), self.times.iter().max()) {
            row.set("min-rtt", show(*least));
            row.set(
                "avg-rtt",
                show(self.times.iter().sum::<Duration>() / received),
            );
            row.set("max-rtt", show(*most));
        }
        row
    }
}

/// Nothing shorter than a microsecond.
fn show(time: Duration) -> String {
    format_duration(Duration::from_micros(
        time.as_micros().try_into().unwrap_or(u64::MAX),
    ))
}
