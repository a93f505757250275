//! `PUSH_UPDATE`: changing the routes of a client that stays connected (OpenVPN 2.7 and later).
//!
//! The first `route` of an update takes all pushed IPv4 routes away before it adds its own, so a message
//! always carries the complete set. A message that ends with `push-continuation 2` leaves the update
//! open; OpenVPN 2.7 on Linux reopens its tunnel device, which costs about a second, only when the
//! update ends. A withdrawal left open is therefore immediate and free.

use std::net::Ipv4Addr;

use holdfast_api_types::Route;

use super::{
    push::{CONTINUATION, MAX_OPTIONS, MORE, PushError},
    route::{parse_route, write_routes},
};

/// The message that replaces all pushed routes by `routes`, without its NUL. Without any route it
/// withdraws them and ends the update.
pub fn replace_routes(routes: &[Route]) -> String {
    let mut text = String::from("PUSH_UPDATE");
    if routes.is_empty() {
        text.push_str(",-route");
    }
    write_routes(routes, &mut text);
    text
}

/// The message that takes all pushed routes away at once and leaves the update open; end it later with
/// [`restore_routes`].
pub fn withdraw_routes() -> String {
    "PUSH_UPDATE,-route,push-continuation 2".into()
}

/// The message that gives `routes` to a client after [`withdraw_routes`], and ends the update.
pub fn restore_routes(routes: &[Route]) -> String {
    replace_routes(routes) + ",push-continuation 1"
}

/// What an update does to the routes of a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RouteChange {
    /// All pushed routes are to be removed.
    Withdrawn,
    /// All pushed routes are to be replaced by these.
    Replaced(Vec<Route>),
}

/// Reads updates in the client role, over as many messages as they take.
#[derive(Debug, Default)]
pub struct PushUpdateReader {
    /// Routes of the update so far; `None` until the update mentions routes.
    pending: Option<Vec<Route>>,
}

impl PushUpdateReader {
    /// Takes the options of one `PUSH_UPDATE` message. `route_gateway` is what `vpn_gateway` means.
    ///
    /// A withdrawal shows at once, new routes when the update is complete.
    ///
    /// # Errors
    /// An option that may not be updated and is not marked as optional with `?`: reconnect, as stock
    /// clients do.
    pub fn push(
        &mut self,
        options: &str,
        route_gateway: Ipv4Addr,
    ) -> Result<Option<RouteChange>, PushError> {
        let mut open = false;
        for option in options.split(',') {
            let item = Item::parse(option);
            match item.name {
                "route" if item.removes => self.pending = Some(Vec::new()),
                "route" => self.add(parse_route(item.value, route_gateway)?)?,
                CONTINUATION => open = item.value == MORE,
                name if UPDATABLE.contains(&name) || item.optional => {}
                _ => return Err(PushError::bad(option)),
            }
        }
        Ok(self.change(open))
    }

    fn add(&mut self, route: Option<Route>) -> Result<(), PushError> {
        let pending = self.pending.get_or_insert_default();
        pending.extend(route);
        if pending.len() > MAX_OPTIONS {
            Err(PushError::TooManyOptions)
        } else {
            Ok(())
        }
    }

    fn change(&mut self, open: bool) -> Option<RouteChange> {
        let withdrawn = self.pending.as_ref()?.is_empty();
        if withdrawn {
            self.pending = None;
            return Some(RouteChange::Withdrawn);
        }
        if open {
            None
        } else {
            self.pending.take().map(RouteChange::Replaced)
        }
    }
}

/// Options besides routes that an update may change. None of them matters to this crate's client role.
const UPDATABLE: [&str; 15] = [
    "block-ipv4",
    "block-ipv6",
    "block-outside-dns",
    "dhcp-option",
    "dns",
    "ifconfig",
    "ifconfig-ipv6",
    "keepalive",
    "redirect-gateway",
    "redirect-private",
    "route-gateway",
    "route-ipv6",
    "route-metric",
    "topology",
    "tun-mtu",
];

