//! What a server pushes, and what RouterOS makes of it.

use std::net::Ipv4Addr;

use holdfast_routeros_proto::Row;

use crate::settings::Behaviour;

/// A PUSH_REPLY, as far as RouterOS heeds it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Pushed {
    pub(super) local: Option<Ipv4Addr>,
    /// A netmask with `topology subnet`, the other end otherwise.
    second: Option<Ipv4Addr>,
    is_subnet: bool,
    pub(super) gateway: Option<Ipv4Addr>,
    pub(super) routes: Vec<PushedRoute>,
    redirects: bool,
}

/// `route NETWORK [NETMASK [GATEWAY [METRIC]]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PushedRoute {
    network: Ipv4Addr,
    length: u8,
    gateway: Option<Ipv4Addr>,
    metric: Option<u32>,
}

impl Pushed {
    /// Reads `PUSH_REPLY,...`.
    pub(super) fn parse(reply: &str) -> Self {
        let mut pushed = Self::default();
        for option in reply.split(',').skip(1) {
            let words: Vec<_> = option.split_whitespace().collect();
            match words.as_slice() {
                ["ifconfig", local, second, ..] => {
                    (pushed.local, pushed.second) = (local.parse().ok(), second.parse().ok());
                }
                ["topology", topology] => pushed.is_subnet = *topology == "subnet",
                ["route-gateway", gateway] => pushed.gateway = gateway.parse().ok(),
                ["redirect-gateway", ..] => pushed.redirects = true,
                ["route", rest @ ..] => pushed.routes.extend(route(rest)),
                _others => {}
            }
        }
        pushed
    }

    /// The interface's address as a row of `/ip/address`.
    pub(super) fn address(&self, interface: &str, behaviour: &Behaviour) -> Option<Row> {
        let (local, second) = (self.local?, self.second?);
        let (length, network) = if self.is_subnet || behaviour.netmask_quirk {
            let length = length_of(second);
            (length, first_of(local, length))
        } else {
            (32, second)
        };
        let row = Row::new()
            .with("address", format!("{local}/{length}"))
            .with("network", network.to_string())
            .with("interface", interface);
        Some(row)
    }

    /// Rows of `/ip/route`.
    pub(super) fn routes(&self, client: &Row, behaviour: &Behaviour) -> Vec<Row> {
        let interface = client.text("name");
        let usual = self
            .gateway
            .map_or_else(|| interface.to_owned(), |gateway| gateway.to_string());
        let row = |network: String, gateway: String, distance: u32| {
            Row::new()
                .with("dst-address", network)
                .with("routing-table", "main")
                .with("gateway", gateway)
                .with("distance", distance.clamp(1, 255).to_string())
                .with("scope", "30")
                .with("target-scope", "10")
                .with("vpn", "true")
        };
        let mut rows = Vec::new();
        if client.flag("add-default-route") {
            rows.push(row("0.0.0.0/0".into(), usual.clone(), 1));
        }
        if client.flag("route-nopull") {
            return rows;
        }
        if self.redirects {
            let halves = ["0.0.0.0/1", "128.0.0.0/1"];
            rows.extend(halves.map(|half| row(half.into(), usual.clone(), 1)));
        }
        rows.extend(self.routes.iter().map(|route| {
            let own = route.gateway.filter(|_| behaviour.honours_gateway);
            let metric = route.metric.filter(|_| behaviour.honours_metric);
            let gateway = own.map_or_else(|| usual.clone(), |gateway| gateway.to_string());
            let network = format!("{}/{}", route.network, route.length);
            row(network, gateway, metric.unwrap_or(1))
        }));
        rows
    }
}

fn route(words: &[&str]) -> Option<PushedRoute> {
    let network: Ipv4Addr = words.first()?.parse().ok()?;
    // Without a netmask it is a single host.
    let length = match words.get(1) {
        Some(mask) => length_of(mask.parse().ok()?),
        None => 32,
    };
    Some(PushedRoute {
        network: first_of(network, length),
        length,
        gateway: words.get(2).and_then(|gateway| gateway.parse().ok()),
        metric: words.get(3).and_then(|metric| metric.parse().ok()),
    })
}

/// Leading ones: an address that is no netmask is taken for one.
fn length_of(mask: Ipv4Addr) -> u8 {
    // At most 32.
    mask.to_bits().leading_ones() as u8
}

fn first_of(address: Ipv4Addr, length: u8) -> Ipv4Addr {
    let mask = u32::MAX.checked_shl(32 - u32::from(length)).unwrap_or(0);
    Ipv4Addr::from_bits(address.to_bits() & mask)
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPLY: &str = "PUSH_REPLY,topology subnet,route-gateway 100.64.8.1,ping 1,ping-restart 5,\
                         ifconfig 100.64.8.2 255.255.248.0,route 0.0.0.0 128.0.0.0 100.127.255.1 50,\
                         route 208.67.222.222";

    fn rows(behaviour: &Behaviour, client: &Row) -> Vec<(String, String, String)> {
        let rows = Pushed::parse(REPLY).routes(client, behaviour);
        let shown = rows.iter().map(|row| {
            let text = |name: &str| row.text(name).to_owned();
            (text("dst-address"), text("gateway"), text("distance"))
        });
        shown.collect()
    }

    fn route_of(network: &str, gateway: &str, distance: &str) -> (String, String, String) {
        (network.into(), gateway.into(), distance.into())
    }

    #[test]
    fn a_pushed_route_keeps_its_gateway_and_metric_if_the_router_honours_them() {
        let client = Row::new().with("name", "holdfast-1");
        let single = route_of("208.67.222.222/32", "100.64.8.1", "1");
        assert_eq!(
            rows(&Behaviour::default(), &client),
            [route_of("0.0.0.0/1", "100.127.255.1", "50"), single.clone()]
        );
        let neither = Behaviour {
            honours_gateway: false,
            honours_metric: false,
            ..Behaviour::default()
        };
        assert_eq!(
            rows(&neither, &client),
            [route_of("0.0.0.0/1", "100.64.8.1", "1"), single]
        );
    }

    #[test]
    fn without_pulling_only_a_default_route_of_the_client_s_own_remains() {
        let client = Row::new()
            .with("name", "holdfast-1")
            .with("route-nopull", "true");
        assert_eq!(rows(&Behaviour::default(), &client), []);
        let client = client.with("add-default-route", "true");
        assert_eq!(
            rows(&Behaviour::default(), &client),
            [route_of("0.0.0.0/0", "100.64.8.1", "1")]
        );
    }

    #[test]
    fn the_second_address_of_a_point_to_point_topology_is_misread_as_a_netmask() {
        let pushed =
            Pushed::parse("PUSH_REPLY,topology net30,ifconfig 192.168.228.6 192.168.228.5");
        let quirk = Behaviour::default();
        let address = |behaviour: &Behaviour| pushed.address("o", behaviour).unwrap();
        assert_eq!(address(&quirk).text("address"), "192.168.228.6/2");
        let right = Behaviour {
            netmask_quirk: false,
            ..quirk
        };
        assert_eq!(address(&right).text("network"), "192.168.228.5");
    }
}
