//! Network namespaces for tests, as root or, where the machine allows user namespaces, without.

use std::{net::Ipv4Addr, process::Command, time::Duration};

use futures_util::{StreamExt, TryStreamExt, stream::BoxStream};
use holdfast_api_types::Route;
use nix::{
    sched::{CloneFlags, unshare},
    unistd::geteuid,
};
use rtnetlink::{
    Handle, LinkUnspec, LinkVeth, MulticastGroup, RouteMessageBuilder,
    packet_core::NetlinkPayload,
    packet_route::{RouteNetlinkMessage, route::RouteProtocol},
};
use tokio::time::timeout;

use crate::routes;

/// Runs `body` on a thread of its own in an empty network namespace. `test` is the name of the calling test:
/// without root the test is run once more, alone, by `unshare`.
pub(crate) fn run_in_namespace<F: Future<Output = ()>>(
    test: &str,
    body: impl FnOnce() -> F + Send + 'static,
) {
    if !geteuid().is_root() {
        return run_as_root_of_user_namespace(test);
    }
    let thread = std::thread::spawn(|| {
        unshare(CloneFlags::CLONE_NEWNET).expect("root may unshare");
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime can be built")
            .block_on(body());
    });
    if let Err(panic) = thread.join() {
        std::panic::resume_unwind(panic);
    }
}

fn run_as_root_of_user_namespace(test: &str) {
    let this = std::env::current_exe().expect("a test has a path");
    let status = Command::new("unshare")
        .args(["--user", "--map-root-user"])
        .arg(this)
        .args(["--exact", test, "--nocapture"])
        .status()
        .expect("unshare is installed (package util-linux)");
    assert!(
        status.success(),
        "{test} failed in a user namespace, or the machine allows none"
    );
}

/// An interface `wan` with the address 192.0.2.2/24, and the other end of its cable.
pub(crate) struct Wan {
    pub(crate) handle: Handle,
}

impl Wan {
    pub(crate) async fn create() -> Self {
        let (connection, handle, _) = rtnetlink::new_connection().unwrap();
        tokio::spawn(connection);
        let pair = LinkVeth::new("wan", "isp").build();
        handle.link().add(pair).execute().await.unwrap();
        let wan = Self { handle };
        let address = Ipv4Addr::new(192, 0, 2, 2);
        let index = wan.index().await;
        let add = wan.handle.address().add(index, address.into(), 24);
        add.execute().await.unwrap();
        wan.set_up(true).await;
        wan.plug(true).await;
        wan
    }

    pub(crate) async fn index(&self) -> u32 {
        let mut found = Box::pin(self.handle.link().get().match_name("wan").execute());
        found.try_next().await.unwrap().unwrap().header.index
    }

    /// Sets the interface up or down, as an administrator does.
    pub(crate) async fn set_up(&self, up: bool) {
        self.set("wan", up).await;
    }

    /// Plugs the cable in, or pulls it: the interface is up all the while.
    pub(crate) async fn plug(&self, plugged: bool) {
        self.set("isp", plugged).await;
    }

    async fn set(&self, name: &str, up: bool) {
        let link = LinkUnspec::new_with_name(name);
        let link = if up { link.up() } else { link.down() };
        self.handle
            .link()
            .set(link.build())
            .execute()
            .await
            .unwrap();
    }

    /// A route that somebody else installed.
    pub(crate) async fn add_foreign(&self, route: Route, protocol: RouteProtocol) {
        let message = RouteMessageBuilder::<Ipv4Addr>::new()
            .destination_prefix(route.network, route.prefix)
            .gateway(route.gateway)
            .priority(route.metric)
            .protocol(protocol)
            .build();
        self.handle.route().add(message).execute().await.unwrap();
    }

    /// All routes that lead to a gateway, in the kernel's order: networks first, then metrics.
    pub(crate) async fn routes(&self) -> Vec<Route> {
        let all = RouteMessageBuilder::<Ipv4Addr>::new().build();
        let all = self.handle.route().get(all).execute();
        let all: Vec<_> = all.try_collect().await.unwrap();
        all.iter().filter_map(routes::read).collect()
    }

    /// Route changes from now on, true for an addition.
    pub(crate) fn changes(&self) -> Changes {
        let groups = [MulticastGroup::Ipv4Route];
        let (connection, _, reports) = rtnetlink::new_multicast_connection(&groups).unwrap();
        tokio::spawn(connection);
        let changes = reports.filter_map(|(report, _)| async move {
            let NetlinkPayload::InnerMessage(message) = report.payload else {
                return None;
            };
            if let RouteNetlinkMessage::NewRoute(route) = message {
                Some((true, routes::read(&route)?))
            } else if let RouteNetlinkMessage::DelRoute(route) = message {
                Some((false, routes::read(&route)?))
            } else {
                None
            }
        });
        Changes(changes.boxed())
    }
}

pub(crate) struct Changes(BoxStream<'static, (bool, Route)>);

impl Changes {
    pub(crate) async fn take(self, count: usize) -> Vec<(bool, Route)> {
        timeout(Duration::from_secs(5), self.0.take(count).collect())
            .await
            .expect("the kernel reports every change")
    }
}
