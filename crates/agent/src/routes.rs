//! The pushed routes in the kernel's main table.
//!
//! What is installed is not remembered but wanted: [`Routes::restore`] puts back whatever the kernel dropped when
//! an interface went down and up. A change adds all new routes before it takes the first old one away, so there is
//! no moment without a route.

use std::{collections::BTreeSet, net::Ipv4Addr};

use futures_util::{StreamExt, TryStreamExt};
use holdfast_api_types::Route;
use rtnetlink::{
    Error, Handle, RouteMessageBuilder,
    packet_core::{NLM_F_ACK, NLM_F_CREATE, NLM_F_REQUEST, NetlinkMessage, NetlinkPayload},
    packet_route::{
        RouteNetlinkMessage,
        route::{RouteAddress, RouteAttribute, RouteHeader, RouteMessage, RouteProtocol},
    },
};

/// Marks a route as ours (`ip route` shows `proto 200`). Not among those that the kernel or a routing daemon
/// uses, so nobody else's route is ever taken for ours.
const PROTOCOL: RouteProtocol = RouteProtocol::Other(200);

/// The ladder's metrics are below this; what is above belongs to the default routes beneath the ladder.
const LADDER_METRICS: u32 = 200;

/// The routes that one tunnel holds on this router.
pub(crate) struct Routes {
    handle: Handle,
    /// Index of the interface that they must leave by. Without one the kernel looks the gateway up.
    device: Option<u32>,
    wanted: BTreeSet<Route>,
}

impl Routes {
    /// No routes yet, in the network namespace that `handle` was opened in. What an earlier life of this program
    /// has left on the interface is removed.
    pub(crate) async fn open(handle: Handle, device: Option<u32>) -> Result<Self, Error> {
        let routes = Self {
            handle,
            device,
            wanted: BTreeSet::new(),
        };
        routes.remove_strays().await?;
        Ok(routes)
    }

    /// Follows the interface, which has a new index after it was gone.
    pub(crate) fn set_device(&mut self, device: Option<u32>) {
        self.device = device;
    }

    /// Exchanges the routes held for these. False when the kernel does not take all of them now, for example
    /// because the gateway is not reachable yet: then [`Self::restore`] wants to be called again.
    pub(crate) async fn replace(&mut self, routes: impl IntoIterator<Item = Route>) -> bool {
        let old = std::mem::replace(&mut self.wanted, routes.into_iter().collect());
        let complete = self.restore().await;
        for route in old.difference(&self.wanted) {
            self.remove(route).await;
        }
        complete
    }

    /// Installs what is wanted and missing. False when something still is.
    pub(crate) async fn restore(&self) -> bool {
        let mut complete = true;
        for route in &self.wanted {
            if let Err(err) = self.install(route).await {
                tracing::warn!(%route, error = %reason(&err), "cannot install route");
                complete = false;
            }
        }
        complete
    }

    /// Takes every route away. True when there were any.
    pub(crate) async fn withdraw(&mut self) -> bool {
        let held = !self.wanted.is_empty();
        self.replace([]).await;
        held
    }

    /// Adds a route ahead of any with the same prefix and metric; one that is there already is left alone.
    ///
    /// Not by replacing: that would take the place of whatever route has this prefix and metric, also of one that
    /// leads through another connection. Ahead of it and the old one removed afterwards is as gapless.
    async fn install(&self, route: &Route) -> Result<(), Error> {
        let message = RouteNetlinkMessage::NewRoute(self.message(route));
        let mut request = NetlinkMessage::from(message);
        request.header.flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE;
        let mut answers = self.handle.clone().request(request)?;
        while let Some(answer) = answers.next().await {
            if let NetlinkPayload::Error(err) = answer.payload
                && !matches!(-err.raw_code(), 0 | libc::EEXIST)
            {
                return Err(Error::NetlinkError(err));
            }
        }
        Ok(())
    }