/// One option of an update: `[-][?]name [value]`.
struct Item<'a> {
    removes: bool,
    optional: bool,
    name: &'a str,
    value: &'a str,
}

impl<'a> Item<'a> {
    fn parse(option: &'a str) -> Self {
        let (removes, option) = option
            .strip_prefix('-')
            .map_or((false, option), |rest| (true, rest));
        let (optional, option) = option
            .strip_prefix('?')
            .map_or((false, option), |rest| (true, rest));
        let (name, value) = option.split_once(' ').unwrap_or((option, ""));
        Self {
            removes,
            optional,
            name,
            value,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GATEWAY: Ipv4Addr = Ipv4Addr::new(10, 99, 0, 1);

    fn routes(count: u32) -> Vec<Route> {
        let network = |n: u32| Ipv4Addr::from_bits(n << 28);
        (0..count)
            .map(|n| Route {
                network: network(n),
                prefix: 4,
                gateway: Ipv4Addr::new(192, 0, 2, 1),
                metric: 30,
            })
            .collect()
    }

    fn push(
        reader: &mut PushUpdateReader,
        message: &str,
    ) -> Result<Option<RouteChange>, PushError> {
        reader.push(message.strip_prefix("PUSH_UPDATE,").unwrap(), GATEWAY)
    }

    #[test]
    fn messages_look_as_clients_expect_them() {
        assert_eq!(
            replace_routes(&routes(2)),
            "PUSH_UPDATE,route 0.0.0.0 240.0.0.0 192.0.2.1 30,route 16.0.0.0 240.0.0.0 192.0.2.1 30"
        );
        assert_eq!(replace_routes(&[]), "PUSH_UPDATE,-route");
        assert_eq!(withdraw_routes(), "PUSH_UPDATE,-route,push-continuation 2");
        assert_eq!(
            restore_routes(&routes(1)),
            "PUSH_UPDATE,route 0.0.0.0 240.0.0.0 192.0.2.1 30,push-continuation 1"
        );
    }

    #[test]
    fn a_client_reads_what_a_server_writes() {
        let mut reader = PushUpdateReader::default();
        assert_eq!(
            push(&mut reader, &replace_routes(&routes(16))),
            Ok(Some(RouteChange::Replaced(routes(16))))
        );
        assert_eq!(
            push(&mut reader, &withdraw_routes()),
            Ok(Some(RouteChange::Withdrawn))
        );
        assert_eq!(
            push(&mut reader, &restore_routes(&routes(3))),
            Ok(Some(RouteChange::Replaced(routes(3))))
        );
        assert_eq!(
            push(&mut reader, &replace_routes(&[])),
            Ok(Some(RouteChange::Withdrawn))
        );
    }

    #[test]
    fn routes_spread_over_messages_arrive_together() {
        let mut reader = PushUpdateReader::default();
        let (first, second) = (routes(1), &routes(2)[1..]);
        assert_eq!(
            push(
                &mut reader,
                &(replace_routes(&first) + ",push-continuation 2")
            ),
            Ok(None)
        );
        assert_eq!(
            push(&mut reader, &restore_routes(second)),
            Ok(Some(RouteChange::Replaced(routes(2))))
        );
    }

    #[test]
    fn an_update_without_routes_changes_none() {
        let mut reader = PushUpdateReader::default();
        assert_eq!(
            push(
                &mut reader,
                "PUSH_UPDATE,dns search-domains lan,-?frobnicate"
            ),
            Ok(None)
        );
    }

    #[test]
    fn an_option_that_may_not_be_updated_is_an_error() {
        let mut reader = PushUpdateReader::default();
        assert_eq!(
            push(&mut reader, "PUSH_UPDATE,ping 3"),
            Err(PushError::bad("ping 3"))
        );
        assert_eq!(
            push(&mut reader, "PUSH_UPDATE,-cipher"),
            Err(PushError::bad("-cipher"))
        );
    }
}
