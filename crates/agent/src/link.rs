//! What happens to the interface that a tunnel is bound to.

use std::time::Duration;

use anyhow::Context;
use futures_util::{Stream, StreamExt, TryStreamExt};
use rtnetlink::{
    Error, Handle, MulticastGroup,
    packet_core::{NetlinkMessage, NetlinkPayload},
    packet_route::{
        RouteNetlinkMessage,
        link::{LinkAttribute, LinkFlags, LinkMessage},
    },
};
use tokio::{
    sync::watch,
    time::{MissedTickBehavior, interval},
};

use crate::routes;

/// How often the carrier is looked at.
///
/// The kernel reports a lost carrier at once, but makes no more than one round of such reports per second for
/// the whole machine. Whoever misses the round would act up to a second late, so reports alone are not enough.
const LOOK_EVERY: Duration = Duration::from_millis(25);

/// The interface as it is now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Link {
    /// Its index; `None` when the tunnel is bound to no interface, or it is gone.
    pub(crate) index: Option<u32>,
    /// Whether it can carry packets.
    pub(crate) carrier: bool,
    /// Counts the events after which routes may be missing from the kernel's table.
    pub(crate) disturbances: u64,
}

impl Link {
    const UNBOUND: Self = Self {
        index: None,
        carrier: true,
        disturbances: 0,
    };

    fn set(&mut self, state: State) -> bool {
        let changed = (self.index, self.carrier) != (state.index, state.carrier);
        (self.index, self.carrier) = (state.index, state.carrier);
        changed
    }
}

/// Watches `device` in the network namespace of the calling thread; without one, watches only for disturbances.
/// The watch ends with its last receiver.
///
/// # Errors
/// When netlink cannot be opened or there is no such interface.
pub(crate) async fn watch(
    handle: Handle,
    device: Option<String>,
) -> anyhow::Result<watch::Receiver<Link>> {
    let mut link = Link::UNBOUND;
    if let Some(name) = &device {
        let state = look(&handle, name)
            .await
            .context("cannot read interfaces")?;
        state
            .index
            .with_context(|| format!("there is no interface {name}"))?;
        link.set(state);
    }

    // A socket of its own: reports that overflow it must not take answers to requests with them.
    let groups = [
        MulticastGroup::Link,
        MulticastGroup::Ipv4Ifaddr,
        MulticastGroup::Ipv4Route,
    ];
    let (connection, _, reports) =
        rtnetlink::new_multicast_connection(&groups).context("cannot open netlink")?;
    tokio::spawn(connection);

    let (link_tx, link_rx) = watch::channel(link);
    let watcher = Watcher {
        handle,
        device,
        link_tx,
    };
    tokio::spawn(watcher.run(reports.map(|(message, _)| message)));
    Ok(link_rx)
}

struct Watcher {
    handle: Handle,
    device: Option<String>,
    link_tx: watch::Sender<Link>,
}

impl Watcher {
    async fn run(
        self,
        mut reports: impl Stream<Item = NetlinkMessage<RouteNetlinkMessage>> + Unpin,
    ) {
        let mut looks = interval(LOOK_EVERY);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                Some(report) = reports.next() => self.take_report(&report.payload),
                _ = looks.tick() => self.look().await,
                () = self.link_tx.closed() => return,
            }
        }
    }

    async fn look(&self) {
        let Some(name) = &self.device else {
            return;
        };
        match look(&self.handle, name).await {
            Ok(state) => {
                self.link_tx.send_if_modified(|link| link.set(state));
            }
            Err(err) => {
                tracing::warn!(error = %routes::reason(&err), "cannot look at the interface")
            }
        }
    }

    fn take_report(&self, report: &NetlinkPayload<RouteNetlinkMessage>) {
        let NetlinkPayload::InnerMessage(message) = report else {
            return;
        };
        if let RouteNetlinkMessage::NewLink(message) = message {
            self.take_link(message, State::of(message));
        } else if let RouteNetlinkMessage::DelLink(message) = message {
            self.take_link(message, State::GONE);
        } else if let RouteNetlinkMessage::NewAddress(message) = message {
            self.take_disturbance(Some(message.header.index));
        } else if let RouteNetlinkMessage::DelRoute(message) = message
            && routes::is_ours(message)
        {
            self.take_disturbance(routes::device_of(message));
        }
    }

    fn take_link(&self, message: &LinkMessage, state: State) {
        let concerns = match &self.device {
            Some(name) => is_named(message, name),
            None => true,
        };
        if !concerns {
            return;
        }
        // Down and up again may be one change to whoever waits for it, so it is counted too.
        self.link_tx.send_modify(|link| {
            link.disturbances += 1;
            if self.device.is_some() {
                link.set(state);
            }
        });
    }

    fn take_disturbance(&self, device: Option<u32>) {
        self.link_tx.send_if_modified(|link| {
            let concerns = link.index.is_none() || link.index == device;
            link.disturbances += u64::from(concerns);
            concerns
        });
    }
}

