//! Who is called what and has which address.

use std::{
    net::{Ipv4Addr, SocketAddrV4},
    time::Duration,
};

use anyhow::ensure;
use holdfast_api_types::ConnectionType;

use crate::wire::Conditions;

/// The site's own network: the computer with the meter, and the router.
pub(crate) const LAN_HOST: Ipv4Addr = Ipv4Addr::new(192, 168, 88, 10);
pub(crate) const LAN_GATEWAY: Ipv4Addr = Ipv4Addr::new(192, 168, 88, 1);

/// A server somewhere on the internet that the site's computer talks to.
pub(crate) const TARGET: Ipv4Addr = Ipv4Addr::new(172, 31, 1, 1);

/// Most internet connections a site has.
pub(crate) const MOST_ISPS: usize = 8;

/// An internet connection: a name and how good its line is.
#[derive(Debug, Clone, PartialEq)]
pub struct Isp {
    pub(crate) name: String,
    pub(crate) connection: ConnectionType,
    pub(crate) line: Conditions,
}

impl Isp {
    /// A perfect line, handed over as Ethernet.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            connection: ConnectionType::Ethernet,
            line: Conditions::default(),
        }
    }

    /// 5 ms each way.
    pub fn fibre() -> Self {
        Self::new("fibre")
            .connection(ConnectionType::Fibre)
            .delay(Duration::from_millis(5))
    }

    /// 25 ms each way and up to 5 ms of jitter.
    pub fn lte() -> Self {
        Self::new("lte")
            .connection(ConnectionType::Lte)
            .delay(Duration::from_millis(25))
            .jitter(Duration::from_millis(5))
    }

    /// 20 ms each way and up to 3 ms of jitter.
    pub fn starlink() -> Self {
        Self::new("starlink")
            .connection(ConnectionType::Satellite)
            .delay(Duration::from_millis(20))
            .jitter(Duration::from_millis(3))
    }

    /// The first `count` of a site's usual connections, best first.
    ///
    /// # Errors
    /// When a site cannot have that many.
    pub fn usual(count: usize) -> anyhow::Result<Vec<Self>> {
        ensure!(
            (1..=MOST_ISPS).contains(&count),
            "a site has 1 to {MOST_ISPS} ISPs, not {count}"
        );
        let more = (4..).map(|n| Self::new(format!("dsl{n}")).delay(Duration::from_millis(10)));
        Ok([Self::fibre(), Self::lte(), Self::starlink()]
            .into_iter()
            .chain(more)
            .take(count)
            .collect())
    }

    /// How it reaches the site, as the operator says it. It changes nothing about the line.
    pub fn connection(mut self, connection: ConnectionType) -> Self {
        self.connection = connection;
        self
    }

    /// Time a packet takes, each way.
    pub fn delay(mut self, delay: Duration) -> Self {
        self.line.delay = delay;
        self
    }

    /// Most that is added to the delay at random, each way.
    pub fn jitter(mut self, jitter: Duration) -> Self {
        self.line.jitter = jitter;
        self
    }

    /// Share of packets that vanish, 0 to 1, each way.
    pub fn loss(mut self, loss: f64) -> Self {
        self.line.loss = loss;
        self
    }

    /// Bits per second, each way.
    pub fn rate(mut self, rate: u64) -> Self {
        self.line.rate = Some(rate);
        self
    }
}

/// What is unusual about the lines of a site and the addresses that its tunnels dial.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Layout {
    /// The gateways of all ISPs have one and the same address.
    pub(crate) same_gateway: bool,
    /// The controller has one address, with a port for each tunnel.
    pub(crate) one_address: bool,
    /// The ISPs speak PPPoE, where the router is one that does.
    pub(crate) pppoe: bool,
}

/// The addresses of one internet connection. `number` counts from 1, like the interfaces (`wan1`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) number: u8,
    pub(crate) layout: Layout,
}

impl Plan {
    /// The network between the router and its ISP: documentation ranges while they last, then shared space.
    fn network(self) -> [u8; 3] {
        match self.number {
            _ if self.layout.same_gateway => [192, 0, 2],
            1 => [192, 0, 2],
            2 => [198, 51, 100],
            3 => [203, 0, 113],
            n => [100, 64, n],
        }
    }

    fn host(self, host: u8) -> Ipv4Addr {
        let [a, b, c] = self.network();
        Ipv4Addr::new(a, b, c, host)
    }

    /// The ISP's side: where the pushed routes lead.
    pub(crate) fn gateway(self) -> Ipv4Addr {
        self.host(1)
    }

    /// The same after it has moved so many times.
    pub(crate) fn gateway_after(self, changes: u8) -> Ipv4Addr {
        match changes {
            0 => self.gateway(),
            changes => self.host(100 + changes),
        }
    }

    /// What stands for the ISP's side in the routes of a MikroTik that we configure (docs/routeros.md).
    pub(crate) fn virtual_next_hop(self) -> Ipv4Addr {
        Ipv4Addr::new(100, 127, 255, self.number)
    }

    /// The router's side: what servers see as the source of the site's packets.
    pub(crate) fn wan(self) -> Ipv4Addr {
        self.host(match self.layout.same_gateway {
            true => 1 + self.number,
            false => 2,
        })
    }

    pub(crate) fn uplink_isp(self) -> Ipv4Addr {
        Ipv4Addr::new(10, 9, self.number, 2)
    }

    pub(crate) fn uplink_inet(self) -> Ipv4Addr {
        Ipv4Addr::new(10, 9, self.number, 1)
    }

    /// The controller address that this connection's tunnel dials.
    pub(crate) fn slot(self) -> SocketAddrV4 {
        let (address, port) = match self.layout.one_address {
            true => (1, 442 + u16::from(self.number)),
            false => (self.number, 443),
        };
        SocketAddrV4::new(Ipv4Addr::new(172, 31, 0, address), port)
    }

    /// As the kernel calls it, and routers that have no other name for it.
    pub(crate) fn wan_interface(self) -> String {
        format!("wan{}", self.number)
    }

    /// The interface with the line's address, as a MikroTik calls it.
    pub(crate) fn routeros_interface(self) -> String {
        match self.layout.pppoe {
            true => format!("pppoe-out{}", self.number),
            false => self.wan_interface(),
        }
    }

    /// Metric of the route the router keeps of its own accord, beneath the ladder.
    pub(crate) fn own_route_metric(self) -> u32 {
        1000 + u32::from(self.number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_connection_has_addresses_of_its_own() {
        let mut all: Vec<_> = (1..=8)
            .map(|number| Plan {
                number,
                layout: Layout::default(),
            })
            .flat_map(|p| {
                [
                    p.gateway(),
                    p.wan(),
                    p.uplink_isp(),
                    p.uplink_inet(),
                    *p.slot().ip(),
                ]
            })
            .collect();
        all.extend([TARGET, LAN_HOST, LAN_GATEWAY]);
        let count = all.len();
        all.sort();
        all.dedup();
        assert_eq!(all.len(), count);
    }

    #[test]
    fn a_ninth_isp_is_refused() {
        assert_eq!(Isp::usual(8).unwrap().len(), 8);
        assert!(Isp::usual(9).is_err());
    }
}