    async fn remove(&self, route: &Route) {
        self.delete(self.message(route)).await;
    }

    async fn delete(&self, message: RouteMessage) {
        match self.handle.route().del(message).execute().await {
            // The kernel may have dropped the route, or its interface, by itself.
            Err(Error::NetlinkError(err))
                if matches!(-err.raw_code(), libc::ESRCH | libc::ENODEV) => {}
            Err(err) => tracing::warn!(error = %reason(&err), "cannot remove route"),
            Ok(()) => {}
        }
    }

    /// Removes routes of ours that are not wanted: what an earlier life of this program left behind.
    pub(crate) async fn remove_strays(&self) -> Result<(), Error> {
        let all = RouteMessageBuilder::<Ipv4Addr>::new().build();
        let all: Vec<_> = self.handle.route().get(all).execute().try_collect().await?;
        for message in all.into_iter().filter(|message| self.is_stray(message)) {
            self.delete(message).await;
        }
        Ok(())
    }

    fn is_stray(&self, message: &RouteMessage) -> bool {
        let here = self.device.is_none() || device_of(message) == self.device;
        let of_ladder = |route: &Route| route.metric < LADDER_METRICS;
        is_ours(message)
            && here
            && read(message).is_some_and(|route| of_ladder(&route) && !self.wanted.contains(&route))
    }

    fn message(&self, route: &Route) -> RouteMessage {
        let message = RouteMessageBuilder::<Ipv4Addr>::new()
            .destination_prefix(route.network, route.prefix)
            .gateway(route.gateway)
            .priority(route.metric)
            .protocol(PROTOCOL);
        match self.device {
            Some(index) => message.output_interface(index),
            None => message,
        }
        .build()
    }
}

/// Whether this program, for any interface, installed the route.
pub(crate) fn is_ours(message: &RouteMessage) -> bool {
    message.header.table == RouteHeader::RT_TABLE_MAIN && message.header.protocol == PROTOCOL
}

/// Index of the interface that the route leaves by.
pub(crate) fn device_of(message: &RouteMessage) -> Option<u32> {
    message.attributes.iter().find_map(|attribute| {
        if let RouteAttribute::Oif(index) = attribute {
            Some(*index)
        } else {
            None
        }
    })
}

/// A route in the kernel, if it leads to a gateway.
pub(crate) fn read(message: &RouteMessage) -> Option<Route> {
    let mut network = Ipv4Addr::UNSPECIFIED;
    let mut gateway = None;
    let mut metric = 0;
    for attribute in &message.attributes {
        if let RouteAttribute::Destination(RouteAddress::Inet(found)) = attribute {
            network = *found;
        } else if let RouteAttribute::Gateway(RouteAddress::Inet(found)) = attribute {
            gateway = Some(*found);
        } else if let RouteAttribute::Priority(found) = attribute {
            metric = *found;
        }
    }
    Some(Route {
        network,
        prefix: message.header.destination_prefix_length,
        gateway: gateway?,
        metric,
    })
}