#[derive(Clone, Copy)]
struct State {
    index: Option<u32>,
    carrier: bool,
}

impl State {
    const GONE: Self = Self {
        index: None,
        carrier: false,
    };

    fn of(message: &LinkMessage) -> Self {
        Self {
            index: Some(message.header.index),
            // A carrier that went is seen by the first flag at once. One that came is of use only when the kernel
            // has opened the transmit queue, which the second flag says; what is sent before that is lost.
            carrier: message
                .header
                .flags
                .contains(LinkFlags::LowerUp | LinkFlags::Running),
        }
    }
}

async fn look(handle: &Handle, name: &str) -> Result<State, Error> {
    let mut found = Box::pin(handle.link().get().match_name(name).execute());
    match found.try_next().await {
        Ok(message) => Ok(message.as_ref().map_or(State::GONE, State::of)),
        Err(Error::NetlinkError(err)) if -err.raw_code() == libc::ENODEV => Ok(State::GONE),
        Err(err) => Err(err),
    }
}

fn is_named(message: &LinkMessage, name: &str) -> bool {
    message
        .attributes
        .iter()
        .any(|attribute| matches!(attribute, LinkAttribute::IfName(found) if found == name))
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use tokio::time::timeout;

    use super::*;
    use crate::namespace::{Wan, run_in_namespace};

    async fn watched(wan: &Wan) -> watch::Receiver<Link> {
        watch(wan.handle.clone(), Some("wan".into())).await.unwrap()
    }

    async fn wait(link_rx: &mut watch::Receiver<Link>, holds: impl FnMut(&Link) -> bool) -> Link {
        let found = timeout(Duration::from_secs(5), link_rx.wait_for(holds)).await;
        *found
            .expect("the kernel reports it")
            .expect("the watcher lives")
    }

    #[test]
    fn a_pulled_cable_is_noticed_at_once_however_often() {
        run_in_namespace(
            "link::tests::a_pulled_cable_is_noticed_at_once_however_often",
            || async {
                let wan = Wan::create().await;
                let mut link_rx = watched(&wan).await;
                for _ in 0..4 {
                    wait(&mut link_rx, |link| link.carrier).await;
                    let pulled = Instant::now();
                    wan.plug(false).await;
                    wait(&mut link_rx, |link| !link.carrier).await;
                    // Reports alone would take a second from the second time on.
                    let noticed = pulled.elapsed();
                    assert!(noticed < Duration::from_millis(500), "{noticed:?}");
                    wan.plug(true).await;
                }
            },
        );
    }

    #[test]
    fn an_interface_that_was_down_and_up_is_a_disturbance() {
        run_in_namespace(
            "link::tests::an_interface_that_was_down_and_up_is_a_disturbance",
            || async {
                let wan = Wan::create().await;
                let mut link_rx = watched(&wan).await;
                let before = wait(&mut link_rx, |link| link.carrier).await;
                wan.set_up(false).await;
                wan.set_up(true).await;
                let after = wait(&mut link_rx, |link| {
                    link.carrier && link.disturbances > before.disturbances
                })
                .await;
                assert_eq!(after.index, before.index);
            },
        );
    }

    #[test]
    fn an_interface_that_does_not_exist_is_an_error() {
        run_in_namespace(
            "link::tests::an_interface_that_does_not_exist_is_an_error",
            || async {
                let wan = Wan::create().await;
                let err = watch(wan.handle.clone(), Some("wan7".into()))
                    .await
                    .unwrap_err();
                assert_eq!(err.to_string(), "there is no interface wan7");
            },
        );
    }
}
