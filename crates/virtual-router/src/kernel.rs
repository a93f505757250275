//! The kernel of the network namespace this process is in: links and counters are read, addresses, routes and rules are
//! put in.
//!
//! Routes and rules of the router carry [`PROTOCOL`]; others are left alone. Addresses of its interfaces are its own.

mod apply;
mod conntrack;
mod firewall;
pub(crate) mod icmp;
mod links;
mod neighbors;
mod plan;
mod rules;

use std::{fs, path::Path};

use anyhow::{Context, bail};
use futures_util::{StreamExt, TryStream, TryStreamExt};
use rtnetlink::{Error, Handle, MulticastGroup, packet_route::route::RouteProtocol};
use tokio::sync::{Mutex, watch};

pub(crate) use links::LinkState;
pub(crate) use plan::Plan;

use crate::settings::KernelMode;

/// Marks routes and rules as the router's (`ip route` shows `proto 201`).
const PROTOCOL: RouteProtocol = RouteProtocol::Other(201);

/// An open kernel.
#[derive(Debug)]
pub(crate) struct Kernel {
    handle: Handle,
    changed: watch::Receiver<()>,
    /// The kernel gives one list at a time to a socket, and refuses whoever asks for another meanwhile.
    listing: Mutex<()>,
}

impl Kernel {
    /// Opens the kernel, if that is wanted and this process may.
    ///
    /// # Errors
    /// When it is wanted in any case and cannot be had.
    pub(crate) async fn open(mode: KernelMode) -> anyhow::Result<Option<Self>> {
        match mode {
            KernelMode::Off => Ok(None),
            KernelMode::On => Self::take().await.map(Some),
            KernelMode::Auto if is_the_machine_s_own() => Ok(None),
            KernelMode::Auto => match Self::take().await {
                Ok(kernel) => Ok(Some(kernel)),
                Err(error) => {
                    tracing::warn!("not in the kernel: {error:#}");
                    Ok(None)
                }
            },
        }
    }

    async fn take() -> anyhow::Result<Self> {
        prepare()?;
        let (connection, handle, _) =
            rtnetlink::new_connection().context("cannot speak to the kernel")?;
        tokio::spawn(connection);
        let changed = watch_changes()?;
        let kernel = Self {
            handle,
            changed,
            listing: Mutex::default(),
        };
        let loopback = rtnetlink::LinkUnspec::new_with_name("lo").up().build();
        let up = kernel.handle.link().set(loopback).execute().await;
        up.context("cannot change interfaces of this network namespace")?;
        Ok(kernel)
    }

    /// The whole of a list that `ask` asks for.
    async fn list<S: TryStream<Error = Error>>(
        &self,
        ask: impl FnOnce() -> S,
    ) -> Result<Vec<S::Ok>, Error> {
        let _turn = self.listing.lock().await;
        ask().try_collect().await
    }

    /// Tells when anything about links, addresses or routes has changed.
    pub(crate) fn changes(&self) -> watch::Receiver<()> {
        self.changed.clone()
    }
}

/// Whether this network namespace is the one that the machine began with.
fn is_the_machine_s_own() -> bool {
    let namespace = |process: &str| fs::read_link(format!("/proc/{process}/ns/net"));
    // Where the first process's cannot be seen, this is a namespace of users, which has one of its own or no rights.
    matches!((namespace("thread-self"), namespace("1")), (Ok(own), Ok(first)) if own == first)
}

/// What a router's kernel is set to: it forwards, does not mind by which line an answer comes, and lets a route go as
/// soon as its cable is out.
fn prepare() -> anyhow::Result<()> {
    const SETTINGS: &[(&str, &str)] = &[
        ("ip_forward", "1"),
        ("conf/all/rp_filter", "0"),
        ("conf/default/rp_filter", "0"),
        ("conf/all/ignore_routes_with_linkdown", "1"),
        ("conf/default/ignore_routes_with_linkdown", "1"),
    ];
    for (key, value) in SETTINGS {
        let path = Path::new("/proc/sys/net/ipv4").join(key);
        if let Err(error) = fs::write(&path, value) {
            bail!("cannot write {}: {error}", path.display());
        }
    }
    Ok(())
}

fn watch_changes() -> anyhow::Result<watch::Receiver<()>> {
    let groups = [
        MulticastGroup::Link,
        MulticastGroup::Ipv4Ifaddr,
        MulticastGroup::Ipv4Route,
    ];
    let (connection, _, mut messages) =
        rtnetlink::new_multicast_connection(&groups).context("cannot listen to the kernel")?;
    tokio::spawn(connection);
    let (changed_tx, changed_rx) = watch::channel(());
    tokio::spawn(async move {
        while messages.next().await.is_some() {
            if changed_tx.send(()).is_err() {
                return;
            }
        }
    });
    Ok(changed_rx)
}