/// The kernel's reason, without the netlink envelope.
pub(crate) fn reason(err: &Error) -> String {
    if let Error::NetlinkError(message) = err {
        message.to_io().to_string()
    } else {
        err.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::namespace::{Wan, run_in_namespace};

    const GATEWAY: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
    const OTHER_GATEWAY: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 9);

    /// The routes of a rung, as the controller pushes them.
    fn rung(rung: u8, gateway: Ipv4Addr) -> Vec<Route> {
        let metric = (5 - u32::from(rung)) * 20 + 10;
        (0..1u32 << rung)
            .map(|index| {
                let network = index.checked_shl(32 - u32::from(rung)).unwrap_or(0);
                Route {
                    network: network.into(),
                    prefix: rung,
                    gateway,
                    metric,
                }
            })
            .collect()
    }

    async fn on_wan(wan: &Wan) -> Routes {
        let index = Some(wan.index().await);
        Routes::open(wan.handle.clone(), index).await.unwrap()
    }

    #[test]
    fn pushed_routes_are_in_the_kernel_until_they_are_withdrawn() {
        run_in_namespace(
            "routes::tests::pushed_routes_are_in_the_kernel_until_they_are_withdrawn",
            || async {
                let wan = Wan::create().await;
                let mut routes = on_wan(&wan).await;
                assert!(routes.replace(rung(4, GATEWAY)).await);
                assert_eq!(wan.routes().await, rung(4, GATEWAY));
                assert!(routes.withdraw().await);
                assert_eq!(wan.routes().await, []);
                assert!(!routes.withdraw().await, "nothing is left to withdraw");
            },
        );
    }

    #[test]
    fn an_exchange_never_leaves_a_moment_without_a_route() {
        run_in_namespace(
            "routes::tests::an_exchange_never_leaves_a_moment_without_a_route",
            || async {
                let wan = Wan::create().await;
                let mut routes = on_wan(&wan).await;
                assert!(routes.replace(rung(1, GATEWAY)).await);
                let changes = wan.changes();
                // The same prefixes and metric by another gateway is the hard case: the kernel has one slot for them.
                assert!(routes.replace(rung(1, OTHER_GATEWAY)).await);
                assert!(routes.replace(rung(2, GATEWAY)).await);
                assert_eq!(wan.routes().await, rung(2, GATEWAY));

                let mut held = rung(1, GATEWAY);
                for (added, route) in changes.take(2 + 2 + 4 + 2).await {
                    if added {
                        held.push(route);
                    } else {
                        held.retain(|held| *held != route);
                    }
                    let covered: u64 = held.iter().map(|route| 1 << (32 - route.prefix)).sum();
                    assert!(covered >= 1 << 32, "{held:?} after {route}");
                }
            },
        );
    }

    #[test]
    fn a_route_of_another_connection_with_the_same_prefix_and_metric_survives() {
        run_in_namespace(
            "routes::tests::a_route_of_another_connection_with_the_same_prefix_and_metric_survives",
            || async {
                let wan = Wan::create().await;
                let mut first = on_wan(&wan).await;
                let mut second = Routes::open(wan.handle.clone(), None).await.unwrap();
                assert!(first.replace(rung(1, GATEWAY)).await);
                assert!(second.replace(rung(1, OTHER_GATEWAY)).await);
                second.withdraw().await;
                assert_eq!(wan.routes().await, rung(1, GATEWAY));
            },
        );
    }

    #[test]
    fn what_the_kernel_dropped_is_put_back() {
        run_in_namespace(
            "routes::tests::what_the_kernel_dropped_is_put_back",
            || async {
                let wan = Wan::create().await;
                let mut routes = on_wan(&wan).await;
                assert!(routes.replace(rung(2, GATEWAY)).await);
                wan.set_up(false).await;
                assert_eq!(wan.routes().await, []);
                assert!(!routes.restore().await, "the gateway cannot be reached");
                wan.set_up(true).await;
                assert!(routes.restore().await);
                assert_eq!(wan.routes().await, rung(2, GATEWAY));
            },
        );
    }

    #[test]
    fn only_strays_of_our_own_are_removed_at_the_start() {
        run_in_namespace(
            "routes::tests::only_strays_of_our_own_are_removed_at_the_start",
            || async {
                let wan = Wan::create().await;
                let mut killed = on_wan(&wan).await;
                assert!(killed.replace(rung(1, GATEWAY)).await);
                let foreign = Route {
                    metric: 1001,
                    ..rung(0, GATEWAY)[0]
                };
                wan.add_foreign(foreign, RouteProtocol::Static).await;
                let beneath = Route {
                    metric: 1002,
                    ..foreign
                };
                wan.add_foreign(beneath, PROTOCOL).await;

                on_wan(&wan).await;
                assert_eq!(wan.routes().await, [foreign, beneath]);
            },
        );
    }
}
