//! Links, addresses, routes and firewall of the namespace a thread is in.

use std::{
    fs,
    io::Write,
    net::{IpAddr, Ipv4Addr},
    os::fd::AsRawFd,
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context, ensure};
use futures_util::TryStreamExt;
use rtnetlink::{
    Handle, LinkUnspec, LinkVeth, RouteMessageBuilder,
    packet_route::{
        link::LinkMessage,
        route::{RouteAddress, RouteAttribute, RouteFlags, RouteHeader, RouteMessage},
    },
};

/// A netlink connection to the namespace of the thread that opened it. Stays on that thread.
pub(crate) struct Net {
    runtime: tokio::runtime::Runtime,
    handle: Handle,
}

/// A route in the main table, as the kernel has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct KernelRoute {
    pub(crate) prefix: u8,
    pub(crate) gateway: Ipv4Addr,
    pub(crate) metric: u32,
    /// The interface has no carrier, and the route is passed over.
    pub(crate) dead: bool,
}

impl Net {
    pub(crate) fn open() -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let inside = runtime.enter();
        let (connection, handle, _) = rtnetlink::new_connection()?;
        runtime.spawn(connection);
        drop(inside);
        Ok(Self { runtime, handle })
    }

    pub(crate) fn link_up(&self, name: &str) -> anyhow::Result<()> {
        let request = self
            .handle
            .link()
            .set(LinkUnspec::new_with_name(name).up().build());
        self.runtime
            .block_on(request.execute())
            .with_context(|| format!("cannot bring up {name}"))
    }

    /// Makes a pair of interfaces joined back to back and moves `peer` into another namespace.
    pub(crate) fn add_veth(&self, name: &str, peer: &str, to: &fs::File) -> anyhow::Result<()> {
        let add = self.handle.link().add(LinkVeth::new(name, peer).build());
        let moved = LinkUnspec::new_with_name(peer).setns_by_fd(to.as_raw_fd());
        let give = self.handle.link().set(moved.build());
        self.runtime
            .block_on(async {
                add.execute().await?;
                give.execute().await
            })
            .with_context(|| format!("cannot make the link {name} - {peer}"))
    }

    pub(crate) fn add_address(
        &self,
        name: &str,
        address: Ipv4Addr,
        prefix: u8,
    ) -> anyhow::Result<()> {
        self.runtime
            .block_on(async {
                let index = self.link(name).await?.header.index;
                let add = self
                    .handle
                    .address()
                    .add(index, IpAddr::V4(address), prefix);
                anyhow::Ok(add.execute().await?)
            })
            .with_context(|| format!("cannot give {name} the address {address}/{prefix}"))
    }

    pub(crate) fn remove_address(&self, name: &str, address: Ipv4Addr) -> anyhow::Result<()> {
        self.runtime
            .block_on(async {
                let index = self.link(name).await?.header.index;
                let get = self.handle.address().get();
                let get = get.set_link_index_filter(index);
                let get = get.set_address_filter(IpAddr::V4(address));
                let held: Vec<_> = get.execute().try_collect().await?;
                for message in held {
                    self.handle.address().del(message).execute().await?;
                }
                anyhow::Ok(())
            })
            .with_context(|| format!("cannot take the address {address} off {name}"))
    }

    /// Metric 0 leaves it to the kernel.
    pub(crate) fn add_route(
        &self,
        network: Ipv4Addr,
        prefix: u8,
        gateway: Ipv4Addr,
        metric: u32,
    ) -> anyhow::Result<()> {
        let route = RouteMessageBuilder::<Ipv4Addr>::new()
            .destination_prefix(network, prefix)
            .gateway(gateway)
            .priority(metric)
            .build();
        self.runtime
            .block_on(self.handle.route().add(route).execute())
            .with_context(|| format!("cannot add the route {network}/{prefix} via {gateway}"))
    }

    /// Routes of the main table that lead to a gateway.
    pub(crate) fn gateway_routes(&self) -> anyhow::Result<Vec<KernelRoute>> {
        let all = self
            .handle
            .route()
            .get(RouteMessageBuilder::<Ipv4Addr>::new().build());
        let routes = self
            .runtime
            .block_on(all.execute().try_collect::<Vec<_>>())?;
        Ok(routes.iter().filter_map(gateway_route).collect())
    }

    /// Writes a sysctl below `/proc/sys/net/ipv4`.
    pub(crate) fn set_ipv4(&self, key: &str, value: &str) -> anyhow::Result<()> {
        let path = Path::new("/proc/sys/net/ipv4").join(key);
        fs::write(&path, value).with_context(|| format!("cannot write {}", path.display()))
    }

    /// Best effort: a kernel without IPv6 has nothing to turn off.
    pub(crate) fn turn_off_ipv6(&self) {
        for which in ["all", "default"] {
            let _ = fs::write(format!("/proc/sys/net/ipv6/conf/{which}/disable_ipv6"), "1");
        }
    }

    /// Feeds a script to `nft`.
    pub(crate) fn nft(&self, script: &str) -> anyhow::Result<()> {
        let mut nft = Command::new("nft")
            .args(["-f", "-"])
            .stdin(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .context("cannot start nft (package nftables)")?;
        nft.stdin
            .take()
            .expect("was asked for above")
            .write_all(script.as_bytes())?;
        let output = nft.wait_with_output()?;
        ensure!(
            output.status.success(),
            "nft refused the rules: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(())
    }

    async fn link(&self, name: &str) -> anyhow::Result<LinkMessage> {
        let mut links = self.handle.link().get().match_name(name).execute();
        links
            .try_next()
            .await?
            .with_context(|| format!("no interface {name}"))
    }
}

fn gateway_route(route: &RouteMessage) -> Option<KernelRoute> {
    if route.header.table != RouteHeader::RT_TABLE_MAIN {
        return None;
    }
    let gateway = route.attributes.iter().find_map(|attribute| {
        if let RouteAttribute::Gateway(RouteAddress::Inet(gateway)) = attribute {
            Some(*gateway)
        } else {
            None
        }
    })?;
    let metric = route.attributes.iter().find_map(|attribute| {
        if let RouteAttribute::Priority(metric) = attribute {
            Some(*metric)
        } else {
            None
        }
    });
    Some(KernelRoute {
        prefix: route.header.destination_prefix_length,
        gateway,
        metric: metric.unwrap_or(0),
        dead: route
            .header
            .flags
            .intersects(RouteFlags::Dead | RouteFlags::Linkdown),
    })
}
